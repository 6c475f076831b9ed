// SPDX-License-Identifier: Apache-2.0

// Who calls, as far as the head of a request tells it.

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/sigv2.h"
#include "gateway/gateway.h"
#include "gateway/pending.h"
#include "model/errors.h"

namespace gust::gateway {
namespace {

using model::ApiError;

bool twelve_digits(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void identify(const Credential& owner, model::Identity& who) {
  who.access_key_id = owner.access_key_id;
  who.account = owner.account;
  who.principal_arn = owner.principal_arn.empty() ? "arn:aws:iam::" + owner.account + ":root" : owner.principal_arn;
  who.user_id = owner.user_id;
}

// Parameters of a presigned URL that mean what the header of that name means. Not those of the signature itself, and not
// checksums: JavaScript's SDK signs that of an empty body into every URL.
bool stands_for_header(std::string_view name) {
  constexpr std::string_view kNot[] = {
      "x-amz-algorithm", "x-amz-credential",     "x-amz-date",           "x-amz-expires",    "x-amz-signedheaders",
      "x-amz-signature", "x-amz-security-token", "x-amz-content-sha256", "x-amz-user-agent", "x-amz-sdk-checksum-algorithm"};
  if (!name.starts_with("x-amz-") || std::find(std::begin(kNot), std::end(kNot), name) != std::end(kNot)) return false;
  return !name.starts_with("x-amz-checksum-") || name == "x-amz-checksum-mode" || name == "x-amz-checksum-algorithm" ||
         name == "x-amz-checksum-type";
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

void take_parameters(const Claim& claim, http::Headers& headers) {
  for (const auto& [parameter, value] : claim.query) {
    std::string name = lower(parameter);
    if (stands_for_header(name) && !headers.has(name) && is_header_value(value)) headers.add(name, value);
  }
}

}  // namespace

// With --dev: any key, whatever was signed; but what is known about a key holds.
std::optional<ApiError> Gateway::admit_any_key(Pending& pending) {
  const Claim& claim = pending.target.claim;
  model::Identity& who = pending.identity;
  int64_t now_ms = options_.clock->unix_ms();
  who.access_key_id = claim.authorization.access_key_id;
  who.account = twelve_digits(who.access_key_id) ? who.access_key_id : options_.account;
  who.principal_arn = "arn:aws:iam::" + who.account + ":root";
  if (who.access_key_id.empty()) return std::nullopt;
  auto known = verifier_.find(who.access_key_id, claim.token);
  if (!known) return std::nullopt;
  if (auto error = check_credential(*known, now_ms)) return auth_error(pending.protocol, *error);
  identify(*known, who);
  return std::nullopt;
}

// On the host's listener the key's owner, whose signature is verified now or when the body is there.
std::optional<ApiError> Gateway::admit(http::Request& request, Pending& pending) {
  if (pending.identity.environment != 0) return std::nullopt;
  const Claim& claim = pending.target.claim;
  bool s3 = pending.hook == nullptr && pending.target.table == &model::kS3;
  const std::string& region = claim.authorization.scope.region;
  // S3 compares a signature's region with the bucket's: where nobody names one, there is none.
  pending.identity.region = !region.empty() || s3 ? region : options_.region;
  auto wrong = [&](AuthError error) { return auth_error(pending.protocol, error); };
  if (claim.error && !(options_.dev && claim.auth == Auth::Header)) return wrong(*claim.error);
  if (claim.auth == Auth::QueryV2 && !(s3 && sigv2_allowed())) {
    return wrong({.fault = AuthFault::Unsupported,
                  .detail = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."});
  }
  if (options_.dev) {
    bool reads = request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
    if (claim.auth == Auth::None && !reads) return wrong({.fault = AuthFault::Missing});
    pending.anonymous = claim.auth == Auth::None && pending.page && pending.page->foreign;
    if (auto error = check_url_time(claim, options_.clock->unix_ms())) return wrong(*error);
    if (auto error = admit_any_key(pending)) return error;
  } else if (claim.auth == Auth::None) {
    if (!s3) return wrong({.fault = AuthFault::Missing});
    pending.anonymous = true;
  } else if (auto error = verify_head(request, pending)) {
    return error;
  }
  if (pending.anonymous) pending.place = split_path(pending.target.route(request));
  if (s3) take_parameters(claim, request.headers);
  return std::nullopt;
}

std::optional<ApiError> Gateway::verify_head(http::Request& request, Pending& pending) {
  const Claim& claim = pending.target.claim;
  bool s3 = pending.hook == nullptr && pending.target.table == &model::kS3;
  auto wrong = [&](AuthError error) { return auth_error(pending.protocol, error); };
  int64_t now_ms = options_.clock->unix_ms();
  if (pending.hook == nullptr && claim.auth != Auth::QueryV2 &&
      claim.authorization.scope.service != pending.target.table->signing_name()) {
    std::string right(pending.target.table->signing_name());
    return wrong(
        {.fault = AuthFault::WrongScope,
         .detail = s3 ? "incorrect service \"" + claim.authorization.scope.service + "\". This endpoint belongs to \"s3\"."
                      : "Credential should be scoped to correct service: '" + right + "'. "});
  }
  auto owner = verifier_.owner(claim, now_ms);
  if (!owner) return wrong(std::move(owner.error()));
  identify(*owner, pending.identity);
  pending.credential = std::move(*owner);
  const std::string* hash = request.headers.find("x-amz-content-sha256");
  if (claim.auth != Auth::Header) {
    const std::string* parameter = find_parameter(claim.query, "X-Amz-Content-Sha256");
    if (s3 && parameter && !hash) {
      request.headers.add("x-amz-content-sha256", *parameter);  // for whoever checks the body
      hash = request.headers.find("x-amz-content-sha256");
    }
    if (!s3) hash = nullptr;  // with the body
  } else if (s3 && hash == nullptr) {
    return model::api_error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  if (hash == nullptr && !s3) return std::nullopt;
  std::string_view said = hash ? std::string_view(*hash) : "UNSIGNED-PAYLOAD";
  auto error = Verifier::verify({request, claim, *pending.credential, said, pending.target.route(request), s3, now_ms});
  if (error) return wrong(std::move(*error));
  pending.verified = true;
  return std::nullopt;
}

// A form's policy has the signature that is in pending's claim.
std::optional<ApiError> Gateway::admit_signer(Pending& pending, std::string_view policy) {
  const Claim& claim = pending.target.claim;
  const sigv4::ParsedAuthorization& by = claim.authorization;
  pending.identity.region = by.scope.region;
  if (options_.dev) return admit_any_key(pending);
  auto wrong = [&](AuthError error) { return auth_error(pending.protocol, error); };
  bool v2 = claim.auth == Auth::QueryV2;
  if (!v2 && by.scope.service != "s3") {
    return wrong({.fault = AuthFault::QueryParameters,
                  .detail = "Error parsing the X-Amz-Credential parameter; incorrect service \"" + by.scope.service +
                            "\". This endpoint belongs to \"s3\"."});
  }
  auto owner = verifier_.owner(claim, options_.clock->unix_ms());
  if (!owner) return wrong(std::move(owner.error()));
  std::string expected =
      v2 ? sigv2::signature(owner->secret_access_key, policy) : sigv4::signature(signing_key_of(*owner, by.scope), policy);
  if (!equal_constant_time(expected, by.signature)) {
    return wrong({.fault = AuthFault::Mismatch,
                  .access_key_id = by.access_key_id,
                  .string_to_sign = std::string(policy),
                  .signature = by.signature});
  }
  identify(*owner, pending.identity);
  pending.credential = std::move(*owner);
  pending.verified = true;
  return std::nullopt;
}

}  // namespace gust::gateway
