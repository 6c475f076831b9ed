// SPDX-License-Identifier: Apache-2.0

#include "services/s3/request.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/object.h"

namespace gust::s3 {

using model::ApiError;

std::optional<ApiError> refuse(std::string_view operation, const Value& input, std::initializer_list<Unbuilt> members) {
  for (const Unbuilt& m : members) {
    const Value* value = input.find(m.member);
    if (value == nullptr || value->is_null()) continue;
    const std::string_view text = value->is_bool() ? (value->as_bool() ? "true" : "false") : value->as_string();
    if (!m.harmless.empty() && text == m.harmless) continue;
    ApiError e = model::not_implemented("s3", std::string(operation) + " with " + std::string(m.wire));
    e.members.set("Header", m.wire);
    return e;
  }
  return std::nullopt;
}

bool asks_for_acl(const Value& input) {
  for (const char* grant : {"GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"}) {
    if (input.has(grant)) return true;
  }
  const std::string_view acl = input["ACL"].as_string();
  return !acl.empty() && acl != "private" && acl != "bucket-owner-full-control";
}

std::optional<ApiError> check_key(std::string_view key) {
  if (key.size() <= kMaxKey) return std::nullopt;
  ApiError e = model::api_error("KeyTooLongError", "Your key is too long");
  e.members.set("Size", static_cast<unsigned long>(key.size()));
  e.members.set("MaxSizeAllowed", static_cast<unsigned long>(kMaxKey));
  return e;
}

std::optional<ApiError> check_algorithm(std::string_view algorithm) {
  if (algorithm.empty() || is_checksum_algorithm(algorithm)) return std::nullopt;
  return model::api_error("InvalidRequest",
                          "Checksum algorithm provided is unsupported. Please try again with any of the valid types: "
                          "[CRC32, CRC32C, CRC64NVME, SHA1, SHA256]");
}

tl::expected<size_t, ApiError> page_size(const Value& input, std::string_view member, std::string_view wire, size_t most) {
  const int64_t n = input[member].as_int(static_cast<int64_t>(most));
  if (n < 0) {
    return tl::unexpected(model::invalid_argument(
        "Argument " + std::string(wire) + " must be an integer between 0 and 2147483647", wire, std::to_string(n)));
  }
  return std::min(static_cast<size_t>(n), most);
}

std::string make_token(const Position& position) { return base64_encode((position.is_prefix ? "p" : "k") + position.after); }

tl::expected<Position, ApiError> parse_token(std::string_view token) {
  const auto text = base64_decode(token);
  if (!text || text->size() < 2 || (text->front() != 'p' && text->front() != 'k') || text->size() > kMaxKey + 1) {
    return tl::unexpected(model::invalid_argument("The continuation token provided is incorrect", "continuation-token", token));
  }
  return Position{text->substr(1), text->front() == 'p'};
}

ApiError access_denied() { return model::api_error("AccessDenied", "Access Denied", 403); }

}  // namespace gust::s3
