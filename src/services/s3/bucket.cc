// SPDX-License-Identifier: Apache-2.0

#include "services/s3/bucket.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "services/s3/fields.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

enum Tag : uint8_t { kAccount = 1, kRegion = 2, kLocation = 3, kCreated = 4, kNotification = 5, kId = 6, kVersioning = 7 };

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool like_an_address(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 && name.find_first_not_of("0123456789.") == name.npos;
}

}  // namespace

// No account is empty, so nothing else lies under this prefix.
std::string bucket_prefix() { return store::Key().text("").text("").text("s3").bytes(); }
std::string bucket_key(std::string_view name) { return store::Key().raw(bucket_prefix()).text(name).bytes(); }

std::string encode(const Bucket& bucket) {
  FieldWriter out;
  out.text(kAccount, bucket.account);
  out.text(kRegion, bucket.region);
  out.text(kLocation, bucket.location);
  out.number(kCreated, static_cast<uint64_t>(bucket.created_ms));
  for (const Notification& n : bucket.notifications) out.element(kNotification, encode(n));
  out.text(kId, bucket.id);
  out.number(kVersioning, static_cast<uint64_t>(bucket.versioning));
  return out.take();
}

Result<Bucket> decode_bucket(std::string_view name, std::string_view bytes) {
  Bucket bucket;
  bucket.name = name;
  FieldReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case kAccount:
        bucket.account = in.text();
        break;
      case kRegion:
        bucket.region = in.text();
        break;
      case kLocation:
        bucket.location = in.text();
        break;
      case kCreated:
        bucket.created_ms = static_cast<int64_t>(in.number());
        break;
      case kNotification:
        bucket.notifications.push_back(TRY(decode_notification(in.bytes())));
        break;
      case kId:
        bucket.id = in.text();
        break;
      case kVersioning:
        bucket.versioning = static_cast<Versioning>(in.number());
        break;
      default:
        break;
    }
  }
  if (in.failed()) return fail(Errc::Invalid, "malformed row of a bucket");
  return bucket;
}

Result<std::optional<Bucket>> read_bucket(store::View& view, std::string_view name) {
  const auto row = TRY(view.get(store::Space::Meta, bucket_key(name)));
  if (!row) return std::optional<Bucket>();
  return std::optional<Bucket>(TRY(decode_bucket(name, *row)));
}

bool is_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  if (!letter_or_digit(name.front()) || !letter_or_digit(name.back())) return false;
  for (char c : name) {
    if (!letter_or_digit(c) && c != '.' && c != '-') return false;
  }
  if (name.find("..") != name.npos || like_an_address(name)) return false;
  for (std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"}) {
    if (name.starts_with(prefix)) return false;
  }
  for (std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}) {
    if (name.ends_with(suffix)) return false;
  }
  return true;
}

std::string canonical_user(std::string_view account) { return hex_encode(sha256("canonical user of " + std::string(account))); }

}  // namespace gust::s3
