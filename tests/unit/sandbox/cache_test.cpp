// SPDX-License-Identifier: MIT
// Which cache is whose. These tests may run as root, to whom no folder's mode matters: a home that cannot be
// written to is one below a file.
#include "sandbox/cache.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

using testing::HasSubstr;

class CacheTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    Write("file", "");
    std::filesystem::create_directories(base_ + "/tmp");
    user_ = {.id = ::geteuid() == 0 ? 1000 : ::geteuid(),
             .brink_cache = "",
             .xdg_cache_home = "",
             .home = base_ + "/home",
             .machine = base_ + "/machine",
             .temporary = base_ + "/tmp"};
  }
  /// The folder that the tests' own user gets when nothing else can be written to.
  [[nodiscard]] std::string Private() const { return base_ + "/tmp/brink-" + std::to_string(::geteuid()); }

  CacheUser user_;
};

TEST_F(CacheTest, AUsersIsBelowHomeAndTheMachinesIsTheOther) {
  EXPECT_EQ(CacheFolder(user_).value(), base_ + "/home/.cache/brink");
  EXPECT_EQ(MachineCacheFolder(user_), base_ + "/machine");
  EXPECT_FALSE(std::filesystem::exists(base_ + "/home"));
}

TEST_F(CacheTest, XdgCacheHomeCountsWhenAbsolute) {
  user_.xdg_cache_home = base_ + "/xdg";
  EXPECT_EQ(CacheFolder(user_).value(), base_ + "/xdg/brink");
  user_.xdg_cache_home = "xdg";
  EXPECT_EQ(CacheFolder(user_).value(), base_ + "/home/.cache/brink");
}

TEST_F(CacheTest, RootsIsTheMachinesAndThereIsNoOther) {
  user_.id = 0;
  EXPECT_EQ(CacheFolder(user_).value(), base_ + "/machine");
  EXPECT_EQ(MachineCacheFolder(user_), "");
}

TEST_F(CacheTest, TheChosenOneIsItEvenWhereItCannotBeWrittenTo) {
  user_.brink_cache = base_ + "/file/cache";
  EXPECT_EQ(CacheFolder(user_).value(), base_ + "/file/cache");
  EXPECT_EQ(MachineCacheFolder(user_), base_ + "/machine");
  std::filesystem::create_directories(user_.machine);
  user_.brink_cache = base_ + "/machine/";
  EXPECT_EQ(MachineCacheFolder(user_), "");
}

TEST_F(CacheTest, WithoutAHomeToWriteToItIsAFolderOfTheUsersAloneBelowVarTmp) {
  user_.id = ::geteuid();
  user_.machine = base_ + "/file/machine";
  for (const std::string& home : {std::string(), base_ + "/file/home"}) {
    user_.home = home;
    ASSERT_EQ(CacheFolder(user_).value(), Private());
    struct stat status {};
    ASSERT_EQ(::lstat(Private().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode, S_IFDIR | 0700U);
    EXPECT_EQ(MachineCacheFolder(user_), user_.machine);
  }
}

TEST_F(CacheTest, WhoLooksAloneMakesNoneAndIsToldOfAStrangersAllTheSame) {
  user_.id = ::geteuid();
  user_.machine = user_.home = base_ + "/file/machine";
  EXPECT_EQ(CacheFolder(user_, CacheUse::kLook).value(), Private());
  EXPECT_EQ(MachineCacheFolder(user_), user_.machine);
  EXPECT_FALSE(std::filesystem::exists(Private()));
  std::filesystem::create_directories(Private());
  std::filesystem::permissions(Private(), std::filesystem::perms::all);
  EXPECT_FALSE(CacheFolder(user_, CacheUse::kLook));
}

TEST_F(CacheTest, AFolderThatSomebodyElseMadeThereIsRefused) {
  user_.id = ::geteuid();
  user_.machine = user_.home = base_ + "/file/machine";
  std::filesystem::create_directories(Private());
  std::filesystem::permissions(Private(), std::filesystem::perms::all);
  const auto writable = CacheFolder(user_);
  ASSERT_FALSE(writable);
  EXPECT_THAT(writable.error().message, HasSubstr("brink-" + std::to_string(user_.id) + " belongs to user"));
  EXPECT_THAT(writable.error().remedy, HasSubstr("BRINK_CACHE"));
  std::filesystem::remove(Private());
  std::filesystem::create_directory_symlink(base_ + "/tmp", Private());
  EXPECT_FALSE(CacheFolder(user_));
}

TEST_F(CacheTest, WhereNothingCanBeMadeTheErrorNamesThePlaceAndBrinkCache) {
  user_.id = ::geteuid();
  user_.machine = user_.home = user_.temporary = base_ + "/file/none";
  const auto none = CacheFolder(user_);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr(base_ + "/file/none/brink-"));
  EXPECT_THAT(none.error().remedy, HasSubstr("BRINK_CACHE"));
}

TEST(CacheFolderTest, FollowsTheEnvironment) {
  ::setenv("BRINK_CACHE", "/somewhere", 1);
  EXPECT_EQ(CacheFolder().value(), "/somewhere");
  ::unsetenv("BRINK_CACHE");
  EXPECT_NE(CacheFolder().value(), "/somewhere");
}

}  // namespace
}  // namespace brink
