// SPDX-License-Identifier: Apache-2.0

#pragma once

// A browser is a stranger on localhost: which Host names this server answers to (against DNS rebinding) and which pages
// may call it. Pure functions.

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace gust::gateway {

// Without port and brackets: "[::1]:80" -> "::1". Empty where it is not host[:digits].
std::string_view host_name(std::string_view authority);

// 127.0.0.1, ::1, localhost, *.localhost, and the configured ones ("example.com", "*.example.com").
bool host_allowed(std::string_view authority, const std::vector<std::string>& configured);

enum class Origin { None, Own, Configured, Foreign };  // no Origin, scheme://Host, one of the configured, any other
Origin origin_of(const http::Headers& headers, const std::vector<std::string>& configured);

// The bucket of a virtual-host name: "b.localhost", "b.s3.localhost", "b.s3.eu-west-1.amazonaws.com" -> "b". Empty for
// names without one ("localhost", "s3.localhost", addresses). `configured` as above; their parents count as suffixes.
std::string bucket_of_host(std::string_view authority, const std::vector<std::string>& configured);

}  // namespace gust::gateway
