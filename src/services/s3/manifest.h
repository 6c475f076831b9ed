// SPDX-License-Identifier: Apache-2.0

#pragma once

// The body of an object that was uploaded in parts: the files of its parts in their order, as one value of the store. The
// longest (10 000 parts, SHA-256) has 560 KB; the store takes 1 MiB. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::s3 {

struct BodyPart {
  std::string file;  // its id; a file of no byte too
  uint64_t size = 0;
  std::string checksum;  // raw; empty where the upload had none
};

void append(std::string& manifest, const BodyPart& part);

// Part by part; false at the end or where the rest is malformed (then failed()).
class ManifestReader {
 public:
  explicit ManifestReader(std::string_view manifest) : rest_(manifest) {}
  bool next();
  bool failed() const { return failed_; }
  uint64_t size() const { return size_; }
  std::string file() const;
  std::string_view checksum() const { return checksum_; }

 private:
  std::string_view rest_, file_, checksum_;
  uint64_t size_ = 0;
  bool failed_ = false;
};

Result<std::vector<std::string>> files_of(std::string_view manifest);

}  // namespace gust::s3
