// SPDX-License-Identifier: Apache-2.0

#include "services/iam/page.h"

#include <algorithm>

#include "base/encoding.h"

namespace gust::iam {
namespace {

constexpr int64_t kDefault = 100;

size_t most(const Request& request) { return static_cast<size_t>(request.input()["MaxItems"].as_int(kDefault)); }

Result<std::string> marker(Request& request) {
  const std::string text = request.text("Marker");
  if (text.empty()) return std::string();
  auto decoded = base64_decode(text);
  if (!decoded || decoded->empty()) return request.validation_error("Invalid Marker.");
  return std::move(*decoded);
}

Value finish(std::string_view member, Value::List list, bool truncated, std::string_view last) {
  Value out = Value::map();
  out.set(member, std::move(list));
  out.set("IsTruncated", truncated);
  if (truncated) out.set("Marker", base64_encode(last));
  return out;
}

}  // namespace

Result<Value> page_of(Request& request, std::string_view member, Value::List list,
                      const std::function<std::string(const Value&)>& key) {
  const std::string after = TRY(marker(request));
  Value::List page;
  for (Value& element : list) {
    if (!after.empty() && key(element) <= after) continue;
    if (page.size() == most(request)) {
      const std::string last = key(page.back());
      return finish(member, std::move(page), true, last);
    }
    page.push_back(std::move(element));
  }
  return finish(member, std::move(page), false, {});
}

Result<Value> page_of_rows(Request& request, std::string_view member, const Kind& kind,
                           const std::function<Value(const Value& entity)>& element) {
  const std::string after = TRY(marker(request));
  const std::string prefix = row_prefix(request.account(), kind), path = request.text("PathPrefix");
  Value::List page;
  bool truncated = false;
  std::string last;
  TRY(each_row(request.view, prefix, after.empty() ? prefix : row_key(request.account(), kind, after) + '\0',
               [&](const store::Row& row) -> Result<bool> {
                 const Value entity = TRY(decode_row(row.value));
                 if (!entity["Path"].as_string().starts_with(path)) return true;
                 Value made = element(entity);
                 if (made.is_null()) return true;
                 truncated = page.size() == most(request);
                 if (truncated) return false;
                 page.push_back(std::move(made));
                 last = entity["Name"].as_string();
                 return true;
               }));
  return finish(member, std::move(page), truncated, last);
}

}  // namespace gust::iam
