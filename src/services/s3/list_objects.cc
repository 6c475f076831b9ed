// SPDX-License-Identifier: Apache-2.0

// ListObjectsV2 and ListObjects.

#include "model/errors.h"
#include "services/s3/listing.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

Result<Value> contents(const ListPage& page, const KeyText& text, const std::string& owner) {
  Value contents = Value::list();
  Value::List& list = contents.list_ref();
  list.reserve(page.objects.size());
  for (const auto& [key, row] : page.objects) {
    Value& entry = list.emplace_back(Value::map());
    entry.map_ref().reserve(8);
    entry.map_ref().emplace_back("Key", text(key));
    list_members(TRY(summarize(row)), entry);
    if (!owner.empty()) entry.set("Owner", Value::map()).set("ID", owner);
  }
  return contents;
}

// Everything that both versions of the operation answer.
Result<> common(const Value& input, const ListQuery& query, const ListPage& page, const std::string& owner, Value& output) {
  const KeyText text(input);
  output.set("Name", query.bucket);
  text.echo(input, output);
  output.set("MaxKeys", static_cast<unsigned long>(query.limit));
  output.set("IsTruncated", page.truncated);
  if (!page.objects.empty()) output.set("Contents", TRY(contents(page, text, owner)));
  if (!page.prefixes.empty()) output.set("CommonPrefixes", text.common_prefixes(page.prefixes));
  return {};
}

tl::expected<ListQuery, model::ApiError> query_of(const Value& input) {
  if (auto e = check_encoding(input)) return tl::unexpected(std::move(*e));
  const auto limit = page_size(input, "MaxKeys", "maxKeys", kMaxPage);
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
  if (!bucket) return no(problem);
  const ListPage page = TRY(gust::s3::list_objects(parts_.store, *query));
  const KeyText text(input);
  model::Reply reply;
  TRY(common(input, *query, page, input["FetchOwner"].as_bool() ? canonical_user(bucket->account) : "", reply.output));
  reply.output.set("KeyCount", static_cast<unsigned long>(page.count()));
  if (input.has("StartAfter")) reply.output.set("StartAfter", text(input["StartAfter"].as_string()));
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
  if (!bucket) return no(problem);
  const ListPage page = TRY(gust::s3::list_objects(parts_.store, *query));
  const KeyText text(input);
  model::Reply reply;
  reply.output.set("Marker", text(input["Marker"].as_string()));
  TRY(common(input, *query, page, canonical_user(bucket->account), reply.output));
  if (page.truncated && !query->delimiter.empty()) reply.output.set("NextMarker", text(page.last));
  return Answer(std::move(reply));
}

}  // namespace gust::s3
