// SPDX-License-Identifier: Apache-2.0

#include "services/s3/versions.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/manifest.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

using model::ApiError;
using store::Space;

constexpr size_t kSequenceBytes = 8, kRandomBytes = 16;

std::string place_at(uint64_t sequence) { return store::Key().number(~sequence).bytes(); }
std::string new_version(uint64_t sequence) { return place_at(sequence) + random_bytes(kRandomBytes); }
// Of a null version, whose place is no id.
std::string null_place(uint64_t sequence) { return place_at(sequence) + std::string(kRandomBytes, '\0'); }
std::string null_row(std::string_view bucket, std::string_view key) {
  return store::Key().text("").text("n").text(bucket).raw(key).bytes();
}

Result<std::optional<Stored>> first_noncurrent(store::View& view, std::string_view bucket, std::string_view key) {
  const std::string prefix = version_row(bucket, key, "");
  auto rows = TRY(view.scan(Space::Object, prefix, store::prefix_end(prefix), 1));
  if (rows.empty()) return std::optional<Stored>();
  return std::optional<Stored>(Stored{std::move(rows[0].key), false, TRY(decode_object(rows[0].value))});
}

ApiError no_such_version(std::string_view key, std::string_view id) {
  ApiError e = model::api_error("NoSuchVersion", "The specified version does not exist.", 404);
  e.members.set("Key", key);
  e.members.set("VersionId", id);
  return e;
}

// In a bucket that never had versions there is none but "null".
std::optional<ApiError> check_id(const Bucket& bucket, std::string_view id, const std::optional<std::string>& version) {
  if (version && (version->empty() || bucket.versioned())) return std::nullopt;
  return model::invalid_argument(id.empty() ? "Version id cannot be the empty string" : "Invalid version id specified",
                                 "versionId", id);
}

}  // namespace

