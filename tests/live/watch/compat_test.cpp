// SPDX-License-Identifier: MIT
// Calls by the 32-bit table are told as the 64-bit ones that do the same.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/units.h"
#include "watch_fixture.h"

namespace brink {
namespace {

/// mlock(2) as a 32-bit program calls it.
long Mlock32(void* area, std::uint64_t bytes) {
  constexpr long kMlock = 150;
  long result = kMlock;
  asm volatile("int $0x80" : "+a"(result) : "b"(area), "c"(bytes) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

class Compat : public WatchTest {
 protected:
  void SetUp() override {
    WatchTest::SetUp();
    if (::access(VICTIM32, X_OK) != 0) {
      FAIL() << VICTIM32 << " is not there: build the target victim32";
    }
    const int pid = ::fork();
    if (pid == 0) {
      ::execl(VICTIM32, VICTIM32, nullptr);
      ::_exit(errno == ENOEXEC ? kNoEmulation : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == kNoEmulation) {
      GTEST_SKIP() << "this kernel runs no 32-bit programs (CONFIG_IA32_EMULATION)";
    }
  }
  static constexpr int kNoEmulation = 97;
};

TEST_F(Compat, FailuresOfA32BitProcessAreSeen) {
  const int pid = RunToEnd(7, [] {
    Limit(RLIMIT_AS, 64 * kMiB);
    ::execl(VICTIM32, VICTIM32, nullptr);
    return 1;
  });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  std::vector<FailedCall> mmaps;
  for (const FailureSeen& seen : Seen<FailureSeen>()) {
    if (seen.call.call == "mmap") {
      mmaps.push_back(seen.call);
    }
  }
  ASSERT_EQ(mmaps.size(), 2U);  // the old one and mmap2
  for (const FailedCall& call : mmaps) {
    EXPECT_EQ(call.errno_name, "ENOMEM");
    EXPECT_EQ(call.args[1], 1024 * kMiB);
    EXPECT_EQ(call.args[2], 3U);
    EXPECT_EQ(call.args[3], 0x22U);
    EXPECT_EQ(call.limits.as, 64 * kMiB);
  }
  const FailedCall brk = FirstFailure("brk");
  EXPECT_EQ(brk.args[0] - brk.args[1], 1024 * kMiB);
  EXPECT_EQ(Seen<FailureSeen>().size(), 3U);  // the question how far the heap reaches is no failure
}

TEST_F(Compat, A32BitCallOfA64BitProcessIsNotTakenForTheCallThatHasItsNumber) {
  const int pid = RunToEnd(7, [] {
    Limit(RLIMIT_MEMLOCK, 0);
    void* area = ::mmap(nullptr, kMiB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (::setresuid(54321, 54321, 54321) != 0) {
      return 98;
    }
    return Mlock32(area, 3 * kPage) == -EPERM ? 0 : 1;
  });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  EXPECT_EQ(FirstFailure("mlock").args[1], 3 * kPage);
  EXPECT_EQ(Seen<FailureSeen>().size(), 1U);
}

}  // namespace
}  // namespace brink
