// SPDX-License-Identifier: MIT
#include "run/machine_traces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace brink {
namespace {

using testing::HasSubstr;

class MachineTracesTest : public testing::Test {
 protected:
  MachineTracesTest() {
    Write("proc/sys/vm/max_map_count", "65530\n");
    Write("proc/sys/kernel/ns_last_pid", "17\n");
    Write("proc/swaps", "Filename Type Size Used Priority\n/dev/vdb partition 1048572 0 -2\n");
    Write("proc/sysvipc/shm", "key shmid\n");
  }
  ~MachineTracesTest() override { std::filesystem::remove_all(base_); }
  MachineTracesTest(const MachineTracesTest&) = delete;
  MachineTracesTest& operator=(const MachineTracesTest&) = delete;

  void Write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = std::filesystem::path(base_) / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  [[nodiscard]] MachineTraces Read() const { return ReadTraces(roots_, "/none"); }

  /// A process of that one thread.
  void WriteProcess(int pid, const std::string& name, unsigned flags) const {
    const std::string folder = "proc/" + std::to_string(pid);
    Write(folder + "/comm", name + "\n");
    WriteStat(folder, pid, name, flags);
    WriteThread(pid, pid, name, flags);
  }
  void WriteThread(int pid, int thread, const std::string& name, unsigned flags) const {
    WriteStat("proc/" + std::to_string(pid) + "/task/" + std::to_string(thread), thread, name, flags);
  }

  std::string base_ = testing::TempDir() + "/traces-" + std::to_string(::getpid());
  Roots roots_{.proc = base_ + "/proc", .sys = base_ + "/sys"};

