// SPDX-License-Identifier: Apache-2.0

#include "scaler.h"

#include <gtest/gtest.h>
#include <jpeglib.h>

#include <array>
#include <cstdlib>
#include <random>

#include "jpeg_codec.h"
#include "orientation.h"
#include "resample.h"

namespace gust::scaler {
namespace {

using Colour3 = std::array<int, 3>;

// Four quarters of different colours: enough to see every rotation and mirroring.
constexpr Colour3 kRed{220, 30, 30}, kGreen{30, 200, 30}, kBlue{30, 30, 220}, kWhite{240, 240, 240};

struct Make {
  uint32_t width = 640, height = 480;
  int orientation = 0;  // 0: no EXIF
  bool progressive = false, little_endian = false;
  J_COLOR_SPACE space = JCS_RGB;
};

std::string exif(const Make& make) {
  std::string tiff =
      make.little_endian ? std::string("II\x2a\0\x08\0\0\0\x01\0", 10) : std::string("MM\0\x2a\0\0\0\x08\0\x01", 10);
  char value = static_cast<char>(make.orientation);
  if (make.little_endian) tiff += std::string("\x12\x01\x03\0\x01\0\0\0", 8) + value + std::string(3, '\0');
  else tiff += std::string("\x01\x12\0\x03\0\0\0\x01\0", 9) + value + std::string(2, '\0');
  return std::string("Exif\0\0", 6) + tiff + std::string(4, '\0') + "GPS 52.5 13.4";
}

std::string make_jpeg(const Make& make) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = make.width;
  info.image_height = make.height;
  info.in_color_space = make.space;
  info.input_components = make.space == JCS_GRAYSCALE ? 1 : make.space == JCS_CMYK ? 4 : 3;
  jpeg_set_defaults(&info);
  if (make.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (make.orientation) {
    std::string segment = exif(make);
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(segment.data()),
                      static_cast<unsigned>(segment.size()));
  }
  std::vector<unsigned char> row(size_t{make.width} * static_cast<size_t>(info.input_components));
  for (uint32_t y = 0; y < make.height; ++y) {
    for (uint32_t x = 0; x < make.width; ++x) {
      const Colour3& c = y * 2 < make.height ? (x * 2 < make.width ? kRed : kGreen) : (x * 2 < make.width ? kBlue : kWhite);
      for (int i = 0; i < info.input_components; ++i) {
        row[size_t{x} * static_cast<size_t>(info.input_components) + static_cast<size_t>(i)] =
            static_cast<unsigned char>(i < 3 ? c[static_cast<size_t>(i)] : 20);
      }
    }
    JSAMPROW p = row.data();
    jpeg_write_scanlines(&info, &p, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string out(reinterpret_cast<char*>(bytes), size);
  free(bytes);
  return out;
}

Pixels decode(std::string_view jpeg) {
  Decoder decoder;
  EXPECT_TRUE(decoder.open(jpeg, {}));
  auto size = decoder.start(decoder.size());
  EXPECT_TRUE(size);
  Pixels out(*size);
  for (uint32_t y = 0; y < size->height; ++y) EXPECT_TRUE(decoder.read_row(out.row(y)));
  return out;
}

bool is(uint32_t pixel, const Colour3& wanted) {
  for (size_t i = 0; i < 3; ++i) {
    if (std::abs(static_cast<int>(pixel >> (8 * i) & 255) - wanted[i]) > 12) return false;
  }
  return true;
}

TEST(Scaler, GivesFourRenditionsWithHeightsRoundedHalfUp) {
  struct Case {
    Size picture;
    uint32_t width, height;
  };
  for (const Case& c : {Case{{6028, 3391}, 1920, 1080}, Case{{6028, 3391}, 512, 288}, Case{{3000, 2000}, 512, 341},
                        Case{{1000, 2}, 500, 1}, Case{{1000, 1}, 250, 1}, Case{{1000, 3}, 500, 2}, Case{{100, 50}, 100, 50},
                        Case{{100, 50}, 512, 50}, Case{{4096, 1}, 160, 1}, Case{{2000, 3333}, 1024, 1706}}) {
    Size got = rendition_size(c.picture, c.width);
    EXPECT_EQ(got.height, c.height) << c.picture.width << "x" << c.picture.height << " to " << c.width;
    EXPECT_EQ(got.width, std::min(c.width, c.picture.width));
  }
  auto out = scale(make_jpeg({2400, 1601}));
  ASSERT_TRUE(out) << out.error().message;
  ASSERT_EQ(out->renditions.size(), 4u);
  const uint32_t widths[] = {1920, 1024, 512, 160}, heights[] = {1281, 683, 342, 107};
  for (size_t i = 0; i < 4; ++i) {
    Pixels pixels = decode(out->renditions[i].jpeg);
    EXPECT_EQ(pixels.size(), (Size{widths[i], heights[i]}));
    EXPECT_EQ(out->renditions[i].wanted_width, widths[i]);
  }
}

TEST(Scaler, NeverEnlarges) {
  auto out = scale(make_jpeg({300, 200}));
  ASSERT_TRUE(out);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(decode(out->renditions[i].jpeg).size(), (Size{300, 200}));
  EXPECT_EQ(decode(out->renditions[3].jpeg).size(), (Size{160, 107}));
}

TEST(Scaler, AppliesEveryOrientationAndDropsTheMetadata) {
  // Colours of the corners top left, top right, bottom left, bottom right as the picture is seen (Exif 2.32, 4.6.4).
  const std::array<std::array<Colour3, 4>, 9> seen = {{{},
                                                       {kRed, kGreen, kBlue, kWhite},
                                                       {kGreen, kRed, kWhite, kBlue},
                                                       {kWhite, kBlue, kGreen, kRed},
                                                       {kBlue, kWhite, kRed, kGreen},
                                                       {kRed, kBlue, kGreen, kWhite},
                                                       {kBlue, kRed, kWhite, kGreen},
                                                       {kWhite, kGreen, kBlue, kRed},
                                                       {kGreen, kWhite, kRed, kBlue}}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (bool little : {false, true}) {
      auto out = scale(make_jpeg({800, 600, orientation, false, little}));
      ASSERT_TRUE(out);
      EXPECT_EQ(out->orientation, orientation);
      bool turned = orientation >= 5;
      EXPECT_EQ(out->width, turned ? 600u : 800u);
      for (const Rendition& r : out->renditions) {
        EXPECT_EQ(r.jpeg.find("GPS"), std::string::npos);
        EXPECT_EQ(r.jpeg.find("Exif"), std::string::npos);
        Pixels p = decode(r.jpeg);
        EXPECT_EQ(p.size(), rendition_size({out->width, out->height}, r.wanted_width));
        uint32_t x0 = p.size().width / 4, x1 = p.size().width * 3 / 4, y0 = p.size().height / 4, y1 = p.size().height * 3 / 4;
        const auto& want = seen[static_cast<size_t>(orientation)];
        EXPECT_TRUE(is(p.row(y0)[x0], want[0]) && is(p.row(y0)[x1], want[1]) && is(p.row(y1)[x0], want[2]) &&
                    is(p.row(y1)[x1], want[3]))
            << "orientation " << orientation << " width " << r.width;
      }
    }
  }
}

TEST(Scaler, TakesProgressiveAndGreyPictures) {
  auto progressive = scale(make_jpeg({2400, 1600, 6, true}));
  ASSERT_TRUE(progressive) << progressive.error().message;
  EXPECT_TRUE(progressive->progressive);
  EXPECT_EQ(progressive->renditions[0].width, 1600u);
  auto grey = scale(make_jpeg({2400, 1600, 0, false, false, JCS_GRAYSCALE}));
  ASSERT_TRUE(grey);
  EXPECT_TRUE(grey->grey);
  Decoder decoder;
  ASSERT_TRUE(decoder.open(grey->renditions[1].jpeg, {}));
  EXPECT_TRUE(decoder.grey());
}

TEST(Scaler, RefusesWhatIsNoJpegOrCmyk) {
  for (std::string_view bad :
       {std::string_view(""), std::string_view("\x89PNG\r\n\x1a\n not a jpeg"), std::string_view("GIF89a")}) {
    auto out = scale(bad);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Errc::Unsupported);
    EXPECT_NE(out.error().message.find("not a JPEG"), std::string::npos);
  }
  auto cmyk = scale(make_jpeg({200, 200, 0, false, false, JCS_CMYK}));
  ASSERT_FALSE(cmyk);
  EXPECT_EQ(cmyk.error().code, Errc::Unsupported);
  EXPECT_NE(cmyk.error().message.find("CMYK"), std::string::npos);
}

TEST(Scaler, KeepsItsLimits) {
  std::string jpeg = make_jpeg({2000, 1000});
  Limits small;
  small.pixels = 1'999'999;
  EXPECT_EQ(scale(jpeg, {}, small).error().code, Errc::TooLarge);
  small = {};
  small.bytes = jpeg.size() - 1;
  EXPECT_EQ(scale(jpeg, {}, small).error().code, Errc::TooLarge);
  std::string progressive = make_jpeg({2000, 1000, 0, true});
  small = {};
  small.memory = 2 << 20;
  EXPECT_EQ(scale(progressive, {}, small).error().code, Errc::TooLarge);
  small = {};
  small.scans = 3;
  EXPECT_EQ(scale(progressive, {}, small).error().code, Errc::TooLarge);
  EXPECT_TRUE(scale(jpeg) && scale(progressive)) << "without the small limits both pass";
}

TEST(Scaler, SurvivesCorruptInput) {
  std::mt19937 random(7);
  for (bool progressive : {false, true}) {
    const std::string good = make_jpeg({640, 480, 6, progressive});
    for (size_t cut : {size_t{3}, size_t{20}, good.size() / 4, good.size() / 2, good.size() - 20}) {
      auto out = scale(std::string_view(good).substr(0, cut));
      EXPECT_FALSE(out) << "cut at " << cut;
    }
    for (int round = 0; round < 150; ++round) {
      std::string bad = good;
      for (int i = 0; i < 8; ++i) bad[random() % bad.size()] = static_cast<char>(random());
      Limits limits;
      limits.pixels = 4'000'000;  // a damaged header may announce 65535 x 65535
      auto out = scale(bad, {}, limits);
      if (!out) EXPECT_FALSE(out.error().message.empty());
    }
  }
}

TEST(Scaler, ExifWithNonsenseCountsAsUpright) {
  EXPECT_EQ(exif_orientation("Exif\0\0"), 1);
  EXPECT_EQ(exif_orientation(std::string("Exif\0\0MM\0\x2a\xff\xff\xff\xff", 14)), 1);
  EXPECT_EQ(exif_orientation(exif({.orientation = 9})), 1);
  EXPECT_EQ(exif_orientation(exif({.orientation = 6})), 6);
  std::string cut = exif({.orientation = 6});
  for (size_t n = 0; n < 26; ++n) EXPECT_EQ(exif_orientation(std::string_view(cut).substr(0, n)), 1);
}

TEST(Resampler, KeepsAFlatColourAndCallsTheSinkOnceForEveryRow) {
  for (Size to : {Size{100, 70}, Size{33, 7}, Size{1, 1}, Size{64, 1}, Size{1, 70}}) {
    uint32_t rows = 0;
    Resampler r({100, 70}, to, [&](const uint32_t* row, uint32_t y) {
      EXPECT_EQ(y, rows++);
      for (uint32_t x = 0; x < to.width; ++x) EXPECT_EQ(row[x] & 0xffffff, 0x00c86432u);
    });
    std::vector<uint32_t> row(100, 0x00c86432);
    for (int y = 0; y < 70; ++y) r.push(row.data());
    EXPECT_EQ(rows, to.height);
  }
}

}  // namespace
}  // namespace gust::scaler
