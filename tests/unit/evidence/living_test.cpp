// SPDX-License-Identifier: MIT
// What is read of a living process, on a fake /proc and fake control groups of either version.
#include "evidence/living.h"

#include <gmock/gmock.h>

#include "base/units.h"
#include "evidence/living_groups.h"
#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class LivingTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    WriteMachine();
    Write("proc/self/mounts", "");
    WriteProcess(7, "my (odd) server", 1000);
  }
  static std::string Stat(int pid, const std::string& name, char state, unsigned flags) {
    return std::to_string(pid) + " (" + name + ") " + state + " 1 7 7 0 -1 " + std::to_string(flags) +
           " 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0\n";
  }
  /// 300 MiB of address space, of which 100 MiB are resident.
  void WriteProcess(int pid, const std::string& name, int uid) const {
    const std::string folder = "proc/" + std::to_string(pid) + "/";
    Write(folder + "stat", Stat(pid, name, 'S', 0));
    Write(folder + "comm", name + "\n");
    const std::string user = std::to_string(uid);
    Write(folder + "status", "Name:\t" + name + "\nState:\tS (sleeping)\nUid:\t" + user + "\t0\t0\t0\n" +
                                 "VmSize:\t307200 kB\nVmLck:\t64 kB\nVmData:\t204800 kB\nVmStk:\t132 kB\n"
                                 "VmPTE:\t400 kB\nVmSwap:\t2048 kB\nRssAnon:\t81920 kB\nRssFile:\t16384 kB\n"
                                 "RssShmem:\t4096 kB\nHugetlbPages:\t0 kB\nThreads:\t3\n"
                                 "CapEff:\t0000000000004000\n");
    Write(folder + "limits",
          "Limit                     Soft Limit           Hard Limit           Units     \n"
          "Max locked memory         65536                131072               bytes     \n"
          "Max address space         unlimited            unlimited            bytes     \n");
    Write(folder + "cmdline", std::string("/usr/bin/server\0--name\0two words\0", 33));
    Write(folder + "oom_score_adj", "-17\n");
    Write(folder + "maps", "a\nb\nc [vsyscall]\n");
    Write(folder + "fd/0", "");
    Write(folder + "fd/1", "");
  }
  [[nodiscard]] Result<LivingProcess> Living(int pid = 7) const {
    return ReadLivingProcess(roots_, pid, [] {
      return Result<std::vector<ProcessMappings>>({{.pid = 7, .comm = "server", .map_count = 4000}});
    });
  }
};

TEST_F(LivingTest, SizesLimitsUserAndCommandAreThoseOfItsFiles) {
  const auto living = Living();
  ASSERT_TRUE(living) << living.error().message;
  EXPECT_EQ(living->comm, "my (odd) server");
  EXPECT_EQ(living->uid, 1000U);
  EXPECT_EQ(living->capabilities, 0x4000U);
  EXPECT_EQ(living->threads, 3U);
  EXPECT_EQ(living->mappings, 4000U);
  EXPECT_EQ(living->address_space, 300 * kMiB);
  EXPECT_EQ(living->data, 200 * kMiB);
  EXPECT_EQ(living->stack, 132U * 1024);
  EXPECT_EQ(living->locked, 64U * 1024);
  EXPECT_EQ(living->descriptors, 2U);
  EXPECT_EQ(living->rlimits.at("RLIMIT_MEMLOCK"), (RlimitPair{.soft = 65536, .hard = 131072}));
  EXPECT_EQ(living->rlimits.at("RLIMIT_AS"), RlimitPair{});
  EXPECT_THAT(living->command, ElementsAre("/usr/bin/server", "--name", "two words"));
  EXPECT_EQ(living->oom_score_adj, -17);
  EXPECT_EQ(living->machine.memory_total_bytes, 8192 * kMiB);
}

TEST_F(LivingTest, TheOomKillersFiguresAreOfEverybodyAndTasksOfItsUserAlone) {
  WriteProcess(1, "init", 0);
  WriteProcess(8, "other", 1000);
  Write("proc/9/stat", Stat(9, "kworker", 'I', 0x00200000));
  Write("proc/9/status", "Name:\tkworker\nUid:\t0\t0\t0\t0\nThreads:\t1\n");
  const auto living = Living();
  ASSERT_TRUE(living);
  EXPECT_EQ(living->user_tasks, 6U);
  ASSERT_EQ(living->processes.size(), 3U);
  EXPECT_TRUE(living->processes.front().system);
  EXPECT_EQ(living->processes.back(), (MemoryHolder{.pid = 8,
                                                    .comm = "other",
                                                    .rss = 100 * kMiB,
                                                    .swapped = 2 * kMiB,
                                                    .page_tables = 400 * 1024,
                                                    .oom_score_adj = -17,
                                                    .system = false}));
}

