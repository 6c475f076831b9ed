// SPDX-License-Identifier: Apache-2.0

// GetObject and HeadObject.

#include <algorithm>
#include <array>

#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/conditions.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

using model::ApiError;
constexpr int kAttempts = 5;  // an object's file may be replaced between reading its row and opening it

constexpr std::array kOverrides = {
    std::pair<std::string_view, std::string_view>{"ResponseCacheControl", "CacheControl"},
    std::pair<std::string_view, std::string_view>{"ResponseContentDisposition", "ContentDisposition"},
    std::pair<std::string_view, std::string_view>{"ResponseContentEncoding", "ContentEncoding"},
    std::pair<std::string_view, std::string_view>{"ResponseContentLanguage", "ContentLanguage"},
    std::pair<std::string_view, std::string_view>{"ResponseContentType", "ContentType"},
};

std::optional<ApiError> refuse_unbuilt(std::string_view operation, const Value& input) {
  return refuse(operation, input,
                {{"PartNumber", "partNumber"},
                 {"SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm"},
                 {"SSECustomerKey", "x-amz-server-side-encryption-customer-key"},
                 {"SSECustomerKeyMD5", "x-amz-server-side-encryption-customer-key-MD5"}});
}

// They come from the query, so they may hold what no header may.
std::optional<ApiError> check_overrides(const Value& input) {
  for (const auto& [member, header] : kOverrides) {
    const std::string_view text = input[member].as_string();
    const bool bad = std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
    if (bad) return model::invalid_argument("Header value cannot be represented using ISO-8859-1.", member, text);
  }
  return std::nullopt;
}

void set_text(Value& output, std::string_view member, const std::string& text) {
  if (!text.empty()) output.set(member, text);
}

Value render(const Value& input, const Object& object) {
  Value output = Value::map();
  output.set("AcceptRanges", "bytes");
  output.set("LastModified", Timestamp{whole_seconds(object.modified_ms)});
  output.set("ETag", object.etag());
  set_text(output, "ContentType", object.content_type);
  set_text(output, "CacheControl", object.cache_control);
  set_text(output, "ContentDisposition", object.content_disposition);
  set_text(output, "ContentEncoding", object.content_encoding);
  set_text(output, "ContentLanguage", object.content_language);
  set_text(output, "Expires", object.expires);
  output.set("ServerSideEncryption", "AES256");
  if (!object.metadata.empty()) {
    Value& metadata = output.set("Metadata", Value::map());
    for (const auto& [name, value] : object.metadata) metadata.map_ref().emplace_back(name, value);
  }
  for (const auto& [member, header] : kOverrides) {
    if (const Value* value = input.find(member)) output.set(header, *value);
  }
  if (const Value* expires = input.find("ResponseExpires")) output.set("Expires", http_date(expires->as_timestamp().unix_ms));
  return output;
}

// A checksum is of the whole object, so it does not come with a part of it.
void add_checksum(const Value& input, const Object& object, Value& output) {
  if (input["ChecksumMode"].as_string() != "ENABLED" || object.checksum.empty()) return;
  output.set("Checksum" + object.checksum_algorithm, object.checksum);
  output.set("ChecksumType", "FULL_OBJECT");
}

}  // namespace

Result<S3Service::Answer> S3Service::get_object(const model::Call& call) { return answer_read(call, Want::Body); }
Result<S3Service::Answer> S3Service::head_object(const model::Call& call) { return answer_read(call, Want::Object); }

Result<S3Service::Answer> S3Service::answer_read(const model::Call& call, Want want) {
  Problem problem = check_key(call.input["Key"].as_string());
  if (!problem) problem = refuse_unbuilt(call.operation, call.input);
  if (!problem) problem = check_version(call.input);
  if (!problem) problem = check_overrides(call.input);
  if (problem) return Answer(tl::unexpected(std::move(*problem)));
  for (int attempt = 1;; ++attempt) {
    Result<Answer> answer = try_read(call, want);
    if (answer || answer.error().code != Errc::NotFound || attempt == kAttempts) return answer;
  }
}

// NotFound: the object's file has just gone; the next look finds another object or none.
Result<S3Service::Answer> S3Service::try_read(const model::Call& call, Want want) {
  const std::string_view key = call.input["Key"].as_string();
  Problem problem;
  auto view = TRY(parts_.store.read());
  const auto bucket = TRY(open_bucket(*view, access_of(call), problem));
  if (!bucket) return Answer(tl::unexpected(std::move(*problem)));
  const auto object = TRY(read_object(*view, bucket->name, key));
  if (!object) return Answer(tl::unexpected(model::no_such_key(key)));
  if ((problem = check_read_conditions(call.input, *object))) return Answer(tl::unexpected(std::move(*problem)));
  const auto range = parse_range(call.input["Range"].as_string(), object->size);
  if (!range) return Answer(tl::unexpected(range.error()));
  const Range part = *range ? **range : Range{0, object->size};
  model::Reply reply;
  reply.output = render(call.input, *object);
  if (*range) {
    reply.status = 206;
    reply.output.set("ContentRange", "bytes " + std::to_string(part.first) + "-" + std::to_string(part.first + part.length - 1) +
                                         "/" + std::to_string(object->size));
  } else {
    add_checksum(call.input, *object, reply.output);
  }
  if (want == Want::Body) {
    reply.payload = TRY(read_body(*view, object_key(bucket->name, key), *object, part));
  } else {
    reply.head_length = part.length;
  }
  return Answer(std::move(reply));
}

Result<http::Body> S3Service::read_body(store::View& view, std::string_view row_key, const Object& object, Range part) {
  http::Body body;
  if (!object.file.empty()) {
    body.file = http::FileSlice{std::make_shared<Fd>(TRY(blobs_.open(object.file))), part.first, part.length};
    return body;
  }
  auto bytes = TRY(view.get(store::Space::Body, row_key));
  if (!bytes || bytes->size() != object.size) return fail(Errc::Internal, "an object without its body");
  body.bytes = part.length == object.size ? std::move(*bytes) : bytes->substr(part.first, part.length);
  return body;
}

}  // namespace gust::s3
