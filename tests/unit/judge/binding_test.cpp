// SPDX-License-Identifier: MIT
// Boundary values of every limit: one below, at, and above where the kernel begins to refuse.
#include <gtest/gtest.h>

#include <string>

#include "judge/judge.h"

namespace brink {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;
constexpr std::uint64_t kPage = 4096;

/// A call far from every limit.
FailedCall Call(std::string name, std::string errno_name, std::array<std::uint64_t, 6> args = {}) {
  FailedCall call;
  call.process = "server";
  call.call = std::move(name);
  call.errno_name = std::move(errno_name);
  call.args = args;
  call.map_count = 40;
  call.total_vm_bytes = 20 * kMiB;
  call.data_vm_bytes = 4 * kMiB;
  call.uid = 1000;
  call.user_tasks = 3;
  call.overcommit_refused = false;
  call.machine.max_map_count = 4000;
  call.machine.commit_limit_bytes = 12 * kGiB;
  call.machine.committed_as_bytes = 2 * kGiB;
  call.machine.memory_total_bytes = 24 * kGiB;
  call.machine.memory_available_bytes = 20 * kGiB;
  call.machine.pid_max = 32768;
  call.machine.threads_max = 190000;
  call.machine.threads = 300;
  call.machine.hugepage_size_bytes = 2 * kMiB;
  return call;
}

constexpr std::uint64_t kReadWrite = 3;
constexpr std::uint64_t kReadOnly = 1;
constexpr std::uint64_t kPrivateAnonymous = 0x22;
constexpr std::uint64_t kFixed = 0x10;
constexpr std::uint64_t kLocked = 0x2000;
constexpr std::uint64_t kNoReserve = 0x4000;
constexpr std::uint64_t kHugetlb = 0x40000;

FailedCall Mmap(std::uint64_t bytes, std::uint64_t protection = kReadWrite, std::uint64_t more_flags = 0) {
  return Call("mmap", "ENOMEM", {0, bytes, protection, kPrivateAnonymous | more_flags, UINT64_MAX, 0});
}

std::string NameOf(const FailedCall& call) {
  const Binding binding = BindingOf(call);
  EXPECT_FALSE(binding.reason.empty());
  return binding.limit ? binding.limit->name : "none";
}

std::string NameAtMappings(FailedCall call, std::uint64_t map_count) {
  call.map_count = map_count;
  return NameOf(call);
}

TEST(Binding, SplitsFailFromTheLimitOn) {
  for (const char* name : {"munmap", "mprotect", "mlock", "mlock2", "pkey_mprotect"}) {
    const FailedCall call = Call(name, "ENOMEM", {0x1000, kPage, kReadOnly});
    EXPECT_EQ(NameAtMappings(call, 3999), "none") << name;
    EXPECT_EQ(NameAtMappings(call, 4000), "vm.max_map_count") << name;
    EXPECT_EQ(NameAtMappings(call, 4001), "vm.max_map_count") << name;
  }
}

TEST(Binding, MmapAndBrkMayUseOneMappingMoreThanASplit) {
  for (const FailedCall& call : {Mmap(kPage), Call("brk", "ENOMEM", {0x1000})}) {
    EXPECT_EQ(NameAtMappings(call, 4000), "none") << call.call;
    EXPECT_EQ(NameAtMappings(call, 4001), "vm.max_map_count") << call.call;
  }
}

TEST(Binding, MmapOverTheMiddleOfAMappingIsASplit) {
  EXPECT_EQ(NameAtMappings(Mmap(kPage, kReadWrite, kFixed), 3999), "none");
  EXPECT_EQ(NameAtMappings(Mmap(kPage, kReadWrite, kFixed), 4000), "vm.max_map_count");
}

TEST(Binding, MremapThatMovesStopsThreeBeforeTheLimit) {
  const FailedCall moves = Call("mremap", "ENOMEM", {0x1000, kPage, 2 * kPage, 1, 0});
  EXPECT_EQ(NameAtMappings(moves, 3996), "none");
  EXPECT_EQ(NameAtMappings(moves, 3997), "vm.max_map_count");
  const FailedCall moves_to = Call("mremap", "ENOMEM", {0x1000, kPage, kPage, 3, 0x9000});
  EXPECT_EQ(NameAtMappings(moves_to, 3994), "none");
  EXPECT_EQ(NameAtMappings(moves_to, 3995), "vm.max_map_count");
}

TEST(Binding, MremapThatMayNotMoveFailsForWantOfAddresses) {
  const Binding binding = BindingOf(Call("mremap", "ENOMEM", {0x1000, kPage, 2 * kPage, 0, 0}));
  EXPECT_FALSE(binding.limit);
  EXPECT_NE(binding.reason.find("MREMAP_MAYMOVE"), std::string::npos) << binding.reason;
}

TEST(Binding, MadviseReportsTheMappingLimitAsEagainOnly) {
  EXPECT_EQ(NameAtMappings(Call("madvise", "EAGAIN", {0x1000, kPage, 10}), 4000), "vm.max_map_count");
  EXPECT_EQ(NameAtMappings(Call("madvise", "EAGAIN", {0x1000, kPage, 10}), 3999), "none");
  EXPECT_EQ(NameAtMappings(Call("madvise", "ENOMEM", {0x1000, kPage, 10}), 4000), "none");
}

TEST(Binding, ForkDoesNotLookAtTheNumberOfMappings) {
  EXPECT_EQ(NameAtMappings(Call("clone", "ENOMEM", {0x1200011}), 4001), "none");
}

TEST(Binding, AnUnknownLimitOfMappingsIsNotALimitOfZero) {
  FailedCall call = Call("munmap", "ENOMEM", {0x1000, kPage});
  call.machine.max_map_count = 0;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, NamesTheKindOfSplit) {
  FailedCall call = Call("munmap", "ENOMEM", {0x1000, kPage});
  call.map_count = 4000;
  const Binding binding = BindingOf(call);
  ASSERT_TRUE(binding.limit);
  EXPECT_EQ(binding.limit->detail, "munmap in the middle of a mapping needs one more");
  EXPECT_EQ(binding.reason,
            "4,000 of 4,000 mappings (vm.max_map_count): munmap in the middle of a mapping needs one more");
}

TEST(Binding, MemlockCountsWhatTheCallWouldLock) {
  FailedCall call = Call("mlock", "ENOMEM", {0x1000, 8 * kKiB});
  call.limits.memlock = 64 * kKiB;
  call.locked_bytes = 56 * kKiB;
  EXPECT_EQ(NameOf(call), "none");
  call.locked_bytes = 60 * kKiB;
  EXPECT_EQ(NameOf(call), "RLIMIT_MEMLOCK");
  call.ipc_lock_capable = true;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, MlockOfAnUnalignedRangeLocksItsFirstPageToo) {
  FailedCall call = Call("mlock", "ENOMEM", {0x1800, kPage});
  call.limits.memlock = kPage;
  EXPECT_EQ(NameOf(call), "RLIMIT_MEMLOCK");
}

TEST(Binding, MemlockOfZeroIsEperm) {
  FailedCall call = Call("mlock", "EPERM", {0x1000, kPage});
  call.limits.memlock = 0;
  EXPECT_EQ(NameOf(call), "RLIMIT_MEMLOCK");
  call.limits.memlock = kPage;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, MlockallLocksTheWholeAddressSpace) {
  FailedCall call = Call("mlockall", "ENOMEM", {1});
  call.limits.memlock = 20 * kMiB;
  EXPECT_EQ(NameOf(call), "none");
  call.limits.memlock = 20 * kMiB - kPage;
  EXPECT_EQ(NameOf(call), "RLIMIT_MEMLOCK");
}

TEST(Binding, LockedMappingsReportMemlockAsEagain) {
  FailedCall call = Mmap(kMiB, kReadWrite, kLocked);
  call.limits.memlock = 64 * kKiB;
  EXPECT_EQ(NameOf(call), "none") << "ENOMEM of mmap is never RLIMIT_MEMLOCK";
  call.errno_name = "EAGAIN";
  EXPECT_EQ(NameOf(call), "RLIMIT_MEMLOCK");
  FailedCall future = Mmap(kMiB);
  future.errno_name = "EAGAIN";
  future.limits.memlock = 64 * kKiB;
  const Binding binding = BindingOf(future);
  ASSERT_TRUE(binding.limit);
  EXPECT_NE(binding.limit->detail.find("MCL_FUTURE"), std::string::npos);
}

TEST(Binding, AddressSpaceCountsTheRequestInWholePages) {
  FailedCall call = Mmap(kPage + 1);
  call.limits.as = 20 * kMiB + 2 * kPage;
  EXPECT_EQ(NameOf(call), "none");
  call.limits.as -= 1;
  EXPECT_EQ(NameOf(call), "RLIMIT_AS");
}

TEST(Binding, GrowthByMremapCountsOnlyWhatIsAdded) {
  FailedCall call = Call("mremap", "ENOMEM", {0x1000, kMiB, 2 * kMiB, 1, 0});
  call.limits.as = 21 * kMiB;
  EXPECT_EQ(NameOf(call), "none");
  call.limits.as = 21 * kMiB - kPage;
  EXPECT_EQ(NameOf(call), "RLIMIT_AS");
}

TEST(Binding, OnlyPrivateWritableMappingsAreData) {
  FailedCall call = Mmap(kMiB);
  call.limits.data = 4 * kMiB;
  EXPECT_EQ(NameOf(call), "RLIMIT_DATA");
  FailedCall read_only = Mmap(kMiB, kReadOnly);
  read_only.limits.data = 4 * kMiB;
  EXPECT_EQ(NameOf(read_only), "none");
  FailedCall shared = Call("mmap", "ENOMEM", {0, kMiB, kReadWrite, 0x21, UINT64_MAX, 0});
  shared.limits.data = 4 * kMiB;
  EXPECT_EQ(NameOf(shared), "none");
}

TEST(Binding, MprotectToWritableCountsAsData) {
  FailedCall call = Call("mprotect", "ENOMEM", {0x1000, kMiB, kReadWrite});
  call.limits.data = 4 * kMiB;
  EXPECT_EQ(NameOf(call), "RLIMIT_DATA");
  call.args[2] = kReadOnly;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, BrkWhoseRequestIsUnknownFitsANearLimit) {
  FailedCall call = Call("brk", "ENOMEM", {0x555555800000});
  call.limits.as = 21 * kMiB;
  EXPECT_EQ(NameOf(call), "RLIMIT_AS");
  call.limits.as = 4 * kGiB;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, BrkThatTellsItsOldBreakIsJudgedExactly) {
  constexpr std::uint64_t kOldBreak = 0x555555800000;
  FailedCall call = Call("brk", "ENOMEM", {kOldBreak + kMiB - 1, kOldBreak - 1});
  call.total_vm_bytes = 20 * kMiB;
  call.limits.as = 21 * kMiB;
  EXPECT_EQ(NameOf(call), "none");
  call.limits.as = 21 * kMiB - kPage;
  EXPECT_EQ(NameOf(call), "RLIMIT_AS");
  call.limits.as = 84 * kMiB - kPage;  // near enough if nothing were known of the request
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, AStackFrameBiggerThanWhatTheLimitLeavesIsJudgedByItsAddress) {
  constexpr std::uint64_t kTop = 0x7ffc00800000;
  FailedCall call = Call("page_fault", "ENOMEM", {kTop - 8 * kMiB, kTop - 8 * kMiB, kTop});
  call.limits.stack = 8 * kMiB;
  call.stack_vm_bytes = 132 * 1024;
  EXPECT_EQ(NameOf(call), "none");
  call.args[0] = kTop - 8 * kMiB - 1;
  EXPECT_EQ(NameOf(call), "RLIMIT_STACK");
}

TEST(Binding, TheStackStopsAtItsLimit) {
  FailedCall call = Call("page_fault", "ENOMEM", {0x7ffc00000ff8});
  call.limits.stack = 8 * kMiB;
  call.stack_vm_bytes = 8 * kMiB - kPage;
  EXPECT_EQ(NameOf(call), "none");
  call.stack_vm_bytes = 8 * kMiB;
  EXPECT_EQ(NameOf(call), "RLIMIT_STACK");
}

TEST(Binding, TheKernelsOwnOvercommitRefusalIsProof) {
  FailedCall call = Mmap(kPage);
  call.map_count = 4001;
  call.overcommit_refused = true;
  EXPECT_EQ(NameOf(call), "commit_limit");
}

TEST(Binding, WithoutThatProofTheFiguresOfStrictOvercommitDecide) {
  FailedCall call = Mmap(kGiB);
  call.overcommit_refused.reset();
  call.machine.overcommit_memory = 2;
  call.machine.committed_as_bytes = 11 * kGiB + 1;
  EXPECT_EQ(NameOf(call), "commit_limit");
  call.machine.committed_as_bytes = 10 * kGiB;
  EXPECT_EQ(NameOf(call), "none");
  call.machine.overcommit_memory = 1;
  call.machine.committed_as_bytes = 12 * kGiB;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, StrictOvercommitKeepsBackWhatTheMachineSays) {
  FailedCall call = Mmap(kGiB);
  call.overcommit_refused.reset();
  call.machine.overcommit_memory = 2;
  call.machine.committed_as_bytes = 10 * kGiB;
  EXPECT_EQ(NameOf(call), "none");
  call.machine.admin_reserve_bytes = kGiB;
  EXPECT_EQ(NameOf(call), "commit_limit");
  call.machine.admin_reserve_bytes = 0;
  call.machine.user_reserve_bytes = 2 * kGiB;
  EXPECT_EQ(NameOf(call), "none");
  call.total_vm_bytes = 64 * kGiB;  // a 32nd of it
  EXPECT_EQ(NameOf(call), "commit_limit");
}

TEST(Binding, StrictOvercommitIgnoresWhatIsNotWritableButNotNoReserve) {
  FailedCall call = Mmap(kGiB, kReadOnly);
  call.overcommit_refused.reset();
  call.machine.overcommit_memory = 2;
  call.machine.committed_as_bytes = 12 * kGiB;
  EXPECT_EQ(NameOf(call), "none");
  call.args[2] = kReadWrite;
  call.args[3] |= kNoReserve;
  EXPECT_EQ(NameOf(call), "commit_limit");
}

TEST(Binding, HeuristicOvercommitRefusesASingleRequestLargerThanTheMachine) {
  FailedCall call = Mmap(24 * kGiB);
  call.overcommit_refused.reset();
  EXPECT_EQ(NameOf(call), "none");
  call.args[1] += kPage;
  EXPECT_EQ(NameOf(call), "commit_limit");
  call.args[3] |= kNoReserve;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, ForkChargesTheParentsDataAnewAndAThreadDoesNot) {
  FailedCall call = Call("clone", "ENOMEM", {0x1200011});
  call.overcommit_refused.reset();
  call.machine.overcommit_memory = 2;
  call.machine.committed_as_bytes = 10 * kGiB;
  call.data_vm_bytes = 3 * kGiB;
  EXPECT_EQ(NameOf(call), "commit_limit");
  call.args[0] = 0x3d0f00;  // CLONE_VM and what else pthread_create asks for
  EXPECT_EQ(NameOf(call), "none");
  call.call = "vfork";
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, HugePagesWhenThePoolHasTooFew) {
  FailedCall call = Mmap(4 * kMiB, kReadWrite, kHugetlb);
  call.machine.hugepages_total = 5;
  call.machine.hugepages_free = 3;
  call.machine.hugepages_reserved = 2;
  const Binding binding = BindingOf(call);
  ASSERT_TRUE(binding.limit);
  EXPECT_EQ(binding.limit->name, "hugepages");
  EXPECT_EQ(binding.limit->use, 4U);  // two in use, two promised
  EXPECT_EQ(binding.limit->limit, 5U);
  EXPECT_EQ(binding.limit->unit, "pages");
  EXPECT_EQ(NameOf(Call("shmget", "ENOMEM", {0, 4 * kMiB, 04000})), "hugepages");
}

TEST(Binding, AGroupAtItsLimitExplainsWhatNothingElseDoes) {
  FailedCall call = Call("mlock", "EAGAIN", {0x1000, kMiB});
  call.memory_groups = {{.path = "/a/b", .use = 10 * kMiB, .limit = kNoLimit},
                        {.path = "/a", .use = 64 * kMiB - kPage, .limit = 64 * kMiB}};
  const Binding binding = BindingOf(call);
  ASSERT_TRUE(binding.limit);
  EXPECT_EQ(binding.limit->name, "memory.max");
  EXPECT_NE(binding.limit->detail.find("memory cgroup /a "), std::string::npos) << binding.limit->detail;
  call.memory_groups[1].use = 32 * kMiB;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, AnExactLimitGoesBeforeAGroupThatHappensToBeFull) {
  FailedCall call = Call("munmap", "ENOMEM", {0x1000, kPage});
  call.map_count = 4000;
  call.memory_groups = {{.path = "/a", .use = 64 * kMiB, .limit = 64 * kMiB}};
  EXPECT_EQ(NameOf(call), "vm.max_map_count");
}

TEST(Binding, AMachineOutOfMemoryIsALimitOfItsOwn) {
  FailedCall call = Call("clone", "ENOMEM", {0x1200011});
  call.machine.memory_available_bytes = 100 * kMiB;
  EXPECT_EQ(NameOf(call), "machine_memory");
}

TEST(Binding, TasksOfTheUserCountForOrdinaryUsersOnly) {
  FailedCall call = Call("clone", "EAGAIN", {0x1200011});
  call.limits.nproc = 20;
  call.user_tasks = 19;
  EXPECT_EQ(NameOf(call), "none");
  call.user_tasks = 20;
  EXPECT_EQ(NameOf(call), "RLIMIT_NPROC");
  call.resource_capable = true;
  EXPECT_EQ(NameOf(call), "none");
  call.resource_capable = false;
  call.uid = 0;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, ExecRefusesOnlyAUserAboveTheLimit) {
  FailedCall call = Call("execve", "EAGAIN");
  call.limits.nproc = 20;
  call.user_tasks = 20;
  EXPECT_EQ(NameOf(call), "none");
  call.user_tasks = 21;
  EXPECT_EQ(NameOf(call), "RLIMIT_NPROC");
}

TEST(Binding, PidsOfAnyLevelAndOfTheMachine) {
  FailedCall call = Call("clone3", "EAGAIN");
  call.pids_groups = {{.path = "/a/b", .use = 5, .limit = kNoLimit}, {.path = "/a", .use = 11, .limit = 12}};
  EXPECT_EQ(NameOf(call), "none");
  call.pids_groups[1].use = 12;
  EXPECT_EQ(NameOf(call), "pids.max");
  call.pids_groups.clear();
  call.machine.threads = 32768 - 300;
  EXPECT_EQ(NameOf(call), "kernel.pid_max");
  call.machine.pid_max = 4194304;
  call.machine.threads = 190000;
  EXPECT_EQ(NameOf(call), "kernel.threads-max");
}

TEST(Binding, ListsTheCandidatesOfEagainWhenNoneFits) {
  FailedCall call = Call("clone", "EAGAIN", {0x1200011});
  call.limits.nproc = 20;
  call.pids_groups = {{.path = "/a", .use = 5, .limit = 12}};
  const Binding binding = BindingOf(call);
  EXPECT_FALSE(binding.limit);
  for (const char* name : {"RLIMIT_NPROC", "pids.max", "kernel.pid_max", "kernel.threads-max"}) {
    EXPECT_NE(binding.reason.find(name), std::string::npos) << binding.reason;
  }
}

TEST(Binding, SaysWhenTwoLimitsFit) {
  FailedCall call = Mmap(kMiB);
  call.map_count = 4001;
  call.limits.as = 20 * kMiB;
  const Binding binding = BindingOf(call);
  EXPECT_FALSE(binding.limit);
  EXPECT_NE(binding.reason.find("2 limits fit ENOMEM of mmap"), std::string::npos) << binding.reason;
}

TEST(Binding, AnOverflowingRequestIsBeyondEveryLimit) {
  FailedCall call = Mmap(UINT64_MAX - 5);
  call.limits.as = kGiB;
  call.overcommit_refused = false;
  EXPECT_EQ(NameOf(call), "RLIMIT_AS");
}

TEST(Binding, AnUnknownCallIsNoGuess) { EXPECT_EQ(NameOf(Call("io_uring_setup", "EAGAIN")), "none"); }

}  // namespace
}  // namespace brink
