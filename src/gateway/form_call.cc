// SPDX-License-Identifier: Apache-2.0

// A POST form on its way to PutObject: who has signed its policy, what its fields become.

#include <algorithm>

#include "base/encoding.h"
#include "gateway/gateway.h"
#include "gateway/pending.h"
#include "gateway/upload.h"
#include "model/errors.h"
#include "model/xml_codec.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

ApiError missing_field(std::string_view name) {
  return model::invalid_argument("Bucket POST must contain a field named '" + std::string(name) +
                                     "'.  If it is specified, please check the order of the fields.",
                                 name, "");
}

// Fields of the same names as PutObject's headers.
bool is_header_field(std::string_view name) {
  constexpr std::string_view kPlain[] = {"cache-control",    "content-type",     "content-disposition",
                                         "content-encoding", "content-language", "expires"};
  constexpr std::string_view kNot[] = {"x-amz-algorithm",      "x-amz-credential",
                                       "x-amz-date",           "x-amz-signature",
                                       "x-amz-security-token", "x-amz-content-sha256",
                                       "x-amz-trailer",        "x-amz-decoded-content-length",
                                       "x-amz-copy-source",    "x-amz-sdk-checksum-algorithm"};
  if (std::find(std::begin(kPlain), std::end(kPlain), name) != std::end(kPlain)) return true;
  return name.starts_with("x-amz-") && std::find(std::begin(kNot), std::end(kNot), name) == std::end(kNot);
}

// <Tagging>...</Tagging> as the header has it: "a=1&b=2".
tl::expected<std::string, ApiError> tagging_header(const model::ServiceTable& s3, std::string_view xml) {
  const model::Operation* put = s3.operation("PutObjectTagging");
  const model::Member* payload = put ? s3.payload(s3.shape(put->input)) : nullptr;
  if (payload == nullptr) return tl::unexpected(model::malformed_xml());
  auto tagging = model::from_xml(s3, payload->shape, "Tagging", xml);
  if (!tagging) return tl::unexpected(model::malformed_xml());
  std::string out;
  for (const Value& tag : (*tagging)["TagSet"].as_list()) {
    out.append(out.empty() ? "" : "&").append(percent_encode(tag["Key"].as_string(), Slash::Encode));
    out.append("=").append(percent_encode(tag["Value"].as_string(), Slash::Encode));
  }
  return out;
}

std::string with_filename(std::string key, std::string_view filename) {
  constexpr std::string_view kMark = "${filename}";
  for (size_t at = key.find(kMark); at != key.npos; at = key.find(kMark, at + filename.size())) {
    key.replace(at, kMark.size(), filename);
  }
  return key;
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

}  // namespace

http::BodyPlan Gateway::plan_form(const http::Request& request, Pending& pending) {
  http::BodyPlan plan;
  auto weak = pending.weak_from_this();
  auto encode = [weak](const ApiError& error) {
    auto self = weak.lock();
    return self ? self->error_response(error) : http::Response{.status = 400, .headers = {}, .body = {}};
  };
  auto admit = [weak](PostForm& form) {
    auto self = weak.lock();
    return self ? self->admit_form(form) : std::optional(api_error("AccessDenied", "Access Denied", 403));
  };
  pending.place = split_path(pending.target.route(request));
  pending.form = std::make_shared<PostForm>(form_boundary(request.headers.get("content-type")), encode, admit);
  plan.filter = pending.form;
  plan.limit = options_.limits.object;
  // Before the file at most the form's head; behind it fields that nobody reads.
  plan.wire_limit = plan.limit + 2 * kMaxFormHead;
  plan.memory = options_.limits.memory;
  plan.spool_directory = options_.spool_directory;
  ApiError large = api_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  large.members.set("MaxSizeAllowed", static_cast<int64_t>(plan.limit));
  plan.too_large = pending.error_response(large);
  plan.md5 = plan.crc64nvme = true;
  return plan;
}

