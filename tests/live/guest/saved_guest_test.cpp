// SPDX-License-Identifier: MIT
// Emulated guests that go on from a saved machine: fresh machines, and none that a broken one can spoil.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <system_error>

#include "guest_fixture.h"
#include "sandbox/accelerator.h"
#include "sandbox/cache.h"
#include "sandbox/kernels.h"

namespace brink::live {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

/// Programs that are found before others of their name, for as long as it lives.
class FoundFirst {
 public:
  explicit FoundFirst(const std::string& folder)
      : before_(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH")) {
    ::setenv("PATH", (folder + ":" + before_).c_str(), 1);
  }
  ~FoundFirst() { ::setenv("PATH", before_.c_str(), 1); }
  FoundFirst(const FoundFirst&) = delete;
  FoundFirst& operator=(const FoundFirst&) = delete;

 private:
  std::string before_;
};

/// With a cache of its own, whose kernel is a copy of the shared one's: brink boots no links.
class SavedGuestTest : public GuestTest {
 protected:
  void SetUp() override {
    GuestTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    const auto kernel = FindKernel("debian-12");
    const auto shared = CacheFolder();
    ASSERT_TRUE(kernel && shared);
    const std::filesystem::path folder = std::filesystem::path(kernel->image).parent_path();
    std::filesystem::create_directories(Path("cache/kernels/debian-12"));
    for (const std::string& file :
         {std::string("vmlinux"), std::string("modules"), std::string("optional"), std::string("facts"),
          std::filesystem::path(kernel->initrd).filename().string()}) {
      std::filesystem::copy(folder / file, Path("cache/kernels/debian-12/") + file,
                            std::filesystem::copy_options::recursive);
    }
    std::error_code code;  // of a machine that has probed its accelerator already
    std::filesystem::copy_file(*shared + "/accelerator", Path("cache/accelerator"), code);
    before_cache_ = std::getenv("BRINK_CACHE") == nullptr ? "" : std::getenv("BRINK_CACHE");
    ::setenv("BRINK_CACHE", Path("cache").c_str(), 1);
    if (ChooseAccelerator().name != "tcg") {
      GTEST_SKIP() << "guests run by KVM here and are not saved; remove /dev/kvm to test it";
    }
  }
  void TearDown() override {
    if (before_cache_.empty()) {
      ::unsetenv("BRINK_CACHE");
    } else {
      ::setenv("BRINK_CACHE", before_cache_.c_str(), 1);
    }
    GuestTest::TearDown();
  }
  [[nodiscard]] std::vector<std::filesystem::path> Saved() const {
    std::vector<std::filesystem::path> found;
    std::error_code code;
    for (const auto& entry :
         std::filesystem::directory_iterator(Path("cache/kernels/debian-12/saved"), code)) {
      found.push_back(entry.path());
    }
    return found;
  }
  /// What the target of a run printed.
  [[nodiscard]] std::string Printed(const std::string& out) const {
    std::string text;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(out))) {
      text += entry.path().filename() == "target.log" ? ReadText(entry.path()) : "";
    }
    return text;
  }
  /// A QEMU that notes in the file `starts` that a guest was started, a line each.
  void WriteNotingQemu() const {
    std::filesystem::create_directory(Path("bin"));
    const std::string program = Path("bin/qemu-system-x86_64");
    std::ofstream(program) << "#!/bin/sh\ncase \"$*\" in *brink-guest*) echo started >>" << Path("starts")
                           << " ;; esac\nexec /usr/bin/qemu-system-x86_64 \"$@\"\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  }
  [[nodiscard]] std::string Console(const std::string& out) const {
    std::string text;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(out))) {
      text += entry.path().filename() == "guest-1-console.log" ? ReadText(entry.path()) : "";
    }
    return text;
  }
  std::string before_cache_;
};

