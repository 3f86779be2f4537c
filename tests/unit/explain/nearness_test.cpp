// SPDX-License-Identifier: MIT
#include "explain/nearness.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/units.h"

namespace brink {
namespace {

using testing::HasSubstr;

/// A process of a user, far from everything.
LivingProcess Ordinary() {
  LivingProcess process;
  process.pid = 40;
  process.comm = "server";
  process.uid = 1000;
  process.mappings = 100;
  process.address_space = 64 * kMiB;
  process.machine.max_map_count = 65530;
  process.machine.memory_total_bytes = 1024 * kMiB;
  process.machine.memory_available_bytes = 900 * kMiB;
  process.machine.commit_limit_bytes = 512 * kMiB;
  process.machine.committed_as_bytes = 128 * kMiB;
  process.machine.pid_max = 32768;
  process.machine.threads_max = 8000;
  process.machine.threads = 80;
  return process;
}

LimitRow RowOf(const LivingProcess& process, const std::string& limit, const std::string& group = "") {
  const auto rows = NearnessOf(process);
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const LimitRow& row) {
    return row.limit == limit && (group.empty() || row.group == group);
  });
  EXPECT_NE(found, rows.end()) << limit;
  return found == rows.end() ? LimitRow{} : *found;
}

TEST(Nearness, TheNearestLimitComesFirst) {
  LivingProcess process = Ordinary();
  process.mappings = 60000;
  process.rlimits["RLIMIT_AS"] = {.soft = 65 * kMiB};
  const auto rows = NearnessOf(process);
  ASSERT_GE(rows.size(), 2U);
  EXPECT_EQ(rows[0].limit, "RLIMIT_AS");
  EXPECT_EQ(rows[1].limit, "vm.max_map_count");
  EXPECT_NEAR(*ShareOf(rows[1]), 60000.0 / 65530, 1e-9);
}

TEST(Nearness, WhatDoesNotBindComesAfterWhatDoes) {
  LivingProcess process = Ordinary();
  process.locked = 8 * kMiB;
  process.rlimits["RLIMIT_MEMLOCK"] = {.soft = 8 * kMiB};
  EXPECT_EQ(NearnessOf(process).front().limit, "RLIMIT_MEMLOCK");
  process.capabilities = 1ULL << 14;  // CAP_IPC_LOCK
  EXPECT_NE(NearnessOf(process).front().limit, "RLIMIT_MEMLOCK");
  EXPECT_FALSE(RowOf(process, "RLIMIT_MEMLOCK").enforced);
  process.initial_user_namespace = false;  // there it lifts nothing
  EXPECT_TRUE(RowOf(process, "RLIMIT_MEMLOCK").enforced);
}

TEST(Nearness, RootIsExemptFromTheNumberOfItsTasks) {
  LivingProcess process = Ordinary();
  process.user_tasks = 90;
  process.rlimits["RLIMIT_NPROC"] = {.soft = 100};
  EXPECT_TRUE(RowOf(process, "RLIMIT_NPROC").enforced);
  process.uid = 0;
  EXPECT_FALSE(RowOf(process, "RLIMIT_NPROC").enforced);
}

TEST(Nearness, TheCommitLimitBindsInModeTwoAlone) {
  LivingProcess process = Ordinary();
  for (const int mode : {0, 1}) {
    process.machine.overcommit_memory = mode;
    EXPECT_FALSE(RowOf(process, "commit_limit").enforced) << mode;
  }
  process.machine.overcommit_memory = 2;
  const LimitRow row = RowOf(process, "commit_limit");
  EXPECT_TRUE(row.enforced);
  EXPECT_EQ(row.of, 512 * kMiB - 8 * kMiB - 2 * kMiB) << "the administrator's part and a 32nd of its size";
  process.capabilities = 1ULL << 21;  // CAP_SYS_ADMIN may use the administrator's part
  EXPECT_EQ(RowOf(process, "commit_limit").of, 512 * kMiB - 2 * kMiB);
}

TEST(Nearness, EachLevelOfItsGroupsHasItsOwnRow) {
  LivingProcess process = Ordinary();
  process.cgroup_v2 = true;
  process.memory_groups = {{.path = "/a/b", .use = 90 * kMiB, .limit = 100 * kMiB, .high = 95 * kMiB},
                           {.path = "/a", .use = 150 * kMiB, .limit = 200 * kMiB, .file_cache = 50 * kMiB},
                           {.path = "/"}};
  process.pids_groups = {{.path = "/a/b", .use = 9, .limit = 10}, {.path = "/a", .use = 9}, {.path = "/"}};
  EXPECT_EQ(*RowOf(process, "memory.max", "/a/b").use, 90 * kMiB);
  EXPECT_EQ(*RowOf(process, "memory.max", "/a").use, 100 * kMiB) << "page cache is taken back first";
  EXPECT_THAT(RowOf(process, "memory.max", "/a").note, HasSubstr("50 MiB of page cache"));
  EXPECT_EQ(RowOf(process, "memory.high", "/a/b").of, 95 * kMiB);
  EXPECT_EQ(RowOf(process, "pids.max").of, 10U);
}

