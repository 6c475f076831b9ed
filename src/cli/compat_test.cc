// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/verbs.h"

namespace gust::cli {

TEST(Compat, ThePageCountsAndNamesOperations) {
  const auto compat = json::parse(
      R"({"lambda":{"built":["Invoke","CreateFunction"],"refused":["CreateAlias"],"without_effect":["Colour: there is one."]},
                                      "sqs":{"built":[],"refused":["SendMessage"]}})");
  ASSERT_TRUE(compat);
  const std::string page = compat_page(*compat);
  for (const char* part : {"| lambda | 2 | 3 |\n", "| sqs | 0 | 1 |\n",
                           "\n## lambda\n\nBuilt:\n`Invoke`, `CreateFunction`\n\nRefused:\n`CreateAlias`\n",
                           "\nTaken and given back without effect:\n- Colour: there is one.\n"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part << "\n" << page;
  }
  EXPECT_EQ(page.find("## sqs"), std::string::npos) << "nothing is built there: the overview says it";
}

}  // namespace gust::cli
