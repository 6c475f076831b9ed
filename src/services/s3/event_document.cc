// SPDX-License-Identifier: Apache-2.0

#include "services/s3/event_document.h"

#include <cstdio>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "crypto/hash.h"

namespace gust::s3 {
namespace {

// An id of AWS's form that stays the same for `of`.
std::string stable_id(std::string_view of, size_t length) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out;
  for (char c : sha256(of).substr(0, length)) out += kLetters[static_cast<unsigned char>(c) % kLetters.size()];
  return out;
}

// The account's number for its root, else the unique id of the user or role.
std::string principal_id(const model::Identity& who) {
  const std::string& arn = who.principal_arn;
  if (arn.empty() || arn.ends_with(":root")) return who.account;
  const bool user = arn.find(":user/") != arn.npos;
  return (user ? "AWS:AIDA" : "AWS:AROA") + stable_id(arn, 17);
}

}  // namespace

std::string hex18(uint64_t n) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "%018llX", static_cast<unsigned long long>(n));
  return buffer;
}

Cause::Cause(const model::Call& call, int64_t now)
    : request_id(call.request_id),
      source_ip(call.source_ip),
      principal(principal_id(call.identity)),
      received_us(call.received_us),
      now_ms(now) {}

std::string form_encode(std::string_view key) {
  std::string out = percent_encode(key, Slash::Keep);
  if (key.find(' ') == key.npos) return out;
  // A percent sign of the key is "%25" by now.
  for (size_t at = 0; (at = out.find("%20", at)) != out.npos;) out.replace(at, 3, "+");
  return out;
}

std::string event_document(const Happened& happened, const Cause& cause, const Bucket& bucket, const Notification& notification,
                           uint64_t sequencer) {
  Value record = Value::map();
  record.set("eventVersion", "2.1");
  record.set("eventSource", "aws:s3");
  record.set("awsRegion", bucket.region);
  record.set("eventTime", iso8601(cause.now_ms));
  record.set("eventName", happened.event.substr(happened.event.find(':') + 1));  // without "s3:"
  record.set("userIdentity", Value::map()).set("principalId", cause.principal);
  record.set("requestParameters", Value::map()).set("sourceIPAddress", cause.source_ip);
  Value& response = record.set("responseElements", Value::map());
  response.set("x-amz-request-id", cause.request_id);
  response.set("x-amz-id-2", cause.request_id);
  Value& s3 = record.set("s3", Value::map());
  s3.set("s3SchemaVersion", "1.0");
  s3.set("configurationId", notification.id);
  Value& where = s3.set("bucket", Value::map());
  where.set("name", bucket.name);
  where.set("ownerIdentity", Value::map()).set("principalId", "A" + stable_id(bucket.account, 13));
  where.set("arn", bucket.arn());
  Value& what = s3.set("object", Value::map());
  what.set("key", form_encode(happened.key));
  if (happened.size) what.set("size", static_cast<unsigned long>(*happened.size));
  if (!happened.entity_tag.empty()) what.set("eTag", happened.entity_tag);
  if (!happened.version_id.empty()) what.set("versionId", happened.version_id);
  what.set("sequencer", hex18(sequencer));
  Value document = Value::map();
  document.set("Records", Value::list()).push(std::move(record));
  return json::write(document);
}

}  // namespace gust::s3
