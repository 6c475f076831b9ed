// SPDX-License-Identifier: Apache-2.0

// UploadPart and UploadPartCopy. A part's body becomes a file first, then its row names it.

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/copy_job.h"
#include "services/s3/copy_source.h"
#include "services/s3/new_object.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"
#include "store/fault_point.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

using model::ApiError;

Problem check(std::string_view operation, const Value& input) {
  if (auto e = check_key(input["Key"].as_string())) return e;
  const int64_t number = input["PartNumber"].as_int();
  if (number < 1 || number > kMaxPartNumber) {
    return model::invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber",
                                   std::to_string(number));
  }
  return refuse_unbuilt_write(operation, input);
}

// The algorithm of the upload's checksum.
std::string_view algorithm_of(const Object& upload) {
  return upload.checksum_algorithm.empty() ? kDefaultChecksum : std::string_view(upload.checksum_algorithm);
}

// Parts bring the checksum that the upload was created with; where it is one of the whole it is computed if they do not.
Problem check_algorithm_of_part(const Object& upload, std::string_view given) {
  const std::string& wanted = upload.checksum_algorithm;
  if (wanted.empty() || wanted == given || (given.empty() && !upload.checksum_of_checksums)) return std::nullopt;
  return model::api_error("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: " + lower(wanted) +
                                                ", actual checksum Type: " + (given.empty() ? "null" : lower(given)));
}

}  // namespace

struct S3Service::NewPart {
  NewPart(const model::Call& call, http::Body spooled, const model::Responder& to)
      : access(access_of(call)),
        key(call.input["Key"].as_string()),
        upload_id(call.input["UploadId"].as_string()),
        number(static_cast<uint64_t>(call.input["PartNumber"].as_int())),
        body(std::move(spooled)),
        responder(to) {
    if (const auto checksum = given_checksum(call.input))
      given = {std::string(checksum->algorithm), std::string(checksum->value)};
  }
  Access access;
  std::string key, upload_id;
  uint64_t number;
  Part part;
  std::pair<std::string, std::string> given;  // algorithm and value that the client sent
  SpooledBody body;
  model::Responder responder;
  std::function<model::Reply(const NewPart&)> reply;
  Object upload;  // as it is in the store
};

void S3Service::upload_part(model::Call& call, const model::Responder& responder) {
  if (Problem problem = check(call.operation, call.input)) return responder.error(std::move(*problem));
  const auto part = std::make_shared<NewPart>(call, std::move(call.payload), responder);
  part->reply = [](const NewPart& done) {
    model::Reply reply;
    reply.output.set("ETag", "\"" + hex_encode(done.part.md5) + "\"");
    reply.output.set("ServerSideEncryption", "AES256");
    if (!done.given.first.empty()) {
      set_checksum(reply.output, done.given.first, done.given.second);
    } else {
      set_checksum(reply.output, algorithm_of(done.upload), base64_encode(done.part.checksum));
    }
    return reply;
  };
  if (!parts_.disk.submit([this, part] { put_part_body(part); })) responder.error(model::unavailable("s3"));
}

// On a disk thread.
void S3Service::put_part_body(const NewPartPtr& part) {
  const auto store_body = [&](Problem& problem) -> Result<> {
    {
      auto view = TRY(parts_.store.read());  // nothing is synced for an upload that is not there
      const auto bucket = TRY(open_bucket(*view, part->access, problem));
      if (!bucket) return {};
      auto upload = TRY(read_upload(*view, *bucket, part->key, part->upload_id, problem));
      if (!upload) return {};
      part->upload = std::move(*upload);
    }
    if ((problem = check_algorithm_of_part(part->upload, part->given.first))) return {};
    const std::string_view algorithm = algorithm_of(part->upload);
    Part& row = part->part;
    row.size = part->body->size();
    row.md5 = TRY(md5_of(*part->body));
    if (part->given.first == algorithm) {
      row.checksum = base64_decode(part->given.second).value_or(std::string());
    } else if (algorithm == kDefaultChecksum && part->body->crc64nvme) {
      row.checksum = big_endian64(*part->body->crc64nvme);
    } else {
      row.checksum = TRY(checksum_of(*part->body, algorithm));
    }
    row.file = TRY(part->body.become_file(blobs_));
    return {};
  };
  Problem problem;
  if (const auto stored = store_body(problem); !stored) problem = model::from_error("s3", stored.error());
  if (problem) return part->responder.error(std::move(*problem));
  store::fault_point("s3.part_stored");
  put_part_row(part);
}

