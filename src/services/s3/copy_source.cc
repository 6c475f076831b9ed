// SPDX-License-Identifier: Apache-2.0

#include "services/s3/copy_source.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"
#include "services/s3/request.h"

namespace gust::s3 {
namespace {

using model::ApiError;
constexpr int kAttempts = 5;  // the source's files may be replaced between reading its row and opening them
constexpr std::string_view kHeader = "x-amz-copy-source";

ApiError too_large() {
  return model::api_error(
      "InvalidRequest",
      "The specified copy source is larger than the maximum allowable size for a copy source: " + std::to_string(kMaxCopy));
}

// What a GetObject of the source would be asked.
Value as_input(const SourceName& name) {
  Value input = Value::map();
  input.set("Key", name.key);
  if (name.version_id) input.set("VersionId", *name.version_id);
  return input;
}

}  // namespace

tl::expected<SourceName, ApiError> parse_copy_source(std::string_view header) {
  constexpr std::string_view kVersion = "?versionId=";
  SourceName name;
  std::string_view path = header;
  if (const size_t query = path.find(kVersion); query != path.npos) {
    const auto id = percent_decode(path.substr(query + kVersion.size()));
    name.version_id = id ? *id : std::string();
    path = path.substr(0, query);
  }
  // As in a form: a plus sign of a key must come encoded.
  const auto decoded = percent_decode(path, Plus::Space);
  std::string_view text = decoded ? std::string_view(*decoded) : std::string_view();
  if (text.starts_with('/')) text.remove_prefix(1);
  const size_t slash = text.find('/');
  if (slash == 0 || slash == text.npos || slash + 1 == text.size() || !is_utf8(text)) {
    return tl::unexpected(
        model::invalid_argument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey", kHeader, header));
  }
  name.bucket = text.substr(0, slash);
  name.key = text.substr(slash + 1);
  if (name.bucket.starts_with("arn:")) return tl::unexpected(model::not_implemented("s3", "copies from access points"));
  return name;
}

Result<std::optional<S3Service::CopySource>> S3Service::open_source(const model::Call& call, Problem& problem) {
  const auto name = parse_copy_source(call.input["CopySource"].as_string());
  if (!name) {
    problem = name.error();
  } else {
    problem = check_key(name->key);
  }
  if (problem) return std::optional<CopySource>();
  Access access = access_of(call);
  for (int attempt = 1;; ++attempt) {
    auto source = read_source(call, *name, access, problem);
    if (source || source.error().code != Errc::NotFound || attempt == kAttempts) return source;
  }
}

Result<std::optional<S3Service::CopySource>> S3Service::read_source(const model::Call& call, const SourceName& name,
                                                                    const Access& target, Problem& problem) {
  auto view = TRY(parts_.store.read());
  // Nothing is copied for a bucket that is not there.
  if (!TRY(open_bucket(*view, target, problem))) return std::optional<CopySource>();
  Access access = target;
  access.bucket = name.bucket;
  access.region.clear();  // a source may lie in any region
  access.expected_owner.reset();
  if (const Value* owner = call.input.find("ExpectedSourceBucketOwner")) access.expected_owner = owner->as_string();
  auto opened = TRY(open(*view, access, as_input(name), problem));
  if (problem && problem->code == "MethodNotAllowed") {
    problem = model::api_error("InvalidRequest",
                               "The source of a copy request may not specifically refer to a delete marker by version id.");
  }
  if (!opened) return std::optional<CopySource>();
  CopySource source;
  source.object = std::move(opened->stored.object);
  source.bucket = std::move(opened->bucket);
  source.key = name.key;
  source.by_version = name.version_id.has_value();
  if ((problem = check_source_conditions(call.input, source.object))) return std::optional<CopySource>();
  Range part{0, source.object.size};
  if (const Value* header = call.input.find("CopySourceRange")) {
    const auto range = parse_source_range(header->as_string(), source.object.size);
    if (!range) problem = range.error();
    if (range) part = *range;
  }
  if (!problem && part.length > kMaxCopy) problem = too_large();
  if (problem) return std::optional<CopySource>();
  const std::string row = body_key(source.bucket.name, source.key, source.object.version);
  source.body = TRY(read_body(*view, row, source.object, part));
  return std::optional<CopySource>(std::move(source));
}

}  // namespace gust::s3
