// SPDX-License-Identifier: MIT
// The cache of kernels, over a make-kernel that makes fake ones and notes its calls.
#include "sandbox/kernels.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/trust.h"
#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kMakeKernel = R"(#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/calls"
for last in "$@"; do :; done
case $1 in
  --initrd)
    if [ -d "$here/newer" ]; then mv "$2" "$here/replaced"; mv "$here/newer" "$2"; fi
    cp "$here/init" "$2/$3"; exit ;;
  --copy)
    mkdir -p "$3"; cp -r "$2/facts" "$2/vmlinux" "$3"
    if [ -d "$2/optional" ]; then cp -r "$2/optional" "$3"; fi
    exit ;;
  sid) echo "fetching" >&2; echo "make-kernel: no network" >&2; echo "  remedy: plug it in" >&2; exit 4 ;;
  --file) source="source=$2"; [ "$3" = --modules ] && source="$source:$4" ;;
  *) source="package=linux-image 6.1-1" ;;
esac
echo "unpacking" >&2
mkdir -p "$last/optional/zram"
echo kernel >"$last/vmlinux"
printf '%s\nrelease=6.1.0-50-amd64\ncgroup_v1_memory=yes\n' "$source" >"$last/facts"
)";

class KernelsTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    ::umask(022);
    Write("guest/make-kernel", kMakeKernel);
    Write("guest/init", "first");
    std::filesystem::permissions(base_ + "/guest/make-kernel", std::filesystem::perms::owner_all);
    places_ = {.cache = base_ + "/cache", .machine = "", .script = base_ + "/guest/make-kernel"};
  }
  [[nodiscard]] Result<GuestKernel> Fetch(const std::string& name) {
    return FetchKernel(
        name, [this](const std::string& line) { said_.push_back(line); }, places_);
  }
  [[nodiscard]] std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const auto kernels = ListKernels(places_);
    for (const GuestKernel& kernel : *kernels) {
      names.push_back(kernel.name);
    }
    return names;
  }

  KernelPlaces places_;
  std::vector<std::string> said_;
};

TEST_F(KernelsTest, OneThatIsNotInTheCacheNamesTheCommandThatFetchesIt) {
  const auto kernel = FindKernel("debian-12", places_);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().remedy, "`brink guest fetch debian-12`");
}

TEST_F(KernelsTest, AnUnknownNameIsRefusedWithTheKnownOnes) {
  const auto kernel = Fetch("debian-10");
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().message, HasSubstr("'debian-10'"));
  EXPECT_THAT(kernel.error().remedy, HasSubstr("debian-11"));
  EXPECT_FALSE(std::filesystem::exists(base_ + "/guest/calls"));
}

TEST_F(KernelsTest, ItIsFetchedOnce) {
  const auto fetched = Fetch("debian-12");
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_THAT(said_, ElementsAre("unpacking"));
  const auto again = Fetch("debian-12");
  ASSERT_TRUE(again);
  const std::string folder = places_.cache + "/debian-12";
  EXPECT_EQ(Read("guest/calls"), "debian-12 " + folder + "\n--initrd " + folder + " " +
                                     std::filesystem::path(again->initrd).filename().string() + "\n");
  EXPECT_EQ(again->name, "debian-12");
  EXPECT_EQ(again->release, "6.1.0-50-amd64");
  EXPECT_EQ(again->image, places_.cache + "/debian-12/vmlinux");
  EXPECT_EQ(std::filesystem::path(again->initrd).parent_path(), folder);
  EXPECT_THAT(again->packages, ElementsAre("linux-image 6.1-1"));
  EXPECT_TRUE(again->cgroup_v1);
}

TEST_F(KernelsTest, OneThatWasMadeBeforeZramIsBootedAsItIsUntilItIsFetchedAgain) {
  ASSERT_TRUE(Fetch("debian-12"));
  std::filesystem::remove_all(places_.cache + "/debian-12/optional");
  const auto old = FindKernel("debian-12", places_);
  ASSERT_TRUE(old) << old.error().message;
  EXPECT_FALSE(old->complete);
  EXPECT_FALSE(old->zram);
  const auto fetched = Fetch("debian-12");
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_TRUE(fetched->complete);
  EXPECT_TRUE(fetched->zram);
  EXPECT_NE(fetched->initrd, old->initrd) << "it lacks the modules";
}