TEST_F(LivingTest, WhomTheKernelPassesOverIsItsWordAndElseAGuess) {
  WriteProcess(8, "child", 1000);
  const auto passed_over = [&](const Result<std::vector<ProcessMappings>>& counted) {
    const auto living = ReadLivingProcess(roots_, 7, [&] { return counted; });
    return living && living->processes.back().passed_over;
  };
  const std::vector<ProcessMappings> kernels{{.pid = 7, .comm = "server", .map_count = 4000},
                                             {.pid = 8, .comm = "child", .map_count = 4000}};
  EXPECT_FALSE(passed_over(kernels));
  auto in_vfork = kernels;
  in_vfork.back().passed_over = true;
  EXPECT_TRUE(passed_over(in_vfork));
  const auto not_asked = Fail("no BPF");
  EXPECT_FALSE(passed_over(not_asked)) << "it is nobody's child";
  const std::string status = Read("proc/8/status");
  Write("proc/8/status", status + "PPid:\t7\n");
  EXPECT_TRUE(passed_over(not_asked)) << "with its parent's figures";
  Write("proc/8/status", status + "PPid:\t1\n");
  EXPECT_FALSE(passed_over(not_asked));
}

TEST_F(LivingTest, OneWhoseFirstThreadHasEndedIsWeighedByAnother) {
  WriteProcess(8, "other", 1000);
  fs::create_directories(roots_.proc + "/8/task/12");
  fs::rename(roots_.proc + "/8/status", roots_.proc + "/8/task/12/status");
  Write("proc/8/status", "Name:\tother\nState:\tZ (zombie)\nUid:\t0\t0\t0\t0\nThreads:\t3\n");
  const auto living = Living();
  ASSERT_TRUE(living);
  ASSERT_EQ(living->processes.size(), 2U);
  EXPECT_EQ(living->processes.back().pid, 8);
  EXPECT_EQ(living->processes.back().rss, 100 * kMiB);
}

TEST_F(LivingTest, OneThatTheKernelsListLeavesOutIsCountedByItsFile) {
  WriteProcess(8, "other", 0);
  const auto living = Living(8);
  ASSERT_TRUE(living);
  EXPECT_EQ(living->mappings, 2U) << "the kernel's own page is no mapping";
  EXPECT_THAT(living->mappings_note, HasSubstr("the kernel's list of tasks does not have it"));
}

TEST_F(LivingTest, InAPidNamespaceTheKernelsNumbersAreNotAsked) {
  LinkPidNamespace("pid:[4026532222]");
  const auto living = Living();
  WriteProcess(1, "init", 0);
  ASSERT_TRUE(living);
  EXPECT_EQ(living->mappings, 2U);
  EXPECT_THAT(living->mappings_note, HasSubstr("PID namespace of its own"));
  EXPECT_THAT(living->processes_note, HasSubstr("outside of it"));
  EXPECT_FALSE(Living()->processes.front().system) << "the init of a container may be taken";
}

TEST_F(LivingTest, WhatCannotBeReadIsToldWithItsReasonAndTheRestIsThere) {
  for (const char* file : {"limits", "fd", "cmdline"}) {
    fs::remove_all(roots_.proc + "/7/" + file);
  }
  const auto living = Living();
  ASSERT_TRUE(living);
  for (const char* what : {"RLIMIT_AS", "RLIMIT_MEMLOCK", "RLIMIT_NOFILE", "command", "cgroups"}) {
    EXPECT_TRUE(living->unread.contains(what)) << what;
  }
  EXPECT_EQ(living->address_space, 300 * kMiB);
}

