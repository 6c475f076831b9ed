// SPDX-License-Identifier: Apache-2.0

#include "crypto/sigv4.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"

namespace gust::sigv4 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr size_t kMaxSignedHeaders = 100;
constexpr size_t kMaxScopePart = 64;  // of region and service, which a verifier keeps

// RFC 3986 section 5.2.4 and doubled slashes, as the SDKs do before they encode a path the second time.
std::string normalized(std::string_view path) {
  std::vector<std::string_view> kept;
  bool slash_at_end = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  while (!path.empty()) {
    size_t end = std::min(path.find('/'), path.size());
    std::string_view part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") kept.push_back(part);
    else if (!kept.empty()) kept.pop_back();
  }
  std::string out;
  for (std::string_view part : kept) out.append("/").append(part);
  if (out.empty() || slash_at_end) out += '/';
  return out;
}

std::string canonical_path(std::string_view path, PathEncoding encoding) {
  if (path.empty()) return "/";
  if (encoding == PathEncoding::Once) return std::string(path);
  bool plain = path.find("//") == std::string_view::npos && path.find("/.") == std::string_view::npos;
  return percent_encode(plain ? std::string(path) : normalized(path), Slash::Keep);
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
         c == '~';
}

// Decoded and encoded again, so that it does not matter which characters the client escaped. A plus is a space, as it is
// for whoever routes and decodes the query: a signature means what the service sees.
std::string recoded(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), unreserved)) return std::string(text);
  auto decoded = percent_decode(text, Plus::Space);
  return decoded ? percent_encode(*decoded, Slash::Encode) : std::string(text);
}

std::string canonical_query(std::string_view raw, bool without_signature) {
  if (raw.empty()) return {};
  std::vector<std::pair<std::string, std::string>> items;
  while (!raw.empty()) {
    size_t end = std::min(raw.find('&'), raw.size());
    std::string_view item = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (item.empty()) continue;
    size_t equals = std::min(item.find('='), item.size());
    std::string_view value = equals < item.size() ? item.substr(equals + 1) : std::string_view();
    if (without_signature && item.substr(0, equals) == "X-Amz-Signature") continue;
    items.emplace_back(recoded(item.substr(0, equals)), recoded(value));
  }
  std::sort(items.begin(), items.end());
  std::string out;
  for (const auto& [name, value] : items) out.append(out.empty() ? "" : "&").append(name).append("=").append(value);
  return out;
}

// Trimmed, runs of spaces as one.
void append_value(std::string& out, std::string_view value) {
  bool space = false;
  for (char c : trim(value)) {
    if (c == ' ' && space) continue;
    space = c == ' ';
    out += c;
  }
}

std::vector<std::pair<std::string, std::string_view>> sorted_headers(const RequestParts& request) {
  std::vector<std::pair<std::string, std::string_view>> out;
  out.reserve(request.headers.size());
  for (const auto& [name, value] : request.headers) {
    // Insertion behind equals: few headers, mostly sorted already, and repeated ones must keep their order.
    std::string key = lower(name);
    auto at = out.end();
    while (at != out.begin() && key < std::prev(at)->first) --at;
    out.emplace(at, std::move(key), value);
  }
  return out;
}

std::string names_of(const std::vector<std::pair<std::string, std::string_view>>& sorted) {
  std::string out;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0 && sorted[i].first == sorted[i - 1].first) continue;
    out.append(out.empty() ? "" : ";").append(sorted[i].first);
  }
  return out;
}

bool date_like(std::string_view text) {
  return text.size() == 8 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

constexpr std::string_view kCredentialForm =
    "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";

}  // namespace

