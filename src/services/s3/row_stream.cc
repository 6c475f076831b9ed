// SPDX-License-Identifier: Apache-2.0

#include "services/s3/row_stream.h"

#include "store/key.h"

namespace gust::s3 {
namespace {

constexpr size_t kPage = 200;    // rows; a jump may make the rest of a page useless
constexpr size_t kEndBytes = 2;  // of a text part

}  // namespace

RowStream::RowStream(store::View& view, std::string from, std::string end)
    : view_(view), from_(std::move(from)), end_(std::move(end)) {}

Result<const store::Row*> RowStream::front() {
  if (next_ < page_.size()) return &page_[next_];
  if (!page_.empty()) from_ = page_.back().key + '\0';
  page_.clear();
  next_ = 0;
  if (ended_ || from_ >= end_) return nullptr;
  page_ = TRY(view_.scan(store::Space::Object, from_, end_, kPage));
  ended_ = page_.empty();
  return ended_ ? nullptr : &page_.front();
}

void RowStream::skip_to(std::string from) {
  while (next_ < page_.size() && page_[next_].key < from) ++next_;
  if (next_ < page_.size()) return;
  page_.clear();
  next_ = 0;
  if (from_ < from) from_ = std::move(from);
}

std::string open_text(std::string_view prefix, std::string_view text) {
  std::string key = store::Key().text(text).bytes();
  key.resize(key.size() - kEndBytes);
  return std::string(prefix) + key;
}

}  // namespace gust::s3
