// SPDX-License-Identifier: MIT
// mlockall, as servers call it to keep their memory out of swap.
#pragma once

#include <string>

namespace workload {

enum class LockAll {
  kNothing,
  kCurrent,  // MCL_CURRENT: what is mapped now
  kFuture,   // MCL_CURRENT | MCL_FUTURE: and what will be; beyond the limit mmap then fails with EAGAIN
};

/// Locks the address space. Where the kernel refuses, it complains in one line and goes on (`must` false), or
/// throws Failure: "Unable to lock memory: mlockall: Cannot allocate memory (ENOMEM)".
void LockMemory(LockAll what, bool must);

}  // namespace workload
