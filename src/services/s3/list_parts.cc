// SPDX-License-Identifier: Apache-2.0

// ListParts and ListMultipartUploads.

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/listing.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"
#include "services/s3/row_stream.h"
#include "services/s3/s3_service.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

Value identified(std::string_view id) {
  Value v = Value::map();
  v.set("ID", id);
  return v;
}

std::string_view shown_class(const Object& upload) {
  return upload.storage_class.empty() ? kStandard : std::string_view(upload.storage_class);
}

void show_checksum(const Object& upload, Value& output) {
  if (upload.checksum_algorithm.empty()) return;
  output.set("ChecksumAlgorithm", upload.checksum_algorithm);
  output.set("ChecksumType", checksum_type(upload.checksum_of_checksums));
}

struct UploadsPage {
  Value uploads = Value::list();
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string last_key, last_id;
  size_t count() const { return uploads.size() + prefixes.size(); }
};

Value upload_entry(const KeyText& text, std::string_view key, std::string_view id, const Object& upload, const Bucket& bucket) {
  Value v = Value::map();
  v.set("UploadId", id);
  v.set("Key", text(key));
  v.set("Initiated", Timestamp{whole_seconds(upload.modified_ms)});
  v.set("StorageClass", shown_class(upload));
  v.set("Owner", identified(canonical_user(bucket.account)));
  v.set("Initiator", identified(canonical_user(bucket.account)));
  show_checksum(upload, v);
  return v;
}

Result<UploadsPage> collect(store::View& view, const Bucket& bucket, const Value& input, size_t limit) {
  const std::string prefix(input["Prefix"].as_string()), delimiter(input["Delimiter"].as_string());
  const std::string marker(input["KeyMarker"].as_string()), id_marker(input["UploadIdMarker"].as_string());
  const std::string rows = uploads_prefix(bucket);
  const KeyText text(input);
  RowStream stream(view, open_text(rows, prefix), store::prefix_end(open_text(rows, prefix)));
  if (!marker.empty()) {
    const std::string at = upload_row(bucket, marker, id_marker);
    stream.skip_to(id_marker.empty() ? store::prefix_end(at) : at + '\0');
    const std::string shared = marker.starts_with(prefix) ? common_prefix(marker, prefix, delimiter) : std::string();
    if (!shared.empty()) stream.skip_to(store::prefix_end(open_text(rows, shared)));
  }
  UploadsPage page;
  while (limit > 0) {
    const store::Row* row = TRY(stream.front());
    page.truncated = row != nullptr && page.count() == limit;
    if (row == nullptr || page.truncated) break;
    store::KeyReader reader(std::string_view(row->key).substr(rows.size()));
    const std::string key = TRY(reader.text());
    const std::string shared = common_prefix(key, prefix, delimiter);
    page.last_key = shared.empty() ? key : shared;
    page.last_id = shared.empty() ? std::string(reader.rest()) : std::string();
    if (shared.empty()) {
      page.uploads.push(upload_entry(text, key, page.last_id, TRY(decode_object(row->value)), bucket));
      stream.pop();
    } else {
      page.prefixes.push_back(shared);
      stream.skip_to(store::prefix_end(open_text(rows, shared)));
    }
  }
  return page;
}

}  // namespace

Result<S3Service::Answer> S3Service::list_multipart_uploads(const model::Call& call) {
  const Value& input = call.input;
  const auto limit = page_size(input, "MaxUploads", "max-uploads", kMaxPage);
  Problem problem = check_encoding(input);
  if (!problem && !limit) problem = limit.error();
  if (problem) return no(problem);
  auto view = TRY(parts_.store.read());
  const auto bucket = TRY(open_bucket(*view, access_of(call), problem));
  if (!bucket) return no(problem);
  UploadsPage page = TRY(collect(*view, *bucket, input, *limit));
  view.reset();
  const KeyText text(input);
  model::Reply reply;
  Value& output = reply.output;
  output.set("Bucket", bucket->name);
  output.set("KeyMarker", text(input["KeyMarker"].as_string()));
  output.set("UploadIdMarker", input.has("KeyMarker") ? input["UploadIdMarker"].as_string() : "");
  output.set("NextKeyMarker", page.truncated ? text(page.last_key) : Value(""));
  output.set("NextUploadIdMarker", page.truncated ? page.last_id : std::string());
  text.echo(input, output);
  output.set("MaxUploads", static_cast<unsigned long>(*limit));
  output.set("IsTruncated", page.truncated);
  if (page.uploads.size() > 0) output.set("Uploads", std::move(page.uploads));
  if (!page.prefixes.empty()) output.set("CommonPrefixes", text.common_prefixes(page.prefixes));
  return Answer(std::move(reply));
}

Result<S3Service::Answer> S3Service::list_parts(const model::Call& call) {
  const Value& input = call.input;
  const std::string key(input["Key"].as_string()), id(input["UploadId"].as_string());
  Problem problem = check_key(key);
  if (!problem) problem = refuse_customer_keys(call.operation, input);
  const auto limit = page_size(input, "MaxParts", "max-parts", kMaxPage);
  if (!problem && !limit) problem = limit.error();
  if (problem) return no(problem);
  auto view = TRY(parts_.store.read());
  const auto bucket = TRY(open_bucket(*view, access_of(call), problem));
  if (!bucket) return no(problem);
  const auto upload = TRY(read_upload(*view, *bucket, key, id, problem));
  if (!upload) return no(problem);
  const auto marker = static_cast<uint64_t>(std::max<int64_t>(input["PartNumberMarker"].as_int(), 0));
  const std::string prefix = parts_prefix(*bucket, id);
  const auto rows =
      TRY(view->scan(store::Space::Object, part_row(*bucket, id, marker + 1), store::prefix_end(prefix), *limit + 1));
  view.reset();
  Value parts = Value::list();
  uint64_t last = 0;
  for (const store::Row& row : rows) {
    if (parts.size() == *limit) break;
    last = TRY(part_number(row.key, prefix));
    const Part part = TRY(decode_part(row.value));
    Value v = Value::map();
    v.set("PartNumber", static_cast<unsigned long>(last));
    v.set("LastModified", Timestamp{whole_seconds(part.modified_ms)});
    v.set("ETag", "\"" + hex_encode(part.md5) + "\"");
    v.set("Size", static_cast<unsigned long>(part.size));
    if (!upload->checksum_algorithm.empty()) set_checksum(v, upload->checksum_algorithm, base64_encode(part.checksum));
    parts.push(std::move(v));
  }
  model::Reply reply;
  Value& output = reply.output;
  output.set("Bucket", bucket->name);
  output.set("Key", key);
  output.set("UploadId", id);
  output.set("PartNumberMarker", static_cast<unsigned long>(marker));
  output.set("NextPartNumberMarker", static_cast<unsigned long>(last));
  output.set("MaxParts", static_cast<unsigned long>(*limit));
  output.set("IsTruncated", rows.size() > *limit && *limit > 0);
  if (parts.size() > 0) output.set("Parts", std::move(parts));
  output.set("Initiator", identified(canonical_user(bucket->account)));
  output.set("Owner", identified(canonical_user(bucket->account)));
  output.set("StorageClass", shown_class(*upload));
  show_checksum(*upload, output);
  return Answer(std::move(reply));
}

}  // namespace gust::s3