std::optional<ApiError> Pending::admit_form(PostForm& read) {
  const std::string* key = read.field("key");
  if (key == nullptr) return missing_field("key");
  for (auto& [name, value] : read.fields) {
    if (equal_ignoring_case(name, "key")) value = with_filename(std::move(value), read.filename);
  }
  const std::string* policy = read.field("policy");
  bool inside = identity.environment != 0;  // a function's listener tells who it is
  if (inside && policy == nullptr) return std::nullopt;
  if (!inside) identity.region.clear();
  if (policy == nullptr) {
    for (std::string_view proof : {"x-amz-signature", "signature", "AWSAccessKeyId", "x-amz-credential"}) {
      if (read.field(proof)) return missing_field("policy");
    }
    anonymous = true;
    identity.account = gateway_.options_.account;
    // A spooled file is not even begun for a stranger; what fits into memory is judged with the call.
    if (gateway_.loop_.in_thread() || anybody_may()) return std::nullopt;
    return api_error("AccessDenied", "Access Denied", 403);
  }
  if (!inside) {
    if (auto error = verify_form(read, *policy)) return error;
  }
  auto range = check_policy(*policy, read.fields, place.bucket, gateway_.options_.clock->unix_ms());
  if (!range) return std::move(range.error());
  read.length = *range;
  return std::nullopt;
}

// The proof is a signature of the policy's text.
std::optional<ApiError> Pending::verify_form(const PostForm& read, const std::string& policy) {
  auto wrong = [&](AuthError error) { return auth_error(protocol, error); };
  auto get = [&](std::string_view name) { return read.field(name); };
  Claim& claim = target.claim;
  const std::string *v4 = get("x-amz-signature"), *v2 = get("signature");
  const std::string* token = get("x-amz-security-token");
  if (token) claim.token = *token;
  if (v4 || get("x-amz-credential") || get("x-amz-algorithm")) {
    for (std::string_view name : {"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Algorithm", "X-Amz-Date"}) {
      if (get(name) == nullptr) return missing_field(name);
    }
    if (*get("x-amz-algorithm") != "AWS4-HMAC-SHA256") {
      return wrong({.fault = AuthFault::Unsupported,
                    .detail = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."});
    }
    if (auto parsed = sigv4::parse_credential(*get("x-amz-credential"), claim.authorization); !parsed) {
      return model::invalid_argument("Error parsing the X-Amz-Credential parameter; " + parsed.error().message,
                                     "x-amz-credential", to_utf8(*get("x-amz-credential")));
    }
    if (std::string_view(*get("x-amz-date")).substr(0, 8) != claim.authorization.scope.date) {
      return model::invalid_argument("Invalid credential date. This date is not the same as X-Amz-Date.", "x-amz-date",
                                     to_utf8(*get("x-amz-date")));
    }
    claim.auth = Auth::Query;
    claim.authorization.signature = *v4;
  } else {
    for (std::string_view name : {"signature", "AWSAccessKeyId"}) {
      if (get(name) == nullptr) return missing_field(name);
    }
    if (!gateway_.sigv2_allowed()) {
      return wrong({.fault = AuthFault::Unsupported,
                    .detail = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."});
    }
    claim.auth = Auth::QueryV2;
    claim.authorization.access_key_id = *get("AWSAccessKeyId");
    claim.authorization.signature = *v2;
  }
  return gateway_.admit_signer(*this, policy);
}

// PutObject's request in the place of the form's.
std::optional<ApiError> Pending::become_put(http::Request& request) {
  const PostForm& read = *form;
  place.key = *read.field("key");
  http::Headers headers;
  headers.add("host", request.headers.get("host"));
  for (const auto& [name, value] : read.fields) {
    std::string header = lower(name);
    std::string text = value;
    if (header == "acl") {
      header = "x-amz-acl";
    } else if (header == "tagging") {
      auto tags = tagging_header(entry->codec->table(), value);
      if (!tags) return std::move(tags.error());
      header = "x-amz-tagging";
      text = std::move(*tags);
    } else if (!is_header_field(header)) {
      continue;
    }
    if (!is_header_value(text)) return model::invalid_argument("Header value cannot be represented", header, to_utf8(text));
    if (!headers.has(header)) headers.add(header, trim(text));
  }
  bool in_host = !target.path.empty();
  std::string key_path = "/" + percent_encode(place.key, Slash::Keep);
  target.path = "/" + percent_encode(place.bucket, Slash::Encode) + key_path;
  location_ = std::string(exchange_->secure() ? "https://" : "http://").append(headers.get("host"));
  location_ += in_host ? key_path : target.path;
  request.method = "PUT";
  request.query.clear();
  request.headers = std::move(headers);
  if (place.key.empty()) {
    return model::invalid_argument("User key must have a length greater than 0.", "key", "");
  }
  auto found = entry->codec->match(view(request));
  if (!found) return std::move(found.error());
  match = std::move(*found);
  if (auto error = refuse_upload(request, "PutObject")) return error;
  return std::nullopt;
}

}  // namespace gust::gateway
