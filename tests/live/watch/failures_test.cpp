// SPDX-License-Identifier: MIT
// Calls that fail for memory, each against a limit that is known by construction.
#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "base/units.h"
#include "watch_fixture.h"

namespace brink {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int kNoUserNamespaces = 97;

void* Map(std::uint64_t bytes, int protection = PROT_READ | PROT_WRITE) {
  return ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/// As a user without capabilities that nobody else is.
void BecomeNobodyElse() {
  constexpr unsigned kUid = 54321;
  if (::setresuid(kUid, kUid, kUid) != 0) {
    ::_exit(98);
  }
}

/// Leaves one mapping less than vm.max_map_count, all single pages of alternating protection.
char* FillMappings() {
  std::uint64_t limit = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> limit;
  char* area = static_cast<char*>(Map((limit + 2) * kPage, PROT_NONE));
  for (std::uint64_t page = 1; page < limit; page += 2) {
    if (::mprotect(area + page * kPage, kPage, PROT_READ) != 0) {
      break;
    }
  }
  return area;
}

class Failures : public WatchTest {};

TEST_F(Failures, MmapUnderRlimitAsTellsTheFiguresAtThatInstant) {
  const int pid = RunToEnd(7, [] {
    Limit(RLIMIT_AS, 600 * kMiB);
    return Map(1024 * kMiB) == MAP_FAILED ? 0 : 1;
  });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  const FailedCall call = FirstFailure("mmap");
  EXPECT_EQ(call.errno_name, "ENOMEM");
  EXPECT_EQ(call.pid, pid);
  EXPECT_EQ(call.tid, pid);
  EXPECT_EQ(call.args[1], 1024 * kMiB);
  EXPECT_EQ(call.limits.as, 600 * kMiB);
  EXPECT_GT(call.map_count, 10U);
  EXPECT_GT(call.total_vm_bytes, 1 * kMiB);
  EXPECT_LT(call.total_vm_bytes, 600 * kMiB);
  EXPECT_EQ(call.uid, 0U);
  EXPECT_GT(call.machine.max_map_count, 0U);
  EXPECT_NE(call.overcommit_refused, true);
}

TEST_F(Failures, TheStackNamesTheLibraryCallAndItsCaller) {
  const int pid = Start(7, [] {
    Limit(RLIMIT_AS, 600 * kMiB);
    return Map(1024 * kMiB) == MAP_FAILED ? ::pause() : 1;  // names are found while it lives
  });
  DrainUntil([&] { return !Seen<FailureSeen>().empty(); });
  ::kill(pid, SIGKILL);
  AwaitExit(pid);
  const FailedCall call = FirstFailure("mmap");
  ASSERT_GE(call.stack.size(), 2U);
  EXPECT_THAT(call.stack[0], testing::AllOf(HasSubstr("mmap"), HasSubstr("(libc.so.6)")));
  EXPECT_THAT(call.stack[1], HasSubstr("(live_watch)"));
}

TEST_F(Failures, TheStackOfAProcessThatDiedBeforeAnyoneLookedIsNamedToo) {
  const int pid = Start(7, [] {
    Limit(RLIMIT_AS, 600 * kMiB);
    ::execl(VICTIM, VICTIM, "probe", "size=1G", nullptr);
    return 1;
  });
  ::waitpid(pid, nullptr, 0);  // and only then are events taken
  DrainUntil([&] { return ExitOf(pid).has_value(); });
  const FailedCall call = FirstFailure("mmap");
  ASSERT_GE(call.stack.size(), 2U);
  EXPECT_THAT(call.stack[0], testing::AllOf(HasSubstr("mmap"), HasSubstr("(libc.so.6)")));
  EXPECT_THAT(call.stack[1], testing::AllOf(HasSubstr("victim::Map"), HasSubstr("(victim)")));
}

TEST_F(Failures, MlockBeyondRlimitMemlockWithoutTheCapability) {
  RunToEnd(7, [] {
    Limit(RLIMIT_MEMLOCK, 64 * 1024);
    BecomeNobodyElse();
    void* area = Map(kMiB);
    return ::mlock(area, kPage) == 0 && ::mlock(area, kMiB) != 0 && errno == ENOMEM ? 0 : 1;
  });
  const FailedCall call = FirstFailure("mlock");
  EXPECT_EQ(call.errno_name, "ENOMEM");
  EXPECT_EQ(call.limits.memlock, 64U * 1024);
  EXPECT_EQ(call.locked_bytes, kPage);
  EXPECT_FALSE(call.ipc_lock_capable);
  EXPECT_EQ(call.uid, 54321U);
}

TEST_F(Failures, MlockWithoutAnyRightIsAnEperm) {
  RunToEnd(7, [] {
    Limit(RLIMIT_MEMLOCK, 0);
    BecomeNobodyElse();
    return ::mlock(Map(kPage), kPage) != 0 && errno == EPERM ? 0 : 1;
  });
  EXPECT_EQ(FirstFailure("mlock").errno_name, "EPERM");
}

TEST_F(Failures, MmapThatWouldLockWithoutAnyRightIsAnEperm) {
  RunToEnd(7, [] {
    Limit(RLIMIT_MEMLOCK, 0);
    BecomeNobodyElse();
    void* area = ::mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    return area == MAP_FAILED && errno == EPERM ? 0 : 1;
  });
  const FailedCall call = FirstFailure("mmap");
  EXPECT_EQ(call.errno_name, "EPERM");
  EXPECT_EQ(call.limits.memlock, 0U);
}

// It may do there what it likes; limits are the machine's.
TEST_F(Failures, CapabilitiesInAUserNamespaceOfItsOwnLiftNoLimit) {
  const int pid = RunToEnd(7, [] {
    Limit(RLIMIT_MEMLOCK, 64 * 1024);
    BecomeNobodyElse();
    if (::unshare(CLONE_NEWUSER) != 0) {
      return kNoUserNamespaces;
    }
    return ::mlock(Map(kMiB), kMiB) != 0 ? 0 : 1;
  });
  if (ExitOf(pid)->exit_code == kNoUserNamespaces) {
    GTEST_SKIP() << "users may not make user namespaces here";
  }
  const FailedCall call = FirstFailure("mlock");
  EXPECT_FALSE(call.ipc_lock_capable);
  EXPECT_FALSE(call.resource_capable);
}

TEST_F(Failures, TasksAreCountedAboveAUserNamespaceOfItsOwnToo) {
  const int pid = RunToEnd(7, [] {
    Limit(RLIMIT_NPROC, 2);
    BecomeNobodyElse();
    const int outside = ::fork();
    if (outside == 0) {
      return ::pause();
    }
    const bool inside = ::unshare(CLONE_NEWUSER) == 0;
    const bool refused = inside && ::syscall(SYS_fork) == -1 && errno == EAGAIN;
    ::kill(outside, SIGKILL);
    ::waitpid(outside, nullptr, 0);  // so that nobody counts it any more
    return !inside ? kNoUserNamespaces : (refused ? 0 : 1);
  });
  if (ExitOf(pid)->exit_code == kNoUserNamespaces) {
    GTEST_SKIP() << "users may not make user namespaces here";
  }
  const FailedCall call = FirstFailure("fork");
  EXPECT_EQ(call.user_tasks, 2U) << "one inside, one outside";
  EXPECT_FALSE(call.resource_capable);
}

TEST_F(Failures, ABreakThatDoesNotMoveIsAnEnomem) {
  const int pid = RunToEnd(7, [] {
    Limit(RLIMIT_DATA, 64 * kMiB);
    const long now = ::syscall(SYS_brk, 0);  // a question, not a failure
    const long wanted = now + static_cast<long>(512 * kMiB);
    return ::syscall(SYS_brk, wanted) == now && ::syscall(SYS_brk, now) == now ? 0 : 1;
  });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  const FailedCall call = FirstFailure("brk");
  EXPECT_EQ(call.errno_name, "ENOMEM");
  EXPECT_EQ(call.limits.data, 64 * kMiB);
  EXPECT_EQ(call.args[0] - call.args[1], 512 * kMiB);  // wanted, and what there was
  EXPECT_EQ(Seen<FailureSeen>().size(), 1U);
}

TEST_F(Failures, MunmapInTheMiddleAtTheMappingLimit) {
  const int pid = RunToEnd(7, [] {
    char* area = static_cast<char*>(Map(3 * kPage));
    FillMappings();
    return ::munmap(area + kPage, kPage) != 0 && errno == ENOMEM ? 0 : 1;
  });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  const FailedCall call = FirstFailure("munmap");
  EXPECT_EQ(call.map_count, call.machine.max_map_count);
  EXPECT_EQ(call.args[1], kPage);
}

TEST_F(Failures, ASplittingMadviseAtTheMappingLimitIsAnEagain) {
  const int pid = RunToEnd(7, [] {
    char* area = static_cast<char*>(Map(3 * kPage));
    FillMappings();
    return ::madvise(area + kPage, kPage, MADV_DONTFORK) != 0 && errno == EAGAIN ? 0 : 1;
  });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  EXPECT_EQ(FirstFailure("madvise").errno_name, "EAGAIN");
}

TEST_F(Failures, ForkBeyondRlimitNprocTellsTheTasksOfTheUser) {
  const int pid = RunToEnd(7, [] {
    BecomeNobodyElse();
    Limit(RLIMIT_NPROC, 1);
    return ::fork() < 0 && errno == EAGAIN ? 0 : 1;
  });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  const FailedCall call = FirstFailure("clone");
  EXPECT_EQ(call.errno_name, "EAGAIN");
  EXPECT_EQ(call.limits.nproc, 1U);
  EXPECT_EQ(call.user_tasks, 1U);
  EXPECT_FALSE(call.resource_capable);
}

TEST_F(Failures, AMillionFailuresAreAllCountedInBoundedMemory) {
  constexpr std::uint64_t kCalls = 1'000'000;
  const int pid = RunToEnd(7, [] {
    Limit(RLIMIT_AS, 600 * kMiB);
    for (std::uint64_t i = 0; i < kCalls; ++i) {
      if (Map(1024 * kMiB) != MAP_FAILED) {
        return 1;
      }
    }
    return 0;
  });
  EXPECT_EQ(Seen<FailureSeen>().size(), 8U);
  EXPECT_EQ(watch_->EventsLost(), 0U);
  const auto totals = watch_->FailureTotals();  // after its end
  ASSERT_EQ(totals.size(), 1U);
  EXPECT_EQ(totals[0].token, 7U);
  EXPECT_EQ(totals[0].pid, pid);
  EXPECT_EQ(totals[0].call, "mmap");
  EXPECT_EQ(totals[0].errno_name, "ENOMEM");
  EXPECT_EQ(totals[0].count, kCalls);
}

TEST_F(Failures, ForgettingATokenDropsItsCountsAndNoOther) {
  const auto fail = [] {
    return ::mmap(nullptr, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
  };
  RunToEnd(7, [&] { return fail() ? 0 : 1; });
  RunToEnd(8, [&] { return fail() ? 0 : 1; });
  watch_->Forget({7});
  const auto totals = watch_->FailureTotals();
  ASSERT_EQ(totals.size(), 1U);
  EXPECT_EQ(totals[0].token, 8U);
}

TEST_F(Failures, ErrorsThatMeanNoLimitAreNotFailures) {
  RunToEnd(7, [] {
    ::munmap(reinterpret_cast<void*>(1), kPage);  // EINVAL
    ::close(-1);                                  // EBADF
    return 0;
  });
  EXPECT_THAT(Seen<FailureSeen>(), IsEmpty());
}

}  // namespace
}  // namespace brink