TEST_F(SavedGuestTest, EachThatGoesOnIsAFreshMachineOfItsOwn) {
  const std::string file = Write("who", R"(
processes: {target: {run: [/bin/sh, -c, "cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id; date +%s"]}}
)");
  EXPECT_EQ(RunInGuest({file}).status, 0);
  const auto saved = Saved();
  ASSERT_EQ(saved.size(), 1U);
  const auto before = std::time(nullptr);
  EXPECT_EQ(RunInGuest({file}).status, 0);
  EXPECT_EQ(Saved(), saved);
  std::istringstream first(Printed("out-1"));
  std::istringstream second(Printed("out-2"));
  for (const char* what : {"uuid", "boot_id"}) {
    std::string one;
    std::string other;
    first >> one;
    second >> other;
    EXPECT_FALSE(one.empty()) << what;
    EXPECT_NE(one, other) << what;
  }
  std::time_t there = 0;
  second >> there;
  EXPECT_GE(there, before);
  EXPECT_LE(there, std::time(nullptr));
}

TEST_F(SavedGuestTest, ZramIsThereAndUsedFirstWhetherAGuestBootsOrGoesOn) {
  const std::string file = Write("zram", R"(
machine: {memory: 512MiB, zram: 96MiB, swap: 64MiB}
processes: {target: {run: [cat, /proc/swaps]}}
cases:
  both: {}
  disk: {machine: {zram: 0}}
)");
  for (const char* out : {"out-1", "out-2"}) {
    const Ended ended = RunInGuest({file});
    EXPECT_EQ(ended.status, 0) << ended.errors;
    const json both = json::parse(ReadText(Path(out) + "/zram/both/evidence.json"))["host"]["swaps"];
    ASSERT_EQ(both.size(), 2U) << both.dump();
    EXPECT_EQ(both[0]["device"], "/dev/zram0");
    EXPECT_EQ(both[0]["bytes"], (96U << 20) - 4096);
    EXPECT_EQ(both[1]["bytes"], (64U << 20) - 4096);
    EXPECT_GT(both[0]["priority"], both[1]["priority"]);
    EXPECT_THAT(ReadText(Path(out) + "/zram/both/logs/target.log"), HasSubstr("/dev/zram0"));
    const json disk = json::parse(ReadText(Path(out) + "/zram/disk/evidence.json"))["host"]["swaps"];
    ASSERT_EQ(disk.size(), 1U) << disk.dump();
    EXPECT_EQ(disk[0]["bytes"], (64U << 20) - 4096);
    EXPECT_EQ(Saved().size(), 2U);  // of the second run no more: its guests went on from those
  }
  EXPECT_THAT(Console("out-2"), HasSubstr("goes on from"));
}

TEST_F(SavedGuestTest, OneThatCannotBeSavedSaysWhyAndGoesOnItself) {
  const std::string saved = Path("cache/kernels/debian-12/saved");
  std::filesystem::create_directory(saved);
  ASSERT_EQ(::mount("tmpfs", saved.c_str(), "tmpfs", 0, "size=1m,mode=755"), 0);
  WriteNotingQemu();
  const FoundFirst noting(Path("bin"));
  const Ended ended = RunInGuest({WriteExit("quick", "0")});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ReadText(Path("starts")), "started\n");  // it did not boot in vain
  EXPECT_THAT(Console("out-1"), HasSubstr("not saved"));
  EXPECT_THAT(Console("out-1"), HasSubstr("No space left on device"));
  EXPECT_THAT(Saved(), IsEmpty());
  ::umount2(saved.c_str(), MNT_DETACH);
}

TEST_F(SavedGuestTest, TwoFirstOnesAtOnceLeaveOneThatGoesOn) {
  const std::string file = WriteExit("first", "0");
  ExpectTwoAtOnceMet(file);
  ASSERT_EQ(Saved().size(), 1U);
  EXPECT_EQ(RunInGuest({file}).status, 0);
  EXPECT_THAT(Console("out-1"), HasSubstr("goes on from"));
  EXPECT_EQ(Saved().size(), 1U);
}

TEST_F(SavedGuestTest, OneThatDoesNotGoOnIsMadeAnew) {
  const std::string file = WriteExit("quick", "0");
  EXPECT_EQ(RunInGuest({file}).status, 0);
  ASSERT_EQ(Saved().size(), 1U);
  std::ofstream(Saved().front(), std::ios::trunc) << "no machine";
  const Ended ended = RunInGuest({file});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  ASSERT_EQ(Saved().size(), 1U);
  EXPECT_GT(std::filesystem::file_size(Saved().front()), std::uintmax_t{1} << 20);
}

}  // namespace
}  // namespace brink::live
