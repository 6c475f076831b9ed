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
  kParts = 15,
  kComposite = 16,
  kTagKey = 17,
  kTagValue = 18,
  kStorageClass = 19,
  kRedirect = 20,
  kVersion = 21,
  kUpload = 22,
  kDeleteMarker = 23,
};

void put_pairs(FieldWriter& out, uint8_t first, uint8_t second, const TextPairs& pairs) {
  for (const auto& [name, value] : pairs) {
    out.element(first, name);
    out.element(second, value);
  }
}

void take_value(const FieldReader& in, TextPairs& pairs) {
  if (!pairs.empty()) pairs.back().second = in.text();
}

// The texts of an object by their tags.
std::string* text_of(Object& object, uint8_t tag) {
  switch (tag) {
    case kMd5:
      return &object.md5;
    case kFile:
      return &object.file;
    case kType:
      return &object.content_type;
    case kCache:
      return &object.cache_control;
    case kDisposition:
      return &object.content_disposition;
    case kEncoding:
      return &object.content_encoding;
    case kLanguage:
      return &object.content_language;
    case kExpires:
      return &object.expires;
    case kAlgorithm:
      return &object.checksum_algorithm;
    case kChecksum:
      return &object.checksum;
    case kStorageClass:
      return &object.storage_class;
    case kRedirect:
      return &object.website_redirect_location;
    case kVersion:
      return &object.version;
    case kUpload:
      return &object.upload;
    default:
      return nullptr;
  }
}

constexpr uint8_t kTexts[] = {kMd5,     kFile,      kType,     kCache,        kDisposition, kEncoding, kLanguage,
                              kExpires, kAlgorithm, kChecksum, kStorageClass, kRedirect,    kVersion,  kUpload};

void take_other(const FieldReader& in, Object& object) {
  switch (in.tag()) {
    case kSize:
      object.size = in.number();
      break;
    case kModified:
      object.modified_ms = static_cast<int64_t>(in.number());
      break;
    case kMetadataName:
      object.metadata.emplace_back(in.text(), std::string());
      break;
    case kMetadataValue:
      take_value(in, object.metadata);
      break;
    case kTagKey:
      object.tags.emplace_back(in.text(), std::string());
      break;
    case kTagValue:
      take_value(in, object.tags);
      break;
    case kParts:
      object.parts = in.number();
      break;
    case kComposite:
      object.checksum_of_checksums = in.number() != 0;
      break;
    case kDeleteMarker:
      object.delete_marker = in.number() != 0;
      break;
    default:
      break;
  }
}

Failure malformed() { return fail(Errc::Invalid, "malformed row of an object"); }

}  // namespace

std::string entity_tag(std::string_view md5, uint64_t parts) {
  std::string tag = hex_encode(md5);
  if (parts > 0) tag.append("-").append(std::to_string(parts));
  return tag;
}
std::string quoted_tag(std::string_view md5, uint64_t parts) {
  std::string tag;
  tag.reserve(40);
  tag.append("\"").append(entity_tag(md5, parts)).append("\"");
  return tag;
}
std::string Object::entity_tag() const { return s3::entity_tag(md5, parts); }
std::string Object::etag() const { return quoted_tag(md5, parts); }

// The key is the last part and needs no end.
std::string object_prefix(std::string_view bucket) { return store::Key().text(bucket).bytes(); }
std::string object_key(std::string_view bucket, std::string_view key) { return store::Key().text(bucket).raw(key).bytes(); }
std::string key_of(std::string_view row_key, std::string_view bucket) {
  return std::string(row_key.substr(object_prefix(bucket).size()));
}

// A version keeps its body's row when it is no longer the current one. No bucket is named "v".
std::string body_key(std::string_view bucket, std::string_view key, std::string_view version) {
  if (version.empty()) return object_key(bucket, key);
  return store::Key().text("v").text(bucket).text(key).raw(version).bytes();
}

std::string encode(const Object& object) {
  FieldWriter out;
  out.number(kSize, object.size);
  out.number(kModified, static_cast<uint64_t>(object.modified_ms));
  for (const uint8_t tag : kTexts) out.text(tag, *text_of(const_cast<Object&>(object), tag));
  put_pairs(out, kMetadataName, kMetadataValue, object.metadata);
  put_pairs(out, kTagKey, kTagValue, object.tags);
  out.number(kParts, object.parts);
  out.number(kComposite, object.checksum_of_checksums ? 1 : 0);
  out.number(kDeleteMarker, object.delete_marker ? 1 : 0);
  return out.take();
}

Result<Object> decode_object(std::string_view bytes) {
  Object object;
  FieldReader in(bytes);
  while (in.next()) {
    if (std::string* text = text_of(object, in.tag())) {
      *text = in.bytes();
    } else {
      take_other(in, object);
    }
  }
  if (in.failed()) return malformed();
  return object;
}

Result<Summary> summarize(std::string_view bytes) {
  Summary out;
  FieldReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kSize:
        out.size = in.number();
        break;
      case kMd5:
        out.md5 = in.bytes();
        break;
      case kModified:
        out.modified_ms = static_cast<int64_t>(in.number());
        break;
      case kAlgorithm:
        out.checksum_algorithm = in.bytes();
        break;
      case kParts:
        out.parts = in.number();
        break;
      case kComposite:
        out.checksum_of_checksums = in.number() != 0;
        break;
      case kStorageClass:
        out.storage_class = in.bytes();
        break;
      case kVersion:
        out.version = in.bytes();
        break;
      case kDeleteMarker:
        out.delete_marker = in.number() != 0;
        break;
      default:
        break;
    }
  }
  if (in.failed()) return malformed();
  return out;
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
