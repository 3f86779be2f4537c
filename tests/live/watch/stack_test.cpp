// SPDX-License-Identifier: MIT
// A stack that may not grow is told as a failure, any other bad address is not.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/units.h"
#include "judge/judge.h"
#include "watch_fixture.h"

namespace brink {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

void LimitStack(std::uint64_t bytes) {
  Limit(RLIMIT_STACK, bytes);
  Limit(RLIMIT_CORE, 0);
}

[[gnu::noinline]] int Recurse(std::uint64_t levels) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(levels);
  const int below = levels == 0 ? 0 : Recurse(levels - 1);
  return below + frame[0];
}

class Stack : public WatchTest {
 protected:
  /// Runs `body` under a stack limit of 2 MiB to its end by SIGSEGV.
  void RunToSegfault(const std::function<int()>& body) {
    const int pid = RunToEnd(7, [&] {
      ::signal(SIGSEGV, SIG_DFL);
      LimitStack(2 * kMiB);
      return body();
    });
    ASSERT_EQ(ExitOf(pid)->signal, SIGSEGV);
  }
};

TEST_F(Stack, EndlessRecursionIsBoundByRlimitStack) {
  RunToSegfault([] { return Recurse(1'000'000); });
  const FailedCall call = FirstFailure("page_fault");
  EXPECT_EQ(call.errno_name, "ENOMEM");
  EXPECT_EQ(call.limits.stack, 2 * kMiB);
  EXPECT_LE(call.stack_vm_bytes, 2 * kMiB);
  EXPECT_GE(call.args[0], call.args[2] - 2 * kMiB - kPage);
  EXPECT_LE(call.args[0], call.args[2] - call.stack_vm_bytes + kPage);
  const Binding binding = BindingOf(call);
  ASSERT_TRUE(binding.limit.has_value()) << binding.reason;
  EXPECT_EQ(binding.limit->name, "RLIMIT_STACK");
}

TEST_F(Stack, OneFrameBeyondTheLimitIsBoundByRlimitStack) {
  RunToSegfault([] {
    volatile char* frame = static_cast<char*>(__builtin_alloca(16 * kMiB));
    frame[0] = 1;
    return static_cast<int>(frame[0]);
  });
  const Binding binding = BindingOf(FirstFailure("page_fault"));
  ASSERT_TRUE(binding.limit.has_value()) << binding.reason;
  EXPECT_EQ(binding.limit->name, "RLIMIT_STACK");
}

TEST_F(Stack, TheStackOfTheOverflowShowsTheRecursion) {
  const int pid = Start(7, [] {
    // It stays alive in its handler, on another stack, until its frames have been named.
    static char other[64 * 1024];
    const stack_t alternate{.ss_sp = other, .ss_flags = 0, .ss_size = sizeof(other)};
    ::sigaltstack(&alternate, nullptr);
    struct sigaction action {};
    action.sa_handler = [](int) { ::pause(); };
    action.sa_flags = SA_ONSTACK;
    ::sigaction(SIGSEGV, &action, nullptr);
    LimitStack(2 * kMiB);
    return Recurse(1'000'000);
  });
  DrainUntil([&] { return !Seen<FailureSeen>().empty(); });
  ::kill(pid, SIGKILL);
  AwaitExit(pid);
  const FailedCall call = FirstFailure("page_fault");
  ASSERT_GE(call.stack.size(), 3U);
  EXPECT_THAT(call.stack[2], testing::AllOf(HasSubstr("Recurse"), HasSubstr("(live_watch)")));
}

TEST_F(Stack, ANullPointerIsNoFailureForMemory) {
  RunToSegfault([] {
    volatile int* nowhere = nullptr;
    return *nowhere;
  });
  EXPECT_THAT(Seen<FailureSeen>(), IsEmpty());
  EXPECT_THAT(watch_->FailureTotals(), IsEmpty());
}

TEST_F(Stack, AWildPointerNearTheStackIsNoFailureForMemory) {
  RunToSegfault([] {
    const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    return static_cast<int>(*reinterpret_cast<const volatile char*>(here - 64 * kMiB));
  });
  EXPECT_THAT(Seen<FailureSeen>(), IsEmpty());
}

TEST_F(Stack, AThreadThatOverrunsItsOwnStackIsNotBoundByRlimitStack) {
  RunToSegfault([] {
    std::thread thread([] { Recurse(1'000'000); });
    thread.join();
    return 0;
  });
  EXPECT_THAT(Seen<FailureSeen>(), IsEmpty());
}

TEST_F(Stack, ASegfaultThatSomebodySendsIsNoFailureForMemory) {
  RunToSegfault([] { return ::raise(SIGSEGV); });
  EXPECT_THAT(Seen<FailureSeen>(), IsEmpty());
}

}  // namespace
}  // namespace brink