TEST_F(LivingTest, ThreadsOfTheKernelTheDeadAndNobodyAreRefused) {
  Write("proc/9/stat", Stat(9, "kworker", 'I', 0x00200000));
  Write("proc/10/stat", Stat(10, "gone", 'Z', 0));
  std::string threads = Stat(12, "half", 'Z', 0);
  Write("proc/12/stat", threads.replace(threads.find(" 20 0 1 "), 8, " 20 0 3 "));
  WriteProcess(13, "helper", 0);
  Write("proc/13/status", "Name:\thelper\nTgid:\t7\nPid:\t13\n");
  EXPECT_THAT(Living(12).error().message, HasSubstr("without its first thread"));
  EXPECT_THAT(Living(12).error().remedy, HasSubstr("have ended meanwhile"));
  Write("proc/12/task/12/status", "Name:\thalf\nState:\tZ (zombie)\n");
  Write("proc/12/task/14/status", "Name:\thalf\nVmSize:\t100 kB\n");
  EXPECT_THAT(Living(12).error().remedy, HasSubstr("/proc/12/task/14")) << "what can be read instead";
  EXPECT_THAT(Living(13).error().message, HasSubstr("13 is a thread of process 7 (helper)"));
  EXPECT_THAT(Living(9).error().message, HasSubstr("thread of the kernel"));
  EXPECT_THAT(Living(10).error().message, HasSubstr("has ended"));
  const auto nobody = Living(11);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ESRCH);
}

TEST_F(LivingTest, IsFoundByItsNameOrThatOfItsProgram) {
  WriteProcess(8, "other", 0);
  fs::create_symlink("/opt/bin/engine", roots_.proc + "/8/exe");
  const auto pids = [&](const std::string& name) {
    std::vector<int> found;
    for (const NamedProcess& each : FindProcesses(roots_, name).value_or(std::vector<NamedProcess>())) {
      found.push_back(each.pid);
    }
    return found;
  };
  EXPECT_THAT(pids("server"), ElementsAre(7, 8));  // the first word of both command lines
  EXPECT_THAT(pids("my (odd) server"), ElementsAre(7));
  EXPECT_THAT(pids("engine"), ElementsAre(8));
  EXPECT_THAT(pids("/opt/bin/engine"), ElementsAre(8));
  EXPECT_THAT(pids("bin/engine"), ElementsAre());
  EXPECT_THAT(pids(""), ElementsAre());
  EXPECT_EQ(FindProcesses(roots_, "nothing").error().code, ESRCH);
  Write("proc/9/stat", Stat(9, "kworker", 'I', 0x00200000));
  Write("proc/9/comm", "kworker\n");
  EXPECT_THAT(FindProcesses(roots_, "kworker").error().message, HasSubstr("thread of the kernel"));
}

class LivingGroups : public LivingTest {
 protected:
  void WriteV2() const {
    Write("v2/cgroup.controllers", "memory pids\n");
    Write("proc/self/mounts", "cgroup2 " + base_ + "/v2 cgroup2 rw 0 0\n");
    Write("proc/self/mountinfo", "30 25 0:26 / " + base_ + "/v2 rw - cgroup2 cgroup2 rw\n");
    Write("proc/7/cgroup", "0::/slice/app\n");
    Write("v2/slice/app/memory.current", "100\n");
    Write("v2/slice/app/memory.max", "max\n");
    Write("v2/slice/app/memory.high", "150\n");
    Write("v2/slice/app/memory.swap.current", "5\n");
    Write("v2/slice/app/memory.swap.max", "0\n");
    Write("v2/slice/app/memory.stat", "active_file 3\ninactive_file 4\n");
    Write("v2/slice/app/memory.pressure",
          "some avg10=40.00 avg60=9.00 avg300=2.00 total=9\n"
          "full avg10=31.50 avg60=5.00 avg300=1.00 total=8\n");
    Write("v2/slice/app/cgroup.procs", "7\n");
    Write("v2/slice/app/pids.current", "3\n");
    Write("v2/slice/app/pids.max", "50\n");
    Write("v2/slice/memory.current", "400\n");
    Write("v2/slice/memory.max", "500\n");
    Write("v2/slice/memory.oom.group", "1\n");
    Write("v2/slice/cgroup.procs", "");
    Write("v2/slice/pids.max", "max\n");
  }
};

TEST_F(LivingGroups, OfVersionTwoAreReadUpToTheRoot) {
  WriteV2();
  const auto living = Living();
  ASSERT_TRUE(living);
  EXPECT_TRUE(living->cgroup_v2);
  EXPECT_THAT(living->memory_groups,
              ElementsAre(Field(&GroupLevel::path, "/slice/app"), Field(&GroupLevel::path, "/slice"),
                          Field(&GroupLevel::path, "/")));
  const GroupLevel& app = living->memory_groups[0];
  EXPECT_EQ(app.use, 100U);
  EXPECT_EQ(app.limit, kNoLimit);
  EXPECT_EQ(app.high, 150U);
  EXPECT_EQ(app.swap_use, 5U);
  EXPECT_EQ(app.swap_limit, 0U);
  EXPECT_EQ(app.file_cache, 7U);
  EXPECT_EQ(app.waiting, 0.315);
  EXPECT_THAT(app.pids, ElementsAre(7));
  const GroupLevel& slice = living->memory_groups[1];
  EXPECT_EQ(slice.limit, 500U);
  EXPECT_TRUE(slice.oom_group);
  EXPECT_THAT(slice.pids, ElementsAre(7)) << "those below count too";
  ASSERT_EQ(living->pids_groups.size(), 3U);
  EXPECT_EQ(living->pids_groups[0].limit, 50U);
  EXPECT_EQ(living->pids_groups[1].limit, kNoLimit);
}

