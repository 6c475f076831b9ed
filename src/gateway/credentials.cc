// SPDX-License-Identifier: Apache-2.0

#include "gateway/credentials.h"

#include "base/encoding.h"
#include "base/ids.h"
#include "base/json.h"
#include "os/files.h"

namespace gust::gateway {
namespace {

constexpr size_t kMaxFile = 1 << 20;

Result<Credential> from_value(const Value& v) {
  Credential c;
  c.access_key_id = v["access_key_id"].as_string();
  c.secret_access_key = v["secret_access_key"].as_string();
  c.session_token = v["session_token"].as_string();
  c.account = v["account"].as_string();
  c.principal_arn = v["principal_arn"].as_string();
  if (c.access_key_id.empty() || c.secret_access_key.empty() || c.account.size() != 12) {
    return fail(Errc::Invalid, "a key needs access_key_id, secret_access_key and a 12-digit account");
  }
  return c;
}

std::string to_json(const Credential& c) {
  Value key = Value::map();
  key.set("access_key_id", c.access_key_id);
  key.set("secret_access_key", c.secret_access_key);
  key.set("account", c.account);
  key.set("principal_arn", c.principal_arn);
  Value keys = Value::list();
  keys.push(std::move(key));
  Value root = Value::map();
  root.set("version", 1);
  root.set("keys", std::move(keys));
  return json::write_pretty(root) + "\n";
}

}  // namespace

std::optional<Credential> StaticCredentials::find(std::string_view access_key_id, std::string_view) const {
  for (const Credential& c : all_) {
    if (c.access_key_id == access_key_id) return c;
  }
  return std::nullopt;
}

Credential new_root_key(std::string_view account) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  Credential c;
  c.access_key_id = "AKIA";
  for (char byte : random_bytes(16)) c.access_key_id += kLetters[static_cast<unsigned char>(byte) & 31];
  c.secret_access_key = base64_encode(random_bytes(30));
  c.account = account;
  c.principal_arn = "arn:aws:iam::" + c.account + ":root";
  return c;
}

Result<std::vector<Credential>> load_or_create_credentials(const std::string& path, std::string_view account) {
  if (!files::exists(path)) {
    Credential made = new_root_key(account);
    TRY(files::write_durably(path, to_json(made), 0600));
    return std::vector<Credential>{std::move(made)};
  }
  std::string text = TRY(files::read(path, kMaxFile));
  auto root = json::parse(text);
  if (!root) return tl::unexpected(std::move(root.error()).in(path));
  std::vector<Credential> out;
  for (const Value& v : (*root)["keys"].as_list()) {
    auto c = from_value(v);
    if (!c) return tl::unexpected(std::move(c.error()).in(path));
    out.push_back(std::move(*c));
  }
  if (out.empty()) return fail(Errc::Invalid, path + ": no keys in it; remove the file to get a new root key");
  return out;
}

}  // namespace gust::gateway
