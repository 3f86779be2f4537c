// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <array>
#include <thread>

#include "fake_tree.h"
#include "kernel/journal.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_lock.h"
#include "kernel/machine_restore.h"
#include "kernel/machine_slots.h"

namespace brink {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Setting Of(std::string name, std::string value) {
  return {.name = std::move(name), .value = std::move(value), .mark = {}};
}

class MachineTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    WriteMachine();
  }
  /// A process with that many mappings.
  void WriteProcess(int pid, int mappings) const {
    const std::string folder = "proc/" + std::to_string(pid);
    std::string maps;
    for (int i = 0; i < mappings; ++i) {
      maps += "00400000-00401000 r--p 00000000 00:00 0\n";
    }
    Write(folder + "/maps", maps);
    Write(folder + "/statm", std::to_string(mappings) + " 1 1 1 0 1 0\n");
    Write(folder + "/comm", "database\n");
  }
  [[nodiscard]] std::vector<std::string> Hurt(const std::vector<Setting>& settings) const {
    return WhoWouldBeHurt(roots_, settings, ReadProcessMappings).value();
  }
};

TEST_F(MachineTest, ReadsFigures) {
  Write("proc/sys/kernel/pid_max", "4194304\n");
  const MachineFigures figures = ReadMachineFigures(roots_);
  EXPECT_EQ(figures.memory_total_bytes, 8ULL << 30);
  EXPECT_EQ(figures.committed_as_bytes, 1ULL << 30);
  EXPECT_EQ(figures.max_map_count, 65530U);
  EXPECT_EQ(figures.threads, 345U);
  EXPECT_EQ(figures.pid_max, 4194304U);
  EXPECT_EQ(figures.hugepages_total, 5U);
  EXPECT_EQ(figures.hugepages_free, 3U);
  EXPECT_EQ(figures.hugepages_reserved, 1U);
  EXPECT_EQ(figures.hugepage_size_bytes, 2U << 20);
  EXPECT_EQ(figures.admin_reserve_bytes, 8U << 20);
  EXPECT_EQ(figures.user_reserve_bytes, 128U << 20);
  Write("proc/sys/vm/admin_reserve_kbytes", "18446744073709551615\n");
  EXPECT_EQ(ReadMachineFigures(roots_).admin_reserve_bytes, UINT64_MAX);
}