TEST_F(LivingGroups, ThoseThatDieTogetherAreFoundForEverybody) {
  WriteV2();
  WriteProcess(8, "other", 0);
  Write("proc/8/cgroup", "0::/batch/job\n");
  Write("v2/batch/job/memory.oom.group", "1\n");
  const auto living = Living();
  ASSERT_TRUE(living);
  EXPECT_EQ(living->processes.front().group, "/slice/app");
  EXPECT_EQ(living->processes.back().group, "/batch/job");
  EXPECT_THAT(living->oom_groups, ElementsAre("/batch/job", "/slice"));
}

TEST_F(LivingGroups, OfVersionOneHaveTheirOwnNamesAndNumbers) {
  Write("proc/self/mounts", "cgroup " + base_ + "/memory cgroup rw,memory 0 0\n");
  Write("proc/self/mountinfo", "30 25 0:26 / " + base_ + "/memory rw - cgroup cgroup rw\n");
  Write("proc/7/cgroup", "4:memory:/app\n3:pids:/\n");
  Write("memory/app/memory.usage_in_bytes", "300\n");
  Write("memory/app/memory.limit_in_bytes", "400\n");
  Write("memory/app/memory.memsw.usage_in_bytes", "310\n");
  Write("memory/app/memory.memsw.limit_in_bytes", "9223372036854771712\n");
  Write("memory/app/memory.swappiness", "60\n");
  Write("memory/app/memory.oom_control", "oom_kill_disable 1\nunder_oom 1\n");
  Write("memory/app/memory.stat",
        "active_file 1\ninactive_file 1\ntotal_active_file 30\ntotal_inactive_file 4\n"
        "workingset_refault_file 1\ntotal_workingset_refault_anon 2\ntotal_workingset_refault_file 3\n");
  Write("memory/app/cgroup.procs", "7\n");
  const auto living = Living();
  ASSERT_TRUE(living);
  EXPECT_FALSE(living->cgroup_v2);
  const GroupLevel& app = living->memory_groups.at(0);
  EXPECT_EQ(app.use, 300U);
  EXPECT_EQ(app.limit, 400U);
  EXPECT_EQ(app.both_use, 310U);
  EXPECT_EQ(app.both_limit, kNoLimit);
  EXPECT_EQ(app.swappiness, 60U);
  EXPECT_TRUE(app.oom_kill_disabled);
  EXPECT_TRUE(app.under_oom);
  EXPECT_EQ(app.refaulted, 5 * living->page_size);
  EXPECT_EQ(app.waiting, std::nullopt);
  EXPECT_EQ(app.file_cache, 34U);
  EXPECT_TRUE(living->unread.contains("pids.max")) << "its controller is not mounted";
}

TEST_F(LivingGroups, BelowAContainersMountAreNamedFromThere) {
  WriteV2();
  Write("proc/self/mountinfo", "30 25 0:26 /slice " + base_ + "/v2 rw - cgroup2 cgroup2 rw\n");
  Write("v2/app/memory.current", "100\n");
  const auto living = Living();
  ASSERT_TRUE(living);
  EXPECT_EQ(living->memory_groups.at(0).path, "/app");
}

TEST_F(LivingGroups, OutsideOfTheMountAreToldAsUnseen) {
  WriteV2();
  for (const char* path : {"/../other", "/nowhere"}) {
    Write("proc/7/cgroup", std::string("0::") + path + "\n");
    const auto living = Living();
    ASSERT_TRUE(living);
    EXPECT_TRUE(living->memory_groups.empty());
    EXPECT_THAT(living->unread.at("memory.max").message, HasSubstr("outside of the groups that brink sees"));
  }
}

TEST_F(LivingGroups, ANamespaceOfItsOwnIsRemarked) {
  WriteV2();
  EXPECT_EQ(Living()->groups_note, "");
  fs::create_symlink("cgroup:[4026532333]", roots_.proc + "/self/ns/cgroup");
  EXPECT_THAT(Living()->groups_note, HasSubstr("may be lower"));
}

}  // namespace
}  // namespace brink
