// SPDX-License-Identifier: Apache-2.0

#pragma once

// What PutObject, CopyObject and CreateMultipartUpload say about an object beside its bytes: taken into the object, or refused
// in S3's words. Pure functions.

#include <optional>
#include <string_view>

#include "base/value.h"
#include "model/service.h"
#include "services/s3/object.h"

namespace gust::s3 {

// Members that have no effect here.
std::optional<model::ApiError> refuse_unbuilt_write(std::string_view operation, const Value& input);
// Keys of the caller's own, on reads.
std::optional<model::ApiError> refuse_customer_keys(std::string_view operation, const Value& input);

// Content headers and user metadata.
std::optional<model::ApiError> take_headers(const Value& input, Object& object);
// Storage class and website redirect, which a copy does not take over.
std::optional<model::ApiError> take_placement(const Value& input, Object& object);
// x-amz-tagging.
std::optional<model::ApiError> take_tags(const Value& input, Object& object);

// As GetObject and HeadObject answer them.
void show_headers(const Object& object, Value& output);

Value tag_set(const TextPairs& tags);
TextPairs tags_of(const Value& tag_set);

}  // namespace gust::s3
