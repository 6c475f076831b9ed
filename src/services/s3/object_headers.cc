// SPDX-License-Identifier: Apache-2.0

#include "services/s3/object_headers.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"
#include "services/s3/request.h"
#include "services/s3/tag_set.h"

namespace gust::s3 {
namespace {

using model::ApiError;
constexpr size_t kMaxMetadata = 2048;  // S3 User Guide, "User-defined object metadata": names and values together
constexpr size_t kMaxHeaders = 8192;   // all that is kept with an object; the same chapter's limit of a PUT's headers
constexpr size_t kMaxRedirect = 2048;  // API reference, PutObject, x-amz-website-redirect-location
constexpr size_t kMaxTagging = 8192;   // 10 tags of 128 + 256 characters, percent-encoded ASCII

// API reference, StorageClass, without those of other kinds of buckets and services.
constexpr std::string_view kStorageClasses[] = {kStandard, "REDUCED_REDUNDANCY",  "STANDARD_IA",  "ONEZONE_IA",
                                                "GLACIER", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR"};

std::optional<ApiError> take_metadata(const Value& input, Object& object) {
  size_t bytes = 0;
  for (const auto& [name, value] : input["Metadata"].as_map()) {
    bytes += name.size() + value.as_string().size();
    object.metadata.emplace_back(name, std::string(value.as_string()));
  }
  if (bytes <= kMaxMetadata) return std::nullopt;
  ApiError e = model::api_error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  e.members.set("Size", static_cast<unsigned long>(bytes));
  e.members.set("MaxSizeAllowed", static_cast<unsigned long>(kMaxMetadata));
  return e;
}

ApiError bad_tagging(std::string_view header) {
  return model::invalid_argument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      "x-amz-tagging", header);
}

// "a=1&b=2" as a list of {Key, Value}; nullopt where it is badly encoded or has a name twice.
std::optional<Value> parse_tagging(std::string_view header) {
  Value tags = Value::list();
  TextPairs seen;
  for (size_t at = 0; at < header.size();) {
    const size_t end = std::min(header.find('&', at), header.size());
    const std::string_view pair = header.substr(at, end - at);
    at = end + 1;
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    const auto key = percent_decode(pair.substr(0, equals), Plus::Space);
    const auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), Plus::Space);
    if (!key || !value || !is_utf8(*key) || !is_utf8(*value)) return std::nullopt;
    for (const auto& [name, other] : seen) {
      if (name == *key) return std::nullopt;
    }
    seen.emplace_back(*key, std::string());
    if (seen.size() > 100) return std::nullopt;  // far beyond what is allowed, and this is quadratic
    Value tag = Value::map();
    tag.set("Key", *key);
    tag.set("Value", *value);
    tags.push(std::move(tag));
  }
  return tags;
}

void set_text(Value& output, std::string_view member, const std::string& text) {
  if (!text.empty()) output.set(member, text);
}

}  // namespace

std::optional<ApiError> refuse_customer_keys(std::string_view operation, const Value& input) {
  return refuse(operation, input,
                {{"SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm"},
                 {"SSECustomerKey", "x-amz-server-side-encryption-customer-key"},
                 {"SSECustomerKeyMD5", "x-amz-server-side-encryption-customer-key-MD5"}});
}

std::optional<ApiError> refuse_unbuilt_write(std::string_view operation, const Value& input) {
  if (auto e = refuse_customer_keys(operation, input)) return e;
  return refuse(operation, input,
                {{"ServerSideEncryption", "x-amz-server-side-encryption", "AES256"},
                 {"BucketKeyEnabled", "x-amz-server-side-encryption-bucket-key-enabled", "false"},
                 {"SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id"},
                 {"SSEKMSEncryptionContext", "x-amz-server-side-encryption-context"},
                 {"ObjectLockMode", "x-amz-object-lock-mode"},
                 {"ObjectLockRetainUntilDate", "x-amz-object-lock-retain-until-date"},
                 {"ObjectLockLegalHoldStatus", "x-amz-object-lock-legal-hold"},
                 {"WriteOffsetBytes", "x-amz-write-offset-bytes"},
                 {"ChecksumSHA512", "x-amz-checksum-sha512"},
                 {"ChecksumMD5", "x-amz-checksum-md5"},
                 {"ChecksumXXHASH64", "x-amz-checksum-xxhash64"},
                 {"ChecksumXXHASH3", "x-amz-checksum-xxhash3"},
                 {"ChecksumXXHASH128", "x-amz-checksum-xxhash128"}});
}