Result<> parse_credential(std::string_view credential, ParsedAuthorization& out) {
  // From the right: an access key id may hold slashes.
  std::string_view parts[4];
  for (int i = 3; i >= 0; --i) {
    size_t slash = credential.rfind('/');
    if (slash == std::string_view::npos) return fail(Errc::Invalid, std::string(kCredentialForm));
    parts[i] = credential.substr(slash + 1);
    credential = credential.substr(0, slash);
  }
  bool long_part = parts[1].size() > kMaxScopePart || parts[2].size() > kMaxScopePart;
  if (credential.empty() || !date_like(parts[0]) || long_part || parts[2].empty() || parts[3] != "aws4_request") {
    return fail(Errc::Invalid, std::string(kCredentialForm));
  }
  out.access_key_id = credential;
  out.scope = Scope{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
  return {};
}

Result<> parse_signed_headers(std::string_view names, ParsedAuthorization& out) {
  out.signed_headers.clear();
  while (!names.empty()) {
    size_t stop = std::min(names.find(';'), names.size());
    if (stop > 0) out.signed_headers.push_back(lower(names.substr(0, stop)));
    names.remove_prefix(std::min(stop + 1, names.size()));
    if (out.signed_headers.size() > kMaxSignedHeaders) return fail(Errc::Invalid, "too many signed headers");
  }
  auto& all = out.signed_headers;
  if (!std::is_sorted(all.begin(), all.end())) std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return {};
}

std::string signed_header_names(const RequestParts& request) { return names_of(sorted_headers(request)); }

std::string canonical_request(const RequestParts& request) {
  auto sorted = sorted_headers(request);
  std::string out;
  out.reserve(512);
  out.append(request.method).append("\n").append(canonical_path(request.raw_path, request.path_encoding)).append("\n");
  out.append(canonical_query(request.raw_query, false)).append("\n");
  for (size_t i = 0; i < sorted.size(); ++i) {
    bool again = i > 0 && sorted[i].first == sorted[i - 1].first;
    if (again) out.back() = ',';  // instead of the line's end
    else out.append(sorted[i].first).append(":");
    append_value(out, sorted[i].second);
    out += '\n';
  }
  return out.append("\n").append(names_of(sorted)).append("\n").append(request.payload_hash);
}

std::string canonical_request(const ReceivedRequest& request) {
  std::string out;
  out.reserve(1024);
  out.append(request.method).append("\n").append(canonical_path(request.raw_path, request.path_encoding)).append("\n");
  out.append(canonical_query(request.raw_query, request.in_query)).append("\n");
  for (const std::string& name : request.signed_headers) {
    out.append(name).append(":");
    bool again = false;
    for (const auto& [field, value] : request.headers) {
      if (field.size() != name.size() || !equal_ignoring_case(field, name)) continue;
      if (std::exchange(again, true)) out += ',';
      append_value(out, value);
    }
    out += '\n';
  }
  out += '\n';
  for (const std::string& name : request.signed_headers) out.append(name).append(";");
  if (!request.signed_headers.empty()) out.pop_back();
  return out.append("\n").append(request.payload_hash);
}

std::string string_to_sign(std::string_view amz_date, const Scope& scope, std::string_view canonical) {
  std::string out(kAlgorithm);
  out.append("\n").append(amz_date).append("\n").append(scope.text()).append("\n").append(hex_encode(sha256(canonical)));
  return out;
}

std::string signing_key(std::string_view secret_access_key, const Scope& scope) {
  std::string key = hmac_sha256("AWS4" + std::string(secret_access_key), scope.date);
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  return hmac_sha256(key, "aws4_request");
}

std::string signature(std::string_view key, std::string_view text) { return hex_encode(hmac_sha256(key, text)); }

std::string authorization(std::string_view access_key_id, const Scope& scope, std::string_view signed_headers,
                          std::string_view signature_hex) {
  std::string out(kAlgorithm);
  out.append(" Credential=").append(access_key_id).append("/").append(scope.text());
  out.append(", SignedHeaders=").append(signed_headers).append(", Signature=").append(signature_hex);
  return out;
}

Result<ParsedAuthorization> parse_authorization(std::string_view header) {
  header = trim(header);
  if (!header.starts_with(kAlgorithm) || header.size() == kAlgorithm.size() || header[kAlgorithm.size()] != ' ') {
    return fail(Errc::Invalid, "Authorization must begin with AWS4-HMAC-SHA256");
  }
  header.remove_prefix(kAlgorithm.size());
  ParsedAuthorization out;
  bool credential = false;
  while (!header.empty()) {
    size_t end = std::min(header.find(','), header.size());
    std::string_view item = trim(header.substr(0, end));
    header.remove_prefix(std::min(end + 1, header.size()));
    if (item.starts_with("Credential=")) {
      TRY(parse_credential(item.substr(11), out));
      credential = true;
    } else if (item.starts_with("SignedHeaders=")) {
      TRY(parse_signed_headers(item.substr(14), out));
    } else if (item.starts_with("Signature=")) {
      out.signature = item.substr(10);
    }
  }
  if (!credential || out.signed_headers.empty() || out.signature.size() != 64) {
    return fail(Errc::Invalid, "the authorization header requires three components: Credential, SignedHeaders, and Signature.");
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> sign(const Credentials& credentials, std::string_view region,
                                                      std::string_view service, int64_t unix_ms, RequestParts request) {
  std::string date = iso8601_basic(unix_ms);
  Scope scope{date.substr(0, 8), std::string(region), std::string(service)};
  std::vector<std::pair<std::string, std::string>> added = {{"x-amz-date", date},
                                                            {"x-amz-content-sha256", std::string(request.payload_hash)}};
  if (!credentials.session_token.empty()) added.emplace_back("x-amz-security-token", credentials.session_token);
  request.headers.insert(request.headers.end(), added.begin(), added.end());
  std::string text = string_to_sign(date, scope, canonical_request(request));
  std::string hex = signature(signing_key(credentials.secret_access_key, scope), text);
  added.emplace_back("authorization", authorization(credentials.access_key_id, scope, signed_header_names(request), hex));
  return added;
}

}  // namespace gust::sigv4