TEST_F(MachineTest, ReadsTheBracketedWordAndOnlyMachineSettings) {
  Write("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  Write("sys/kernel/mm/transparent_hugepage/defrag", "always never\n");
  EXPECT_EQ(ReadMachineSetting(roots_, "thp.enabled").value(), "madvise");
  EXPECT_FALSE(ReadMachineSetting(roots_, "thp.defrag"));
  EXPECT_FALSE(ReadMachineSetting(roots_, "memory.max"));
  EXPECT_FALSE(ReadMachineSetting(roots_, "vm.panic_on_oom"));
  EXPECT_EQ(ReadMachineSettings(roots_).count("vm.panic_on_oom"), 0U);
  EXPECT_EQ(ReadMachineSettings(roots_).at("vm.swappiness"), "60");
}

TEST_F(MachineTest, AtRestIsWhatABrinkThatRunsWillPutBack) {
  EXPECT_EQ(ReadMachineSettingsAtRest(roots_), ReadMachineSettings(roots_));
  ASSERT_TRUE(MakeRunDirectory(roots_));
  ASSERT_TRUE(WriteMachineJournal(
      roots_, {.key = "k",
               .slots = {{.slot = "vm.swappiness", .old_value = "33", .set_values = {"60"}},
                         {.slot = std::string(kCommitPair), .old_value = "51 0", .set_values = {"0 9"}}}}));
  const auto rest = ReadMachineSettingsAtRest(roots_);
  EXPECT_EQ(rest.at("vm.swappiness"), "33");
  EXPECT_EQ(rest.at("vm.overcommit_ratio"), "51");
  EXPECT_EQ(rest.at("vm.overcommit_kbytes"), "0");
  EXPECT_EQ(rest.at("vm.max_map_count"), "65530");
}

TEST_F(MachineTest, LowerMappingLimitHurtsOnlyWhoIsNear) {
  WriteProcess(100, 950);
  WriteProcess(101, 500);
  EXPECT_THAT(Hurt({Of("vm.max_map_count", "1100")}), IsEmpty());
  const auto hurt = Hurt({Of("vm.max_map_count", "1000")});
  ASSERT_THAT(hurt, SizeIs(1));
  EXPECT_THAT(hurt[0], HasSubstr("process 100 (database) has 950 mappings"));
}

TEST_F(MachineTest, UnreadableMappingsProveNothing) {
  WriteProcess(100, 950);
  std::filesystem::remove(base_ + "/proc/100/maps");
  EXPECT_THAT(Hurt({Of("vm.max_map_count", "1000")}), IsEmpty());  // ended meanwhile
  std::filesystem::create_directory(base_ + "/proc/100/maps");     // opens, and can't be read: EISDIR
  const auto hurt = WhoWouldBeHurt(roots_, {Of("vm.max_map_count", "1000")}, ReadProcessMappings);
  ASSERT_FALSE(hurt);
  EXPECT_THAT(hurt.error().message, HasSubstr("proc/100/maps"));
}

TEST_F(MachineTest, ProcessesOutsideThePidNamespaceCantBeSpared) {
  LinkPidNamespace("pid:[4026532456]");
  const auto hurt = WhoWouldBeHurt(roots_, {Of("vm.max_map_count", "1000")}, ReadProcessMappings);
  ASSERT_FALSE(hurt);
  EXPECT_THAT(hurt.error().remedy, HasSubstr("--pid=host"));
  EXPECT_THAT(Hurt({Of("vm.max_map_count", "262144")}), IsEmpty());
}

TEST_F(MachineTest, HigherMappingLimitHurtsNobody) {
  WriteProcess(100, 66000);
  EXPECT_THAT(Hurt({Of("vm.max_map_count", "262144")}), IsEmpty());
}

TEST_F(MachineTest, CommitLimitMustHoldWhatIsCommittedWithAReserve) {
  EXPECT_THAT(Hurt({Of("vm.overcommit_memory", "2")}), IsEmpty());  // 4 GiB against 1 GiB
  EXPECT_THAT(Hurt({Of("vm.overcommit_memory", "2"), Of("vm.overcommit_ratio", "10")}), SizeIs(1));
  EXPECT_THAT(Hurt({Of("vm.overcommit_ratio", "10")}), IsEmpty());  // mode 0 does not enforce it
  EXPECT_THAT(Hurt({Of("vm.overcommit_memory", "2"), Of("vm.overcommit_kbytes", "+65536")}), SizeIs(1));
  // 64 MiB to spare and 8 MiB for the administrator
  EXPECT_THAT(Hurt({Of("vm.overcommit_memory", "2"), Of("vm.overcommit_kbytes", "+73728")}), IsEmpty());
  EXPECT_THAT(Hurt({Of("vm.overcommit_memory", "2"), Of("vm.overcommit_kbytes", "+614400")}), IsEmpty());
  Write("proc/sys/vm/overcommit_memory", "2\n");
  EXPECT_THAT(Hurt({Of("vm.overcommit_ratio", "10")}), SizeIs(1));
  EXPECT_THAT(Hurt({Of("vm.swappiness", "1")}), IsEmpty());
}

TEST_F(MachineTest, ReservesAreNotForProcesses) {
  const Setting strict = Of("vm.overcommit_memory", "2");
  const auto hurt = Hurt({strict, Of("vm.admin_reserve_kbytes", "4194304")});
  ASSERT_THAT(hurt, SizeIs(1));
  EXPECT_THAT(hurt[0], HasSubstr("of which 4 GiB are kept back"));
  EXPECT_THAT(Hurt({strict, Of("vm.admin_reserve_kbytes", "18446744073709551615")}), SizeIs(1));
  EXPECT_THAT(Hurt({Of("vm.admin_reserve_kbytes", "4194304")}), IsEmpty());  // mode 0 has no reserve
  // The user's reserve counts up to a 32nd of the largest process: 128 GiB here.
  Write("proc/100/statm", "33554432 1 1 1 0 1 0\n");
  EXPECT_THAT(Hurt({strict}), IsEmpty());
  EXPECT_THAT(Hurt({strict, Of("vm.user_reserve_kbytes", "4194304")}), SizeIs(1));
  Write("proc/sys/vm/overcommit_memory", "2\n");
  EXPECT_THAT(Hurt({Of("vm.admin_reserve_kbytes", "4194304")}), SizeIs(1));
}

TEST_F(MachineTest, HugePagePoolsAreNoMemoryToPromise) {
  Write("proc/meminfo", "MemTotal: 8388608 kB\nCommitted_AS: 1048576 kB\nHugetlb: 6291456 kB\n");
  EXPECT_THAT(Hurt({Of("vm.overcommit_memory", "2")}), SizeIs(1));  // half of 2 GiB
  EXPECT_THAT(Hurt({Of("vm.overcommit_memory", "2"), Of("vm.overcommit_kbytes", "4194304")}), IsEmpty());
}

TEST_F(MachineTest, PanicIsRefused) {
  EXPECT_THAT(Hurt({Of("vm.panic_on_oom", "2")}), SizeIs(1));
  EXPECT_THAT(Hurt({Of("vm.panic_on_oom", "0")}), IsEmpty());
}

TEST_F(MachineTest, NobodyIsHurtOnADisposableMachine) {
  WriteProcess(100, 12340);
  Write("proc/sys/vm/panic_on_oom", "0\n");
  const std::vector<Setting> settings{Of("vm.max_map_count", "12345"), Of("vm.panic_on_oom", "1")};
  std::vector<ImposedFault> proof;
  EXPECT_FALSE(MachineHold::Take(roots_, settings, proof, 1));
  EXPECT_EQ(Read("proc/sys/vm/panic_on_oom"), "0\n");
  auto hold = MachineHold::Take(roots_, settings, proof, 1, -1, {.machine = Machine::kDisposable});
  ASSERT_TRUE(hold) << hold.error().message;
  EXPECT_EQ(ReadMachineSetting(roots_, "vm.panic_on_oom").value(), "1");
  ImposedFault change;
  EXPECT_TRUE(hold->Change(Of("vm.panic_on_oom", "2"), change));
  EXPECT_TRUE(hold->Restore());
  EXPECT_EQ(ReadMachineSetting(roots_, "vm.panic_on_oom").value(), "0");
}

TEST_F(MachineTest, AnySysctlIsWrittenReadBackAndRestored) {
  Write("proc/sys/kernel/pid_max", "4194304\n");
  Write("proc/sys/net/ipv4/tcp_mem", "4096\t131072\t6291456\n");
  std::vector<ImposedFault> proof;
  auto hold = MachineHold::Take(
      roots_, {Of("kernel.pid_max", "1000304"), Of("net.ipv4.tcp_mem", "1111 111111 1111111")}, proof, 1);
  ASSERT_TRUE(hold) << hold.error().message;
  EXPECT_TRUE(proof.at(0).in_force && proof.at(1).in_force);
  EXPECT_TRUE(hold->Restore());
  EXPECT_EQ(ReadMachineSetting(roots_, "kernel.pid_max").value(), "4194304");
  EXPECT_EQ(ReadMachineSetting(roots_, "net.ipv4.tcp_mem").value(), "4096 131072 6291456");
}

TEST_F(MachineTest, ASysctlThatTheKernelLacksIsToldAsSuch) {
  std::vector<ImposedFault> proof;
  const auto hold = MachineHold::Take(roots_, {Of("vm.no_such_thing", "1")}, proof, 1);
  ASSERT_FALSE(hold);
  EXPECT_THAT(hold.error().message, HasSubstr("this kernel has no vm.no_such_thing"));
  EXPECT_FALSE(ReadMachineSetting(roots_, "vm.../swappiness"));
  EXPECT_FALSE(ReadMachineSetting(roots_, "swappiness"));
}

TEST_F(MachineTest, RelativeCommitLimitBecomesAbsolute) {
  EXPECT_EQ(Absolute(roots_, Of("vm.overcommit_kbytes", "+1000"))->value, "1049576");
  EXPECT_FALSE(Absolute(roots_, Of("vm.swappiness", "+1")));
  EXPECT_FALSE(Absolute(roots_, Of("vm.overcommit_kbytes", "+x")));
}

TEST_F(MachineTest, CoupledSettingsAreOneSlotAndTheNonZeroOneIsWritten) {
  EXPECT_EQ(SlotOf("vm.overcommit_ratio"), SlotOf("vm.overcommit_kbytes"));
  EXPECT_EQ(ReadSlot(roots_, std::string(kCommitPair)).value(), "50 0");
  EXPECT_EQ(SlotValue(Of("vm.overcommit_kbytes", "7")), "0 7");
  ASSERT_TRUE(WriteSlot(roots_, std::string(kCommitPair), "0 7"));
  EXPECT_TRUE(Read("proc/sys/vm/overcommit_kbytes").starts_with("7"));
  EXPECT_EQ(Read("proc/sys/vm/overcommit_ratio"), "50\n");
}

/// What the kernel zeroes, this tree does not: what is written shows.
TEST_F(MachineTest, OfAPairTheOneThatWasInForceIsWrittenBack) {
  for (const auto& [slot, ratio, amount] :
       {std::array{"vm.dirty_ratio+bytes", "vm.dirty_ratio", "vm.dirty_bytes"},
        std::array{"vm.dirty_background_ratio+bytes", "vm.dirty_background_ratio",
                   "vm.dirty_background_bytes"}}) {
    const auto file = [](std::string name) { return "proc/sys/" + name.replace(2, 1, "/"); };
    EXPECT_EQ(SlotOf(ratio), slot);
    EXPECT_EQ(SlotOf(amount), slot);
    EXPECT_EQ(SlotValue(Of(ratio, "20")), "20 0");
    EXPECT_EQ(SlotValue(Of(amount, "8192")), "0 8192");
    Write(file(ratio), "0\n");
    Write(file(amount), "8192\n");
    EXPECT_EQ(ReadSlot(roots_, slot).value(), "0 8192");
    ASSERT_TRUE(WriteSlot(roots_, slot, "20 0"));
    EXPECT_TRUE(Read(file(ratio)).starts_with("20"));
    EXPECT_EQ(Read(file(amount)), "8192\n") << "0 is refused there";
    ASSERT_TRUE(WriteSlot(roots_, slot, "0 16384"));
    EXPECT_TRUE(Read(file(ratio)).starts_with("20")) << "0 would be in force";
    EXPECT_TRUE(Read(file(amount)).starts_with("16384"));
  }
}

TEST_F(MachineTest, ModeTwoComesLastAndOtherModesFirst) {
  EXPECT_EQ(InSafeOrder({Of("vm.overcommit_memory", "2"), Of("vm.overcommit_ratio", "9")}).back().value, "2");
  EXPECT_EQ(InSafeOrder({Of("vm.overcommit_ratio", "9"), Of("vm.overcommit_memory", "1")}).front().value,
            "1");
}

TEST_F(MachineTest, WhatMovesAnotherValueComesBeforeIt) {
  EXPECT_EQ(InSafeOrder({Of("vm.min_free_kbytes", "10000"), Of("thp.enabled", "madvise")}).front().name,
            "thp.enabled");
}

// Two names of one file: the second write changes what the first one wrote.
TEST_F(MachineTest, AValueThatALaterOneChangesIsNotInForce) {
  Write("proc/sys/vm/other", "1\n");
  std::filesystem::create_hard_link(base_ + "/proc/sys/vm/other", base_ + "/proc/sys/vm/derived");
  std::vector<ImposedFault> proof;
  const auto hold = MachineHold::Take(roots_, {Of("vm.derived", "2"), Of("vm.other", "3")}, proof, 1);
  ASSERT_FALSE(hold);
  EXPECT_THAT(hold.error().message, HasSubstr("vm.derived: once all values were written, it reads 3, not 2"));
  ASSERT_THAT(proof, SizeIs(2));
  EXPECT_FALSE(proof[0].in_force);
  EXPECT_EQ(proof[0].read_back, "3");
  EXPECT_TRUE(proof[1].in_force);
  EXPECT_EQ(ReadMachineSetting(roots_, "vm.other").value(), "1");
}

// The kernel raises it with thp.enabled, and calls nobody else a culprit.
TEST_F(MachineTest, WhatTheKernelMovedIsPutBackToo) {
  Write("proc/sys/vm/min_free_kbytes", "11111\n");
  Write("sys/kernel/mm/transparent_hugepage/enabled", "always[never]\n");  // reads the same once written
  std::vector<ImposedFault> proof;
  auto hold = MachineHold::Take(roots_, {Of("thp.enabled", "never")}, proof, 1);
  ASSERT_TRUE(hold) << hold.error().message;
  Write("proc/sys/vm/min_free_kbytes", "45056\n");
  EXPECT_TRUE(hold->Restore());
  EXPECT_EQ(ReadMachineSetting(roots_, "vm.min_free_kbytes").value(), "11111");
}

TEST_F(MachineTest, AChangeThatUndoesAnotherValueFails) {
  Write("proc/sys/vm/other", "1\n");
  std::filesystem::create_hard_link(base_ + "/proc/sys/vm/other", base_ + "/proc/sys/vm/derived");
  std::vector<ImposedFault> proof;
  auto hold = MachineHold::Take(roots_, {Of("vm.derived", "2")}, proof, 1);
  ASSERT_TRUE(hold) << hold.error().message;
  ImposedFault change;
  const auto status = hold->Change(Of("vm.other", "3"), change);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("vm.derived: once all values were written, it reads 3"));
  EXPECT_FALSE(change.in_force);
}

