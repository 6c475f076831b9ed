// SPDX-License-Identifier: Apache-2.0

// ListObjectsV2 and ListObjects.

#include "base/encoding.h"
#include "model/errors.h"
#include "services/s3/listing.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

constexpr size_t kMaxKeys = 1000;  // of one page

// encoding-type=url: keys as form-encoded text, since XML cannot hold every key.
class Renderer {
 public:
  explicit Renderer(const Value& input) : encoded_(input["EncodingType"].as_string() == "url") {}

  Value text(std::string_view key) const { return encoded_ ? Value(form_encode(key)) : Value(key); }

  Value contents(const ListPage& page, const std::string& owner) const {
    Value list = Value::list();
    for (const auto& [key, object] : page.objects) {
      Value v = Value::map();
      v.set("Key", text(key));
      v.set("LastModified", Timestamp{whole_seconds(object.modified_ms)});
      v.set("ETag", object.etag());
      if (!object.checksum.empty()) {
        v.set("ChecksumAlgorithm", Value::list()).push(object.checksum_algorithm);
        v.set("ChecksumType", "FULL_OBJECT");
      }
      v.set("Size", static_cast<unsigned long>(object.size));
      if (!owner.empty()) v.set("Owner", Value::map()).set("ID", owner);
      v.set("StorageClass", "STANDARD");
      list.push(std::move(v));
    }
    return list;
  }

  // Everything that both versions of the operation answer.
  void common(const Value& input, const ListQuery& query, const ListPage& page, const std::string& owner, Value& output) const {
    output.set("Name", query.bucket);
    output.set("Prefix", text(query.prefix));
    if (!query.delimiter.empty()) output.set("Delimiter", text(query.delimiter));
    output.set("MaxKeys", static_cast<unsigned long>(query.limit));
    if (encoded_) output.set("EncodingType", input["EncodingType"]);
    output.set("IsTruncated", page.truncated);
    if (!page.objects.empty()) output.set("Contents", contents(page, owner));
    if (page.prefixes.empty()) return;
    Value& prefixes = output.set("CommonPrefixes", Value::list());
    for (const std::string& prefix : page.prefixes) {
      Value v = Value::map();
      v.set("Prefix", text(prefix));
      prefixes.push(std::move(v));
    }
  }

 private:
  bool encoded_;
};

tl::expected<ListQuery, model::ApiError> query_of(const Value& input) {
  const auto limit = page_size(input, "MaxKeys", "maxKeys", kMaxKeys);
  if (!limit) return tl::unexpected(limit.error());
  ListQuery query;
  query.bucket = input["Bucket"].as_string();
  query.prefix = input["Prefix"].as_string();
  query.delimiter = input["Delimiter"].as_string();
  query.limit = *limit;
  return query;
}

}  // namespace

Result<S3Service::Answer> S3Service::list_objects_v2(const model::Call& call) {
  const Value& input = call.input;
  auto query = query_of(input);
  if (!query) return Answer(tl::unexpected(std::move(query.error())));
  query->after = input["StartAfter"].as_string();
  if (const Value* token = input.find("ContinuationToken")) {
    auto position = parse_token(token->as_string());
    if (!position) return Answer(tl::unexpected(std::move(position.error())));
    query->after.clear();
    (position->is_prefix ? query->after_prefix : query->after) = std::move(position->after);
  }
  Problem problem;
  const auto bucket = TRY(look_up(call, problem));
  if (!bucket) return Answer(tl::unexpected(std::move(*problem)));
  const ListPage page = TRY(gust::s3::list_objects(parts_.store, *query));
  const Renderer renderer(input);
  model::Reply reply;
  renderer.common(input, *query, page, input["FetchOwner"].as_bool() ? canonical_user(bucket->account) : "", reply.output);
  reply.output.set("KeyCount", static_cast<unsigned long>(page.count()));
  if (input.has("StartAfter")) reply.output.set("StartAfter", renderer.text(input["StartAfter"].as_string()));
  if (input.has("ContinuationToken")) reply.output.set("ContinuationToken", input["ContinuationToken"]);
  if (page.truncated) reply.output.set("NextContinuationToken", make_token({page.last, page.last_is_prefix}));
  return Answer(std::move(reply));
}

Result<S3Service::Answer> S3Service::list_objects_v1(const model::Call& call) {
  const Value& input = call.input;
  auto query = query_of(input);
  if (!query) return Answer(tl::unexpected(std::move(query.error())));
  query->after = input["Marker"].as_string();
  // A marker may be the common prefix that the last page ended with, or lie below one: it is not shown again.
  if (query->after.starts_with(query->prefix)) query->after_prefix = common_prefix(query->after, query->prefix, query->delimiter);
  Problem problem;
  const auto bucket = TRY(look_up(call, problem));
  if (!bucket) return Answer(tl::unexpected(std::move(*problem)));
  const ListPage page = TRY(gust::s3::list_objects(parts_.store, *query));
  const Renderer renderer(input);
  model::Reply reply;
  reply.output.set("Marker", renderer.text(input["Marker"].as_string()));
  renderer.common(input, *query, page, canonical_user(bucket->account), reply.output);
  if (page.truncated && !query->delimiter.empty()) reply.output.set("NextMarker", renderer.text(page.last));
  return Answer(std::move(reply));
}

}  // namespace gust::s3
