// SPDX-License-Identifier: Apache-2.0

#include "crypto/sigv2.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace gust::sigv2 {
namespace {

// Parameters that are part of the resource (the table of the guide and what S3 has added since).
constexpr std::string_view kSubresources[] = {"accelerate",
                                              "acl",
                                              "analytics",
                                              "cors",
                                              "delete",
                                              "encryption",
                                              "inventory",
                                              "legal-hold",
                                              "lifecycle",
                                              "location",
                                              "logging",
                                              "metrics",
                                              "notification",
                                              "object-lock",
                                              "partNumber",
                                              "policy",
                                              "policyStatus",
                                              "publicAccessBlock",
                                              "replication",
                                              "requestPayment",
                                              "restore",
                                              "retention",
                                              "select",
                                              "select-type",
                                              "storageClass",
                                              "tagging",
                                              "torrent",
                                              "uploadId",
                                              "uploads",
                                              "versionId",
                                              "versioning",
                                              "versions",
                                              "website",
                                              "response-cache-control",
                                              "response-content-disposition",
                                              "response-content-encoding",
                                              "response-content-language",
                                              "response-content-type",
                                              "response-expires"};

}  // namespace

std::string string_to_sign(const Request& request) {
  std::string out(request.method);
  out.append("\n").append(request.content_md5).append("\n").append(request.content_type).append("\n").append(request.date);
  out += '\n';
  auto headers = request.amz_headers;
  std::stable_sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < headers.size(); ++i) {
    bool again = i > 0 && headers[i].first == headers[i - 1].first;
    if (again) out.back() = ',';
    else out.append(headers[i].first).append(":");
    out.append(trim(headers[i].second)).append("\n");
  }
  out.append(request.path);
  auto query = request.query;
  std::sort(query.begin(), query.end());
  char mark = '?';
  for (const auto& [name, value] : query) {
    if (std::find(std::begin(kSubresources), std::end(kSubresources), name) == std::end(kSubresources)) continue;
    out += mark;
    out.append(name);
    if (!value.empty()) out.append("=").append(value);
    mark = '&';
  }
  return out;
}

std::string signature(std::string_view secret_access_key, std::string_view text) {
  return base64_encode(hmac_sha1(secret_access_key, text));
}

}  // namespace gust::sigv2
