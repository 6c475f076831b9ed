// SPDX-License-Identifier: Apache-2.0

#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "gust/aws.h"

namespace gust::aws {
namespace {

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";

Call s3_call(std::string method, const std::string& bucket, const std::string& key = {}) {
  Call call;
  call.service = "s3";
  call.method = std::move(method);
  call.bucket = bucket;
  call.path = "/" + percent_encode(key, Slash::Keep);
  return call;
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

ObjectInfo info_of(const std::string& key, const http::Response& response) {
  ObjectInfo info;
  info.key = key;
  info.etag = unquoted(response.headers.get("etag"));
  info.content_type = response.headers.get("content-type");
  info.last_modified_ms = parse_http_date(response.headers.get("last-modified")).value_or(0);
  info.size = parse_uint(response.headers.get("content-length")).value_or(response.body.bytes.size());
  for (const auto& [name, value] : response.headers.fields()) {
    std::string small = lower(name);
    if (small.starts_with(kMetadataPrefix)) info.metadata[small.substr(kMetadataPrefix.size())] = value;
  }
  return info;
}

void add_query(std::string& query, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  query.append("&").append(name).append("=").append(percent_encode(value, Slash::Encode));
}

}  // namespace

Result<Object> Client::get_object(const std::string& bucket, const std::string& key) {
  http::Response response = TRY(call(s3_call("GET", bucket, key)));
  Object object{info_of(key, response), {}};
  object.bytes = std::move(response.body.bytes);
  return object;
}

Result<ObjectInfo> Client::head_object(const std::string& bucket, const std::string& key) {
  return info_of(key, TRY(call(s3_call("HEAD", bucket, key))));
}

Result<std::string> Client::put_object(const std::string& bucket, const std::string& key, std::string bytes,
                                       const std::string& content_type, const Metadata& metadata) {
  Call put = s3_call("PUT", bucket, key);
  put.headers.emplace_back("Content-Type", content_type);
  for (const auto& [name, value] : metadata) put.headers.emplace_back(std::string(kMetadataPrefix) + name, value);
  put.body = std::move(bytes);
  http::Response response = TRY(call(put));
  return unquoted(response.headers.get("etag"));
}

Result<> Client::delete_object(const std::string& bucket, const std::string& key) {
  TRY(call(s3_call("DELETE", bucket, key)));
  return {};
}

Result<ObjectPage> Client::list_objects(const std::string& bucket, const ListOptions& options) {
  Call list = s3_call("GET", bucket);
  list.query = "list-type=2&max-keys=" + std::to_string(options.max_keys);
  add_query(list.query, "prefix", options.prefix);
  add_query(list.query, "start-after", options.start_after);
  add_query(list.query, "continuation-token", options.token);
  http::Response response = TRY(call(list));
  pugi::xml_document document;
  if (!document.load_buffer(response.body.bytes.data(), response.body.bytes.size())) {
    return fail(Errc::Invalid, "ListObjectsV2: the answer is not XML");
  }
  pugi::xml_node root = document.child("ListBucketResult");
  if (!root) return fail(Errc::Invalid, "ListObjectsV2: no ListBucketResult in the answer");
  ObjectPage page;
  for (pugi::xml_node entry : root.children("Contents")) {
    ObjectInfo info;
    info.key = entry.child("Key").text().get();
    info.etag = unquoted(entry.child("ETag").text().get());
    info.size = entry.child("Size").text().as_ullong();
    info.last_modified_ms = parse_iso8601(entry.child("LastModified").text().get()).value_or(0);
    page.objects.push_back(std::move(info));
  }
  if (root.child("IsTruncated").text().as_bool()) page.next_token = root.child("NextContinuationToken").text().get();
  return page;
}

Result<std::vector<ObjectInfo>> Client::list_all_objects(const std::string& bucket, const std::string& prefix, size_t limit) {
  std::vector<ObjectInfo> out;
  ListOptions options;
  options.prefix = prefix;
  do {
    ObjectPage page = TRY(list_objects(bucket, options));
    out.insert(out.end(), std::make_move_iterator(page.objects.begin()), std::make_move_iterator(page.objects.end()));
    if (out.size() > limit) return fail(Errc::TooLarge, "more than " + std::to_string(limit) + " objects under " + prefix);
    options.token = page.next_token;
  } while (!options.token.empty());
  return out;
}

Result<> Client::create_bucket(const std::string& bucket) {
  Call create = s3_call("PUT", bucket);
  if (config().region != "us-east-1") {
    create.body = "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>" +
                  escape_xml(config().region) + "</LocationConstraint></CreateBucketConfiguration>";
  }
  TRY(call(create));
  return {};
}

Result<> Client::put_bucket_notification(const std::string& bucket, std::string xml) {
  Call put = s3_call("PUT", bucket);
  put.query = "notification=";
  put.headers.emplace_back("Content-Type", "application/xml");
  put.headers.emplace_back("Content-MD5", base64_encode(md5(xml)));
  put.body = std::move(xml);
  TRY(call(put));
  return {};
}

}  // namespace gust::aws
