// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>

#include "evidence/syscall_names.h"

namespace brink {
namespace {

TEST(Names, OfTheWatchedCalls) {
  EXPECT_EQ(SyscallName(SYS_munmap), "munmap");
  EXPECT_EQ(SyscallName(SYS_clone3), "clone3");
  EXPECT_EQ(SyscallName(SYS_process_madvise), "process_madvise");
}

TEST(Names, AnUnknownCallKeepsItsNumber) { EXPECT_EQ(SyscallName(9999), "syscall_9999"); }

TEST(Names, OfErrnos) {
  EXPECT_EQ(ErrnoName(ENOMEM), "ENOMEM");
  EXPECT_EQ(ErrnoName(EAGAIN), "EAGAIN");
  EXPECT_EQ(ErrnoName(ENOSPC), "ENOSPC");
  EXPECT_EQ(ErrnoName(9999), "errno_9999");
}

}  // namespace
}  // namespace brink
