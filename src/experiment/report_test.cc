// SPDX-License-Identifier: Apache-2.0

#include "experiment/report.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"
#include "experiment/experiment.h"
#include "experiment/progress.h"
#include "experiment/synthetic_run.h"
#include "image-scaler/core/jpeg_codec.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

std::vector<std::string> figures_of(const std::string& html) {
  std::vector<std::string> out;
  for (size_t at = html.find("<svg"); at != std::string::npos; at = html.find("<svg", at + 1))
    out.push_back(html.substr(at, html.find("</svg>", at) - at));
  return out;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Report : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-report-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { ASSERT_TRUE(files::remove_tree(directory_)); }

  // As a run leaves it.
  void leave(const Collected& collected) {
    ASSERT_TRUE(save_records(directory_, collected));
    ASSERT_TRUE(files::write(directory_ + "/summary.json", show(collected)->json));
  }
  int report(const ReportOptions& options) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    int status = report_experiment(options);
    output_ = testing::internal::GetCapturedStdout();
    errors_ = testing::internal::GetCapturedStderr();
    return status;
  }

  std::string directory_, output_, errors_;
};

TEST_F(Report, IsRebuiltByteByByteFromWhatARunLeft) {
  Collected collected = synthetic_run({30});
  leave(collected);
  const Shown shown = *show(collected);
  ASSERT_EQ(report({directory_, directory_ + "/again.html"}), kReconciled) << errors_;
  std::string again = *files::read(directory_ + "/again.html");
  EXPECT_EQ(figures_of(again).size(), 6u);
  EXPECT_EQ(figures_of(again), figures_of(shown.html));
  EXPECT_EQ(again, shown.html);
  EXPECT_EQ(output_, shown.text);
  ASSERT_EQ(report({directory_, "", "", "", 0, true}), kReconciled);
  EXPECT_EQ(output_, *files::read(directory_ + "/summary.json"));
}

TEST_F(Report, ALostRowAndALostRenditionAreNamedAndExitWithTwo) {
  Collected collected = synthetic_run({8});
  std::erase_if(collected.items, [](const Value& item) {
    return aws::string_of(item, "arm") == "fn-1728" && aws::string_of(item, "seq") == "000003";
  });
  const std::string key = rendition_key(collected.run.id, "svc-c4.large", 2, 512);
  std::erase(collected.records.rendition_keys, key);
  leave(collected);
  ASSERT_EQ(report({directory_, directory_ + "/report.html"}), kNotReconciled) << errors_;
  std::string html = *files::read(directory_ + "/report.html");
  for (const std::string& text : {output_, html, *files::read(directory_ + "/summary.json")}) {
    EXPECT_TRUE(holds(text, "000003"));
    EXPECT_TRUE(holds(text, key));
  }
  EXPECT_TRUE(holds(output_, "NOT RECONCILED"));
  EXPECT_FALSE(holds(output_, "agree on every upload"));
}

TEST_F(Report, ShowsTheArticlesPricesBesideEachOther) {
  const Shown shown = *show(synthetic_run({30}));
  for (const char* piece : {"0.000000834", "0.000002813", "0.000004897", "998.64", "2.74", "0.114", "break-even uploads/day",
                            "agree on every upload", "seed 1", "smaller than c4.large"}) {
    EXPECT_TRUE(holds(shown.text, piece)) << piece;
    EXPECT_TRUE(holds(shown.html, piece)) << piece;
  }
  EXPECT_TRUE(holds(shown.text, "N = 60 696"));
  EXPECT_TRUE(holds(shown.html, "N = 60\u00a0696"));  // never torn apart
  Value summary = *json::parse(shown.json);
  EXPECT_EQ(summary["version"].as_int(), kRunVersion);
  EXPECT_EQ(summary["arms"].size(), 4u);
  EXPECT_TRUE(summary["reconciliation"]["clean"].as_bool());
}

TEST_F(Report, AnotherTariffAndAnotherDayChangeThePrices) {
  leave(synthetic_run({10}));
  ASSERT_EQ(report({directory_, "", "lambda-2020-12", "", 5000}), kReconciled) << errors_;
  EXPECT_TRUE(holds(output_, "billed 1-ms units"));
  EXPECT_TRUE(holds(output_, "N = 5 000"));
  EXPECT_EQ(report({directory_, "", "lambda-1999"}), kFailed);
  EXPECT_TRUE(holds(errors_, "there are lambda-2018-02"));
  EXPECT_EQ(report({directory_ + "/nowhere"}), kFailed);
}

