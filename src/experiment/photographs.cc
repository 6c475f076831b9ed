// SPDX-License-Identifier: Apache-2.0

#include "experiment/photographs.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>

#include "base/encoding.h"
#include "experiment/random.h"
#include "image-scaler/core/jpeg_codec.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

namespace fs = std::filesystem;
using scaler::Pixels;
using scaler::Size;

// Photographs of lomiri-wallpapers, mate-backgrounds and plasma-workspace-wallpapers (Debian 12), by name: these packages
// hold drawings and renderings too, and other packages put pictures of unknown licences beside them.
constexpr const char* kInstalled[] = {
    "/usr/share/backgrounds/Bridge_by_Sander_Klootwijk.jpg",
    "/usr/share/backgrounds/Dragonfly_by_Bolly.jpg",
    "/usr/share/backgrounds/Kleiber_by_Lukas_Baubkus.jpg",
    "/usr/share/backgrounds/Picture_0B_by_freespace.jpg",
    "/usr/share/backgrounds/Picture_1A_by_freespace.jpg",
    "/usr/share/backgrounds/Wine_by_Jakkub_Mede.jpg",
    "/usr/share/backgrounds/aitzgorri_by_Aitzol_Berasategi.jpg",
    "/usr/share/backgrounds/free_by_Peter_Nerlich.jpg",
    "/usr/share/backgrounds/friends_by_Aitzol_Berasategi.jpg",
    "/usr/share/backgrounds/life_by_Aitzol_Berasategi.jpg",
    "/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "/usr/share/backgrounds/seeding_by_Clements_Engelhardt.jpg",
    "/usr/share/backgrounds/sunset_by_Aitzol_Berasategi.jpg",
    "/usr/share/backgrounds/mate/nature/Aqua.jpg",
    "/usr/share/backgrounds/mate/nature/Blinds.jpg",
    "/usr/share/backgrounds/mate/nature/Dune.jpg",
    "/usr/share/backgrounds/mate/nature/FreshFlower.jpg",
    "/usr/share/backgrounds/mate/nature/Garden.jpg",
    "/usr/share/backgrounds/mate/nature/GreenMeadow.jpg",
    "/usr/share/backgrounds/mate/nature/LadyBird.jpg",
    "/usr/share/backgrounds/mate/nature/RainDrops.jpg",
    "/usr/share/backgrounds/mate/nature/Storm.jpg",
    "/usr/share/backgrounds/mate/nature/TwoWings.jpg",
    "/usr/share/backgrounds/mate/nature/Wood.jpg",
    "/usr/share/backgrounds/mate/nature/YellowFlower.jpg",
    "/usr/share/wallpapers/BytheWater/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/ColdRipple/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/ColorfulCups/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/DarkestHour/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/EveningGlow/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/FallenLeaf/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/Grey/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/Kite/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/OneStandsOut/contents/images/2560x1600.jpg",
    "/usr/share/wallpapers/Path/contents/images/2560x1600.jpg",
};
constexpr uint64_t kMostSourcePixels = 60'000'000;  // 240 MB decoded

struct Source {
  std::string path;
  Size size;
  uint64_t pixels() const { return uint64_t{size.width} * size.height; }
};

struct Plan {
  size_t index = 0;   // in the result
  size_t number = 0;  // over all rounds
  scaler::Crop crop;
  int quality = 90;
  int orientation = 1;
  bool progressive = false;
};

bool is_jpeg_name(const fs::path& path) {
  std::string extension = lower(path.extension().string());
  return extension == ".jpg" || extension == ".jpeg";
}

Result<Source> inspect(const std::string& path) {
  std::string bytes = TRY(files::read(path));
  scaler::Decoder decoder;
  scaler::Limits limits;
  limits.pixels = kMostSourcePixels;
  TRY(decoder.open(bytes, limits));
  return Source{path, decoder.size()};
}

Result<Pixels> decode(const std::string& path) {
  std::string bytes = TRY(files::read(path));
  scaler::Decoder decoder;
  TRY(decoder.open(bytes, {}));
  Pixels pixels(TRY(decoder.start(decoder.size())));
  for (uint32_t y = 0; y < pixels.size().height; ++y) TRY(decoder.read_row(pixels.row(y)));
  return pixels;
}

