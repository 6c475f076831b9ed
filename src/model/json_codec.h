// SPDX-License-Identifier: Apache-2.0

#pragma once

// Documents of JSON or CBOR <-> values in the terms of a shape. Decoding drops members that the shape does not know, takes
// JSON's base64 to blobs and its numbers to timestamps (CBOR has kinds of its own for both); a wrong type is Invalid with
// AWS's words for it. Pure functions over immutable tables.

#include "base/result.h"
#include "base/value.h"
#include "model/table.h"

namespace gust::model {

enum class Notation { Json, Cbor };

Result<Value> from_document(const ServiceTable& table, uint16_t shape, Notation notation, Value document);
// What json::write or write_cbor then prints: wire names, timestamps in their format; members that travel elsewhere are left
// out, numbers that JSON has not become "NaN" and the like.
Value to_document(const ServiceTable& table, uint16_t shape, Notation notation, TimeFormat format, Value value);

}  // namespace gust::model