std::optional<ApiError> take_headers(const Value& input, Object& object) {
  const auto text = [&input](std::string_view name) { return std::string(input[name].as_string()); };
  object.content_type = text("ContentType");
  if (object.content_type.empty()) object.content_type = "binary/octet-stream";
  object.cache_control = text("CacheControl");
  object.content_disposition = text("ContentDisposition");
  object.content_encoding = text("ContentEncoding");
  object.content_language = text("ContentLanguage");
  object.expires = text("Expires");
  if (auto e = take_metadata(input, object)) return e;
  const size_t bytes = object.content_type.size() + object.cache_control.size() + object.content_disposition.size() +
                       object.content_encoding.size() + object.content_language.size() + object.expires.size();
  if (bytes <= kMaxHeaders) return std::nullopt;
  return model::api_error("RequestHeaderSectionTooLarge", "Your request header section exceeds the maximum allowed size.");
}

std::optional<ApiError> take_placement(const Value& input, Object& object) {
  const std::string_view storage_class = input["StorageClass"].as_string();
  if (!storage_class.empty() &&
      std::find(std::begin(kStorageClasses), std::end(kStorageClasses), storage_class) == std::end(kStorageClasses)) {
    ApiError e = model::api_error("InvalidStorageClass", "The storage class you specified is not valid");
    e.members.set("StorageClassRequested", storage_class);
    return e;
  }
  if (storage_class != kStandard) object.storage_class = storage_class;
  const std::string_view redirect = input["WebsiteRedirectLocation"].as_string();
  object.website_redirect_location = redirect;
  if (redirect.size() > kMaxRedirect) {
    return model::api_error("InvalidRedirectLocation", "The length of website redirect location cannot exceed 2,048 characters.");
  }
  if (redirect.empty() || redirect.starts_with('/') || redirect.starts_with("http://") || redirect.starts_with("https://")) {
    return std::nullopt;
  }
  return model::api_error("InvalidRedirectLocation",
                          "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.");
}

std::optional<ApiError> take_tags(const Value& input, Object& object) {
  const std::string_view header = input["Tagging"].as_string();
  if (header.empty()) return std::nullopt;
  if (header.size() > kMaxTagging) return bad_tagging(header.substr(0, 128));
  const auto tags = parse_tagging(header);
  if (!tags) return bad_tagging(header);
  if (auto e = check_tags(*tags, Tagged::Object)) return e;
  object.tags = tags_of(*tags);
  return std::nullopt;
}

void show_headers(const Object& object, Value& output) {
  set_text(output, "ContentType", object.content_type);
  set_text(output, "CacheControl", object.cache_control);
  set_text(output, "ContentDisposition", object.content_disposition);
  set_text(output, "ContentEncoding", object.content_encoding);
  set_text(output, "ContentLanguage", object.content_language);
  set_text(output, "Expires", object.expires);
  set_text(output, "StorageClass", object.storage_class);
  set_text(output, "WebsiteRedirectLocation", object.website_redirect_location);
  output.set("ServerSideEncryption", "AES256");
  if (!object.tags.empty()) output.set("TagCount", static_cast<unsigned long>(object.tags.size()));
  if (object.metadata.empty()) return;
  Value& metadata = output.set("Metadata", Value::map());
  for (const auto& [name, value] : object.metadata) metadata.map_ref().emplace_back(name, value);
}

Value tag_set(const TextPairs& tags) {
  Value set = Value::list();
  for (const auto& [key, value] : tags) {
    Value tag = Value::map();
    tag.set("Key", key);
    tag.set("Value", value);
    set.push(std::move(tag));
  }
  return set;
}

TextPairs tags_of(const Value& tag_set) {
  TextPairs tags;
  for (const Value& tag : tag_set.as_list()) tags.emplace_back(tag["Key"].as_string(), tag["Value"].as_string());
  return tags;
}

}  // namespace gust::s3
