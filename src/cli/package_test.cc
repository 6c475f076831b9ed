// SPDX-License-Identifier: Apache-2.0

#include "cli/package.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/service_program.h"
#include "os/files.h"

namespace gust::cli {
namespace {

class PackageTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-package-XXXXXX";
    ASSERT_TRUE(mkdtemp(name));
    top_ = name;
    directory_ = top_ + "/code";
    ASSERT_TRUE(files::make_directories(directory_));
  }
  void TearDown() override { ASSERT_TRUE(files::remove_tree(top_)); }

  void write(const std::string& name, const std::string& content, unsigned mode = 0644) {
    const std::string path = directory_ + "/" + name;
    ASSERT_TRUE(files::make_directories(path.substr(0, path.rfind('/'))));
    ASSERT_TRUE(files::write(path, content, mode));
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  }
  void link(const std::string& name, const std::string& to) {
    ASSERT_EQ(symlink(to.c_str(), (directory_ + "/" + name).c_str()), 0);
  }

  std::string top_, directory_;
};

std::string described(const Package& package) {
  std::string out;
  for (const auto& file : package) out += file.name + "=" + file.content + (file.mode == 0755 ? "*" : "") + " ";
  return out;
}

}  // namespace

TEST_F(PackageTest, TakesAllFilesInOrderWithNormalModes) {
  write("lib/b.txt", "B", 0600);
  write("bootstrap", "run", 0750);
  write(".hidden", "h", 0666);
  ASSERT_TRUE(files::make_directories(directory_ + "/empty"));
  const auto package = read_package(directory_ + "/");
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_EQ(described(*package), ".hidden=h bootstrap=run* lib/b.txt=B ");
}

TEST_F(PackageTest, TheSameFilesGiveTheSameBytes) {
  write("bootstrap", "run", 0755);
  write("a", "1");
  const std::string first = experiment::make_zip(*read_package(directory_));
  ASSERT_TRUE(files::remove(directory_ + "/bootstrap"));
  write("bootstrap", "run", 0700);
  EXPECT_EQ(experiment::make_zip(*read_package(directory_)), first);
  write("a", "2");
  EXPECT_NE(experiment::make_zip(*read_package(directory_)), first);
}

TEST_F(PackageTest, LinksInsideAreTheirFiles) {
  write("lib/real", "R", 0755);
  link("alias", "lib/real");
  link("lib/up", "../alias");
  const auto package = read_package(directory_);
  ASSERT_TRUE(package) << package.error().message;
  EXPECT_EQ(described(*package), "alias=R* lib/real=R* lib/up=R* ");
}

TEST_F(PackageTest, WhatLeavesTheDirectoryIsRefusedByName) {
  ASSERT_TRUE(files::write(top_ + "/secret", "s"));
  write("bootstrap", "run");
  ASSERT_TRUE(read_package(directory_));  // without the link it is packed
  for (const std::string& target :
       {std::string("../secret"), top_ + "/secret", std::string("/etc/passwd"), std::string("leave")}) {
    link("leave", target);
    const auto package = read_package(directory_);
    ASSERT_FALSE(package) << target;
    EXPECT_EQ(package.error().code, Errc::Invalid);
    EXPECT_NE(package.error().message.find("leave"), std::string::npos) << package.error().message;
    ASSERT_TRUE(files::remove(directory_ + "/leave"));
  }
}

TEST_F(PackageTest, OnlyFilesAndDirectoriesArePacked) {
  write("bootstrap", "run");
  write("lib/x", "x");
  link("libs", "lib");
  EXPECT_NE(read_package(directory_).error().message.find("libs"), std::string::npos);
  ASSERT_TRUE(files::remove(directory_ + "/libs"));
  ASSERT_EQ(mkfifo((directory_ + "/pipe").c_str(), 0600), 0);
  EXPECT_NE(read_package(directory_).error().message.find("pipe"), std::string::npos);
  ASSERT_TRUE(files::remove(directory_ + "/pipe"));
  EXPECT_TRUE(read_package(directory_));
}

TEST_F(PackageTest, HasLimits) {
  write("a/b/c", "12345");
  write("d", "67890");
  EXPECT_TRUE(read_package(directory_, {.bytes = 10, .files = 2, .depth = 2}));
  EXPECT_EQ(read_package(directory_, {.bytes = 9}).error().code, Errc::TooLarge);
  EXPECT_EQ(read_package(directory_, {.files = 1}).error().code, Errc::TooLarge);
  EXPECT_EQ(read_package(directory_, {.depth = 1}).error().code, Errc::TooLarge);
}

TEST_F(PackageTest, AnAbsentOrEmptyDirectoryIsNoPackage) {
  EXPECT_EQ(read_package(top_ + "/none").error().code, Errc::NotFound);
  EXPECT_EQ(read_package(directory_).error().code, Errc::Invalid);
}

TEST_F(PackageTest, AServiceRunsTheFileOfItsNameOrTheOnlyProgram) {
  write("tool", "t", 0755);
  write("data", "d");
  EXPECT_EQ(service_program(*read_package(directory_), "web").value(), "tool");
  write("other", "o", 0755);
  const auto either = service_program(*read_package(directory_), "web");
  ASSERT_FALSE(either);
  EXPECT_NE(either.error().message.find("-- /var/task/"), std::string::npos);
  write("web", "w");
  Package package = *read_package(directory_);
  EXPECT_EQ(service_program(package, "web").value(), "web");
  ASSERT_TRUE(make_executable(package, "web"));
  EXPECT_NE(described(package).find("web=w*"), std::string::npos);
  EXPECT_FALSE(make_executable(package, "none"));
}

}  // namespace gust::cli
