// SPDX-License-Identifier: Apache-2.0

#include "services/s3/document_rows.h"

#include "base/json.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

constexpr size_t kMostDocuments = 100;  // of a bucket: more than there are names

store::Key prefix(std::string_view bucket) { return store::Key().text("").text("").text("s3 documents").text(bucket); }
std::string row_key(std::string_view bucket, std::string_view name) { return prefix(bucket).text(name).bytes(); }

}  // namespace

Result<std::optional<Value>> read_document(store::View& view, std::string_view bucket, std::string_view name) {
  const auto row = TRY(view.get(store::Space::Meta, row_key(bucket, name)));
  if (!row) return std::optional<Value>();
  auto document = json::parse(*row);
  if (!document) return fail(Errc::Invalid, "malformed row of a bucket's " + std::string(name) + ": " + document.error().message);
  return std::optional<Value>(std::move(*document));
}

Result<> write_document(store::Transaction& transaction, std::string_view bucket, std::string_view name, const Value& document) {
  return transaction.put(store::Space::Meta, row_key(bucket, name), json::write(document));
}

Result<> erase_document(store::Transaction& transaction, std::string_view bucket, std::string_view name) {
  return transaction.erase(store::Space::Meta, row_key(bucket, name));
}

Result<> erase_documents(store::Transaction& transaction, std::string_view bucket) {
  const store::Key all = prefix(bucket);
  const auto rows = TRY(transaction.scan(store::Space::Meta, all.bytes(), all.end(), kMostDocuments));
  for (const store::Row& row : rows) TRY(transaction.erase(store::Space::Meta, row.key));
  return {};
}

}  // namespace gust::s3
