// SPDX-License-Identifier: Apache-2.0

#include "unpack/unpack.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "unpack/zip_maker.h"

namespace gust::unpack {
namespace {

namespace fs = std::filesystem;

class Unpack : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-unpack-XXXXXX";
    root_ = ::mkdtemp(name);
    fs::create_directory(root_ / "out");
    directory_ = ::open((root_ / "out").c_str(), O_RDONLY | O_DIRECTORY);
  }
  void TearDown() override {
    ::close(directory_);
    fs::remove_all(root_);
  }
  Report run(const std::vector<ZipEntry>& entries, const Limits& limits = {}) {
    return unpack(make_zip(entries), directory_, limits);
  }
  fs::path out(const char* name) const { return root_ / "out" / name; }
  unsigned mode(const char* name) const {
    struct stat info {};
    return ::lstat(out(name).c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
  }
  static std::string text(const fs::path& path) {
    std::ifstream in(path);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

  fs::path root_;
  int directory_ = -1;
};

TEST_F(Unpack, AGoodPackageComesOutWithNormalisedModes) {
  const Report report = run({{"bootstrap", "#!/bin/sh\n", 0100750},
                             {"lib/", "", 040700},
                             {"lib/data.txt", std::string(300'000, 'x'), 0100600},
                             {"lib/deep/stored.bin", "stored", 0104777, false},
                             {"fat.txt", "made elsewhere", 0}});
  ASSERT_EQ(report.kind, Kind::Ok) << report.text;
  EXPECT_EQ(report.line(), "OK 4 300030\n");
  EXPECT_EQ(mode("bootstrap"), 0755u);
  EXPECT_EQ(mode("lib"), 0755u);
  EXPECT_EQ(mode("lib/data.txt"), 0644u);
  EXPECT_EQ(mode("lib/deep/stored.bin"), 0755u);  // and no set-user-id bit
  EXPECT_EQ(mode("fat.txt"), 0644u);
  EXPECT_EQ(text(out("lib/deep/stored.bin")), "stored");
  EXPECT_EQ(text(out("lib/data.txt")).size(), 300'000u);
}

TEST_F(Unpack, NamesThatLeaveThePackageAreRefusedAndNothingIsWrittenOutside) {
  for (const char* name : {"../evil", "a/../../evil", "/evil", "..", "a/b/../../../evil"}) {
    EXPECT_EQ(run({{name, "x"}}).kind, Kind::UnsafePath) << name;
  }
  EXPECT_EQ(run({{std::string("a\0b", 3), "x"}}).kind, Kind::UnsafePath);
  EXPECT_EQ(run({{std::string(300, 'n'), "x"}}).kind, Kind::UnsafePath);
  EXPECT_FALSE(fs::exists(root_ / "evil"));
  EXPECT_EQ(run({{"a/./b//good..name", "x"}}).kind, Kind::Ok);  // the control: dots alone are no crime
}

TEST_F(Unpack, LinksInsideAreMadeAndLinksThatLeadOutAreRefused) {
  ASSERT_EQ(run({{"lib/a.so.1", "elf"}, {"lib/a.so", "a.so.1", 0120777}, {"bin/a", "../lib/a.so", 0120777}}).kind, Kind::Ok);
  EXPECT_EQ(text(out("bin/a")), "elf");
  EXPECT_EQ(run({{"l1", "/etc/passwd", 0120777}}).kind, Kind::UnsafeLink);
  EXPECT_EQ(run({{"d/l2", "../../x", 0120777}}).kind, Kind::UnsafeLink);
  // Each looks harmless alone: "up" is the root, so up/.. is outside.
  EXPECT_EQ(run({{"d/up", "..", 0120777}, {"l3", "d/up/../x", 0120777}}).kind, Kind::UnsafeLink);
  EXPECT_EQ(run({{"loop1", "loop2", 0120777}, {"loop2", "loop1", 0120777}}).kind, Kind::UnsafeLink);
}

TEST_F(Unpack, FilesAreNeverWrittenThroughLinksOfTheZip) {
  const Report report = run({{"link", "..", 0120777}, {"link/evil", "x"}});
  EXPECT_NE(report.kind, Kind::Ok);
  EXPECT_FALSE(fs::exists(root_ / "evil"));
}

TEST_F(Unpack, DevicesSocketsAndEncryptedEntriesAreRefused) {
  for (const uint32_t type : {020000u, 060000u, 010000u, 0140000u}) {
    EXPECT_EQ(run({{"thing", "", type | 0644}}).kind, Kind::UnsupportedEntry);
  }
  EXPECT_EQ(run({{.name = "secret", .content = "x", .flags = 1}}).kind, Kind::UnsupportedEntry);
}

// The zip with its only directory entry listed `times` times.
std::string repeat_directory(std::string zip, size_t times) {
  const std::string end = zip.substr(zip.size() - 22);
  const size_t size = static_cast<unsigned char>(end[12]) + 256u * static_cast<unsigned char>(end[13]);
  const std::string directory = zip.substr(zip.size() - 22 - size, size);
  zip.resize(zip.size() - 22 - size);
  for (size_t i = 0; i < times; ++i) zip += directory;
  std::string counts;
  append(counts, times, 2), append(counts, times, 2), append(counts, size * times, 4);
  return zip + end.substr(0, 8) + counts + end.substr(16);
}

TEST_F(Unpack, BombsStopAtTheLimits) {
  Limits limits;
  limits.bytes = 1 << 20;
  EXPECT_EQ(run({{"a", std::string(1 << 20, '0')}}, limits).kind, Kind::Ok);
  EXPECT_EQ(run({{"a", std::string((1 << 20) + 1, '0')}}, limits).kind, Kind::TooLarge);
  EXPECT_EQ(run({{"a", std::string(600'000, '0')}, {"b", std::string(600'000, '0')}}, limits).kind, Kind::TooLarge);
  EXPECT_EQ(run({{.name = "liar", .content = std::string(900'000, '0'), .declared_size = 10}}, limits).kind, Kind::Corrupt);
  EXPECT_EQ(run({{"zeros", std::string(40 << 20, '0')}}).kind, Kind::Ratio);
  // Entries that share the same packed bytes, more of them than the file has room for.
  std::vector<ZipEntry> shared = {{"same", std::string(5000, 'a'), 0100644, false}};
  EXPECT_EQ(run(shared).kind, Kind::Ok);
  std::string zip = make_zip(shared);
  EXPECT_EQ(unpack(repeat_directory(zip, 2), directory_).kind, Kind::Corrupt);
}

TEST_F(Unpack, CountAndDepthHaveLimits) {
  std::string deep = "f";
  for (int i = 0; i < 63; ++i) deep.insert(0, "d/");
  EXPECT_EQ(run({{deep, "x"}}).kind, Kind::Ok);
  EXPECT_EQ(run({{"d/" + deep, "x"}}).kind, Kind::TooDeep);
  std::vector<ZipEntry> many(100'001, {"same", "", 0100644, false});
  EXPECT_EQ(run(many).kind, Kind::TooMany);
  Limits three;
  three.entries = 3;
  EXPECT_EQ(run({{"1", ""}, {"2", ""}, {"3", ""}}, three).kind, Kind::Ok);
  EXPECT_EQ(run({{"1", ""}, {"2", ""}, {"3", ""}, {"4", ""}}, three).kind, Kind::TooMany);
  EXPECT_EQ(run({{"a/b/c/d/e", ""}}, three).kind, Kind::TooMany);  // directories count as well
}

TEST_F(Unpack, EveryTruncationAndDamageOfAZipIsNoticed) {
  const std::string good = make_zip({{"a.txt", "hello hello hello hello"}, {"b.txt", "stored", 0100644, false}});
  ASSERT_EQ(unpack(good, directory_).kind, Kind::Ok);
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_EQ(unpack(good.substr(0, length), directory_).kind, Kind::Corrupt) << length;
  }
  EXPECT_EQ(unpack("this is not a zip file, but long enough to hold the end of a directory", directory_).kind, Kind::Corrupt);
  EXPECT_EQ(run({{.name = "crc", .content = "abc", .crc_xor = 1}}).kind, Kind::Corrupt);
  EXPECT_EQ(run({{.name = "name", .content = "abc", .local_name = "eman"}}).kind, Kind::Corrupt);
  EXPECT_EQ(run({{"a", "file"}, {"a/b", "file in a file"}}).kind, Kind::Corrupt);
}

TEST_F(Unpack, AStubInFrontAndACommentBehindAreAllowed) {
  std::string zip = "#!/bin/sh\nexit\n" + make_zip({{"a", "content"}});
  zip[zip.size() - 2] = 7;
  zip += "comment";
  EXPECT_EQ(unpack(zip, directory_).kind, Kind::Ok);
  EXPECT_EQ(text(out("a")), "content");
}

TEST_F(Unpack, EmptyRemovesATreeWithoutFollowingLinks) {
  std::ofstream(root_ / "keep") << "kept";
  ASSERT_EQ(run({{"d/e/f", "x"}, {"g", "y"}}).kind, Kind::Ok);
  fs::create_symlink(root_, out("outside"));
  EXPECT_EQ(empty(directory_).kind, Kind::Ok);
  EXPECT_TRUE(fs::is_empty(root_ / "out"));
  EXPECT_TRUE(fs::exists(root_ / "keep"));
}

// The static program, with its descriptors.
TEST_F(Unpack, TheProgramReadsDescriptorThreeAndReportsOnFour) {
  const auto program = [&](const std::string& zip) {
    std::ofstream(root_ / "in.zip", std::ios::binary | std::ios::trunc) << zip;
    const std::string command = std::string(GUST_UNPACK_PROGRAM) + " --out=" + (root_ / "out").string() + " 3<" +
                                (root_ / "in.zip").string() + " 4>" + (root_ / "result").string();
    const int status = ::system(command.c_str());
    return std::to_string(WEXITSTATUS(status)) + " " + text(root_ / "result");
  };
  EXPECT_EQ(program(make_zip({{"bootstrap", "x", 0100755}})), "0 OK 1 1\n");
  EXPECT_EQ(mode("bootstrap"), 0755u);
  EXPECT_EQ(program("nonsense"), "1 ERROR corrupt not a zip file\n");
  EXPECT_EQ(program(""), "1 ERROR corrupt the file is empty\n");
  EXPECT_TRUE(fs::is_empty(root_ / "out"));  // after an error nothing is left
  EXPECT_EQ(program(make_zip({{"good", "y"}, {"../evil", "x"}})), "1 ERROR unsafe-path name leaves the package: ../evil\n");
}

}  // namespace
}  // namespace gust::unpack
