// SPDX-License-Identifier: Apache-2.0

#pragma once

// Forms of the query protocols ("Tags.member.1.Key=a&Tags.member.1.Value=b") as values in the terms of a shape. Pure functions
// over immutable tables.

#include "base/result.h"
#include "base/value.h"
#include "model/router.h"
#include "model/table.h"

namespace gust::model {

// Parameters of one form: more than any AWS service takes (1 000 metrics of some ten each).
constexpr size_t kMaxFormParameters = 20'000;

// Parameters that the shape does not know are dropped. List elements come in the order of their numbers, gaps do not matter;
// "Name=" is an empty list, map or structure. `protocol`: Query, or Ec2 whose lists are always flat. Invalid where a value does
// not fit or is no UTF-8, TooLarge where names nest too deep.
Result<Value> from_form(const ServiceTable& table, uint16_t shape, Protocol protocol, const QueryList& form);

}  // namespace gust::model
