// SPDX-License-Identifier: Apache-2.0

// GetObjectAttributes.

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/manifest.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

constexpr size_t kMaxParts = 1000;  // of one page
constexpr std::string_view kAttributes[] = {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"};

// Names may also come as one with commas in between.
tl::expected<std::vector<std::string>, model::ApiError> attributes_of(const Value& input) {
  std::vector<std::string> names;
  for (const Value& entry : input["ObjectAttributes"].as_list()) {
    std::string_view rest = entry.as_string();
    while (!rest.empty()) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view name = trim(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      if (std::find(std::begin(kAttributes), std::end(kAttributes), name) == std::end(kAttributes)) {
        return tl::unexpected(model::invalid_argument("Invalid attribute name specified.", "x-amz-object-attributes", name));
      }
      names.emplace_back(name);
    }
  }
  if (!names.empty()) return names;
  return tl::unexpected(model::api_error("InvalidRequest",
                                         "The x-amz-object-attributes header specifying the attributes to be retrieved is either "
                                         "missing or empty"));
}

// The parts themselves are shown where each has a checksum that the client chose.
Result<Value> parts_of(const Value& input, const Object& object, std::string_view manifest, size_t limit) {
  Value parts = Value::map();
  parts.set("TotalPartsCount", static_cast<unsigned long>(object.parts));
  if (!object.checksum_of_checksums) return parts;
  const auto marker = static_cast<uint64_t>(std::max<int64_t>(input["PartNumberMarker"].as_int(), 0));
  Value list = Value::list();
  ManifestReader in(manifest);
  uint64_t number = 0, last = 0;
  bool more = false;
  while (in.next()) {
    if (++number <= marker) continue;
    more = list.size() == limit;
    if (more) break;
    Value part = Value::map();
    part.set("PartNumber", static_cast<unsigned long>(number));
    part.set("Size", static_cast<unsigned long>(in.size()));
    set_checksum(part, object.checksum_algorithm, base64_encode(in.checksum()));
    list.push(std::move(part));
    last = number;
  }
  if (in.failed()) return fail(Errc::Internal, "malformed manifest of an object");
  parts.set("PartNumberMarker", static_cast<unsigned long>(marker));
  parts.set("NextPartNumberMarker", static_cast<unsigned long>(last));
  parts.set("MaxParts", static_cast<unsigned long>(limit));
  parts.set("IsTruncated", more);
  if (list.size() > 0) parts.set("Parts", std::move(list));
  return parts;
}

}  // namespace

Result<S3Service::Answer> S3Service::get_object_attributes(const model::Call& call) {
  const Value& input = call.input;
  Problem problem = check_key(input["Key"].as_string());
  if (!problem) problem = refuse_customer_keys(call.operation, input);
  const auto names = attributes_of(input);
  if (!problem && !names) problem = names.error();
  const auto limit = page_size(input, "MaxParts", "max-parts", kMaxParts);
  if (!problem && !limit) problem = limit.error();
  if (problem) return no(problem);
  auto view = TRY(parts_.store.read());
  const auto opened = TRY(open(*view, access_of(call), input, problem));
  if (!opened) return no(problem);
  const Object& object = opened->stored.object;
  const auto wants = [&](std::string_view name) { return std::find(names->begin(), names->end(), name) != names->end(); };
  model::Reply reply;
  Value& output = reply.output;
  output.set("LastModified", Timestamp{whole_seconds(object.modified_ms)});
  if (opened->bucket.versioned()) output.set("VersionId", version_text(object.version));
  if (wants("ETag")) output.set("ETag", object.entity_tag());
  if (wants("Checksum") && !object.checksum.empty()) {
    Value& checksum = output.set("Checksum", Value::map());
    set_checksum(checksum, object.checksum_algorithm, object.checksum);
    checksum.set("ChecksumType", checksum_type(object.checksum_of_checksums));
  }
  if (wants("ObjectParts") && object.parts > 0) {
    const auto manifest =
        TRY(view->get(store::Space::Body, body_key(opened->bucket.name, input["Key"].as_string(), object.version)));
    output.set("ObjectParts", TRY(parts_of(input, object, manifest.value_or(""), *limit)));
  }
  if (wants("StorageClass"))
    output.set("StorageClass", object.storage_class.empty() ? std::string(kStandard) : object.storage_class);
  if (wants("ObjectSize")) output.set("ObjectSize", static_cast<unsigned long>(object.size));
  return Answer(std::move(reply));
}

}  // namespace gust::s3
