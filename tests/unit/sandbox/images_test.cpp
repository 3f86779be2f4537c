// SPDX-License-Identifier: MIT
// The cache of images, over a make-image that makes fake ones and notes its calls.
#include "sandbox/images.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr const char* kMakeImage = R"(#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
case $1 in
  broken) echo "looking" >&2; echo "make-image: no network" >&2; echo "  remedy: plug it in" >&2; exit 4 ;;
  liar) exit 0 ;;
esac
echo "making" >&2
mkdir -p "$2/etc"
cp "$here/facts" "$2/etc/brink-image"
)";

constexpr const char* kFacts = R"({"format": 1, "name": "redis", "suite": "bookworm",
  "targets": ["libc6", "redis-server"],
  "packages": {"libc6": "2.36", "redis-server": "5:7.0", "zlib1g": "1.2"}})";

class ImagesTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    Write("recipes/make-image", kMakeImage);
    Write("recipes/facts", kFacts);
    for (const char* name : {"redis", "broken", "liar"}) {
      Write(std::string("recipes/images/") + name, "packages=()");
    }
    fs::permissions(base_ + "/recipes/make-image", fs::perms::owner_all);
    places_ = {.cache = base_ + "/cache/images", .machine = "", .script = base_ + "/recipes/make-image"};
  }
  [[nodiscard]] Status Make(const std::string& name) {
    return MakeImage(
        name, [this](const std::string& line) { said_.push_back(line); }, places_);
  }

  ImagePlaces places_;
  std::vector<std::string> said_;
};

TEST_F(ImagesTest, AreBelowTheCacheFolderOfTheEnvironment) {
  ::setenv("BRINK_CACHE", "/somewhere", 1);
  EXPECT_EQ(DefaultImagePlaces().value().cache, "/somewhere/images");
  ::unsetenv("BRINK_CACHE");
}

TEST_F(ImagesTest, ThatThereIsARecipeForAreKnown) {
  EXPECT_THAT(KnownImageNames(places_), ElementsAre("broken", "liar", "redis"));
}

TEST_F(ImagesTest, TheSmallestThatHasAllPackagesIsFound) {
  EXPECT_EQ(FindImageWith({"redis-server"}, places_), "") << "none has been made";
  ASSERT_TRUE(Make("redis"));
  Write("recipes/images/brink", "packages=()");
  Write("cache/images/brink/etc/brink-image",
        R"({"packages": {"libc6": "2.36", "qemu": "7", "redis-server": "5:7.0", "zlib1g": "1.2"}})");
  EXPECT_EQ(FindImageWith({"redis-server", "zlib1g"}, places_), "redis");
  EXPECT_EQ(FindImageWith({"redis-server", "qemu"}, places_), "brink");
  EXPECT_EQ(FindImageWith({"redis-server", "memcached"}, places_), "");
}

TEST_F(ImagesTest, ARecipeIsFoundByThePackagesItNames) {
  Write("recipes/images/redis", "# memcached\npackages=(redis-server redis-tools)\n");
  Write("recipes/images/brink", "packages=(\n  redis-server redis-tools  # targets\n  qemu\n)\n");
  EXPECT_EQ(FindRecipeWith({"redis-tools", "redis-server"}, places_), "redis");
  EXPECT_EQ(FindRecipeWith({"qemu"}, places_), "brink");
  EXPECT_EQ(FindRecipeWith({"memcached"}, places_), "");
}

TEST_F(ImagesTest, OneThatIsNotMadeNamesTheCommandThatMakesIt) {
  const auto found = FindImage("redis", places_);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("redis is not in " + places_.cache));
  EXPECT_EQ(found.error().remedy, "brink image build redis");
}

TEST_F(ImagesTest, OneThatTheUsersCacheLacksIsFoundInTheMachinesAndStaysThere) {
  places_.machine = base_ + "/machine/images";
  Write("machine/images/redis/etc/brink-image", kFacts);
  EXPECT_EQ(FindImage("redis", places_).value(), places_.machine + "/redis");
  EXPECT_FALSE(RemoveImage("redis", places_));
  ASSERT_TRUE(Make("redis"));
  EXPECT_EQ(FindImage("redis", places_).value(), places_.cache + "/redis");
}

/// In a cache that all users share.
TEST_F(ImagesTest, OneThatOthersCanWriteToIsRefused) {
  ASSERT_TRUE(Make("redis"));
  const std::string folder = places_.cache + "/redis";
  fs::permissions(folder, fs::perms::others_write, fs::perm_options::add);
  const auto refused = FindImage("redis", places_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(folder + " belongs to user"));
  places_.machine = base_ + "/machine/images";
  Write("machine/images/redis/etc/brink-image", kFacts);
  EXPECT_EQ(FindImage("redis", places_).value(), places_.machine + "/redis");
}

