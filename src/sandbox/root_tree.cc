// SPDX-License-Identifier: Apache-2.0

#include "sandbox/root_tree.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <sstream>

#include "base/ids.h"
#include "base/log.h"
#include "os/files.h"

namespace gust::sandbox {
namespace {

Result<> make_parent(const std::string& path) { return files::make_directories(path.substr(0, path.rfind('/')), 0755); }

Result<> copy_file(const std::string& from, const std::string& to) {
  struct stat st{};
  if (stat(from.c_str(), &st) != 0) return fail_errno("stat " + from);
  if (!S_ISREG(st.st_mode)) return {};
  TRY(make_parent(to));
  Fd in = TRY(files::open(from, O_RDONLY));
  Fd out = TRY(files::open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  for (off_t left = st.st_size; left > 0;) {
    ssize_t n = sendfile(out.get(), in.get(), nullptr, static_cast<size_t>(left));
    if (n <= 0) return fail_errno("copy " + from);
    left -= n;
  }
  // Never set-user-id: the tree is mounted nosuid too.
  if (fchmod(out.get(), st.st_mode & 0111 ? 0755 : 0644) != 0) return fail_errno("chmod " + to);
  return {};
}

Result<> copy_tree(const std::string& from, const std::string& to) {
  TRY(files::make_directories(to, 0755));
  for (const std::string& name : TRY(files::list(from))) {
    struct stat st{};
    std::string path = from + "/" + name;
    if (stat(path.c_str(), &st) != 0) continue;  // a dangling link
    if (S_ISDIR(st.st_mode)) {
      TRY(copy_tree(path, to + "/" + name));
    } else {
      TRY(copy_file(path, to + "/" + name));
    }
  }
  return {};
}

Result<> copy_matches(const std::string& pattern, const std::string& root, bool may_miss) {
  glob_t found{};
  int code = glob(pattern.c_str(), GLOB_BRACE, nullptr, &found);
  Result<> result;
  if (code == GLOB_NOMATCH && !may_miss) {
    result = fail(Errc::NotFound, "nothing matches " + pattern + "; install the package that has it");
  }
  for (size_t i = 0; code == 0 && result && i < found.gl_pathc; ++i) result = copy_file(found.gl_pathv[i], root + found.gl_pathv[i]);
  globfree(&found);
  return result;
}

std::string unescape(std::string text) {
  for (size_t at = 0; (at = text.find("\\n", at)) != std::string::npos;) text.replace(at, 2, "\n");
  return text;
}

Result<> apply_line(const std::string& line, const std::string& root) {
  std::istringstream in(line);
  std::string verb, path, rest;
  in >> verb >> path;
  std::getline(in, rest);
  rest.erase(0, rest.find_first_not_of(' '));
  if (verb.empty() || verb[0] == '#') return {};
  if (path.empty() || path[0] != '/' || path.find("..") != std::string::npos) return fail(Errc::Invalid, "bad path in '" + line + "'");
  if (verb == "dir") return files::make_directories(root + path, 0755);
  if (verb == "copy" || verb == "copy?") return copy_matches(path, root, verb == "copy?");
  if (verb == "tree") return copy_tree(path, root + path);
  TRY(make_parent(root + path));
  if (verb == "link") {
    if (symlink(rest.c_str(), (root + path).c_str()) != 0) return fail_errno("symlink " + path);
    return {};
  }
  if (verb == "text") return files::write(root + path, unescape(rest));
  return fail(Errc::Invalid, "unknown verb in '" + line + "'");
}

std::string hash_of(std::string_view text) {
  // FNV-1a: names a directory, protects nothing.
  uint64_t h = 14695981039346656037ull;
  for (unsigned char c : text) h = (h ^ c) * 1099511628211ull;
  char out[17];
  snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(h));
  return out;
}

}  // namespace

Result<std::string> ensure_root(const std::string& directory, const std::string& manifest_path) {
  std::string manifest = TRY(files::read(manifest_path, 1 << 20));
  std::string path = directory + "/provided-" + hash_of(manifest);
  if (files::exists(path)) return path;
  TRY(files::make_directories(directory, 0755));
  log::info("roots", "building the root of provided runtimes", {{"path", path}});
  std::string temporary = path + "." + new_id(8) + ".tmp";
  TRY(files::make_directories(temporary, 0755));
  std::istringstream lines(manifest);
  for (std::string line; std::getline(lines, line);) {
    if (auto applied = apply_line(line, temporary); !applied) {
      (void)files::remove_tree(temporary);
      return Failure(std::move(applied).error().in(manifest_path));
    }
  }
  auto renamed = files::rename(temporary, path);
  if (!renamed) (void)files::remove_tree(temporary);  // somebody else built it meanwhile
  if (!renamed && !files::exists(path)) return Failure(std::move(renamed).error());
  return path;
}

}  // namespace gust::sandbox
