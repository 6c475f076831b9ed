// SPDX-License-Identifier: Apache-2.0

#include "experiment/photographs.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "image-scaler/core/jpeg_codec.h"
#include "image-scaler/core/scaler.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

class Photographs : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-photographs-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    put("large.jpg", 1200, 900);
    put("below/small.JPEG", 400, 700);
    ASSERT_TRUE(files::write(directory_ + "/not.jpg", "GIF89a"));
    ASSERT_TRUE(files::write(directory_ + "/readme.txt", "no picture"));
    std::filesystem::create_symlink(directory_ + "/large.jpg", directory_ + "/link.jpg");
    sources_ = *find_photographs(directory_);
    options_ = {0, 12, 5, 0.05, 0.8, 2, {}};
  }
  void TearDown() override { ASSERT_TRUE(files::remove_tree(directory_)); }

  void put(const std::string& name, uint32_t width, uint32_t height) {
    scaler::Pixels pixels({width, height});
    for (uint32_t y = 0; y < height; ++y) {
      for (uint32_t x = 0; x < width; ++x) pixels.row(y)[x] = x * 255 / width | (y * 255 / height) << 8 | (x * y % 255) << 16;
    }
    ASSERT_TRUE(files::make_directories(std::filesystem::path(directory_ + "/" + name).parent_path().string()));
    ASSERT_TRUE(files::write(directory_ + "/" + name, *scaler::encode(pixels, {})));
  }

  std::string directory_;
  std::vector<std::string> sources_;
  PhotographOptions options_;
};

TEST_F(Photographs, AreFoundByNameButNotThroughLinks) {
  EXPECT_EQ(sources_,
            (std::vector<std::string>{directory_ + "/below/small.JPEG", directory_ + "/large.jpg", directory_ + "/not.jpg"}));
  EXPECT_EQ(find_photographs(directory_ + "/nowhere").error().code, Errc::NotFound);
}

TEST_F(Photographs, AreDistinctPicturesWithinTheSizesAskedFor) {
  std::vector<Photograph> made = *make_photographs(sources_, options_);
  ASSERT_EQ(made.size(), 12u);
  std::set<std::string> different;
  for (const Photograph& p : made) {
    different.insert(p.jpeg);
    EXPECT_LE(uint64_t{p.width} * p.height, 800'000u);
    EXPECT_GE(uint64_t{p.width} * p.height, 49'000u);
    auto scaled = scaler::scale(p.jpeg);
    ASSERT_TRUE(scaled) << scaled.error().message;
    EXPECT_EQ(uint64_t{scaled->width} * scaled->height, uint64_t{p.width} * p.height);
    EXPECT_TRUE(p.source == "large.jpg" || p.source == "small.JPEG");
  }
  EXPECT_EQ(different.size(), 12u);
}

TEST_F(Photographs, OneSeedGivesTheSameBytesWhetherMadeAtOnceOrInParts) {
  std::vector<Photograph> all = *make_photographs(sources_, options_);
  PhotographOptions part = options_;
  part.count = 4;
  part.threads = 1;
  for (part.first = 0; part.first < 12; part.first += 4) {
    std::vector<Photograph> some = *make_photographs(sources_, part);
    for (size_t i = 0; i < 4; ++i) EXPECT_EQ(some[i].jpeg, all[part.first + i].jpeg);
  }
  options_.seed = 6;
  EXPECT_NE((*make_photographs(sources_, options_))[0].jpeg, all[0].jpeg);
}

TEST_F(Photographs, WithoutAnyPictureIsAnError) {
  EXPECT_EQ(make_photographs({directory_ + "/not.jpg"}, options_).error().code, Errc::NotFound);
  EXPECT_EQ(make_photographs({}, options_).error().code, Errc::NotFound);
}

}  // namespace
}  // namespace gust::experiment
