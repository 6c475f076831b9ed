// SPDX-License-Identifier: Apache-2.0

#include "services/s3/object.h"

#include "base/encoding.h"
#include "services/s3/fields.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

enum Tag : uint8_t {
  kSize = 1,
  kMd5 = 2,
  kFile = 3,
  kModified = 4,
  kType = 5,
  kCache = 6,
  kDisposition = 7,
  kEncoding = 8,
  kLanguage = 9,
  kExpires = 10,
  kAlgorithm = 11,
  kChecksum = 12,
  kMetadataName = 13,
  kMetadataValue = 14,
};

}  // namespace

std::string Object::etag() const { return "\"" + hex_encode(md5) + "\""; }

// The key is the last part and needs no end.
std::string object_prefix(std::string_view bucket) { return store::Key().text(bucket).bytes(); }
std::string object_key(std::string_view bucket, std::string_view key) { return store::Key().text(bucket).raw(key).bytes(); }
std::string key_of(std::string_view row_key, std::string_view bucket) {
  return std::string(row_key.substr(object_prefix(bucket).size()));
}

std::string encode(const Object& object) {
  FieldWriter out;
  out.number(kSize, object.size);
  out.text(kMd5, object.md5);
  out.text(kFile, object.file);
  out.number(kModified, static_cast<uint64_t>(object.modified_ms));
  out.text(kType, object.content_type);
  out.text(kCache, object.cache_control);
  out.text(kDisposition, object.content_disposition);
  out.text(kEncoding, object.content_encoding);
  out.text(kLanguage, object.content_language);
  out.text(kExpires, object.expires);
  out.text(kAlgorithm, object.checksum_algorithm);
  out.text(kChecksum, object.checksum);
  for (const auto& [name, value] : object.metadata) {
    out.element(kMetadataName, name);
    out.element(kMetadataValue, value);
  }
  return out.take();
}

Result<Object> decode_object(std::string_view bytes) {
  Object object;
  FieldReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kSize:
        object.size = in.number();
        break;
      case kMd5:
        object.md5 = in.text();
        break;
      case kFile:
        object.file = in.text();
        break;
      case kModified:
        object.modified_ms = static_cast<int64_t>(in.number());
        break;
      case kType:
        object.content_type = in.text();
        break;
      case kCache:
        object.cache_control = in.text();
        break;
      case kDisposition:
        object.content_disposition = in.text();
        break;
      case kEncoding:
        object.content_encoding = in.text();
        break;
      case kLanguage:
        object.content_language = in.text();
        break;
      case kExpires:
        object.expires = in.text();
        break;
      case kAlgorithm:
        object.checksum_algorithm = in.text();
        break;
      case kChecksum:
        object.checksum = in.text();
        break;
      case kMetadataName:
        object.metadata.emplace_back(in.text(), std::string());
        break;
      case kMetadataValue:
        if (!object.metadata.empty()) object.metadata.back().second = in.text();
        break;
      default:
        break;
    }
  }
  if (in.failed()) return fail(Errc::Invalid, "malformed row of an object");
  return object;
}

Result<std::optional<Object>> read_object(store::View& view, std::string_view bucket, std::string_view key) {
  const auto row = TRY(view.get(store::Space::Object, object_key(bucket, key)));
  if (!row) return std::optional<Object>();
  return std::optional<Object>(TRY(decode_object(*row)));
}

// No bucket's name is empty, so marks lie apart from bodies.
std::string file_mark_prefix() { return store::Key().text("").bytes(); }
std::string file_mark(std::string_view id) { return store::Key().text("").raw(id).bytes(); }
Result<std::string> file_of_mark(std::string_view row_key) {
  store::KeyReader reader(row_key);
  TRY(reader.text());
  return std::string(reader.rest());
}

}  // namespace gust::s3