// 24 bytes are 32 letters of base64; two of its letters would need an escape in a query.
std::string version_text(std::string_view version) {
  if (version.empty()) return "null";
  std::string text = base64_encode(version);
  std::replace(text.begin(), text.end(), '+', '.');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::optional<std::string> parse_version(std::string_view text) {
  if (text == "null") return std::string();
  std::string base64(text);
  if (base64.find_first_of("+/") != base64.npos) return std::nullopt;
  std::replace(base64.begin(), base64.end(), '.', '+');
  std::replace(base64.begin(), base64.end(), '_', '/');
  auto version = base64_decode(base64);
  if (!version || version->size() != kSequenceBytes + kRandomBytes) return std::nullopt;
  return std::move(*version);
}

std::string versions_prefix(std::string_view bucket) { return store::Key().text("").text("v").text(bucket).bytes(); }
std::string version_row(std::string_view bucket, std::string_view key, std::string_view place) {
  return store::Key().raw(versions_prefix(bucket)).text(key).raw(place).bytes();
}

Result<std::optional<std::string>> place_of(store::View& view, std::string_view bucket, std::string_view key,
                                            std::string_view version) {
  if (version.empty()) return view.get(Space::Object, null_row(bucket, key));
  return std::optional<std::string>(version);
}

Result<std::optional<Stored>> read_latest(store::View& view, const Bucket& bucket, std::string_view key) {
  std::string row = object_key(bucket.name, key);
  if (const auto bytes = TRY(view.get(Space::Object, row))) {
    return std::optional<Stored>(Stored{std::move(row), true, TRY(decode_object(*bytes))});
  }
  if (!bucket.versioned()) return std::optional<Stored>();
  return first_noncurrent(view, bucket.name, key);
}

Result<std::optional<Stored>> read_version(store::View& view, const Bucket& bucket, std::string_view key,
                                           std::string_view version) {
  std::string row = object_key(bucket.name, key);
  if (const auto bytes = TRY(view.get(Space::Object, row))) {
    Object object = TRY(decode_object(*bytes));
    if (object.version == version) return std::optional<Stored>(Stored{std::move(row), true, std::move(object)});
  }
  const auto place = TRY(place_of(view, bucket.name, key, version));
  if (!place) return std::optional<Stored>();
  row = version_row(bucket.name, key, *place);
  const auto bytes = TRY(view.get(Space::Object, row));
  if (!bytes) return std::optional<Stored>();
  return std::optional<Stored>(Stored{std::move(row), false, TRY(decode_object(*bytes))});
}

Result<std::optional<Stored>> open_object(store::View& view, const Bucket& bucket, const Value& input,
                                          std::optional<ApiError>& problem) {
  const std::string_view key = input["Key"].as_string();
  const Value* id = input.find("VersionId");
  if (id == nullptr) {
    auto latest = TRY(read_latest(view, bucket, key));
    if (latest && !latest->object.delete_marker) return latest;
    problem = model::no_such_key(key);
    if (latest) {
      problem->headers.emplace_back("x-amz-delete-marker", "true");
      problem->headers.emplace_back("x-amz-version-id", version_text(latest->object.version));
    }
    return std::optional<Stored>();
  }
  const auto version = parse_version(id->as_string());
  if ((problem = check_id(bucket, id->as_string(), version))) return std::optional<Stored>();
  auto stored = TRY(read_version(view, bucket, key, *version));
  if (!stored) {
    problem = no_such_version(key, id->as_string());
  } else if (stored->object.delete_marker) {
    problem = model::api_error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
    problem->members.set("ResourceType", "DeleteMarker");
    problem->headers.emplace_back("Allow", "DELETE");
    problem->headers.emplace_back("x-amz-delete-marker", "true");
    problem->headers.emplace_back("x-amz-version-id", version_text(stored->object.version));
    problem->headers.emplace_back("Last-Modified", http_date(stored->object.modified_ms));
    stored.reset();
  }
  return stored;
}

Result<> KeyChange::put(Object& object) {
  object.version.clear();
  TRY(make_room(object));
  const std::string row = object_key(bucket_.name, key_);
  if (bucket_.versioning == Versioning::Enabled) object.version = new_version(next_after(newest_));
  if (!object.delete_marker) return transaction_.put(Space::Object, row, encode(object));
  TRY(transaction_.erase(Space::Object, row));
  const std::string place = object.version.empty() ? null_place(next_after(newest_)) : object.version;
  if (object.version.empty()) TRY(transaction_.put(Space::Object, null_row(bucket_.name, key_), place));
  return transaction_.put(Space::Object, version_row(bucket_.name, key_, place), encode(object));
}

Result<std::string> KeyChange::newest_place() {
  const std::string prefix = version_row(bucket_.name, key_, "");
  const auto rows = TRY(transaction_.scan(Space::Object, prefix, store::prefix_end(prefix), 1));
  return rows.empty() ? std::string() : rows[0].key.substr(prefix.size());
}

// Follows the clock, but never goes back for a key, whatever the clock did.
uint64_t KeyChange::next_after(std::string_view place) {
  const uint64_t newest = place.empty() ? 0 : ~store::KeyReader(place).number().value_or(~uint64_t{0});
  return std::max(next_sequence_(), newest + 1);
}

// Before `next` comes: the current version goes where older ones are, or away.
Result<> KeyChange::make_room(const Object& next) {
  const auto bytes = TRY(transaction_.get(Space::Object, object_key(bucket_.name, key_)));
  std::optional<Object> current;
  if (bytes) current = TRY(decode_object(*bytes));
  const bool replaced = current && current->version.empty() && bucket_.versioning != Versioning::Enabled;
  if (replaced) return discard(*current, next.has_body_row());
  if (bucket_.versioning == Versioning::Suspended) TRY(remove_null(next));
  if (current) return set_aside(*current);
  if (bucket_.versioned()) newest_ = TRY(newest_place());
  return {};
}

Result<> KeyChange::remove_null(const Object& next) {
  const auto place = TRY(place_of(transaction_, bucket_.name, key_, ""));
  if (!place) return {};
  const std::string row = version_row(bucket_.name, key_, *place);
  const auto bytes = TRY(transaction_.get(Space::Object, row));
  TRY(transaction_.erase(Space::Object, row));
  TRY(transaction_.erase(Space::Object, null_row(bucket_.name, key_)));
  return bytes ? discard(TRY(decode_object(*bytes)), next.has_body_row()) : Result<>();
}

Result<> KeyChange::set_aside(const Object& current) {
  newest_ = current.version;
  if (newest_.empty()) {
    newest_ = null_place(next_after(TRY(newest_place())));
    TRY(transaction_.put(Space::Object, null_row(bucket_.name, key_), newest_));
  }
  return transaction_.put(Space::Object, version_row(bucket_.name, key_, newest_), encode(current));
}

// `keep_row`: a body is about to be written over it.
Result<> KeyChange::discard(const Object& object, bool keep_row) {
  if (object.delete_marker) return {};
  if (!object.file.empty()) {
    leftovers_.files.push_back(object.file);
    return Garbage::note(transaction_, object.file);
  }
  const std::string row = body_key(bucket_.name, key_, object.version);
  if (object.parts > 0) {
    const auto manifest = TRY(transaction_.get(Space::Body, row));
    if (!manifest) return fail(Errc::Internal, "an object without its manifest");
    TRY(Garbage::note_files(transaction_, *manifest, leftovers_));
  }
  return keep_row ? Result<>() : transaction_.erase(Space::Body, row);
}

Result<> KeyChange::remove(const Stored& stored) {
  TRY(transaction_.erase(Space::Object, stored.row));
  if (!stored.current && stored.object.version.empty()) {
    TRY(transaction_.erase(Space::Object, null_row(bucket_.name, key_)));
  }
  TRY(discard(stored.object, false));
  return bucket_.versioned() ? promote() : Result<>();
}

Result<> KeyChange::promote() {
  const std::string row = object_key(bucket_.name, key_);
  if (TRY(transaction_.get(Space::Object, row))) return {};
  const auto next = TRY(first_noncurrent(transaction_, bucket_.name, key_));
  if (!next || next->object.delete_marker) return {};
  TRY(transaction_.erase(Space::Object, next->row));
  if (next->object.version.empty()) TRY(transaction_.erase(Space::Object, null_row(bucket_.name, key_)));
  return transaction_.put(Space::Object, row, encode(next->object));
}

}  // namespace gust::s3
