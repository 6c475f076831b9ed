// SPDX-License-Identifier: Apache-2.0

#include "unpack/archive.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace gust::unpack {
namespace {

constexpr size_t kEndSize = 22, kEnd64Size = 56, kLocatorSize = 20, kCentralSize = 46, kLocalSize = 30;
constexpr uint32_t kEndSignature = 0x06054b50, kEnd64Signature = 0x06064b50, kLocatorSignature = 0x07064b50;
constexpr uint32_t kCentralSignature = 0x02014b50, kLocalSignature = 0x04034b50;
constexpr size_t kMaxComment = 65535;
constexpr uint16_t kZip64Extra = 1;
constexpr uint32_t kUnix = 3;  // "version made by", upper byte

// Little-endian numbers at an offset; callers have checked that they lie inside.
uint64_t number(std::string_view text, size_t at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= uint64_t{static_cast<unsigned char>(text[at + i])} << (8 * i);
  return value;
}
uint16_t u16(std::string_view text, size_t at) { return static_cast<uint16_t>(number(text, at, 2)); }
uint32_t u32(std::string_view text, size_t at) { return static_cast<uint32_t>(number(text, at, 4)); }
uint64_t u64(std::string_view text, size_t at) { return number(text, at, 8); }

bool inside(std::string_view zip, uint64_t at, uint64_t length) { return at <= zip.size() && length <= zip.size() - at; }

struct Directory {
  uint64_t offset = 0, size = 0, entries = 0;
  uint64_t shift = 0;  // bytes in front of the zip that its offsets do not count (a self-extracting stub)
};

bool find_end(std::string_view zip, size_t& at) {
  if (zip.size() < kEndSize) return false;
  const size_t least = zip.size() - std::min(zip.size(), kEndSize + kMaxComment);
  for (size_t i = zip.size() - kEndSize;; --i) {
    if (u32(zip, i) == kEndSignature && inside(zip, i + kEndSize, u16(zip, i + 20))) {
      at = i;
      return true;
    }
    if (i == least) return false;
  }
}

// Replaces the directory's numbers by those of the zip64 record where there is one.
bool read_end64(std::string_view zip, size_t end, Directory& directory, uint64_t& directory_end) {
  if (end < kLocatorSize || u32(zip, end - kLocatorSize) != kLocatorSignature) return true;
  const uint64_t at = u64(zip, end - kLocatorSize + 8);
  if (!inside(zip, at, kEnd64Size) || at > end - kLocatorSize || u32(zip, at) != kEnd64Signature) return false;
  if (u32(zip, at + 16) != 0 || u32(zip, at + 20) != 0) return false;  // more than one disk
  directory.entries = u64(zip, at + 32);
  directory.size = u64(zip, at + 40);
  directory.offset = u64(zip, at + 48);
  directory_end = at;
  return true;
}

bool find_directory(std::string_view zip, Directory& directory) {
  size_t end = 0;
  if (!find_end(zip, end)) return false;
  if (u16(zip, end + 4) != 0 || u16(zip, end + 6) != 0 || u16(zip, end + 8) != u16(zip, end + 10)) return false;
  directory.entries = u16(zip, end + 10);
  directory.size = u32(zip, end + 12);
  directory.offset = u32(zip, end + 16);
  uint64_t directory_end = end;
  if (!read_end64(zip, end, directory, directory_end)) return false;
  if (directory.size > directory_end || directory.offset > directory_end - directory.size) return false;
  directory.shift = directory_end - directory.size - directory.offset;
  return true;
}

struct Central {
  uint64_t size = 0, packed = 0, local = 0;
};

// Numbers that did not fit into 32 bits are in the zip64 extra field, in this order.
bool apply_zip64(std::string_view extra, Central& c) {
  while (extra.size() >= 4) {
    const size_t length = u16(extra, 2);
    if (extra.size() < 4 + length) return false;
    if (u16(extra, 0) == kZip64Extra) {
      std::string_view field = extra.substr(4, length);
      for (uint64_t* value : {&c.size, &c.packed, &c.local}) {
        if (*value != 0xffffffff) continue;
        if (field.size() < 8) return false;
        *value = u64(field, 0);
        field.remove_prefix(8);
      }
      return true;
    }
    extra.remove_prefix(4 + length);
  }
  return true;
}

bool find_data(std::string_view zip, const Directory& directory, const Central& c, Entry& entry) {
  const uint64_t end = directory.shift + directory.offset;  // entries lie in front of the directory
  const std::string_view body = zip.substr(0, end);
  const uint64_t at = c.local + directory.shift;
  if (at < c.local || !inside(body, at, kLocalSize) || u32(body, at) != kLocalSignature) return false;
  const uint64_t name = at + kLocalSize, name_length = u16(body, at + 26);
  const uint64_t data = name + name_length + u16(body, at + 28);
  if (!inside(body, name, name_length) || body.substr(name, name_length) != entry.name) return false;
  if (!inside(body, data, c.packed)) return false;
  entry.data = body.substr(data, c.packed);
  return true;
}

bool read_central(std::string_view zip, const Directory& directory, std::string_view& rest, Entry& entry) {
  if (rest.size() < kCentralSize || u32(rest, 0) != kCentralSignature) return false;
  const size_t name = u16(rest, 28), extra = u16(rest, 30), comment = u16(rest, 32);
  if (rest.size() - kCentralSize < name + extra + comment) return false;
  Central c{u32(rest, 24), u32(rest, 20), u32(rest, 42)};
  if (!apply_zip64(rest.substr(kCentralSize + name, extra), c)) return false;
  entry.name = rest.substr(kCentralSize, name);
  entry.size = c.size;
  entry.crc = u32(rest, 16);
  entry.method = u16(rest, 10);
  entry.encrypted = (u16(rest, 8) & 1) != 0;
  entry.mode = u16(rest, 4) >> 8 == kUnix ? u32(rest, 38) >> 16 : 0;
  rest.remove_prefix(kCentralSize + name + extra + comment);
  return find_data(zip, directory, c, entry);
}

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

constexpr size_t kPiece = 128 << 10;

Read inflate_all(const Entry& entry, const std::function<bool(std::string_view)>& sink) {
  Inflater inflater;
  if (!inflater.ready() || entry.data.size() > UINT32_MAX) return Read::Corrupt;
  z_stream& stream = inflater.stream();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(entry.data.data()));
  stream.avail_in = static_cast<uInt>(entry.data.size());
  const auto buffer = std::make_unique<char[]>(kPiece);
  uint64_t total = 0;
  uLong crc = ::crc32(0, nullptr, 0);
  for (int status = Z_OK; status != Z_STREAM_END;) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.get());
    stream.avail_out = kPiece;
    status = ::inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) return Read::Corrupt;  // Z_BUF_ERROR: the data ended too early
    const size_t produced = kPiece - stream.avail_out;
    if (produced > entry.size - total) return Read::Corrupt;
    total += produced;
    crc = ::crc32(crc, reinterpret_cast<const Bytef*>(buffer.get()), static_cast<uInt>(produced));
    if (produced != 0 && !sink({buffer.get(), produced})) return Read::Stopped;
  }
  return total == entry.size && crc == entry.crc && stream.avail_in == 0 ? Read::Ok : Read::Corrupt;
}

}  // namespace

