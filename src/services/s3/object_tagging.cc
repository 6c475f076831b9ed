// SPDX-License-Identifier: Apache-2.0

// PutObjectTagging, GetObjectTagging, DeleteObjectTagging: tags are part of the version's row.

#include "model/errors.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"
#include "services/s3/tag_set.h"

namespace gust::s3 {

void S3Service::put_object_tagging(model::Call& call, const model::Responder& responder) {
  const Value& set = call.input["Tagging"]["TagSet"];
  Problem problem = check_key(call.input["Key"].as_string());
  if (!problem) problem = check_tags(set, Tagged::Object);
  if (problem) return responder.error(std::move(*problem));
  set_tags(call, tags_of(set), responder);
}

void S3Service::delete_object_tagging(model::Call& call, const model::Responder& responder) {
  if (Problem problem = check_key(call.input["Key"].as_string())) return responder.error(std::move(*problem));
  set_tags(call, {}, responder);
}

void S3Service::set_tags(model::Call& call, TextPairs tags, const model::Responder& responder) {
  const auto version_id = std::make_shared<std::string>();
  auto change = [version_id, tags = std::move(tags), access = access_of(call), input = std::move(call.input)](
                    store::Transaction& transaction, Effects& effects) -> Result<> {
    auto opened = TRY(open(transaction, access, input, effects.problem));
    if (!opened) return {};
    Object& object = opened->stored.object;
    object.tags = tags;
    *version_id = opened->bucket.versioned() ? version_text(object.version) : std::string();
    return transaction.put(store::Space::Object, opened->stored.row, encode(object));
  };
  write(std::move(change), responder, [version_id] {
    model::Reply reply;
    if (!version_id->empty()) reply.output.set("VersionId", *version_id);
    return reply;
  });
}

Result<S3Service::Answer> S3Service::get_object_tagging(const model::Call& call) {
  Problem problem = check_key(call.input["Key"].as_string());
  if (problem) return no(problem);
  auto view = TRY(parts_.store.read());
  const auto opened = TRY(open(*view, access_of(call), call.input, problem));
  if (!opened) return no(problem);
  model::Reply reply;
  reply.output.set("TagSet", tag_set(opened->stored.object.tags));
  if (opened->bucket.versioned()) reply.output.set("VersionId", version_text(opened->stored.object.version));
  return Answer(std::move(reply));
}

}  // namespace gust::s3