TEST_F(KernelsTest, AKernelThatHasNoZramIsNotFetchedAgain) {
  ASSERT_TRUE(Fetch("debian-12"));
  std::filesystem::remove(places_.cache + "/debian-12/optional/zram");
  const std::string calls = Read("guest/calls");
  const auto kernel = Fetch("debian-12");
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_TRUE(kernel->complete);
  EXPECT_FALSE(kernel->zram);
  EXPECT_EQ(Read("guest/calls"), calls);
}

std::string TextOf(const UniqueFd& file) {
  std::string text(100, '\0');
  const ssize_t count = ::pread(file.Get(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

/// A worker may wait for long between finding a kernel and booting it.
TEST_F(KernelsTest, WhoHasFoundOneKeepsItsFilesWhateverBecomesOfTheirNames) {
  const auto kernel = Fetch("debian-12");
  ASSERT_TRUE(kernel) << kernel.error().message;
  ASSERT_TRUE(RemoveKernel("debian-12", places_));
  Write("cache/debian-12/vmlinux", "another");
  EXPECT_EQ(TextOf(kernel->files->image), "kernel\n");
  EXPECT_EQ(TextOf(kernel->files->initrd), "first");
}

TEST_F(KernelsTest, OneThatIsReplacedWhileItIsReadIsReadAnew) {
  ASSERT_TRUE(Fetch("debian-12"));
  Write("guest/init", "second");  // so that an initramfs is made, in the midst of which it is replaced
  Write("guest/newer/facts", "package=linux-image 6.1-2\nrelease=6.1.0-51-amd64\n");
  Write("guest/newer/vmlinux", "newer");
  const auto kernel = FindKernel("debian-12", places_);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->release, "6.1.0-51-amd64");
  EXPECT_FALSE(kernel->complete);
  EXPECT_EQ(TextOf(kernel->files->image), "newer");
  EXPECT_TRUE(std::filesystem::exists(base_ + "/guest/replaced")) << "or it was not replaced";
}

TEST_F(KernelsTest, ComplaintsOfTheScriptBecomeTheError) {
  const auto kernel = Fetch("sid");
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().message, "fetch kernel sid: no network");
  EXPECT_EQ(kernel.error().remedy, "plug it in");
  EXPECT_THAT(said_, ElementsAre("fetching"));
}

TEST_F(KernelsTest, EachInitHasAnInitramfsOfItsOwn) {
  const auto first = Fetch("debian-12");
  ASSERT_TRUE(first) << first.error().message;
  Write("guest/init", "second");
  const auto second = FindKernel("debian-12", places_);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(first->initrd, second->initrd);
  EXPECT_EQ(Read("cache/debian-12/" + std::filesystem::path(first->initrd).filename().string()), "first");
  EXPECT_EQ(Read("cache/debian-12/" + std::filesystem::path(second->initrd).filename().string()), "second");
  Write("guest/init", "first");
  const std::string calls = Read("guest/calls");
  EXPECT_EQ(FindKernel("debian-12", places_)->initrd, first->initrd);
  EXPECT_EQ(Read("guest/calls"), calls);
}

TEST_F(KernelsTest, EachScriptHasAnInitramfsOfItsOwn) {
  const auto first = Fetch("debian-12");
  ASSERT_TRUE(first) << first.error().message;
  std::ofstream(places_.script, std::ios::app) << "# makes it otherwise\n";
  const auto second = FindKernel("debian-12", places_);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(first->initrd, second->initrd);
}

TEST_F(KernelsTest, AnImageOfTheUsersOwnIsAnotherKernelAfterItChanged) {
  Write("boot/bzImage", "one");
  const std::string image = base_ + "/boot/bzImage";
  const auto first = Fetch(image);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->name, image);
  EXPECT_TRUE(FindKernel(image, places_));
  Write("boot/bzImage", "another");
  EXPECT_FALSE(FindKernel(image, places_));
  ASSERT_TRUE(Fetch(image));
  EXPECT_THAT(Names(), ElementsAre(image, image));
  ASSERT_TRUE(RemoveKernel(image, places_));
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(KernelsTest, ModulesOfTheUsersOwnFollowAfterAColon) {
  Write("boot/bzImage", "one");
  const std::string name = base_ + "/boot/bzImage:" + base_ + "/boot";
  const auto kernel = Fetch(name);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->name, name);
  EXPECT_THAT(Read("guest/calls"),
              HasSubstr("--file " + base_ + "/boot/bzImage --modules " + base_ + "/boot "));
}

