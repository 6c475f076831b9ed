// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/verbs.h"

namespace gust::cli {

TEST(Compat, ThePageCountsAndNamesOperations) {
  const auto compat = json::parse(
      R"({"lambda":{"built":["Invoke","CreateFunction"],"refused":["CreateAlias"]},
                                      "sqs":{"built":[],"refused":["SendMessage"]}})");
  ASSERT_TRUE(compat);
  const std::string page = compat_page(*compat);
  for (const char* part : {"| lambda | 2 | 3 |\n", "| sqs | 0 | 1 |\n",
                           "\n## lambda\n\nBuilt:\n`Invoke`, `CreateFunction`\n\nRefused:\n`CreateAlias`\n",
                           "\n## sqs\n\nBuilt:\nnone\n\nRefused:\n`SendMessage`\n"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part << "\n" << page;
  }
}

}  // namespace gust::cli
