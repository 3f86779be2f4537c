// SPDX-License-Identifier: MIT
// RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK: on either side of where the kernel refuses.
#include <gtest/gtest.h>

#include <string>

#include "calls.h"
#include "judge/judge.h"

namespace brink::testing {
namespace {

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

// MREMAP_DONTUNMAP: the old range stays mapped, so the whole of it is asked for again.
TEST(Binding, MremapThatKeepsTheOldRangeAsksForAllOfIt) {
  FailedCall call = Call("mremap", "ENOMEM", {0x1000, 64 * kMiB, 64 * kMiB, 1 | 4, 0});
  call.limits.as = 84 * kMiB;
  EXPECT_EQ(NameOf(call), "none");
  call.limits.as -= kPage;
  EXPECT_EQ(NameOf(call), "RLIMIT_AS");
}

TEST(Binding, MmapThatWouldLockUnderAMemlockOfZeroIsEperm) {
  FailedCall call = Mmap(kMiB, kReadWrite, kLocked);
  call.errno_name = "EPERM";
  call.limits.memlock = 0;
  EXPECT_EQ(NameOf(call), "RLIMIT_MEMLOCK");
  call.ipc_lock_capable = true;
  EXPECT_EQ(NameOf(call), "none");
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

}  // namespace
}  // namespace brink::testing
