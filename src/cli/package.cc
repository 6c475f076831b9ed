// SPDX-License-Identifier: Apache-2.0

#include "cli/package.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/files.h"

namespace gust::cli {
namespace {

// Follows links only where they stay below `root` (openat2(2), Linux 5.6). Does not wait for a pipe's writer.
Result<Fd> open_below(int root, const std::string& name, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  Fd fd(static_cast<int>(syscall(SYS_openat2, root, name.c_str(), &how, sizeof how)));
  if (fd) return fd;
  if (errno == EXDEV || errno == ELOOP)
    return fail(Errc::Invalid, name + " is a link that leaves the directory: copy what it points to");
  return fail_errno("open " + name);
}

class Reader {
 public:
  Reader(int root, std::string shown, const PackageLimits& limits) : root_(root), shown_(std::move(shown)), limits_(limits) {}

  Result<> directory(const std::string& path, size_t depth) {
    if (depth > limits_.depth) return fail(Errc::TooLarge, shown_ + "/" + path + ": directories are nested too deeply");
    Fd fd = TRY(open_below(root_, path.empty() ? "." : path, O_DIRECTORY | O_NOFOLLOW));
    for (const std::string& name : TRY(names_in(fd.get()))) {
      TRY(entry(fd.get(), name, path.empty() ? name : path + "/" + name, depth));
    }
    return {};
  }

  Package package;

 private:
  Result<std::vector<std::string>> names_in(int directory) {
    DIR* stream = fdopendir(dup(directory));
    if (!stream) return fail_errno("read directory");
    std::vector<std::string> names;
    while (const dirent* found = readdir(stream)) {
      const std::string_view name = found->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    closedir(stream);
    return names;
  }

  Result<> entry(int directory_fd, const std::string& name, const std::string& path, size_t depth) {
    struct stat st {};
    if (fstatat(directory_fd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("stat " + path);
    if (S_ISDIR(st.st_mode)) return directory(path, depth + 1);
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
      return fail(Errc::Invalid, shown_ + "/" + path + " is neither file nor directory: remove it from the package");
    }
    return file(path);
  }

  Result<> file(const std::string& path) {
    Fd fd = TRY(open_below(root_, path, 0));
    struct stat st {};
    if (fstat(fd.get(), &st) != 0) return fail_errno("stat " + path);
    if (!S_ISREG(st.st_mode)) return fail(Errc::Invalid, shown_ + "/" + path + " links to what is no file: copy it instead");
    if (package.size() >= limits_.files) {
      return fail(Errc::TooLarge, shown_ + " has more than " + std::to_string(limits_.files) + " files");
    }
    const uint64_t size = static_cast<uint64_t>(st.st_size);
    if (size > limits_.bytes - bytes_) {
      return fail(Errc::TooLarge, shown_ + " has more than " + std::to_string(limits_.bytes >> 20) +
                                      " MiB: leave out what the program does not need");
    }
    bytes_ += size;
    auto content = files::read_fd(fd.get(), 0, size);
    if (!content) return Failure(std::move(content).error().in(shown_ + "/" + path));
    package.push_back({path, std::move(*content), (st.st_mode & S_IXUSR) ? 0755u : 0644u});
    return {};
  }

  int root_;
  std::string shown_;
  PackageLimits limits_;
  uint64_t bytes_ = 0;
};

}  // namespace

Result<Package> read_package(const std::string& directory, const PackageLimits& limits) {
  Fd root = TRY(files::open(directory, O_RDONLY | O_DIRECTORY));
  std::string shown = directory;
  while (shown.size() > 1 && shown.ends_with('/')) shown.pop_back();
  Reader reader(root.get(), shown, limits);
  TRY(reader.directory("", 0));
  if (reader.package.empty()) return fail(Errc::Invalid, shown + " has no files in it");
  std::sort(reader.package.begin(), reader.package.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return std::move(reader.package);
}

Result<> make_executable(Package& package, std::string_view name) {
  for (experiment::ZipFile& file : package) {
    if (file.name != name) continue;
    file.mode = 0755;
    return {};
  }
  return fail(Errc::NotFound, "no file '" + std::string(name) + "' in it");
}

}  // namespace gust::cli
