// SPDX-License-Identifier: Apache-2.0

#include "services/s3/multipart.h"

#include "model/errors.h"
#include "services/s3/fields.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

// The first ones mean the same in an object's row, which is an upload's.
enum Tag : uint8_t { kSize = 1, kMd5 = 2, kFile = 3, kModified = 4, kChecksum = 12 };

}  // namespace

std::string uploads_prefix(const Bucket& bucket) {
  return store::Key().text("").text("u").text(bucket.name).text(bucket.id).bytes();
}
std::string upload_row(const Bucket& bucket, std::string_view key, std::string_view upload_id) {
  return store::Key().raw(uploads_prefix(bucket)).text(key).raw(upload_id).bytes();
}
std::string all_parts_prefix(const Bucket& bucket) {
  return store::Key().text("").text("p").text(bucket.name).text(bucket.id).bytes();
}
std::string parts_prefix(const Bucket& bucket, std::string_view upload_id) {
  return store::Key().raw(all_parts_prefix(bucket)).text(upload_id).bytes();
}
std::string part_row(const Bucket& bucket, std::string_view upload_id, uint64_t number) {
  return store::Key().raw(parts_prefix(bucket, upload_id)).number(number).bytes();
}
Result<uint64_t> part_number(std::string_view row_key, std::string_view prefix) {
  return store::KeyReader(row_key.substr(prefix.size())).number();
}

model::ApiError no_such_upload(std::string_view upload_id) {
  model::ApiError e =
      model::api_error("NoSuchUpload",
                       "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
                       "been aborted or completed.",
                       404);
  e.members.set("UploadId", upload_id);
  return e;
}

Result<std::optional<Object>> read_upload(store::View& view, const Bucket& bucket, std::string_view key,
                                          std::string_view upload_id, std::optional<model::ApiError>& problem) {
  const auto row = TRY(view.get(store::Space::Object, upload_row(bucket, key, upload_id)));
  if (row) return std::optional<Object>(TRY(decode_object(*row)));
  problem = no_such_upload(upload_id);
  return std::optional<Object>();
}

Result<std::vector<std::pair<uint64_t, Part>>> read_parts(store::View& view, const Bucket& bucket, std::string_view upload_id) {
  const std::string prefix = parts_prefix(bucket, upload_id);
  std::vector<std::pair<uint64_t, Part>> parts;
  for (const store::Row& row : TRY(view.scan(store::Space::Object, prefix, store::prefix_end(prefix), kMaxPartNumber))) {
    parts.emplace_back(TRY(part_number(row.key, prefix)), TRY(decode_part(row.value)));
  }
  return parts;
}

std::string encode(const Part& part) {
  FieldWriter out;
  out.number(kSize, part.size);
  out.text(kMd5, part.md5);
  out.text(kFile, part.file);
  out.number(kModified, static_cast<uint64_t>(part.modified_ms));
  out.text(kChecksum, part.checksum);
  return out.take();
}

Result<Part> decode_part(std::string_view bytes) {
  Part part;
  FieldReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kSize:
        part.size = in.number();
        break;
      case kMd5:
        part.md5 = in.text();
        break;
      case kFile:
        part.file = in.text();
        break;
      case kModified:
        part.modified_ms = static_cast<int64_t>(in.number());
        break;
      case kChecksum:
        part.checksum = in.text();
        break;
      default:
        break;
    }
  }
  if (in.failed()) return fail(Errc::Invalid, "malformed row of a part");
  return part;
}

Result<std::string> file_of_upload_row(std::string_view bytes) { return TRY(decode_part(bytes)).file; }

}  // namespace gust::s3
