// SPDX-License-Identifier: Apache-2.0

#include "services/s3/manifest.h"

#include "base/encoding.h"

namespace gust::s3 {
namespace {

constexpr size_t kFileBytes = 16;  // of an id, which is hexadecimal elsewhere
constexpr size_t kSizeBytes = 8;   // little endian; with the checksum's length in a ninth

}  // namespace

void append(std::string& manifest, const BodyPart& part) {
  manifest += hex_decode(part.file).value_or(std::string());
  for (size_t i = 0; i < kSizeBytes; ++i) manifest += static_cast<char>(part.size >> (8 * i));
  manifest += static_cast<char>(part.checksum.size());
  manifest += part.checksum;
}

bool ManifestReader::next() {
  if (failed_ || rest_.empty()) return false;
  const size_t fixed = kFileBytes + kSizeBytes + 1;
  const size_t length = rest_.size() < fixed ? 0 : static_cast<unsigned char>(rest_[fixed - 1]);
  if (rest_.size() < fixed + length) {
    failed_ = true;
    return false;
  }
  file_ = rest_.substr(0, kFileBytes);
  size_ = 0;
  for (size_t i = kSizeBytes; i-- > 0;) size_ = size_ << 8 | static_cast<unsigned char>(rest_[kFileBytes + i]);
  checksum_ = rest_.substr(fixed, length);
  rest_.remove_prefix(fixed + length);
  return true;
}

std::string ManifestReader::file() const { return hex_encode(file_); }

Result<std::vector<std::string>> files_of(std::string_view manifest) {
  std::vector<std::string> files;
  ManifestReader in(manifest);
  while (in.next()) files.push_back(in.file());
  if (in.failed()) return fail(Errc::Invalid, "malformed manifest of an object");
  return files;
}

}  // namespace gust::s3