TEST_F(Report, ThePageRequestsNothingAndRunsNothing) {
  const std::string html = show(synthetic_run({10}))->html;
  EXPECT_TRUE(holds(html, "default-src 'none'"));
  for (const char* part : {"http:", "https:", "<script", "<link", "<img", "url(", "@import", "src="})
    EXPECT_FALSE(holds(html, part)) << part;
  EXPECT_TRUE(holds(html, "prefers-color-scheme:dark"));
  EXPECT_TRUE(holds(html, "@media print"));
}

TEST_F(Report, TextsOfStrangersAreHarmless) {
  Collected collected = synthetic_run({4});
  const std::string evil = "<script>alert(1)</script>\x1b[2J\"'&";
  collected.records.rows[0].status = "failed";
  collected.records.rows[0].error = evil;
  collected.records.rendition_keys.push_back("renditions/" + collected.run.id + "/fn-512/" + evil);
  collected.run.images = evil;
  collected.run.host.cpu_model = evil;
  collected.run.gust_version = evil;
  const Shown shown = *show(collected);
  EXPECT_FALSE(holds(shown.html, "<script"));
  EXPECT_TRUE(holds(shown.html, "&lt;script&gt;"));
  EXPECT_FALSE(holds(shown.html, "\x1b"));
  EXPECT_FALSE(holds(shown.text, "\x1b"));
  EXPECT_TRUE(holds(shown.text, "\\x1b"));
  EXPECT_TRUE(json::parse(shown.json));
}

TEST_F(Report, AnInterruptedRunIsReportedAsSuch) {
  Collected collected = synthetic_run({5});
  collected.run.interrupted = true;
  leave(collected);
  EXPECT_EQ(report({directory_}), kFailed);
  EXPECT_TRUE(holds(output_, "interrupted"));
}

TEST_F(Report, EvenARunWithoutAnyResultHasAPage) {
  Collected collected = synthetic_run({3});
  collected.records = {};
  collected.items.clear();
  EXPECT_FALSE(show(collected)->clean);
  collected.run.arms.resize(1);
  const Shown shown = *show(collected);
  EXPECT_EQ(figures_of(shown.html).size(), 6u);
  EXPECT_FALSE(holds(shown.html, "nan"));
  EXPECT_FALSE(holds(shown.html, "inf"));
}

TEST(RunOptionsAndExit, BadOptionsAreOneAndNoGustIsThree) {
  auto run = [](RunOptions options) {
    testing::internal::CaptureStderr();
    int status = run_experiment(options);
    return std::pair(status, testing::internal::GetCapturedStderr());
  };
  RunOptions options;
  options.uploads = 0;
  EXPECT_EQ(run(options).first, kFailed);
  options.uploads = 2;
  options.arms = {"fn-512", "fn-512"};
  EXPECT_TRUE(holds(run(options).second, "named twice"));
  options.arms = {"svc-x9.huge"};
  EXPECT_TRUE(holds(run(options).second, "no price for 'x9.huge'"));
  options.arms = {"fn-512"};
  options.images = "/nowhere";
  EXPECT_EQ(run(options).first, kFailed);

  char name[] = "/tmp/gust-run-XXXXXX";
  ASSERT_NE(mkdtemp(name), nullptr);
  options.images = options.programs = name;
  options.output = std::string(name) + "/out";
  scaler::Pixels pixels({64, 48});
  ASSERT_TRUE(files::write(options.images + "/a.jpg", *scaler::encode(pixels, {})));
  auto [without_programs, message] = run(options);
  EXPECT_EQ(without_programs, kFailed);
  EXPECT_TRUE(holds(message, "bootstrap")) << message;
  ASSERT_TRUE(files::write(options.programs + "/bootstrap", "ELF"));
  options.aws.endpoint = "http://127.0.0.1:1";  // nobody listens on tcpmux
  options.aws.attempts = 1;
  auto [status, complaint] = run(options);
  EXPECT_EQ(status, kInfrastructure);
  EXPECT_TRUE(holds(complaint, "gust serve")) << complaint;
  ASSERT_TRUE(files::remove_tree(name));
}

TEST(ProgressText, SaysWhatEachArmHasDone) {
  std::vector<ArmProgress> arms = {{"fn-512", 60, 20, 10, 1, 213.4}, {"svc-c4.large", 60, 0, 0, 0, 0}};
  EXPECT_EQ(progress_line(arms, "fn-512", 12, 75),
            "12 s | fn-512* sent 20/60, done 10, failed 1, p50 213 ms | about 1 min 15 s left");
  std::vector<std::string> lines = progress_lines(arms, "fn-512", 9);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "> fn-512        [##---           ] sent 20/60, done 10, failed 1, p50 213 ms");
  EXPECT_EQ(lines[2], "  about 9 s left");
}

}  // namespace
}  // namespace gust::experiment
