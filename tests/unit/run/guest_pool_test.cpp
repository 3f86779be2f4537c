// SPDX-License-Identifier: MIT
#include "run/guest_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/units.h"
#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

TEST(CheckMachine, AVersionOfCgroupsThatTheKernelLacksRulesItOut) {
  GuestSpec spec;
  spec.kernel = "/boot/bzImage";
  spec.cgroup = "v1";
  GuestKernel kernel;
  EXPECT_EQ(CheckMachine(spec, kernel).error().message,
            "/boot/bzImage is built without the memory controller of cgroup v1");
  kernel.cgroup_v1 = true;
  EXPECT_TRUE(CheckMachine(spec, kernel));
  spec.cgroup = "v2";
  kernel.cgroup_v1 = false;
  EXPECT_TRUE(CheckMachine(spec, kernel));
}

TEST(CheckMachine, SoDoesZramWhereItIsAskedFor) {
  GuestSpec spec;
  spec.kernel = "/boot/bzImage";
  GuestKernel kernel;
  EXPECT_TRUE(CheckMachine(spec, kernel));
  spec.zram_bytes = kGiB;
  const auto refused = CheckMachine(spec, kernel);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "/boot/bzImage is built without zram");
  EXPECT_NE(refused.error().remedy.find("CONFIG_ZRAM"), std::string::npos);
  kernel.zram = true;
  EXPECT_TRUE(CheckMachine(spec, kernel));
}

TEST(HasRoomFor, AFifthOfWhatIsAvailableStaysForOthers) {
  EXPECT_TRUE(HasRoomFor(4 * kGiB, {}, 5 * kGiB));
  EXPECT_FALSE(HasRoomFor(4 * kGiB + 1, {}, 5 * kGiB));
}

TEST(HasRoomFor, WhatRunningGuestsMayStillTakeIsSpokenFor) {
  const std::vector<GuestMemory> fresh{{.promised_bytes = 2 * kGiB, .taken_bytes = kGiB / 4}};
  EXPECT_FALSE(HasRoomFor(2 * kGiB, fresh, 4 * kGiB));
  EXPECT_TRUE(HasRoomFor(2 * kGiB, fresh, 5 * kGiB));
  const std::vector<GuestMemory> two{fresh[0], fresh[0]};
  EXPECT_FALSE(HasRoomFor(2 * kGiB, two, 5 * kGiB));
}

/// What they have taken is no longer available: it is not to be counted twice.
TEST(HasRoomFor, WhatTheyHaveTakenIsNotCountedAgain) {
  const std::vector<GuestMemory> full{{.promised_bytes = 2 * kGiB, .taken_bytes = 2 * kGiB}};
  EXPECT_TRUE(HasRoomFor(2 * kGiB, full, 5 * kGiB / 2));
}

TEST(HasRoomFor, OneThatTookMoreThanPromisedOwesNothing) {
  const std::vector<GuestMemory> over{{.promised_bytes = kGiB, .taken_bytes = 3 * kGiB}};
  EXPECT_TRUE(HasRoomFor(kGiB, over, 2 * kGiB));
}

TEST(FailedBoots, TwoInARowAreTheLastOfThatMachine) {
  GuestSpec spec;
  GuestSpec other;
  other.memory_bytes *= 2;
  FailedBoots boots;
  EXPECT_TRUE(boots.MayTry(spec));
  boots.Note(spec, Fail("the guest did not boot", "its console is in guest-1-console.log"));
  EXPECT_TRUE(boots.MayTry(spec));
  boots.Note(spec, Fail("the guest did not boot", "its console is in guest-2-console.log"));
  const auto refused = boots.MayTry(spec);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "the guest did not boot; after 2 times it is not tried again in this run");
  EXPECT_EQ(refused.error().remedy, "its console is in guest-2-console.log");
  EXPECT_TRUE(boots.MayTry(other));
}

TEST(FailedBoots, OneThatSucceedsMakesUpForThoseBefore) {
  const GuestSpec spec;
  FailedBoots boots;
  boots.Note(spec, Fail("the host killed it"));
  boots.Note(spec, {});
  boots.Note(spec, Fail("the host killed it"));
  EXPECT_TRUE(boots.MayTry(spec));
}

class MemoryToBeHadTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    WriteMachine();  // 4 GiB are available
  }
  /// This process is in /outer/inner of a hierarchy that is mounted below the tree.
  void Mount(const std::string& type, const std::string& options, const std::string& controllers) const {
    Write("proc/self/mounts", type + " " + base_ + "/groups " + type + " " + options + " 0 0\n");
    Write("proc/" + std::to_string(::getpid()) + "/cgroup", "4:" + controllers + ":/outer/inner\n");
  }
  void WriteGroup(const std::string& path, const std::vector<std::pair<std::string, std::string>>& values) {
    for (const auto& [name, value] : values) {
      Write("groups/" + path + "/" + name, value + "\n");
    }
  }
};

TEST_F(MemoryToBeHadTest, IsWhatTheMachineHasWhereNoGroupsAreSeen) {
  EXPECT_EQ(MemoryToBeHad(roots_), 4 * kGiB);
}

TEST_F(MemoryToBeHadTest, IsWhatTheTightestGroupOfVersionOneLeaves) {
  Mount("cgroup", "rw,memory", "memory");
  WriteGroup("outer/inner", {{"memory.limit_in_bytes", "9223372036854771712"},
                             {"memory.usage_in_bytes", std::to_string(kGiB)}});
  EXPECT_EQ(MemoryToBeHad(roots_), 4 * kGiB);
  WriteGroup("outer", {{"memory.limit_in_bytes", std::to_string(3 * kGiB)},
                       {"memory.usage_in_bytes", std::to_string(2 * kGiB)},
                       {"memory.stat",
                        "active_file 1\ninactive_file 1\ntotal_active_file 1000\n"
                        "total_inactive_file 24"}});
  EXPECT_EQ(MemoryToBeHad(roots_), kGiB + 1024);
}

TEST_F(MemoryToBeHadTest, IsWhatTheTightestGroupOfVersionTwoLeaves) {
  Write("groups/cgroup.controllers", "memory pids\n");
  Mount("cgroup2", "rw", "");
  WriteGroup("outer/inner", {{"memory.max", std::to_string(2 * kGiB)},
                             {"memory.high", "max"},
                             {"memory.current", std::to_string(kGiB)}});
  WriteGroup("outer", {{"memory.max", "max"}, {"memory.high", "max"}, {"memory.current", "5"}});
  EXPECT_EQ(MemoryToBeHad(roots_), kGiB);
  WriteGroup("outer", {{"memory.high", std::to_string(kGiB)}, {"memory.current", std::to_string(2 * kGiB)}});
  EXPECT_EQ(MemoryToBeHad(roots_), 0U);
}

}  // namespace
}  // namespace brink