 private:
  void WriteStat(const std::string& folder, int id, const std::string& name, unsigned flags) const {
    Write(folder + "/stat",
          std::to_string(id) + " (" + name + ") S 1 1 1 0 -1 " + std::to_string(flags) + " 0 0 0 0\n");
  }
};

TEST_F(MachineTracesTest, AValueThatACaseWroteIsNamed) {
  const MachineTraces before = Read();
  EXPECT_EQ(DifferencesOf(before, before), "");
  Write("proc/sys/vm/max_map_count", "3000\n");
  EXPECT_EQ(DifferencesOf(before, Read()), roots_.proc + "/sys/vm/max_map_count was 65530, and is 3000");
}

TEST_F(MachineTracesTest, WhatChangesByItselfIsNoTrace) {
  const MachineTraces before = Read();
  Write("proc/sys/kernel/ns_last_pid", "99\n");
  Write("proc/swaps", "Filename Type Size Used Priority\n/dev/vdb partition 1048572 4096 -2\n");
  EXPECT_EQ(DifferencesOf(before, Read()), "");
}

TEST_F(MachineTracesTest, ASwapAreaOfAnotherSizeOrPriorityIsATrace) {
  const std::string heading = "Filename Type Size Used Priority\n";
  const MachineTraces before = Read();
  for (const char* area : {"/dev/vdc partition 1048572 0 -2", "/dev/vdb partition 524288 0 -2",
                           "/dev/vdb partition 1048572 0 5"}) {
    Write("proc/swaps", heading + area + "\n");
    EXPECT_THAT(DifferencesOf(before, Read()), HasSubstr(roots_.proc + "/swaps was ")) << area;
  }
}

TEST_F(MachineTracesTest, TheMostThatZramMayTakeIsATraceAndWhatItHoldsIsNone) {
  Write("sys/block/zram0/mm_stat",
        "   16384     3200    12288        0    12288        2        0        0\n");
  const MachineTraces before = Read();
  Write("sys/block/zram0/mm_stat",
        "   32768     6400    24576        0    24576        2        0        0\n");
  EXPECT_EQ(DifferencesOf(before, Read()), "");
  Write("sys/block/zram0/mm_stat",
        "   32768     6400    24576  1048576    24576        2        0        0\n");
  EXPECT_EQ(DifferencesOf(before, Read()), roots_.sys + "/block/zram0/mem_limit was 0, and is 1048576");
}

TEST_F(MachineTracesTest, EverySettingIsLookedAtAndEveryDifferenceNamed) {
  const std::vector<std::array<std::string, 3>> settings = {
      {"proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456", "4096\t4096\t4096"},
      {"proc/sys/kernel/long", std::string(300, 'a'), std::string(299, 'a') + "b"},
      {"sys/kernel/mm/ksm/run", "0", "1"},
      {"sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "1", "0"},
      {"sys/module/zswap/parameters/enabled", "N", "Y"},
      {"sys/devices/system/cpu/online", "0-1", "0"},
      {"proc/net/fib_trie", "Main:", "Main:\n  +-- 127.0.0.0/8"},
  };
  for (const auto& [file, was, is] : settings) {
    Write(file, was + "\n");
  }
  const MachineTraces before = Read();
  for (const auto& [file, was, is] : settings) {
    Write(file, is + "\n");
  }
  const std::string differences = DifferencesOf(before, Read());
  for (const auto& [file, was, is] : settings) {
    EXPECT_THAT(differences, HasSubstr(base_ + "/" + file + " was ")) << file;
  }
}

TEST_F(MachineTracesTest, WhatCannotBeSetIsTheKernelsOwnAccount) {
  Write("proc/sys/fs/file-nr", "1\n");
  std::filesystem::permissions(base_ + "/proc/sys/fs/file-nr", std::filesystem::perms{0444});
  const MachineTraces before = Read();
  std::filesystem::remove(base_ + "/proc/sys/fs/file-nr");
  EXPECT_EQ(DifferencesOf(before, Read()), "");
}

TEST_F(MachineTracesTest, AClockThatWasSetIsATrace) {
  Write("proc/stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 10\n");
  const MachineTraces before = Read();
  Write("proc/stat", "cpu 4 5 6\nbtime 1700000000\nprocesses 11\n");
  EXPECT_EQ(DifferencesOf(before, Read()), "");
  Write("proc/stat", "cpu 4 5 6\nbtime 1900000000\nprocesses 11\n");
  EXPECT_EQ(DifferencesOf(before, Read()),
            "the time of the boot by the clock was 1700000000, and is 1900000000");
}

TEST_F(MachineTracesTest, AModuleIsATraceAndItsUseIsNone) {
  Write("proc/modules", "ext4 987136 1 - Live 0x0\n");
  const MachineTraces before = Read();
  Write("proc/modules", "ext4 987136 2 - Live 0x0\n");
  EXPECT_EQ(DifferencesOf(before, Read()), "");
  Write("proc/modules", "zram 40960 0 - Live 0x0\next4 987136 1 - Live 0x0\n");
  EXPECT_THAT(DifferencesOf(before, Read()), HasSubstr("zram ext4"));
}

TEST_F(MachineTracesTest, AProcessThatLivesOnIsATrace) {
  WriteProcess(1, "brink", 0x400100);
  const MachineTraces before = Read();
  WriteProcess(146, "sleep (9)", 0x400000);
  EXPECT_EQ(DifferencesOf(before, Read()), "process 146 (sleep (9)) was not there, and is there");
}

TEST_F(MachineTracesTest, AThreadOfTheKernelIsNoneNorIsAProcessThatIsEnding) {
  constexpr unsigned kKernelThread = 0x200000;
  constexpr unsigned kExiting = 0x4;
  const MachineTraces before = Read();
  WriteProcess(50, "kworker/0:1", kKernelThread);
  WriteProcess(146, "sleep", kExiting);
  EXPECT_EQ(DifferencesOf(before, Read()), "");
  WriteThread(146, 147, "sleep", 0);  // its first thread has ended, and this one goes on
  EXPECT_EQ(DifferencesOf(before, Read()), "process 146 (sleep) was not there, and is there");
}

TEST_F(MachineTracesTest, ASegmentOfSystemVIsOne) {
  const MachineTraces before = Read();
  Write("proc/sysvipc/shm", "key shmid\n0 1\n");
  EXPECT_EQ(DifferencesOf(before, Read()), roots_.proc + "/sysvipc/shm was key shmid, and is key shmid 0 1");
}

TEST_F(MachineTracesTest, WhatIsThereNoMoreOrWasNotThereIsOne) {
  const MachineTraces before = Read();
  std::filesystem::remove(roots_.proc + "/sysvipc/shm");
  EXPECT_EQ(DifferencesOf(before, Read()), roots_.proc + "/sysvipc/shm was key shmid, and is no more");
  EXPECT_EQ(DifferencesOf(Read(), before), roots_.proc + "/sysvipc/shm was not there, and is key shmid");
}

TEST_F(MachineTracesTest, AFileInSharedMemoryIsOne) {
  const MachineTraces before = Read();
  const std::string file = "/dev/shm/brink-trace-" + std::to_string(::getpid());
  std::ofstream(file) << "left";
  EXPECT_THAT(DifferencesOf(before, Read()), HasSubstr(file + " was not there, and is there"));
  std::filesystem::remove(file);
}

/// Both versions' hierarchies, with a group of brink's in each.
class GroupTracesTest : public MachineTracesTest {
 protected:
  GroupTracesTest() {
    Write("proc/self/mounts",
          "cgroup2 " + base_ + "/v2 cgroup2 rw 0 0\ncgroup " + base_ + "/v1 cgroup rw,cpuset 0 0\n");
    Write("v2/cgroup.controllers", "memory pids\n");
    Write("v2/cgroup.subtree_control", "\n");
    Write("v1/cpuset.cpus", "0-1\n");
    Write("v1/cpuset.mems", "0\n");
  }
  void MakeOwn() const {
    Write("v2/brink-1-2/memory.max", "max\n");
    Write("v2/brink-1-2/cpu.max", "max 100000\n");
    Write("v2/brink-1-2/cgroup.subtree_control", "memory pids\n");
    Write("v2/cgroup.subtree_control", "memory pids\n");
    Write("v1/brink-1-2/cpuset.cpus", "0-1\n");
    Write("v1/brink-1-2/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  }
};

TEST_F(GroupTracesTest, BrinksOwnGroupAndWhatItEnablesAreNoTraces) {
  const MachineTraces before = Read();
  MakeOwn();
  EXPECT_EQ(DifferencesOf(before, Read()), "");
}

TEST_F(GroupTracesTest, ALimitOfAGroupAboveTheCasesOwnIsATrace) {
  MakeOwn();
  const MachineTraces before = Read();
  for (const auto& [file, value] : std::vector<std::pair<std::string, std::string>>{
           {"v2/brink-1-2/memory.max", "1073741824"},
           {"v2/brink-1-2/pids.max", "100"},
           {"v2/brink-1-2/cpu.max", "50000 100000"},
           {"v2/brink-1-2/cgroup.subtree_control", "io memory pids"},
           {"v2/cgroup.max.depth", "3"},
           {"v2/cgroup.subtree_control", "io memory pids"},
           {"v1/brink-1-2/cpuset.cpus", "0"},
           {"v1/brink-1-2/memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 3"}}) {
    Write(file, value + "\n");
    EXPECT_THAT(DifferencesOf(before, Read()), HasSubstr(base_ + "/" + file + " was ")) << file;
  }
}

TEST_F(GroupTracesTest, AGroupBesideBrinksOwnIsATrace) {
  const MachineTraces before = Read();
  Write("v2/left/memory.max", "max\n");
  EXPECT_EQ(DifferencesOf(before, Read()), base_ + "/v2/left was not there, and is there");
}

Evidence WithKills(std::initializer_list<const char*> scopes) {
  Evidence evidence;
  evidence.grade = EvidenceGrade::kKernel;
  for (const char* scope : scopes) {
    evidence.oom_kills.emplace_back().scope = scope;
  }
  return evidence;
}

TEST(ExhaustionTest, AKillOfTheWholeMachineIsOneWhateverWasCounted) {
  EXPECT_EQ(Exhaustion(WithKills({"memcg", "machine"}), 0), "the machine ran out of memory");
}

/// The kernel counts those of groups too.
TEST(ExhaustionTest, WhereTheEvidenceTellsAllTheCountDecidesNothing) {
  EXPECT_EQ(Exhaustion(WithKills({}), 0), "");
  EXPECT_EQ(Exhaustion(WithKills({"memcg"}), 1), "");
}

TEST(ExhaustionTest, WhereItMayLackKillsEveryKillIsOne) {
  Evidence counters;
  counters.grade = EvidenceGrade::kCounters;
  Evidence lost = WithKills({"memcg"});
  lost.events_lost = 1;
  Evidence left_out = WithKills({"memcg"});
  left_out.left_out.oom_kills = 1;
  for (const Evidence& evidence : {Evidence{}, counters, lost, left_out}) {
    EXPECT_EQ(Exhaustion(evidence, 0), "");
    EXPECT_THAT(Exhaustion(evidence, 3), HasSubstr("of its 3 OOM kills not all are known"));
  }
}

}  // namespace
}  // namespace brink
