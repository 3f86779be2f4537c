// SPDX-License-Identifier: MIT
// containers/make-image beside a recipe of the test's own, with an mmdebstrap that packs a small folder.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "sandbox/images.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Waits where the test says so: it opens the pipe `gate` for reading.
constexpr const char* kMmdebstrap = R"(#!/bin/sh
here=$(dirname -- "$0")
echo call >>"$here/../calls"
if [ -p "$here/../gate" ]; then echo waiting >"$here/../reached"; cat "$here/../gate" >/dev/null; fi
exec tar -c -C "$here/../tree" .
)";

class MakeImageTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    base_ = testing::TempDir() + "brink-images-" + std::to_string(::getpid()) + "-" + test->name();
    fs::remove_all(base_);
    for (const char* folder : {"tree/etc", "tree/tmp", "tree/var/tmp", "tree/var/log", "tree/var/lib/dpkg",
                               "tree/run/lock", "recipes/images", "tools", "cache"}) {
      fs::create_directories(fs::path(base_) / folder);
    }
    fs::copy_file(BRINK_MAKE_IMAGE, base_ + "/recipes/make-image");
    Write("recipes/images/small", "packages=(base-files)\nis_old() { [[ -e $here/old ]]; }\n");
    Write("tree/etc/file", "of the image\n");
    Write("tree/var/lib/dpkg/status",
          "Package: base-files\nStatus: install ok installed\nMaintainer: x\nArchitecture: amd64\n"
          "Version: 12.4\nDescription: x\n\nPackage: libc6\nStatus: install ok installed\nMaintainer: x\n"
          "Architecture: amd64\nVersion: 2.36\nDescription: x\n");
    WriteTool("mmdebstrap", kMmdebstrap);
    places_ = {.cache = base_ + "/cache", .machine = "", .script = base_ + "/recipes/make-image"};
  }
  void TearDown() override { fs::remove_all(base_); }

  void Write(const std::string& path, const std::string& text) const {
    std::ofstream(base_ + "/" + path) << text;
  }
  void WriteTool(const std::string& name, const std::string& text) const {
    Write("tools/" + name, text);
    fs::permissions(base_ + "/tools/" + name, fs::perms::owner_all | fs::perms::group_exec |
                                                  fs::perms::others_exec | fs::perms::others_read);
  }
  [[nodiscard]] std::string Read(const std::string& path) const {
    std::ifstream file(base_ + "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// `make` in it is the script, with the test's tools and cache; gives its exit status.
  [[nodiscard]] int Shell(const std::string& script) const {
    Write("script", "cd '" + base_ +
                        "' || exit 99\nexport PATH=\"$PWD/tools:$PATH\" BRINK_CACHE=\"$PWD/cache\"\n" +
                        "make=$PWD/recipes/make-image\n" + script + "\n");
    const int status =
        std::system(("timeout 60 bash '" + base_ + "/script' >'" + base_ + "/said' 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  [[nodiscard]] bool OnlyTheImageIsThere() const {
    return Shell("test \"$(ls -A cache/images)\" = $'.lock\\nsmall'") == 0;
  }

  std::string base_;
  ImagePlaces places_;
};

TEST_F(MakeImageTest, TellsItsPackagesAndIsMadeOnce) {
  ASSERT_EQ(Shell("umask 077; $make small && $make small"), 0) << Read("said");
  EXPECT_EQ(Read("calls"), "call\n");
  places_.cache += "/images";
  const auto folder = FindImage("small", places_);
  ASSERT_TRUE(folder);
  const ImageRecord record = ReadImage("small", *folder);
  EXPECT_EQ(record.packages, (std::map<std::string, std::string>{{"base-files", "12.4"}, {"libc6", "2.36"}}));
  EXPECT_EQ(Shell("stat -c %a cache/images/small cache/images/small/tmp cache/images/small/etc/brink-image"),
            0);
  EXPECT_EQ(Read("said"), "755\n1777\n644\n");
  EXPECT_TRUE(OnlyTheImageIsThere());
}

TEST_F(MakeImageTest, OneThatItsRecipeCallsOldIsMadeAnew) {
  ASSERT_EQ(Shell("$make small && echo new >tree/etc/file && touch recipes/old && $make small"), 0)
      << Read("said");
  EXPECT_EQ(Read("cache/images/small/etc/file"), "new\n");
  EXPECT_TRUE(OnlyTheImageIsThere());
}

TEST_F(MakeImageTest, TwoAtOnceTakeTurnsAndMakeItOnce) {
  ASSERT_EQ(Shell("mkfifo gate reached\n"
                  "$make small & first=$!\n"
                  "cat reached >/dev/null\n"  // the first has the turn
                  "mkfifo waits; $make small 2>waits & second=$!\n"
                  "grep -m 1 'waiting' waits || exit 1\n"
                  "echo go >gate\n"
                  "wait $first && wait $second"),
            0)
      << Read("said");
  EXPECT_EQ(Read("calls"), "call\n");
  EXPECT_TRUE(OnlyTheImageIsThere());
}

TEST_F(MakeImageTest, AKilledOneLeavesNothingForTheNext) {
  ASSERT_EQ(Shell("mkfifo gate reached\n"
                  "setsid $make small & first=$!\n"
                  "cat reached >/dev/null\n"
                  "ls -d cache/images/.making-* || exit 1\n"
                  "kill -KILL -- -$first\n"
                  "wait $first\n"
                  "rm gate; $make small"),
            0)
      << Read("said");
  EXPECT_TRUE(OnlyTheImageIsThere());
}

TEST_F(MakeImageTest, OneThatIsEndedCleansUp) {
  ASSERT_EQ(Shell("mkfifo gate reached\n"
                  "setsid $make small & first=$!\n"
                  "cat reached >/dev/null\n"
                  "kill -TERM -- -$first\n"
                  "wait $first\n"
                  "test \"$(ls -A cache/images)\" = .lock"),
            0)
      << Read("said");
}

TEST_F(MakeImageTest, HalfAnImageIsToldNotTakenForOne) {
  fs::create_directories(base_ + "/cache/images/small/usr");
  EXPECT_EQ(Shell("$make small"), 4);
  EXPECT_THAT(Read("said"), HasSubstr("small is in the way: it is no image, or only part of one"));
  EXPECT_THAT(Read("said"), HasSubstr("rm -r " + base_ + "/cache/images/small"));
}

TEST_F(MakeImageTest, MissingToolsAreNamedWithTheirPackages) {
  EXPECT_EQ(Shell("bare=$PWD/bare; mkdir bare\n"
                  "for tool in bash dirname readlink sort grep sed ls env; do ln -s \"$(command -v $tool)\" "
                  "bare/; done\n"
                  "sed -i 's,^export PATH=.*,export PATH=/nowhere:$PATH,' recipes/make-image\n"
                  "PATH=$bare bash $make small"),
            4);
  EXPECT_THAT(Read("said"),
              HasSubstr("remedy: apt-get install --no-install-recommends apt mmdebstrap util-linux"));
}

TEST_F(MakeImageTest, AFailedFetchIsToldAndLeavesNothing) {
  WriteTool("mmdebstrap", "#!/bin/sh\necho 'E: no such host' >&2\nexit 100\n");
  EXPECT_EQ(Shell("$make small"), 4);
  EXPECT_THAT(Read("said"), HasSubstr("E: no such host"));
  EXPECT_THAT(Read("said"), HasSubstr("make-image: mmdebstrap failed"));
  EXPECT_EQ(Shell("test \"$(ls -A cache/images)\" = .lock"), 0);
}

TEST_F(MakeImageTest, AFullDiskIsNamed) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root: mounts a small file system";
  }
  ASSERT_EQ(::mount("tmpfs", (base_ + "/cache").c_str(), "tmpfs", 0, "size=64k"), 0);
  Write("tree/etc/file", std::string(1U << 20U, 'x'));
  const int status = Shell("$make small");
  ::umount2((base_ + "/cache").c_str(), MNT_DETACH);
  EXPECT_EQ(status, 4);
  EXPECT_THAT(Read("said"), HasSubstr("/cache/images is full"));
}

TEST_F(MakeImageTest, AUserWithoutLentIdsIsToldHowToGetThem) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root: becomes another user";
  }
  ASSERT_EQ(Shell("chown -R 64999 cache; for tool in newuidmap newgidmap; do cp /bin/true tools/$tool; done"),
            0);
  EXPECT_EQ(Shell("setpriv --reuid 64999 --clear-groups bash $make small"), 4);
  EXPECT_THAT(Read("said"), HasSubstr("/etc/subuid lends none to 64999"));
  EXPECT_THAT(Read("said"), HasSubstr("usermod --add-subuids"));
}

}  // namespace
}  // namespace brink::live
