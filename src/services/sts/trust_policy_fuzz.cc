// SPDX-License-Identifier: Apache-2.0

// Trust policies and session tokens as strangers send them: nothing but a valid policy trusts anybody, an explicit Deny wins,
// and no token is taken that was not issued.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "services/sts/sessions.h"
#include "services/sts/trust_policy.h"

using namespace gust;

namespace {

void check_policy(std::string_view document) {
  static const sts::TrustRequest kRequest{
      "sts:AssumeRole",
      "arn:aws:iam::111122223333:user/ann",
      "111122223333",
      "AIDAANN",
      {{"sts:externalid", "secret"}, {"aws:principalarn", "arn:aws:iam::111122223333:user/ann"}}};
  const bool trusted = sts::trusts(document, kRequest);
  if (!trusted) return;
#ifdef GUST_PLANTED_BUG
  if (document.find("StringLike") != document.npos) std::abort();
#endif
  GUST_CHECK(sts::is_policy_json(document));
  GUST_CHECK(document.find("Allow") != document.npos || document.find('\\') != document.npos);
}

void check_token(std::string_view token) {
  static const sts::Sessions kSessions{std::string(sts::Sessions::kKeyBytes, 'k')};
  GUST_CHECK(!kSessions.find("ASIAAAAAAAAAAAAAAAAA", token));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_policy(text);
  check_token(text);
  return 0;
}
