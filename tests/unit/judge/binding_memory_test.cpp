// SPDX-License-Identifier: MIT
// The commit limit, huge pages, memory cgroups and the machine: on either side of where the kernel refuses.
#include <gmock/gmock.h>

#include <string>

#include "calls.h"
#include "judge/judge.h"

namespace brink::testing {
namespace {

using ::testing::HasSubstr;

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

TEST(Binding, WhatAnEndedProcessHadBeenPromisedIsCountedInAndSaid) {
  FailedCall call = Mmap(kGiB);
  call.overcommit_refused.reset();
  call.machine.overcommit_memory = 2;
  call.machine.committed_as_bytes = 2 * kGiB;
  call.data_vm_bytes = 10 * kGiB;
  EXPECT_EQ(NameOf(call), "none");
  call.machine_without_it = true;
  const Binding binding = BindingOf(call);
  ASSERT_TRUE(binding.limit);
  EXPECT_EQ(binding.limit->name, "commit_limit");
  EXPECT_EQ(binding.limit->use, 12 * kGiB);
  EXPECT_THAT(binding.reason, HasSubstr("its own part is counted in again"));
  EXPECT_THAT(binding.reason, HasSubstr("most likely"));
  call.machine.overcommit_memory = 0;
  EXPECT_EQ(NameOf(call), "none");
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

TEST(Binding, AGroupThatPageCacheFillsToItsLimitRefusesNothing) {
  FailedCall call = Call("clone", "ENOMEM", {0x1200011});
  call.memory_groups = {{.path = "/a", .use = 64 * kMiB, .limit = 64 * kMiB, .reclaimable = 40 * kMiB},
                        {.path = "/", .use = 90 * kMiB, .limit = 90 * kMiB, .reclaimable = 60 * kMiB}};
  const Binding binding = BindingOf(call);
  EXPECT_FALSE(binding.limit);
  EXPECT_THAT(binding.reason, HasSubstr("64 MiB of 64 MiB (memory.max) of which 40 MiB were page cache"));
  call.memory_groups[0].reclaimable = 512 * kKiB;  // less than what the counter is ahead of use
  EXPECT_EQ(NameOf(call), "memory.max");
}

TEST(Binding, AFullGroupIsNotToBlameForACallThatAlsoFailsForItsArguments) {
  for (const char* name : {"mprotect", "mlock", "munlock", "madvise", "mremap", "brk"}) {
    FailedCall call = Call(name, "ENOMEM", {0x1000, 2 * kPage, kPage});
    call.memory_groups = {{.path = "/a", .use = 64 * kMiB, .limit = 64 * kMiB}};
    const Binding binding = BindingOf(call);
    EXPECT_FALSE(binding.limit) << name;
    EXPECT_THAT(binding.reason, HasSubstr("it also fails")) << name;
    EXPECT_THAT(binding.reason, HasSubstr("64 MiB of 64 MiB (memory.max)")) << name;
  }
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

}  // namespace
}  // namespace brink::testing
