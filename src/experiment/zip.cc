// SPDX-License-Identifier: Apache-2.0

#include "experiment/zip.h"

#include "crypto/hash.h"

namespace gust::experiment {
namespace {

void put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

constexpr uint64_t kDosDate = 0x5021;  // 2020-01-01: the same files give the same archive, byte by byte
constexpr uint32_t kRegularFile = 0100000;

// The fields that local header and central directory share, from "version needed" on.
void put_common(std::string& out, const ZipFile& file) {
  put(out, 20, 2);
  put(out, 0, 2);  // flags
  put(out, 0, 2);  // stored
  put(out, 0, 2);  // time
  put(out, kDosDate, 2);
  put(out, crc32(file.content), 4);
  put(out, file.content.size(), 4);
  put(out, file.content.size(), 4);
  put(out, file.name.size(), 2);
  put(out, 0, 2);  // extra field
}

}  // namespace

std::string make_zip(const std::vector<ZipFile>& files) {
  std::string out, directory;
  for (const ZipFile& file : files) {
    put(directory, 0x02014b50, 4);
    put(directory, 3 << 8 | 20, 2);  // made on UNIX
    put_common(directory, file);
    put(directory, 0, 6);  // comment, disk, internal attributes
    put(directory, uint64_t{kRegularFile | file.mode} << 16, 4);
    put(directory, out.size(), 4);
    directory += file.name;
    put(out, 0x04034b50, 4);
    put_common(out, file);
    out += file.name;
    out += file.content;
  }
  const uint64_t start = out.size();
  out += directory;
  put(out, 0x06054b50, 4);
  put(out, 0, 4);
  put(out, files.size(), 2);
  put(out, files.size(), 2);
  put(out, directory.size(), 4);
  put(out, start, 4);
  put(out, 0, 2);
  return out;
}

}  // namespace gust::experiment
