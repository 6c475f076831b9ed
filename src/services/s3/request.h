// SPDX-License-Identifier: Apache-2.0

#pragma once

// Checks of requests that several operations share, and S3's words for what they find. Pure functions.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"
#include "model/service.h"

namespace gust::s3 {

// A modelled member that has no effect here: refused by its name on the wire, unless it asks for what happens anyway.
struct Unbuilt {
  std::string_view member, wire;
  std::string_view harmless = {};
};
std::optional<model::ApiError> refuse(std::string_view operation, const Value& input, std::initializer_list<Unbuilt> members);

// x-amz-acl and x-amz-grant-*: ACLs are off, as in every new bucket on AWS. True: more than the owner's own access.
bool asks_for_acl(const Value& input);

std::optional<model::ApiError> check_key(std::string_view key);                       // KeyTooLongError
std::optional<model::ApiError> check_algorithm(std::string_view checksum_algorithm);  // empty is fine
// max-keys and the like: not negative; at most `most` are given. Absent: `most`.
tl::expected<size_t, model::ApiError> page_size(const Value& input, std::string_view member, std::string_view wire, size_t most);

// Opaque tokens: what to go on after, and whether it is a common prefix.
struct Position {
  std::string after;
  bool is_prefix = false;
};
std::string make_token(const Position& position);
tl::expected<Position, model::ApiError> parse_token(std::string_view token);

model::ApiError access_denied();

}  // namespace gust::s3
