// SPDX-License-Identifier: Apache-2.0

#pragma once

// Makes zips for tests, bad ones included: every field can be given a wrong value. Tests only.

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gust::unpack {

struct ZipEntry {
  std::string name, content;
  uint32_t mode = 0100644;  // UNIX; 0: "made on FAT"
  bool deflate = true;
  std::string local_name = {};  // empty: as name
  int64_t declared_size = -1;   // -1: true size
  uint32_t crc_xor = 0;
  uint16_t flags = 0;
  int64_t local_offset = -1;  // -1: true offset
};

inline void append(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

inline std::string deflate_raw(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 16, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string make_zip(const std::vector<ZipEntry>& entries) {
  std::string out, directory;
  for (const ZipEntry& e : entries) {
    const std::string data = e.deflate ? deflate_raw(e.content) : e.content;
    const uint64_t crc =
        crc32(0, reinterpret_cast<const Bytef*>(e.content.data()), static_cast<uInt>(e.content.size())) ^ e.crc_xor;
    const uint64_t size = e.declared_size < 0 ? e.content.size() : static_cast<uint64_t>(e.declared_size);
    const uint64_t offset = e.local_offset < 0 ? out.size() : static_cast<uint64_t>(e.local_offset);
    const std::string& local = e.local_name.empty() ? e.name : e.local_name;
    std::string common;
    append(common, 20, 2), append(common, e.flags, 2), append(common, e.deflate ? 8 : 0, 2), append(common, 0, 4);
    append(common, crc, 4), append(common, data.size(), 4), append(common, size, 4);
    append(out, 0x04034b50, 4), out += common, append(out, local.size(), 2), append(out, 0, 2);
    out += local + data;
    append(directory, 0x02014b50, 4), append(directory, e.mode == 0 ? 20 : (3 << 8) + 20, 2), directory += common;
    append(directory, e.name.size(), 2), append(directory, 0, 2), append(directory, 0, 2), append(directory, 0, 2);
    append(directory, 0, 2), append(directory, uint64_t{e.mode} << 16, 4), append(directory, offset, 4);
    directory += e.name;
  }
  const size_t start = out.size(), count = entries.size() > 0xffff ? 0xffff : entries.size();
  out += directory;
  if (entries.size() > 0xffff) {
    const size_t end64 = out.size();
    append(out, 0x06064b50, 4), append(out, 44, 8), append(out, 45, 2), append(out, 45, 2), append(out, 0, 8);
    append(out, entries.size(), 8), append(out, entries.size(), 8), append(out, directory.size(), 8), append(out, start, 8);
    append(out, 0x07064b50, 4), append(out, 0, 4), append(out, end64, 8), append(out, 1, 4);
  }
  append(out, 0x06054b50, 4), append(out, 0, 4), append(out, count, 2), append(out, count, 2);
  append(out, directory.size(), 4), append(out, start, 4), append(out, 0, 2);
  return out;
}

}  // namespace gust::unpack
