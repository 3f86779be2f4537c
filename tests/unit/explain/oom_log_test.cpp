// SPDX-License-Identifier: MIT
#include "explain/oom_log.h"

#include <gtest/gtest.h>

#include "base/units.h"

namespace brink {
namespace {

// Of Linux 6.18, shortened.
constexpr std::string_view kGroupKill =
    "[43426.445552] postgres invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=800\n"
    "[43426.445700] memory: usage 196608kB, limit 196608kB, failcnt 2103\n"
    "[43426.445702] swap: usage 0kB, limit 9007199254740988kB, failcnt 0\n"
    "[43426.445800] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    "oom_memcg=/pg/main,task_memcg=/pg/main/worker,task=postgres,pid=30334,uid=101\n"
    "[43426.445864] Memory cgroup out of memory: Killed process 30334 (postgres) total-vm:294436kB, "
    "anon-rss:183300kB, file-rss:8616kB, shmem-rss:2620kB, UID:101 pgtables:516kB oom_score_adj:800\n";

constexpr std::string_view kMachineKill =
    "6,1201,88,-;java invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0\n"
    "6,1201,88,-;Total swap = 4194304kB\n"
    "6,1201,88,-;2097152 pages RAM\n"
    "6,1201,88,-;0 pages HighMem/MovableOnly\n"
    "6,1201,88,-;67890 pages reserved\n"
    "6,1202,88,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    "task_memcg=/,task=my (odd) name,pid=77,uid=0\n"
    "3,1203,88,-;Out of memory: Killed process 77 (my (odd) name) total-vm:10kB, anon-rss:8kB, file-rss:0kB, "
    "shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:-500\n";

TEST(OomLog, ReadsTheKillOfAGroupWithItsLimit) {
  const auto kill = LastOomKillIn(kGroupKill);
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->pid, 30334);
  EXPECT_EQ(kill->comm, "postgres");
  EXPECT_EQ(kill->group, "/pg/main");
  EXPECT_EQ(kill->limit, 196608 * kKiB);
  EXPECT_EQ(kill->anon_rss, 183300 * kKiB);
  EXPECT_EQ(kill->shmem_rss, 2620 * kKiB);
  EXPECT_EQ(kill->oom_score_adj, 800);
}

TEST(OomLog, TakesTheLastKillAndNothingOfTheOneBefore) {
  const auto kill = LastOomKillIn(std::string(kGroupKill) + std::string(kMachineKill));
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->pid, 77);
  EXPECT_EQ(kill->comm, "my (odd) name");
  EXPECT_EQ(kill->group, "");
  EXPECT_EQ(kill->limit, std::nullopt);
  EXPECT_EQ(kill->oom_score_adj, -500);
  EXPECT_FALSE(kill->of_group);
}

TEST(OomLog, ReadsWhatTheMachineHadAndWhoseLimitItWas) {
  const auto machine = LastOomKillIn(kMachineKill);
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->constraint, "CONSTRAINT_NONE");
  EXPECT_EQ(machine->memory, 8192 * kMiB);
  EXPECT_EQ(machine->swap, 4096 * kMiB);
  const auto group = LastOomKillIn(std::string(kMachineKill) + std::string(kGroupKill));
  ASSERT_TRUE(group);
  EXPECT_EQ(group->constraint, "CONSTRAINT_MEMCG");
  EXPECT_EQ(group->memory, std::nullopt) << "a group's report does not tell it";
  EXPECT_EQ(
      LastOomKillIn("[  8.1] 524158 pages RAM\nOut of memory: Killed process 7 (a) total-vm:1kB\n")->memory,
      524158 * 4 * kKiB);
}

// What users paste most.
TEST(OomLog, TheLastLineAloneTellsWhetherAGroupOrTheMachineRanOut) {
  const auto kill = LastOomKillIn(kGroupKill.substr(kGroupKill.find("[43426.445864]")));
  ASSERT_TRUE(kill);
  EXPECT_TRUE(kill->of_group);
  EXPECT_EQ(kill->group, "");
  EXPECT_TRUE(kill->scope_known);
  const auto machine = LastOomKillIn(kMachineKill.substr(kMachineKill.find("3,1203")));
  EXPECT_FALSE(machine->of_group);
  EXPECT_TRUE(machine->scope_known);
  EXPECT_FALSE(LastOomKillIn("Killed process 77 (java) total-vm:2700kB\n")->scope_known)
      << "before Linux 5.3";
}

TEST(OomLog, ReadsTheKillOfAGroupInTheWordsOfOlderKernels) {
  constexpr std::string_view kOld =
      "java invoked oom-killer: gfp_mask=0x14000c0, nodemask=(null), order=0, oom_score_adj=1000\n"
      "Task in /docker/ab killed as a result of limit of /docker/ab\n"
      "memory: usage 524288kB, limit 524288kB, failcnt 63\n"
      "Memory cgroup out of memory: Kill process 77 (java) score 1972 or sacrifice child\n"
      "Killed process 77 (java) total-vm:2700kB, anon-rss:500kB, file-rss:0kB, shmem-rss:0kB\n";
  const auto kill = LastOomKillIn(kOld);
  ASSERT_TRUE(kill);
  EXPECT_EQ(kill->group, "/docker/ab");
  EXPECT_EQ(kill->limit, 524288 * kKiB);
  const auto two_lines = LastOomKillIn(kOld.substr(kOld.find("Memory cgroup out")));
  ASSERT_TRUE(two_lines);
  EXPECT_TRUE(two_lines->of_group);
  EXPECT_TRUE(two_lines->scope_known);
}

TEST(OomLog, ALogWithoutAWholeKillHasNone) {
  EXPECT_FALSE(LastOomKillIn(""));
  EXPECT_FALSE(LastOomKillIn("usb 1-1: new device\nKilled process\n"));
  EXPECT_FALSE(LastOomKillIn("Memory cgroup out of memory: Killed process 12 (cut"));
}

}  // namespace
}  // namespace brink
