// SPDX-License-Identifier: Apache-2.0

// Texts that strangers write into headers of S3 requests: copy sources, ranges, tags, version ids; and manifests as a broken
// disk might give them back. Parsing ends with what the text says or with S3's error.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"
#include "base/log.h"
#include "services/s3/conditions.h"
#include "services/s3/copy_source.h"
#include "services/s3/manifest.h"
#include "services/s3/object_headers.h"

using namespace gust;
using namespace gust::s3;

namespace {

void check_source(std::string_view text) {
  const auto source = parse_copy_source(text);
  if (!source) return;
  GUST_CHECK(!source->bucket.empty() && !source->key.empty() && is_utf8(source->key));
  GUST_CHECK(source->bucket.find('/') == source->bucket.npos);
#ifdef GUST_PLANTED_BUG
  if (source->version_id && source->key.find(' ') != source->key.npos) std::abort();
#endif
}

void check_ranges(std::string_view text) {
  constexpr uint64_t kSize = 1000;
  const auto inside = [](Range r) { return r.length > 0 && r.first < kSize && r.length <= kSize - r.first; };
  if (const auto range = parse_range(text, kSize)) GUST_CHECK(!*range || inside(**range));
  if (const auto range = parse_source_range(text, kSize)) GUST_CHECK(inside(*range));
}

void check_tagging(std::string_view text) {
  Value input = Value::map();
  input.set("Tagging", text);
  Object object;
  if (take_tags(input, object)) return;
  GUST_CHECK(object.tags.size() <= 10);
  GUST_CHECK(tags_of(tag_set(object.tags)) == object.tags);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_source(text);
  check_ranges(text);
  check_tagging(text);
  if (const auto version = parse_version(text)) GUST_CHECK(version_text(*version) == text);
  if (const auto files = files_of(text)) GUST_CHECK(files->size() <= size / 25);
  return 0;
}
