// SPDX-License-Identifier: Apache-2.0

#include "services/sts/sessions.h"

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "store/key.h"

namespace gust::sts {
namespace {

constexpr std::string_view kPrefix = "ASIA";
constexpr size_t kIdLetters = 16;
constexpr char kVersion = 1;  // first byte of a token
constexpr size_t kMacBytes = 32, kSecretBytes = 30;

std::string new_access_key_id() {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(kPrefix);
  for (char byte : random_bytes(kIdLetters)) id += kLetters[static_cast<unsigned char>(byte) & 31];
  return id;
}

std::string encode(std::string_view access_key_id, const Session& s) {
  store::Key out;
  out.text(access_key_id).text(s.account).text(s.principal_arn).text(s.user_id);
  out.number(static_cast<uint64_t>(s.expires_ms)).text(s.source_identity);
  out.number(s.tags.size());
  for (const auto& [key, value] : s.tags) out.text(key).text(value);
  out.number(s.transitive_tag_keys.size());
  for (const std::string& key : s.transitive_tag_keys) out.text(key);
  out.text(s.policy).number(s.policy_arns.size());
  for (const std::string& arn : s.policy_arns) out.text(arn);
  return std::string(1, kVersion) + out.bytes();
}

struct Opened {
  std::string access_key_id;
  Session session;
};

// Of an authentic token only: its counts are our own.
Result<Opened> decode(std::string_view bytes) {
  store::KeyReader in(bytes.substr(1));
  Opened out;
  Session& s = out.session;
  out.access_key_id = TRY(in.text());
  s.account = TRY(in.text());
  s.principal_arn = TRY(in.text());
  s.user_id = TRY(in.text());
  s.expires_ms = static_cast<int64_t>(TRY(in.number()));
  s.source_identity = TRY(in.text());
  for (uint64_t left = TRY(in.number()); left > 0; --left) {
    std::string key = TRY(in.text());
    std::string value = TRY(in.text());
    s.tags.emplace_back(std::move(key), std::move(value));
  }
  for (uint64_t left = TRY(in.number()); left > 0; --left) s.transitive_tag_keys.push_back(TRY(in.text()));
  s.policy = TRY(in.text());
  for (uint64_t left = TRY(in.number()); left > 0; --left) s.policy_arns.push_back(TRY(in.text()));
  return out;
}

}  // namespace

std::string Sessions::secret_of(std::string_view access_key_id) const {
  return base64_encode(hmac_sha256(key_, "secret " + std::string(access_key_id)).substr(0, kSecretBytes));
}

Issued Sessions::issue(const Session& session) const {
  Issued out;
  out.access_key_id = new_access_key_id();
  out.secret_access_key = secret_of(out.access_key_id);
  std::string content = encode(out.access_key_id, session);
  out.session_token = base64_encode(content + hmac_sha256(key_, "token " + content));
  return out;
}

std::optional<Session> Sessions::open(std::string_view access_key_id, std::string_view session_token) const {
  if (!access_key_id.starts_with(kPrefix) || session_token.size() > kMaxToken) return std::nullopt;
  auto bytes = base64_decode(session_token);
  if (!bytes || bytes->size() <= kMacBytes || bytes->front() != kVersion) return std::nullopt;
  std::string mac = bytes->substr(bytes->size() - kMacBytes);
  bytes->resize(bytes->size() - kMacBytes);
  if (!equal_constant_time(mac, hmac_sha256(key_, "token " + *bytes))) return std::nullopt;
  auto opened = decode(*bytes);
  if (!opened || opened->access_key_id != access_key_id) return std::nullopt;
  return std::move(opened->session);
}

std::optional<model::Credential> Sessions::find(std::string_view access_key_id, std::string_view session_token) const {
  auto session = open(access_key_id, session_token);
  if (!session) return std::nullopt;
  model::Credential out;
  out.access_key_id = access_key_id;
  out.secret_access_key = secret_of(access_key_id);
  out.session_token = session_token;
  out.account = std::move(session->account);
  out.principal_arn = std::move(session->principal_arn);
  out.user_id = std::move(session->user_id);
  out.expires_ms = session->expires_ms;
  return out;
}

}  // namespace gust::sts