Read list(std::string_view zip, size_t max_entries, std::vector<Entry>& entries) {
  Directory directory;
  if (!find_directory(zip, directory)) return Read::Corrupt;
  if (directory.entries > max_entries) return Read::TooMany;
  std::string_view rest = zip.substr(directory.shift + directory.offset, directory.size);
  uint64_t packed = 0;
  entries.clear();
  for (uint64_t i = 0; i < directory.entries; ++i) {
    Entry entry;
    if (!read_central(zip, directory, rest, entry)) return Read::Corrupt;
    packed += entry.data.size() + kLocalSize + entry.name.size();
    if (packed > zip.size()) return Read::Corrupt;  // entries share bytes: a bomb
    entries.push_back(entry);
  }
  return rest.empty() ? Read::Ok : Read::Corrupt;
}

Read read(const Entry& entry, const std::function<bool(std::string_view)>& sink) {
  if (entry.method == 8) return inflate_all(entry, sink);
  if (entry.method != 0 || entry.size != entry.data.size()) return Read::Corrupt;
  uLong crc = ::crc32(0, nullptr, 0);
  for (size_t at = 0; at < entry.data.size(); at += kPiece) {
    const std::string_view piece = entry.data.substr(at, kPiece);
    crc = ::crc32(crc, reinterpret_cast<const Bytef*>(piece.data()), static_cast<uInt>(piece.size()));
    if (!sink(piece)) return Read::Stopped;
  }
  return crc == entry.crc ? Read::Ok : Read::Corrupt;
}

}  // namespace gust::unpack
