// SPDX-License-Identifier: Apache-2.0

#pragma once

// JSON documents <-> values in the terms of a shape. Decoding drops members that the shape does not know, takes base64 to
// blobs and numbers to timestamps; a wrong type is Invalid with AWS's words for it. Pure functions over immutable tables.

#include "base/result.h"
#include "base/value.h"
#include "model/table.h"

namespace gust::model {

Result<Value> from_json(const ServiceTable& table, uint16_t shape, Value document);
// What json::write then prints: wire names, timestamps in their format; members that travel elsewhere are left out.
Value to_json(const ServiceTable& table, uint16_t shape, TimeFormat format, Value value);

}  // namespace gust::model