void S3Service::put_part_row(const NewPartPtr& part) {
  part->part.modified_ms = parts_.clock.unix_ms();
  auto change = [part](store::Transaction& transaction, Effects& effects) -> Result<> {
    const auto bucket = TRY(open_bucket(transaction, part->access, effects.problem));
    if (!bucket) return {};
    if (!TRY(read_upload(transaction, *bucket, part->key, part->upload_id, effects.problem))) return {};
    const std::string row = part_row(*bucket, part->upload_id, part->number);
    if (const auto before = TRY(transaction.get(store::Space::Object, row))) {
      const std::string file = TRY(decode_part(*before)).file;
      TRY(Garbage::note(transaction, file));
      effects.leftovers.files.push_back(file);
    }
    TRY(transaction.put(store::Space::Body, file_mark(part->part.file), ""));
    return transaction.put(store::Space::Object, row, encode(part->part));
  };
  write(std::move(change), [this, part](Fate fate, Problem problem) {
    if (!problem) return part->responder.reply(part->reply(*part));
    if (fate == Fate::Refused) garbage_.remove({{part->part.file}, {}});
    part->responder.error(std::move(*problem));
  });
}

void S3Service::upload_part_copy(model::Call& call, const model::Responder& responder) {
  Problem problem = check(call.operation, call.input);
  const auto part = std::make_shared<NewPart>(call, http::Body(), responder);
  const auto look_for_upload = [&]() -> Result<> {
    auto view = TRY(parts_.store.read());
    const auto bucket = TRY(open_bucket(*view, part->access, problem));
    if (!bucket) return {};
    auto upload = TRY(read_upload(*view, *bucket, part->key, part->upload_id, problem));
    if (upload) part->upload = std::move(*upload);
    return {};
  };
  if (!problem) {
    if (const auto looked = look_for_upload(); !looked) problem = model::from_error("s3", looked.error());
  }
  if (problem) return responder.error(std::move(*problem));
  auto opened = open_source(call, problem);
  if (!opened) return responder.error(model::from_error("s3", opened.error()));
  if (problem) return responder.error(std::move(*problem));
  const auto source = std::make_shared<CopySource>(std::move(**opened));
  part->reply = [source](const NewPart& done) {
    model::Reply reply;
    Value& result = reply.output.set("CopyPartResult", Value::map());
    result.set("ETag", "\"" + hex_encode(done.part.md5) + "\"");
    result.set("LastModified", Timestamp{whole_seconds(done.part.modified_ms)});
    set_checksum(result, algorithm_of(done.upload), base64_encode(done.part.checksum));
    reply.output.set("ServerSideEncryption", "AES256");
    source->show(reply.output);
    return reply;
  };
  part->part.size = source->body.size();
  const std::string_view algorithm = algorithm_of(part->upload);
  start_copy(parts_.disk, blobs_, {std::move(source->body), algorithm, temporary_path()}, [this, part](Result<BodyCopy> copy) {
    if (!copy) return part->responder.error(model::from_error("s3", copy.error()));
    part->part.file = std::move(copy->file);
    part->part.md5 = std::move(copy->md5);
    part->part.checksum = std::move(copy->checksum);
    put_part_row(part);
  });
}

}  // namespace gust::s3