TEST(Nearness, MemoryAndSwapOfVersionOneCountWhereTheyAddALimit) {
  LivingProcess process = Ordinary();
  process.memory_groups = {{.path = "/a",
                            .use = 10 * kMiB,
                            .limit = 100 * kMiB,
                            .both_use = 12 * kMiB,
                            .both_limit = 100 * kMiB,
                            .oom_kill_disabled = true}};
  EXPECT_THAT(RowOf(process, "memory.max").reached, HasSubstr("wait"));
  auto rows = NearnessOf(process);
  const auto is_both = [](const LimitRow& row) { return row.limit == "memory.memsw.limit_in_bytes"; };
  EXPECT_TRUE(std::none_of(rows.begin(), rows.end(), is_both));
  process.memory_groups[0].both_limit = 150 * kMiB;
  EXPECT_EQ(*RowOf(process, "memory.memsw.limit_in_bytes").use, 12 * kMiB);
}

TEST(Nearness, WhatCannotBeReadIsUnknownWithTheRemedy) {
  LivingProcess process = Ordinary();
  process.mappings.reset();
  process.unread["vm.max_map_count"] = {.message = "may not", .remedy = "be root"};
  process.unread["memory.max"] = {.message = "hidden", .remedy = "look from the host"};
  const LimitRow row = RowOf(process, "vm.max_map_count");
  EXPECT_EQ(row.unknown, "may not");
  EXPECT_EQ(row.remedy, "be root");
  EXPECT_FALSE(ShareOf(row));
  EXPECT_EQ(RowOf(process, "memory.max").unknown, "hidden");
}

TEST(Nearness, HugePagesCountForProcessesThatUseThem) {
  LivingProcess process = Ordinary();
  process.machine.hugepages_total = 10;
  process.machine.hugepages_free = 6;
  process.machine.hugepages_reserved = 1;
  process.machine.hugepage_size_bytes = 2 * kMiB;
  const auto rows = NearnessOf(process);
  EXPECT_TRUE(
      std::none_of(rows.begin(), rows.end(), [](const LimitRow& row) { return row.limit == "hugepages"; }));
  process.huge_pages = 2 * kMiB;
  EXPECT_EQ(*RowOf(process, "hugepages").use, 10 * kMiB);
  EXPECT_EQ(RowOf(process, "hugepages").of, 20 * kMiB);
}

TEST(Nearness, AFullGroupTellsHowItIsHeldUp) {
  LivingProcess process = Ordinary();
  const auto stall = [&](const GroupLevel& group) {
    process.memory_groups = {group};
    const LimitRow row = RowOf(process, "memory.max");
    EXPECT_NE(row.note.find(row.stall), std::string::npos) << "it is shown";
    return row.stall;
  };
  GroupLevel group{.path = "/app", .use = 64 * kMiB, .limit = 64 * kMiB, .file_cache = 60 * kMiB};
  EXPECT_EQ(stall(group), "");
  group.refaulted = 4 * group.limit;
  EXPECT_EQ(stall(group), "256 MiB were reclaimed and needed again since the group began");
  group.waiting = 0;
  EXPECT_EQ(stall(group), "") << "the kernel's account of now goes before what once was";
  group.waiting = 0.315;
  EXPECT_EQ(stall(group), "all its tasks waited for memory for 31% of the last 10 s");
  group.use = 32 * kMiB;
  EXPECT_EQ(stall(group), "") << "it is not this limit that they wait at";
  group.use = group.limit;
  group.under_oom = true;
  EXPECT_EQ(stall(group), "processes wait there now");
}

TEST(Nearness, ThrottlingIsOfMemoryHigh) {
  LivingProcess process = Ordinary();
  process.memory_groups = {{.path = "/app", .use = 66 * kMiB, .limit = 640 * kMiB, .high = 64 * kMiB}};
  process.memory_groups.front().waiting = 0.9;
  EXPECT_THAT(RowOf(process, "memory.high").stall, HasSubstr("90%"));
  EXPECT_EQ(RowOf(process, "memory.max").stall, "");
}

}  // namespace
}  // namespace brink
