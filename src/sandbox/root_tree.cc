// SPDX-License-Identifier: Apache-2.0

#include "sandbox/root_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <vector>

#include "base/encoding.h"
#include "base/ids.h"
#include "crypto/hash.h"
#include "os/files.h"

namespace gust::sandbox {
namespace {

constexpr size_t kMostEntries = 20'000;
constexpr size_t kMostFileBytes = 256 << 20;

struct Entry {
  enum class Kind { Directory, File, Link, Text } kind = Kind::Directory;
  std::string path;       // in the tree, absolute
  std::string content;    // File: path on the host; Link: target; Text: content
  struct stat source {};  // File
};

struct Plan {
  std::string name;  // of the manifest
  std::string hash;
  std::vector<Entry> entries;
};

std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else {
      char c = text[++i];
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

bool is_clean(const std::string& path) {
  return path.size() > 1 && path[0] == '/' && path.find("/../") == std::string::npos && !path.ends_with("/..");
}

Result<> add_file(Plan& plan, const std::string& path, const std::string& host) {
  if (plan.entries.size() >= kMostEntries) return fail(Errc::TooLarge, "a root tree with more than 20000 entries");
  Entry entry{Entry::Kind::File, path, host, {}};
  if (stat(host.c_str(), &entry.source) != 0) return fail_errno("the host's " + host);
  if (!S_ISREG(entry.source.st_mode)) return fail(Errc::Invalid, host + " is not a file");
  plan.entries.push_back(std::move(entry));
  return {};
}

Result<> add_directory_of_files(Plan& plan, const std::string& path, const std::vector<std::string>& left_out) {
  plan.entries.push_back({Entry::Kind::Directory, path, "", {}});
  for (const std::string& name : TRY(files::list(path))) {
    if (std::find(left_out.begin(), left_out.end(), name) != left_out.end()) continue;
    std::string child = path + "/" + name;
    struct stat st {};
    if (stat(child.c_str(), &st) != 0) continue;  // a link into nothing
    if (S_ISDIR(st.st_mode)) TRY(add_directory_of_files(plan, child, {}));
    if (S_ISREG(st.st_mode)) TRY(add_file(plan, child, child));
  }
  return {};
}

Result<> add_line(Plan& plan, const std::string& line) {
  std::istringstream words(line);
  std::string verb, path;
  words >> verb >> path;
  if (verb.empty() || verb[0] == '#') return {};
  if (!is_clean(path)) return fail(Errc::Invalid, "path in manifest: '" + path + "'");
  std::string rest;
  std::getline(words >> std::ws, rest);
  if (verb == "dir") {
    plan.entries.push_back({Entry::Kind::Directory, path, "", {}});
  } else if (verb == "file") {
    return add_file(plan, path, path);
  } else if (verb == "files") {
    std::istringstream names(rest);
    std::vector<std::string> left_out;
    for (std::string name; names >> name;) left_out.push_back(name);
    return add_directory_of_files(plan, path, left_out);
  } else if (verb == "link") {
    plan.entries.push_back({Entry::Kind::Link, path, rest, {}});
  } else if (verb == "text") {
    plan.entries.push_back({Entry::Kind::Text, path, unescape(rest), {}});
  } else if (verb == "empty") {
    plan.entries.push_back({Entry::Kind::Text, path, "", {}});
  } else {
    return fail(Errc::Invalid, "'" + verb + "' in manifest: dir, file, files, link, text or empty");
  }
  return {};
}

Result<Plan> read_manifest(const std::string& manifest) {
  Plan plan;
  size_t slash = manifest.rfind('/') + 1;
  plan.name = manifest.substr(slash, manifest.rfind('.') - slash);
  std::string text = TRY(files::read(manifest, 1 << 20));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto added = add_line(plan, line);
    if (!added) return Failure(std::move(added).error().in(manifest));
  }
  Digest digest(Digest::Kind::Sha256);
  digest.update(text);
  for (const Entry& entry : plan.entries) {
    if (entry.kind != Entry::Kind::File) continue;
    digest.update(entry.path);
    for (int64_t value : {int64_t{entry.source.st_size}, int64_t{entry.source.st_mtim.tv_sec}, int64_t{entry.source.st_mode}}) {
      digest.update({reinterpret_cast<const char*>(&value), sizeof value});
    }
  }
  plan.hash = hex_encode(digest.finish()).substr(0, 16);
  return plan;
}

std::string path_of(const std::string& target, const Plan& plan) { return target + "/" + plan.name + "-" + plan.hash; }

Result<> make_entry(const std::string& tree, const Entry& entry, std::string& list) {
  std::string path = tree + entry.path;
  switch (entry.kind) {
    case Entry::Kind::Directory:
      if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("mkdir " + path);
      return {};
    case Entry::Kind::Link:
      if (symlink(entry.content.c_str(), path.c_str()) != 0) return fail_errno("link " + path);
      list += "link 0 " + entry.content + " " + entry.path + "\n";
      return {};
    case Entry::Kind::File:
    case Entry::Kind::Text:
      break;
  }
  bool copied = entry.kind == Entry::Kind::File;
  std::string content = copied ? TRY(files::read(entry.content, kMostFileBytes)) : entry.content;
  // Never set-user-id, whatever the host's file is.
  unsigned mode = copied && entry.source.st_mode & 0111 ? 0755 : 0644;
  TRY(files::write(path, content, mode));
  if (chmod(path.c_str(), mode) != 0) return fail_errno("chmod " + path);
  char head[32];
  std::snprintf(head, sizeof head, "%o %zu ", mode, content.size());
  list += head + hex_encode(sha256(content)) + " " + entry.path + "\n";
  return {};
}

bool is_complete(const std::string& path) { return files::exists(path) && files::exists(path + ".list"); }

Result<> fill(const Plan& plan, const std::string& tree, const std::string& path) {
  if (mkdir(tree.c_str(), 0755) != 0 || chmod(tree.c_str(), 0755) != 0) return fail_errno("mkdir " + tree);
  std::string list;
  for (const Entry& entry : plan.entries) TRY(make_entry(tree, entry, list));
  // The list first: a tree under its final name is always complete.
  TRY(files::write_durably(path + ".list", list, 0644));
  if (::rename(tree.c_str(), path.c_str()) != 0 && errno != EEXIST && errno != ENOTEMPTY) return fail_errno("rename " + tree);
  return {};
}

}  // namespace

Result<std::string> root_path(const std::string& target_directory, const std::string& manifest) {
  return path_of(target_directory, TRY(read_manifest(manifest)));
}

Result<bool> root_is_current(const std::string& target_directory, const std::string& manifest) {
  return is_complete(TRY(root_path(target_directory, manifest)));
}

Result<std::string> build_root(const std::string& target_directory, const std::string& manifest) {
  Plan plan = TRY(read_manifest(manifest));
  std::string path = path_of(target_directory, plan);
  if (is_complete(path)) return path;
  TRY(files::make_directories(target_directory));
  std::string tree = target_directory + "/.new-" + new_id(12);
  mode_t mask = umask(022);
  auto filled = fill(plan, tree, path);
  umask(mask);
  (void)files::remove_tree(tree);  // where it failed or somebody else was faster
  if (!filled) return Failure(std::move(filled).error());
  return path;
}

}  // namespace gust::sandbox