TEST_F(MachineTest, KeyDoesNotDependOnTheOrder) {
  EXPECT_EQ(KeyOf({Of("b", "1"), Of("a", "2")}), KeyOf({Of("a", "2"), Of("b", "1")}));
  EXPECT_EQ(KeyOf({}), "");
}

TEST_F(MachineTest, SettingsThatUndoEachOtherAreRefused) {
  std::vector<ImposedFault> proof;
  const auto hold =
      MachineHold::Take(roots_, {Of("vm.overcommit_ratio", "1"), Of("vm.overcommit_kbytes", "1")}, proof, 1);
  ASSERT_FALSE(hold);
  EXPECT_THAT(hold.error().message, HasSubstr("undo each other"));
}

TEST_F(MachineTest, HoldWritesAndRestoresAFakeMachine) {
  std::vector<ImposedFault> proof;
  auto hold = MachineHold::Take(roots_, {Of("vm.swappiness", "10")}, proof, 1);
  ASSERT_TRUE(hold) << hold.error().message;
  EXPECT_TRUE(proof.at(0).in_force);
  EXPECT_TRUE(hold->Restore());
  EXPECT_EQ(ReadMachineSetting(roots_, "vm.swappiness").value(), "60");
}

// A child of a killed brink holds its lock until it runs next: the guardian's attempt outlasts it.
TEST_F(MachineTest, RestoreOutlastsALockThatIsLetGo) {
  ASSERT_TRUE(MakeRunDirectory(roots_));
  ASSERT_TRUE(WriteMachineJournal(
      roots_, {.key = "k", .slots = {{.slot = "vm.swappiness", .old_value = "60", .set_values = {"10"}}}}));
  Write("proc/sys/vm/swappiness", "10\n");
  auto lingering = MachineLocks::Open(roots_);
  ASSERT_TRUE(lingering && lingering->users.TryShared());
  EXPECT_THAT(RestoreMachineIfUnused(roots_, 1)->restored, IsEmpty());
  std::thread child([&] { lingering->users.Unlock(); });
  EXPECT_THAT(RestoreMachineIfUnused(roots_, 1, 30)->restored, SizeIs(1));
  child.join();
  EXPECT_EQ(ReadMachineSetting(roots_, "vm.swappiness").value(), "60");
}

}  // namespace
}  // namespace brink
