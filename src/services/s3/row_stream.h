// SPDX-License-Identifier: Apache-2.0

#pragma once

// Rows of Space::Object in order, read page by page from one view, with jumps ahead: for listings that skip whole groups.
// The view must outlive it.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gust::s3 {

class RowStream {
 public:
  // from <= key < end.
  RowStream(store::View& view, std::string from, std::string end);
  Result<const store::Row*> front();  // null at the end; valid until the next call of anything
  void pop() { ++next_; }
  void skip_to(std::string from);  // never back

 private:
  store::View& view_;
  std::string from_, end_;
  std::vector<store::Row> page_;
  size_t next_ = 0;
  bool ended_ = false;
};

// The start of all keys that have a text part beginning with `text` behind `prefix` (store/key.h's escaping without its end).
std::string open_text(std::string_view prefix, std::string_view text);

}  // namespace gust::s3
