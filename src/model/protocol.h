// SPDX-License-Identifier: Apache-2.0

#pragma once

// What protocols have in common. Pure functions.

#include <string_view>

#include "model/table.h"

namespace gust::model {

constexpr bool is_rest(Protocol p) { return p == Protocol::RestJson || p == Protocol::RestXml; }
constexpr bool is_json_rpc(Protocol p) { return p == Protocol::Json10 || p == Protocol::Json11; }
constexpr bool is_form(Protocol p) { return p == Protocol::Query || p == Protocol::Ec2; }

}  // namespace gust::model
