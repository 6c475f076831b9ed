// SPDX-License-Identifier: Apache-2.0

#include "daemon/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/ids.h"
#include "os/files.h"

namespace gust::daemon {
namespace {

std::string temporary_file(std::string_view content) {
  std::string path = testing::TempDir() + "gust-config-" + new_id(8) + ".toml";
  EXPECT_TRUE(files::write(path, content));
  return path;
}

TEST(Config, DefaultsHoldWhereNothingIsSaid) {
  auto loaded = load_config({}, nullptr);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config.listen, "127.0.0.1:4566");
  EXPECT_FALSE(loaded->config.dev);
  EXPECT_EQ(loaded->config.uid_base, 900000);
}

TEST(Config, AFlagWinsOverTheEnvironmentAndThatOverTheFile) {
  std::string path = temporary_file("region = \"from-file\"\nworkers = 7\nmax_concurrency = 5\n");
  const char* environment[] = {"GUST_WORKERS=8", "GUST_MAX_CONCURRENCY=6", nullptr};
  auto loaded = load_config({"--config", path, "--max-concurrency=9"}, environment);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->config.region, "from-file");
  EXPECT_EQ(loaded->config.workers, 8);
  EXPECT_EQ(loaded->config.max_concurrency, 9);
  unlink(path.c_str());
}

TEST(Config, AnUnknownNameIsAnErrorWithTheNearestKnownOne) {
  auto flag = load_config({"--ephemerl"}, nullptr);
  ASSERT_FALSE(flag);
  EXPECT_NE(flag.error().message.find("did you mean 'ephemeral'?"), std::string::npos) << flag.error().message;
  std::string path = temporary_file("uid_bas = 5\n");
  auto file = load_config({"--config=" + path}, nullptr);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("'uid_base'"), std::string::npos) << file.error().message;
  unlink(path.c_str());
}

TEST(Config, ValuesOutOfBoundsAreRefusedWithTheBounds) {
  for (const char* argument : {"--workers=0", "--workers=x", "--dev=maybe", "--cpu-admission=sometimes", "--account=12",
                               "--clock-scale=nan", "stray", "--listen"}) {
    EXPECT_FALSE(load_config({argument}, nullptr)) << argument;
  }
  EXPECT_TRUE(load_config({"--workers=1", "--dev", "--cpu-admission=strict", "--clock-scale=60"}, nullptr));
}

TEST(Config, AFileThatIsNotTomlIsRefusedWithItsLine) {
  std::string path = temporary_file("dev = true\nlisten = \n");
  auto loaded = load_config({"--config", path}, nullptr);
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("line 2"), std::string::npos) << loaded.error().message;
  unlink(path.c_str());
}

TEST(Config, TheDocumentationIsTheTable) {
  auto page = files::read(std::string(GUST_SOURCE_DIRECTORY) + "/docs/config.md");
  ASSERT_TRUE(page);
  EXPECT_EQ(*page, config_markdown()) << "run: gust serve --help-markdown > docs/config.md";
}

}  // namespace
}  // namespace gust::daemon
