// SPDX-License-Identifier: MIT
// A target with an image for its root folder: here one that holds nothing but busybox.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "kernel/files.h"
#include "kernel/launch.h"
#include "live.h"
#include "victim.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class ImageLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    for (const char* folder : {"image/bin", "image/etc", "image/dev", "image/proc", "image/sys", "image/run",
                               "image/tmp", "image/home", "data", "scenario"}) {
      fs::create_directories(place_ / folder);
    }
    fs::copy_file("/usr/bin/busybox", place_ / "image/bin/busybox");
    fs::create_symlink("busybox", place_ / "image/bin/sh");
    std::ofstream(place_ / "image/etc/passwd") << "root:x:0:0::/:/bin/sh\nowner:x:4711:4712::/:/bin/sh\n";
    std::ofstream(place_ / "image/etc/group") << "owner:x:4712:\nmore:x:4713:owner\n";
    std::ofstream(place_ / "scenario/file") << "of the scenario\n";
    fs::permissions(place_ / "data", fs::perms::all);
    spec_.image = ImageRoot{.folder = (place_ / "image").string(),
                            .shared = {{.folder = (place_ / "scenario").string(), .read_only = true},
                                       {.folder = (place_ / "data").string()}}};
    spec_.cwd = (place_ / "data").string();
  }
  void TearDown() override {
    fs::remove_all(place_);
    LiveTest::TearDown();
  }

  /// All that a shell in the image prints for these commands.
  std::string Say(const std::string& commands) {
    auto group = MakeGroup(*host_);
    auto target = Start(group, {"/bin/sh", "-c", commands + "; busybox echo all-said"}, spec_);
    if (!target) {
      return target.error().message;
    }
    const std::string text = ReadUntil(*target, "all-said");
    static_cast<void>(AwaitEnd(*target));
    return text;
  }

  const fs::path place_ = fs::temp_directory_path() / GroupName();
  LaunchSpec spec_;
};

TEST_F(ImageLive, TargetSeesTheImageAndWhatIsSharedAlone) {
  std::ofstream(place_ / "not-shared") << "x";
  const std::string text = Say("busybox ls / " + place_.string() + "; busybox pwd; busybox cat " +
                               (place_ / "scenario/file").string() + "; busybox ls /dev/null /proc/self/exe");
  EXPECT_THAT(text, HasSubstr("home"));
  EXPECT_THAT(text, Not(HasSubstr("usr")));
  EXPECT_THAT(text, Not(HasSubstr("not-shared")));
  EXPECT_THAT(text, HasSubstr((place_ / "data").string() + "\nof the scenario\n"));
  EXPECT_THAT(text, HasSubstr("/dev/null\n/proc/self/exe"));
}

TEST_F(ImageLive, TargetWritesToItsDataAndToNothingElseThatLasts) {
  const std::string text =
      Say("echo a >kept; echo b >/tmp/gone; echo c >/run/gone; echo d >/home/refused; echo e >" +
          (place_ / "scenario/refused").string() + "; echo f >/sys/refused");
  EXPECT_EQ(ReadSmallFile((place_ / "data/kept").string()).value_or(""), "a");
  EXPECT_FALSE(fs::exists(place_ / "image/home/refused"));
  EXPECT_FALSE(fs::exists(place_ / "scenario/refused"));
  EXPECT_TRUE(fs::is_empty(place_ / "image/run"));
  EXPECT_TRUE(fs::is_empty(place_ / "image/tmp"));
  EXPECT_FALSE(fs::exists("/run/gone"));
  EXPECT_THAT(text, HasSubstr("/home/refused: Read-only file system"));
  EXPECT_THAT(text, HasSubstr("/sys/refused: "));
}

TEST_F(ImageLive, UsersAreTheImages) {
  spec_.user = "owner";
  EXPECT_THAT(Say("busybox id"), HasSubstr("uid=4711(owner) gid=4712(owner) groups=4712(owner),4713(more)"));
  spec_.user = "no-such-user";
  EXPECT_THAT(Say("busybox id"), HasSubstr("user no-such-user does not exist in the image"));
}

TEST_F(ImageLive, LimitsAndGroupHoldAndNothingStaysMounted) {
  const std::string mounts = ReadSmallFile("/proc/self/mountinfo").value_or("");
  spec_.rlimits = {{"RLIMIT_NOFILE", "64", ""}};
  EXPECT_THAT(Say("ulimit -n; busybox cat /proc/self/cgroup"), HasSubstr("64\n"));
  EXPECT_EQ(ReadSmallFile("/proc/self/mountinfo").value_or("-"), mounts);
}

TEST_F(ImageLive, TargetGoesOnWhenItsImageIsRemovedAndTheNextIsRefused) {
  auto group = MakeGroup(*host_);
  auto target = Start(
      group, {"/bin/sh", "-c", "echo started; while [ ! -e go ]; do :; done; echo a >kept; echo went-on"},
      spec_);
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_THAT(ReadUntil(*target, "started"), HasSubstr("started"));
  fs::rename(place_ / "image", place_ / "gone");  // as RemoveImage does
  fs::remove_all(place_ / "gone");
  std::ofstream(place_ / "data/go") << "x";
  EXPECT_THAT(ReadUntil(*target, "went-on"), HasSubstr("went-on"));
  static_cast<void>(AwaitEnd(*target));
  EXPECT_EQ(ReadSmallFile((place_ / "data/kept").string()).value_or(""), "a");
  const auto next = Start(group, {"/bin/sh"}, spec_);
  ASSERT_FALSE(next);
  EXPECT_THAT(next.error().message, HasSubstr((place_ / "image").string()));
}

TEST_F(ImageLive, CommandThatTheImageLacksIsNamed) {
  auto group = MakeGroup(*host_);
  const auto target = Start(group, {"/usr/bin/true"}, spec_);
  ASSERT_FALSE(target);
  EXPECT_THAT(target.error().message, HasSubstr("exec /usr/bin/true: No such file or directory"));
}

TEST_F(ImageLive, FolderThatIsNoImageIsNamedWithTheStepThatFailed) {
  fs::remove(place_ / "image/proc");
  auto group = MakeGroup(*host_);
  const auto target = Start(group, {"/bin/sh"}, spec_);
  ASSERT_FALSE(target);
  EXPECT_THAT(target.error().message, HasSubstr("mount proc on run/root/proc in the image: No such file"));
}

}  // namespace
}  // namespace brink::live
