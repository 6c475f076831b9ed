// SPDX-License-Identifier: Apache-2.0

#pragma once

// Versions of objects. Where a bucket is or was versioned, a key has a sequence of versions: objects and delete markers. The
// newest is the row of Space::Object under (bucket, key) if it is an object (object.h), so listing current objects never
// meets anything else; all other versions are rows under ("", "v", bucket, key, version), the newest first.
//
// A version id is 24 bytes: a complement of its sequence number, so that later ones sort first, and random ones; 32 letters
// on the wire. The null version (written while versioning was not enabled) has none; where it is not the current one, the
// row under ("", "n", bucket, key) holds its place.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"
#include "model/service.h"
#include "services/s3/bucket.h"
#include "services/s3/garbage.h"
#include "services/s3/object.h"
#include "store/store.h"

namespace gust::s3 {

std::string version_text(std::string_view version);  // "null" where it is empty
// The version of a VersionId, empty for "null"; nullopt: no server of this kind has made it.
std::optional<std::string> parse_version(std::string_view text);

std::string versions_prefix(std::string_view bucket);
std::string version_row(std::string_view bucket, std::string_view key, std::string_view place);
// Where the version stands among the rows of its key; nullopt: a null version that is current or absent.
Result<std::optional<std::string>> place_of(store::View& view, std::string_view bucket, std::string_view key,
                                            std::string_view version);

struct Stored {
  std::string row;  // key of its row
  bool current = false;
  Object object;
};
// The newest version: an object, or a delete marker in front of others.
Result<std::optional<Stored>> read_latest(store::View& view, const Bucket& bucket, std::string_view key);
Result<std::optional<Stored>> read_version(store::View& view, const Bucket& bucket, std::string_view key,
                                           std::string_view version);

// What a request with a Key and maybe a VersionId means: the object, or nullopt and the problem in S3's words (NoSuchKey,
// NoSuchVersion, InvalidArgument, MethodNotAllowed for a delete marker).
Result<std::optional<Stored>> open_object(store::View& view, const Bucket& bucket, const Value& input,
                                          std::optional<model::ApiError>& problem);

// One change of a key's versions, inside a mutation.
class KeyChange {
 public:
  KeyChange(store::Transaction& transaction, const Bucket& bucket, std::string_view key, Leftovers& leftovers,
            const std::function<uint64_t()>& next_sequence)
      : transaction_(transaction), bucket_(bucket), key_(key), leftovers_(leftovers), next_sequence_(next_sequence) {}

  // Makes the object or delete marker the newest version, gives it its id and lets go of what it replaces. The row of its
  // body is the caller's to write, afterwards.
  Result<> put(Object& object);
  // Takes a version away with its body; where it was the newest, the next one takes its place.
  Result<> remove(const Stored& stored);

 private:
  Result<> make_room(const Object& next);
  Result<> remove_null(const Object& next);
  Result<> set_aside(const Object& current);
  Result<> discard(const Object& object, bool keep_row);
  Result<> promote();
  Result<std::string> newest_place();
  uint64_t next_after(std::string_view place);

  store::Transaction& transaction_;
  const Bucket& bucket_;
  std::string_view key_;
  Leftovers& leftovers_;
  const std::function<uint64_t()>& next_sequence_;
  std::string newest_;  // place of the newest version, once make_room has looked
};

}  // namespace gust::s3