TEST_F(KernelsTest, AnImageThatIsNotThereIsNamed) {
  const auto kernel = FindKernel("./no-such-image", places_);
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().message, HasSubstr("./no-such-image: No such file"));
}

TEST_F(KernelsTest, WhatIsBeingMadeIsNotListed) {
  EXPECT_THAT(Names(), IsEmpty());
  ASSERT_TRUE(Fetch("debian-13"));
  ASSERT_TRUE(Fetch("debian-11"));
  Write("cache/.making-x/new/facts", "release=1\n");
  Write("cache/.lock", "");
  Write("cache/notes.txt", "somebody's");
  EXPECT_THAT(Names(), ElementsAre("debian-11", "debian-13"));
}

TEST_F(KernelsTest, FactsOfAnotherVersionOfBrinkArePassedOverAndNoneAreTold) {
  Write("cache/debian-12/facts", "release=6.1\ncolour=red\npvpanic=no\n");
  const auto strange = ListKernels(places_);
  ASSERT_TRUE(strange);
  EXPECT_EQ(strange->front().release, "6.1");
  EXPECT_FALSE(strange->front().tells_panic);
  Write("cache/debian-12/facts", "");
  EXPECT_FALSE(ListKernels(places_));
}

/// In a cache that all users share.
TEST_F(KernelsTest, OneThatOthersCanWriteToIsRefused) {
  ASSERT_TRUE(Fetch("debian-12"));
  Write("cache/debian-12/modules/ext4.ko", "");
  std::filesystem::permissions(places_.cache,
                               std::filesystem::perms::all | std::filesystem::perms::sticky_bit);
  EXPECT_TRUE(FindKernel("debian-12", places_));
  for (const char* what : {"", "/facts", "/modules/ext4.ko"}) {
    const std::string path = places_.cache + "/debian-12" + what;
    const auto before = std::filesystem::status(path).permissions();
    std::filesystem::permissions(path, std::filesystem::perms::group_write,
                                 std::filesystem::perm_options::add);
    const auto refused = FindKernel("debian-12", places_);
    ASSERT_FALSE(refused) << path;
    EXPECT_THAT(refused.error().message, HasSubstr(path + " belongs to user"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("BRINK_CACHE"));
    std::filesystem::permissions(path, before);
  }
  Write("cache/debian-12/saved/of-somebody", "a saved machine is looked at when it is used");
  std::filesystem::permissions(places_.cache + "/debian-12/saved", std::filesystem::perms::all);
  EXPECT_TRUE(FindKernel("debian-12", places_));
}

/// A user whose cache is another one than the machine's.
class UsersKernelsTest : public KernelsTest {
 protected:
  void SetUp() override {
    KernelsTest::SetUp();
    places_.cache = base_ + "/machine";
    ASSERT_TRUE(Fetch("debian-12"));
    places_ = {
        .cache = base_ + "/cache", .machine = base_ + "/machine", .script = base_ + "/guest/make-kernel"};
  }
};

TEST_F(UsersKernelsTest, OneOfTheMachinesIsCopiedOnceAndThenTheUsersOwn) {
  EXPECT_THAT(Names(), ElementsAre("debian-12"));
  const auto of_root = RemoveKernel("debian-12", places_);
  ASSERT_FALSE(of_root);
  EXPECT_EQ(of_root.error().message, "the kernel debian-12 is not in " + base_ + "/cache");
  EXPECT_EQ(of_root.error().remedy, "it is in " + base_ + "/machine, which is root's to change");
  const auto kernel = FindKernel("debian-12", places_);
  ASSERT_TRUE(kernel) << kernel.error().message;
  EXPECT_EQ(kernel->image, base_ + "/cache/debian-12/vmlinux");
  EXPECT_EQ(std::filesystem::path(kernel->initrd).parent_path(), base_ + "/cache/debian-12");
  EXPECT_THAT(Names(), ElementsAre("debian-12"));
  ASSERT_TRUE(Fetch("debian-12"));
  EXPECT_THAT(Read("guest/calls"),
              HasSubstr("--copy " + base_ + "/machine/debian-12 " + base_ + "/cache/debian-12\n--initrd "));
  EXPECT_TRUE(RemoveKernel("debian-12", places_));
  EXPECT_TRUE(std::filesystem::exists(base_ + "/machine/debian-12"));
}

TEST_F(UsersKernelsTest, WhatOneWasMadeWithoutIsTakenFromTheMachinesWhereThatHasIt) {
  ASSERT_TRUE(FindKernel("debian-12", places_));
  const std::string copied = "--copy " + base_ + "/machine/debian-12 " + base_ + "/cache/debian-12\n";
  const std::string fetched = "debian-12 " + base_ + "/cache/debian-12\n";
  for (const std::string& way : {copied, fetched}) {
    std::filesystem::remove_all(base_ + "/cache/debian-12/optional");
    EXPECT_FALSE(FindKernel("debian-12", places_)->complete);
    std::filesystem::remove(base_ + "/guest/calls");
    const auto kernel = Fetch("debian-12");
    ASSERT_TRUE(kernel) << kernel.error().message;
    EXPECT_TRUE(kernel->complete && kernel->zram);
    EXPECT_THAT(Read("guest/calls"), testing::StartsWith(way));
    std::filesystem::remove_all(base_ + "/machine/debian-12/optional");
  }
}

TEST_F(UsersKernelsTest, OneThatOthersCanWriteToIsNotCopied) {
  std::filesystem::permissions(base_ + "/machine/debian-12/facts", std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  const auto refused = FindKernel("debian-12", places_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().remedy, "`brink guest fetch debian-12`");
  ASSERT_TRUE(Fetch("debian-12"));
  EXPECT_THAT(Read("guest/calls"), HasSubstr("debian-12 " + base_ + "/cache/debian-12\n"));
  EXPECT_THAT(Read("guest/calls"), Not(HasSubstr("--copy")));
}

TEST_F(UsersKernelsTest, WhatTheMachinesLacksIsFetched) {
  ASSERT_TRUE(Fetch("debian-13"));
  EXPECT_THAT(Names(), ElementsAre("debian-12", "debian-13"));
  EXPECT_FALSE(std::filesystem::exists(base_ + "/machine/debian-13"));
}

TEST(IsTrusted, WhatBelongsToThisUserOrRoot) {
  struct stat status {};
  status.st_mode = S_IFREG | 0644;
  status.st_uid = ::geteuid() + 1;
  EXPECT_FALSE(IsTrusted(status));
  status.st_uid = ::geteuid();
  EXPECT_TRUE(IsTrusted(status));
  status.st_uid = 0;
  EXPECT_TRUE(IsTrusted(status));
}

TEST_F(KernelsTest, ALinkToAnotherPlaceIsRefused) {
  ASSERT_TRUE(Fetch("debian-12"));
  std::filesystem::create_directory_symlink(places_.cache + "/debian-12", places_.cache + "/sid");
  const auto refused = FindKernel("sid", places_);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("symbolic link"));
}

TEST(CheckKernelName, TellsWhatASlipOfTheFingerMeant) {
  const auto checked = CheckKernelName("debain-12");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "there is no kernel named 'debain-12'");
  EXPECT_EQ(checked.error().remedy, "did you mean 'debian-12'?");
  EXPECT_THAT(CheckKernelName("bzImage").error().remedy, HasSubstr("with a slash: ./bzImage"));
}

TEST_F(KernelsTest, RemovingOneThatIsNotThereFails) {
  ASSERT_TRUE(Fetch("debian-12"));
  EXPECT_FALSE(RemoveKernel("debian-13", places_));
  EXPECT_THAT(RemoveKernel("debian-12", places_).value(), ElementsAre(places_.cache + "/debian-12"));
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_FALSE(RemoveKernel("debian-12", places_));
}

}  // namespace
}  // namespace brink
