// SPDX-License-Identifier: MIT
#include "memory_hog/lock.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdio>

#include "common/failure.h"

namespace workload {

void LockMemory(LockAll what, bool must) {
  if (what == LockAll::kNothing) {
    return;
  }
  const int flags = what == LockAll::kFuture ? MCL_CURRENT | MCL_FUTURE : MCL_CURRENT;
  if (::mlockall(flags) == 0) {
    return;
  }
  const std::string complaint = ErrnoText("Unable to lock memory: mlockall");
  if (must) {
    throw Failure(Exit::kFailed, complaint);
  }
  fmt::print(stderr, "{}; part of it may be swapped out\n", complaint);
}

}  // namespace workload
