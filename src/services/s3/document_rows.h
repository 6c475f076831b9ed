// SPDX-License-Identifier: Apache-2.0

#pragma once

// The configuration documents of a bucket as stored: one row of Space::Meta per document under (bucket, name), JSON of what
// the API calls it. No row: the bucket never had such a document, so what every new bucket has holds. A null document: its
// owner has deleted what a new bucket has.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"
#include "store/store.h"

namespace gust::s3 {

// Names of documents. They are on disk: never change one.
inline constexpr std::string_view kPolicy = "policy";  // a string: the policy's text as it was put
inline constexpr std::string_view kCors = "cors";
inline constexpr std::string_view kEncryption = "encryption";
inline constexpr std::string_view kOwnership = "ownership";
inline constexpr std::string_view kPublicAccess = "public-access";
inline constexpr std::string_view kTagging = "tagging";
inline constexpr std::string_view kLifecycle = "lifecycle";

Result<std::optional<Value>> read_document(store::View& view, std::string_view bucket, std::string_view name);
Result<> write_document(store::Transaction& transaction, std::string_view bucket, std::string_view name, const Value& document);
Result<> erase_document(store::Transaction& transaction, std::string_view bucket, std::string_view name);
Result<> erase_documents(store::Transaction& transaction, std::string_view bucket);  // all of the bucket's

}  // namespace gust::s3
