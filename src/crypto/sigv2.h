// SPDX-License-Identifier: Apache-2.0

#pragma once

// AWS Signature Version 2 as S3 has it ("Signing and Authenticating REST Requests (AWS Signature Version 2)"): HMAC-SHA1,
// base64. boto3 still presigns with it. Only for verifying; pure functions.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gust::sigv2 {

struct Request {
  std::string_view method;
  std::string_view path;         // as on the request line, with the bucket in front
  std::string_view content_md5;  // headers, or parameters of a presigned URL
  std::string_view content_type;
  std::string_view date;                                         // unix seconds of Expires
  std::vector<std::pair<std::string, std::string>> amz_headers;  // x-amz-*, lower case, in order of arrival
  std::vector<std::pair<std::string, std::string>> query;        // decoded; only what makes a resource is used
};

std::string string_to_sign(const Request& request);
std::string signature(std::string_view secret_access_key, std::string_view text);

}  // namespace gust::sigv2
