// SPDX-License-Identifier: MIT
// What is kept in brink's cache: where it is, and what an interrupted or failed command leaves there.
#include <gmock/gmock.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "cli_fixture.h"

namespace brink::live {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class CacheCommandsTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    if (!IsSkipped()) {
      ::setenv("BRINK_CACHE", Path("cache").c_str(), 1);
    }
  }
  void TearDown() override {
    ::unsetenv("BRINK_CACHE");
    CliTest::TearDown();
  }
};

TEST_F(CacheCommandsTest, ListsSayWhichFolderTheyAreOf) {
  const Ended guests = Brink({"guest", "list"});
  EXPECT_EQ(guests.status, 0) << guests.errors;
  EXPECT_THAT(guests.output, StartsWith("In " + Path("cache/kernels") +
                                        ", else in /var/cache/brink/kernels (BRINK_CACHE chooses another"));
  const Ended images = Brink({"image", "list"});
  EXPECT_EQ(images.status, 0) << images.errors;
  EXPECT_THAT(images.output, StartsWith("In " + Path("cache/images") + ", else in /var/cache/brink/images"));
}

TEST_F(CacheCommandsTest, RemoveSaysWhereItLookedAndWhatItRemoved) {
  const Ended kernel = Brink({"guest", "remove", "sid"});
  EXPECT_EQ(kernel.status, 4);
  EXPECT_THAT(kernel.errors, HasSubstr("the kernel sid is not in " + Path("cache/kernels")));
  const Ended image = Brink({"image", "remove", "redis"});
  EXPECT_EQ(image.status, 4);
  EXPECT_THAT(image.errors, HasSubstr("the image redis is not in " + Path("cache/images")));
  const std::string folder = Path("cache/kernels/sid");
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/facts") << "release=6.99\n";
  EXPECT_THAT(
      Brink({"guest", "list"}).output,
      HasSubstr("sid\n  Linux 6.99   cgroup v2   zram: not known of this one; `brink guest fetch sid` "
                "finds out\n  " +
                folder + "\n"));
  std::filesystem::create_directories(folder + "/optional");
  EXPECT_THAT(Brink({"guest", "list"}).output, HasSubstr("cgroup v2   no zram\n"));
  std::filesystem::create_directories(folder + "/optional/zram");
  EXPECT_THAT(Brink({"guest", "list"}).output, HasSubstr("cgroup v2   zram\n"));
  const Ended removed = Brink({"guest", "remove", "sid"});
  EXPECT_EQ(removed.status, 0) << removed.errors;
  EXPECT_THAT(removed.errors, HasSubstr("brink: removed " + folder + "\n"));
}

/// Of a user who has no other place for one than /var/tmp.
TEST_F(CacheCommandsTest, CheckAndListMakeNone) {
  const std::string folder = "/var/tmp/brink-64321";
  ASSERT_FALSE(std::filesystem::exists(folder));
  std::filesystem::permissions(folder_, std::filesystem::perms(0777));
  static_cast<void>(WriteExit("good", "0"));
  const Ended ended = Shell(
      "unset BRINK_CACHE XDG_CACHE_HOME; export HOME=/\n"
      "cp $BRINK ./brink && chmod 755 brink\n"
      "as_other() { setpriv --reuid 64321 --regid 64321 --clear-groups ./brink \"$@\"; }\n"
      "as_other check good.yaml && as_other list good.yaml && as_other run good.yaml --dry-run");
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_FALSE(std::filesystem::exists(folder));
  std::filesystem::remove(folder);
}

TEST_F(CacheCommandsTest, AFullOneIsNamedWithWhatIsNeededAndLeavesNothing) {
  const Ended ended = Shell(
      "mkdir cache && exec unshare -m sh -c 'mount -t tmpfs -o size=8m none cache && { \"$0\" guest fetch "
      "debian-12-backports; echo fetch: $?; BRINK_CACHE=$PWD/cache \"$0\" guest list; ls -A cache/kernels; "
      "}' "
      "$BRINK");
  EXPECT_THAT(ended.output, HasSubstr("fetch: 4\n")) << ended.errors;
  EXPECT_THAT(ended.errors,
              AllOf(HasSubstr("the disk of " + Path("cache/kernels") + " is full: "),
                    HasSubstr("MiB are free"), HasSubstr("MiB for a while"),
                    HasSubstr("remedy: make room there, or choose another place with BRINK_CACHE")));
  EXPECT_THAT(ended.output, testing::EndsWith("\n.lock\n"));
}

TEST_F(CacheCommandsTest, AnInterruptedBuildSaysSoAndLeavesNothing) {
  // Stands in for the long part: it comes to the fifo, and then stays.
  std::filesystem::create_directory(Path("bin"));
  std::ofstream(Path("bin/mmdebstrap")) << "#!/bin/sh\necho >" << Path("fifo") << "\nexec sleep 1000\n";
  std::filesystem::permissions(Path("bin/mmdebstrap"), std::filesystem::perms::owner_all);
  const Rendezvous fifo(Path("fifo"));
  const char* found = std::getenv("PATH");
  const std::string path = found == nullptr ? "" : found;
  ::setenv("PATH", (Path("bin") + ":" + path).c_str(), 1);
  BrinkProcess brink(folder_, "build", {"image", "build", "memcached"});
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_TRUE(fifo.Meet(patience_)) << brink.Errors();
  brink.Signal(SIGINT);
  ASSERT_TRUE(brink.EndsWithin(patience_));
  EXPECT_EQ(brink.ExitCode(), 130) << brink.Errors();
  EXPECT_THAT(brink.Errors(), HasSubstr("brink: interrupted; nothing half made is left\n"));
  EXPECT_EQ(Shell("ls -A cache/images").output, ".lock\n");
}

}  // namespace
}  // namespace brink::live
