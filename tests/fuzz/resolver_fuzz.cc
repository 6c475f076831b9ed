// SPDX-License-Identifier: Apache-2.0

// Datagrams to the name server inside a sandbox: an answer carries the query's id, is marked as one, repeats the question,
// is hardly longer than the query, and only names under localhost have an address. The answer to an answer is silence, so
// that two servers never talk to each other.

#include <cstdint>
#include <cstdlib>

#include "base/log.h"
#include "daemon/resolver.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using gust::daemon::answer_dns;
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const std::string answer = answer_dns(query);
  if (answer.empty()) return 0;
  GUST_CHECK(size >= 12 && size <= gust::daemon::kMaxDnsQuery && answer.size() >= 12 && answer.size() <= size + 16);
  GUST_CHECK(answer.substr(0, 2) == query.substr(0, 2) && (answer[2] & 0x80) != 0 && answer_dns(answer).empty());
  const size_t questions = answer[5], answers = answer[7], code = answer[3] & 0x0f;
  GUST_CHECK(questions <= 1 && answers <= questions && (answers == 0 || code == 0));
  if (questions == 1)
    GUST_CHECK(answer.compare(12, answer.size() - 12 - 16 * answers, query, 12, answer.size() - 12 - 16 * answers) == 0);
#ifdef GUST_PLANTED_BUG
  GUST_CHECK(!(answers == 1 && answer.size() == 12 + 28 + 16));
#endif
  return 0;
}