// EXIF with nothing but an orientation.
std::string exif_with(int orientation) {
  std::string out("Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 25);
  out += static_cast<char>(orientation);
  return out + std::string(6, '\0');
}

Plan make_plan(size_t index, const Source& source, double megapixels, Random& random) {
  constexpr double kAspects[] = {3.0 / 2, 4.0 / 3, 16.0 / 9, 1.0, 3.0 / 4, 2.0 / 3};
  const double source_width = source.size.width, source_height = source.size.height;
  double aspect = kAspects[random.below(std::size(kAspects))];
  double width = std::sqrt(megapixels * 1e6 * aspect);
  if (width > source_width || width / aspect > source_height) {  // its own shape always has room
    aspect = source_width / source_height;
    width = std::min(source_width, std::sqrt(megapixels * 1e6 * aspect));
  }
  Plan plan;
  plan.index = index;
  plan.crop.size = {std::max(1u, static_cast<uint32_t>(width)),
                    std::clamp(static_cast<uint32_t>(width / aspect), 1u, source.size.height)};
  plan.crop.x = static_cast<uint32_t>(random.below(source.size.width - plan.crop.size.width + 1));
  plan.crop.y = static_cast<uint32_t>(random.below(source.size.height - plan.crop.size.height + 1));
  plan.quality = 85 + static_cast<int>(random.below(10));
  constexpr int kTurned[] = {1, 1, 1, 6, 8, 3};
  plan.orientation = kTurned[random.below(std::size(kTurned))];
  plan.progressive = random.below(12) == 0;
  return plan;
}

// Plans by source, so that each source is decoded once.
std::vector<std::pair<const Source*, std::vector<Plan>>> make_plans(const std::vector<Source>& by_size,
                                                                    const PhotographOptions& options) {
  std::map<size_t, std::vector<Plan>> plans;
  const double most = std::min(options.most_megapixels, static_cast<double>(by_size.back().pixels()) / 1e6);
  const double least = std::min(options.least_megapixels, most);
  for (size_t i = 0; i < options.count; ++i) {
    Random random(Random(options.seed + 0x9e37 * (options.first + i)).next());   // of this upload alone: rounds are made apart
    const double megapixels = least * std::pow(most / least, random.uniform());  // small ones are more common
    auto large_enough = std::find_if(by_size.begin(), by_size.end(),
                                     [&](const Source& s) { return static_cast<double>(s.pixels()) >= megapixels * 1e6; });
    size_t first = std::min(static_cast<size_t>(large_enough - by_size.begin()), by_size.size() - 1);
    size_t chosen = first + random.below(by_size.size() - first);
    plans[chosen].push_back(make_plan(i, by_size[chosen], megapixels, random));
    plans[chosen].back().number = options.first + i;
  }
  std::vector<std::pair<const Source*, std::vector<Plan>>> out;
  for (auto& [source, list] : plans) out.emplace_back(&by_size[source], std::move(list));
  return out;
}

Result<Photograph> cut(const Source& source, const Pixels& pixels, const Plan& plan) {
  std::string exif = plan.orientation == 1 ? std::string() : exif_with(plan.orientation);
  scaler::EncodeOptions options{plan.quality, scaler::Colour::Rgb, plan.progressive, exif};
  Photograph out{TRY(scaler::encode(pixels, plan.crop, options)), fs::path(source.path).filename().string(), plan.crop.size.width,
                 plan.crop.size.height};
  // Two crops of a flat area could come out equal; a comment keeps them apart without touching a pixel.
  std::string comment = "upload " + std::to_string(plan.number);
  std::string segment{'\xff', '\xfe', 0, static_cast<char>(comment.size() + 2)};
  out.jpeg.insert(2, segment + comment);
  return out;
}

}  // namespace

Result<std::vector<std::string>> find_photographs(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code error;
  fs::recursive_directory_iterator walk(directory, fs::directory_options::skip_permission_denied, error);
  if (error) return fail(Errc::NotFound, directory + ": " + error.message());
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    if (error) break;
    if (!walk->is_symlink(error) && walk->is_regular_file(error) && is_jpeg_name(walk->path()))
      out.push_back(walk->path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> installed_photographs() {
  std::vector<std::string> out;
  for (const char* path : kInstalled) {
    if (files::exists(path)) out.push_back(path);
  }
  return out;
}

Result<std::vector<Photograph>> make_photographs(const std::vector<std::string>& sources, const PhotographOptions& options) {
  std::vector<Source> usable;
  for (const std::string& path : sources) {
    if (auto source = inspect(path)) usable.push_back(*source);
  }
  if (usable.empty())
    return fail(Errc::NotFound, "no JPEG among " + std::to_string(sources.size()) + " files: give a directory of photographs");
  std::sort(usable.begin(), usable.end(),
            [](const Source& a, const Source& b) { return std::pair(a.pixels(), a.path) < std::pair(b.pixels(), b.path); });
  auto plans = make_plans(usable, options);
  std::vector<Photograph> out(options.count);
  std::mutex mutex;  // guards done and first_error
  size_t done = 0;
  Result<> first_error;
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t at = next++; at < plans.size(); at = next++) {
      const auto& [source, list] = plans[at];
      auto pixels = decode(source->path);
      for (const Plan& plan : list) {
        auto photograph = pixels ? cut(*source, *pixels, plan) : Result<Photograph>(Failure(pixels.error()));
        std::lock_guard lock(mutex);
        if (photograph) out[plan.index] = std::move(*photograph);
        else first_error = Failure(std::move(photograph.error()).in(source->path));
        if (options.progress) options.progress(++done, options.count);
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < options.threads; ++i) threads.emplace_back(work);
  work();
  for (std::thread& t : threads) t.join();
  if (!first_error) return Failure(std::move(first_error).error());
  return out;
}

}  // namespace gust::experiment
