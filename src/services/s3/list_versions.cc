// SPDX-License-Identifier: Apache-2.0

// ListObjectVersions: current objects and all other versions are two streams of rows, merged by key.

#include <algorithm>

#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/listing.h"
#include "services/s3/request.h"
#include "services/s3/row_stream.h"
#include "services/s3/s3_service.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

struct Query {
  std::string prefix, delimiter, key_marker;
  std::optional<std::string> version_marker;  // raw
  size_t limit = kMaxPage;
};

struct Entry {
  std::string key, row;
  bool latest = false;
};

struct Page {
  std::vector<Entry> versions;
  std::vector<std::string> prefixes;
  bool truncated = false;
  std::string last_key, last_version;  // the latter empty behind a common prefix
};

class Lister {
 public:
  Lister(store::View& view, const Bucket& bucket, const Query& query)
      : bucket_(bucket.name),
        query_(query),
        others_prefix_(versions_prefix(bucket.name)),
        current_(view, object_key(bucket_, query.prefix), store::prefix_end(object_key(bucket_, query.prefix))),
        others_(view, open_text(others_prefix_, query.prefix), store::prefix_end(open_text(others_prefix_, query.prefix))),
        view_(view) {}

  Result<Page> run() {
    if (query_.limit == 0) return std::move(page_);
    if (!query_.key_marker.empty()) TRY(go_to_marker());
    while (TRY(step())) {
    }
    return std::move(page_);
  }

 private:
  Result<> go_to_marker() {
    const std::string& key = query_.key_marker;
    current_.skip_to(object_key(bucket_, key + '\0'));
    if (query_.version_marker) {
      // Without a place the marker is the current version: all others of the key come behind it.
      const auto place = TRY(place_of(view_, bucket_, key, *query_.version_marker));
      others_.skip_to(version_row(bucket_, key, place ? *place + '\0' : ""));
      latest_key_ = key;
    } else {
      others_.skip_to(store::prefix_end(version_row(bucket_, key, "")));
    }
    // A marker may be the common prefix that the last page ended with, or lie below one: it is not shown again.
    if (key.starts_with(query_.prefix)) skip(common_prefix(key, query_.prefix, query_.delimiter));
    return {};
  }

  void skip(const std::string& shared) {
    if (shared.empty()) return;
    current_.skip_to(store::prefix_end(object_key(bucket_, shared)));
    others_.skip_to(store::prefix_end(open_text(others_prefix_, shared)));
  }

  // False at the end of the page.
  Result<bool> step() {
    const store::Row* current = TRY(current_.front());
    const store::Row* other = TRY(others_.front());
    if (current == nullptr && other == nullptr) return false;
    if (page_.versions.size() + page_.prefixes.size() == query_.limit) {
      page_.truncated = true;
      return false;
    }
    std::string key = current ? key_of(current->key, bucket_) : std::string();
    if (other != nullptr) {
      std::string other_key = TRY(store::KeyReader(std::string_view(other->key).substr(others_prefix_.size())).text());
      if (current == nullptr || other_key < key) {
        key = std::move(other_key);
        current = nullptr;
      }
    }
    std::string shared = common_prefix(key, query_.prefix, query_.delimiter);
    if (!shared.empty()) {
      skip(shared);
      page_.last_key = shared;
      page_.last_version.clear();
      page_.prefixes.push_back(std::move(shared));
      return true;
    }
    const std::string& row = current ? current->value : other->value;
    page_.last_version = version_text(TRY(summarize(row)).version);
    page_.last_key = key;
    page_.versions.push_back({key, row, !latest_key_ || *latest_key_ != key});
    latest_key_ = std::move(key);
    (current ? current_ : others_).pop();
    return true;
  }

  const std::string& bucket_;
  const Query& query_;
  const std::string others_prefix_;
  RowStream current_, others_;
  store::View& view_;
  Page page_;
  std::optional<std::string> latest_key_;  // its latest version has been passed
};

tl::expected<Query, model::ApiError> query_of(const Value& input) {
  if (auto e = check_encoding(input)) return tl::unexpected(std::move(*e));
  const auto limit = page_size(input, "MaxKeys", "max-keys", kMaxPage);
  if (!limit) return tl::unexpected(limit.error());
  Query query;
  query.prefix = input["Prefix"].as_string();
  query.delimiter = input["Delimiter"].as_string();
  query.key_marker = input["KeyMarker"].as_string();
  query.limit = *limit;
  const Value* marker = input.find("VersionIdMarker");
  if (marker == nullptr) return query;
  const std::string_view id = marker->as_string();
  if (query.key_marker.empty()) {
    return tl::unexpected(
        model::invalid_argument("A version-id marker cannot be specified without a key marker.", "version-id-marker", id));
  }
  if (id.empty()) {
    return tl::unexpected(model::invalid_argument("A version-id marker cannot be empty.", "version-id-marker", id));
  }
  query.version_marker = parse_version(id);
  if (query.version_marker) return query;
  return tl::unexpected(model::invalid_argument("Invalid version id specified", "version-id-marker", id));
}

// Members Versions and DeleteMarkers. In AWS's document both are in one sequence: "_order", which is of no shape, tells the
// writer the place of each.
Result<> add_versions(const Page& page, const KeyText& text, const std::string& owner, Value& output) {
  Value versions = Value::list(), markers = Value::list();
  for (const Entry& entry : page.versions) {
    const Summary object = TRY(summarize(entry.row));
    Value v = Value::map();
    v.set("_order", static_cast<unsigned long>(versions.size() + markers.size()));
    v.set("Key", text(entry.key));
    v.set("VersionId", version_text(object.version));
    v.set("IsLatest", entry.latest);
    v.set("Owner", Value::map()).set("ID", owner);
    if (object.delete_marker) {
      v.set("LastModified", Timestamp{whole_seconds(object.modified_ms)});
    } else {
      list_members(object, v);
    }
    (object.delete_marker ? markers : versions).push(std::move(v));
  }
  if (versions.size() > 0) output.set("Versions", std::move(versions));
  if (markers.size() > 0) output.set("DeleteMarkers", std::move(markers));
  return {};
}

}  // namespace

Result<S3Service::Answer> S3Service::list_object_versions(const model::Call& call) {
  const Value& input = call.input;
  const auto query = query_of(input);
  if (!query) return Answer(tl::unexpected(query.error()));
  Problem problem;
  auto view = TRY(parts_.store.read());
  const auto bucket = TRY(open_bucket(*view, access_of(call), problem));
  if (!bucket) return no(problem);
  const Page page = TRY(Lister(*view, *bucket, *query).run());
  view.reset();
  const KeyText text(input);
  model::Reply reply;
  Value& output = reply.output;
  output.set("Name", bucket->name);
  text.echo(input, output);
  output.set("KeyMarker", text(query->key_marker));
  output.set("VersionIdMarker", input["VersionIdMarker"].as_string());
  output.set("MaxKeys", static_cast<unsigned long>(query->limit));
  output.set("IsTruncated", page.truncated);
  if (page.truncated) {
    output.set("NextKeyMarker", text(page.last_key));
    if (!page.last_version.empty()) output.set("NextVersionIdMarker", page.last_version);
  }
  TRY(add_versions(page, text, canonical_user(bucket->account), output));
  if (!page.prefixes.empty()) output.set("CommonPrefixes", text.common_prefixes(page.prefixes));
  return Answer(std::move(reply));
}

}  // namespace gust::s3