TEST_F(ImagesTest, OneIsMadeFoundAndReadAndRemoved) {
  const auto made = Make("redis");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(said_, ElementsAre("making"));
  EXPECT_EQ(Read("recipes/calls"), "redis " + places_.cache + "/redis\n");
  const auto folder = FindImage("redis", places_);
  ASSERT_TRUE(folder);
  const ImageRecord record = ReadImage("redis", *folder);
  EXPECT_EQ(record.suite, "bookworm");
  EXPECT_THAT(record.packages, ElementsAre(Pair("libc6", "2.36"), Pair("redis-server", "5:7.0")));
  ASSERT_TRUE(RemoveImage("redis", places_));
  EXPECT_TRUE(fs::is_empty(places_.cache));
  EXPECT_FALSE(FindImage("redis", places_));
}

TEST_F(ImagesTest, ComplaintsOfTheScriptBecomeTheError) {
  const auto made = Make("broken");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message, "make the image broken: no network");
  EXPECT_EQ(made.error().remedy, "plug it in");
  EXPECT_THAT(said_, ElementsAre("looking"));
}

TEST_F(ImagesTest, OneThatTheScriptDidNotMakeIsNoSuccess) { EXPECT_FALSE(Make("liar")); }

TEST_F(ImagesTest, WithoutARecipeAreRefusedWithTheKnownOnes) {
  for (const char* name : {"oracle", "", "..", ".making-x", "a/b", "/etc"}) {
    EXPECT_FALSE(Make(name)) << name;
    const auto found = FindImage(name, places_);
    ASSERT_FALSE(found) << name;
    EXPECT_THAT(found.error().message, HasSubstr("there is no image '" + std::string(name) + "'"));
    EXPECT_THAT(found.error().remedy, HasSubstr("choose one of broken, liar, redis"));
  }
  EXPECT_FALSE(fs::exists(base_ + "/recipes/calls"));
}

TEST_F(ImagesTest, ASlipOfTheFingerIsToldWhatWasMeant) {
  const auto checked = CheckImageName("rediss", places_);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "there is no image 'rediss'");
  EXPECT_EQ(checked.error().remedy, "did you mean 'redis'?");
  EXPECT_EQ(FindImage("rediss", places_).error().remedy, "did you mean 'redis'?");
  EXPECT_TRUE(CheckImageName("redis", places_)) << "it can be made";
  Write("cache/images/own/etc/brink-image", kFacts);
  EXPECT_TRUE(CheckImageName("own", places_)) << "it is there, if without a recipe";
}

TEST_F(ImagesTest, OneOfTheMachinesIsNotTheUsersToRemove) {
  places_.machine = base_ + "/machine/images";
  Write("machine/images/redis/etc/brink-image", kFacts);
  EXPECT_EQ(RemoveImage("redis", places_).error().remedy,
            "it is in " + places_.machine + ", which is root's to change");
}

TEST_F(ImagesTest, ThatAreNotThereAreNotRemovedNorIsAnythingElse) {
  Write("cache/other/etc/brink-image", kFacts);
  Write("cache/images/etc/brink-image", kFacts);
  for (const char* name : {"redis", "", ".", "..", "../other", "/etc"}) {
    const auto removed = RemoveImage(name, places_);
    ASSERT_FALSE(removed) << name;
    EXPECT_EQ(removed.error().remedy, "`brink image list` shows what is");
  }
  EXPECT_TRUE(fs::exists(base_ + "/cache/other/etc/brink-image"));
  EXPECT_TRUE(fs::exists(places_.cache));
}

TEST_F(ImagesTest, HalfAnImageIsNoneAndCanBeRemoved) {
  Write("cache/images/redis/usr/bin/redis-server", "");
  EXPECT_FALSE(FindImage("redis", places_));
  ASSERT_TRUE(RemoveImage("redis", places_));
  EXPECT_TRUE(fs::is_empty(places_.cache));
}

TEST_F(ImagesTest, ThatSayNothingOfThemselvesHaveTheirNameAlone) {
  for (const char* facts : {"", "{", "{}", R"({"packages": {}, "targets": ["libc6"], "suite": "x"})"}) {
    Write("cache/images/redis/etc/brink-image", facts);
    const ImageRecord record = ReadImage("redis", places_.cache + "/redis");
    EXPECT_EQ(record.name, "redis");
    EXPECT_THAT(record.packages, IsEmpty()) << facts;
  }
}

}  // namespace
}  // namespace brink
