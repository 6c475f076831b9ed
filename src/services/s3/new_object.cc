// SPDX-License-Identifier: Apache-2.0

#include "services/s3/new_object.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "os/files.h"
#include "services/s3/checksum.h"
#include "services/s3/conditions.h"
#include "store/fault_point.h"

namespace gust::s3 {
namespace {

constexpr size_t kPiece = 1 << 20;

// Feeds the body to anything that has update().
template <class Sink>
Result<> feed(const http::Body& body, Sink& sink) {
  if (!body.file) {
    sink.update(body.bytes);
    return {};
  }
  for (uint64_t at = 0; at < body.file->length; at += kPiece) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(kPiece, body.file->length - at));
    sink.update(TRY(files::read_fd(body.file->file->get(), body.file->offset + at, n)));
  }
  return {};
}

}  // namespace

SpooledBody::~SpooledBody() {
  if (body_.path.empty()) return;
  const auto removed = files::remove(body_.path);
  if (!removed) log::warning("s3", "spooled body stays", {{"error", removed.error().message}});
}

Result<std::string> SpooledBody::become_file(blob::BlobStore& blobs) {
  std::string id = body_.file ? TRY(blobs.adopt(body_.path, body_.file->file->get())) : TRY(blobs.write(body_.bytes));
  body_ = {};
  return id;
}

Result<std::string> md5_of(const http::Body& body) {
  if (!body.md5.empty()) return body.md5;
  Digest digest(Digest::Kind::Md5);
  TRY(feed(body, digest));
  return digest.finish();
}

Result<std::string> checksum_of(const http::Body& body, std::string_view algorithm) {
  Checksum checksum(algorithm);
  TRY(feed(body, checksum));
  return checksum.finish();
}

// On a disk thread: the body becomes a file that survives power loss, under a name that no row knows yet.
void S3Service::put_body(const NewObjectPtr& object) {
  const auto store_body = [&](Problem& problem) -> Result<> {
    {
      auto view = TRY(parts_.store.read());  // nothing is synced for a bucket that is not there
      if (!TRY(open_bucket(*view, object->access, problem))) return {};
    }
    object->object.md5 = TRY(md5_of(*object->body));
    object->object.file = TRY(object->body.become_file(blobs_));
    return {};
  };
  Problem problem;
  if (const auto stored = store_body(problem); !stored) problem = model::from_error("s3", stored.error());
  if (problem) return object->responder.error(std::move(*problem));
  store::fault_point("s3.body_stored");
  put_rows(object);
}

void S3Service::put_rows(const NewObjectPtr& object) {
  auto change = [this, object](store::Transaction& transaction, Effects& effects) {
    return put_in(transaction, effects, *object);
  };
  write(std::move(change), [this, object](Fate fate, Problem problem) {
    if (!problem) return object->responder.reply(object->reply(*object));
    // Where the disk failed the row may turn up after a crash, so its file stays until the next start.
    if (fate == Fate::Refused && !object->object.file.empty()) garbage_.remove({{object->object.file}, {}});
    object->responder.error(std::move(*problem));
  });
}

Result<> S3Service::put_in(store::Transaction& transaction, Effects& effects, NewObject& made) {
  const auto bucket = TRY(open_bucket(transaction, made.access, effects.problem));
  if (!bucket) return {};
  const WriteConditions& conditions = made.conditions;
  if (!conditions.if_match.empty() || !conditions.if_none_match.empty()) {
    const auto before = TRY(read_latest(transaction, *bucket, made.key));
    const bool there = before && !before->object.delete_marker;
    effects.problem =
        check_write_conditions(conditions.if_match, conditions.if_none_match, made.key, there ? &before->object : nullptr);
    if (effects.problem) return {};
  }
  Object& object = made.object;
  TRY(change(transaction, *bucket, made.key, effects).put(object));
  if (object.file.empty()) {
    TRY(transaction.put(store::Space::Body, body_key(bucket->name, made.key, object.version), made.body->bytes));
  } else {
    TRY(transaction.put(store::Space::Body, file_mark(object.file), ""));
  }
  made.version_id = bucket->versioning == Versioning::Enabled ? version_text(object.version) : std::string();
  const std::string told = bucket->versioned() ? version_text(object.version) : std::string();
  return add_events(transaction, effects, *bucket, {made.event, made.key, object.size, object.entity_tag(), told}, made.cause);
}

}  // namespace gust::s3
