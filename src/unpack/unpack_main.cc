// SPDX-License-Identifier: Apache-2.0

// gust-unpack: the only program that opens a function's zip. Descriptor 3 is the zip, /out the empty directory, one line on
// descriptor 4 the result; after an error /out is empty again. `gust-unpack --empty` removes what is in /out instead. An argument
// `--out=DIR` is for tests.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>

#include "unpack/unpack.h"

namespace {

constexpr int kZip = 3, kResult = 4;

gust::unpack::Report unpack_file(int directory) {
  using gust::unpack::Kind;
  struct stat info {};
  if (::fstat(kZip, &info) != 0 || !S_ISREG(info.st_mode)) return {Kind::Io, "descriptor 3 is no file", 0, 0};
  if (info.st_size == 0) return {Kind::Corrupt, "the file is empty", 0, 0};
  const size_t size = static_cast<size_t>(info.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, kZip, 0);
  if (memory == MAP_FAILED) return {Kind::Io, "cannot map the zip", 0, 0};
  return gust::unpack::unpack({static_cast<const char*>(memory), size}, directory);
}

}  // namespace

int main(int count, char** arguments) {
  std::string out = "/out";
  bool empty = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--empty") {
      empty = true;
    } else if (argument.substr(0, 6) == "--out=") {
      out = argument.substr(6);
    } else {
      return 2;
    }
  }
  ::umask(0);
  const int directory = ::open(out.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  gust::unpack::Report report{gust::unpack::Kind::Io, "cannot open the output directory", 0, 0};
  if (directory >= 0) report = empty ? gust::unpack::empty(directory) : unpack_file(directory);
  // The daemon may remove an empty directory of ours, but not what we wrote into it.
  if (directory >= 0 && report.kind != gust::unpack::Kind::Ok) (void)gust::unpack::empty(directory);
  const std::string line = report.line();
  const bool written = ::write(kResult, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  return written && report.kind == gust::unpack::Kind::Ok ? 0 : 1;
}
