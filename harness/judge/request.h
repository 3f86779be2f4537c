// SPDX-License-Identifier: MIT
// What a failing call asked for, read from its arguments. x86-64 argument order (syscall(2)).
#pragma once

#include <cstdint>
#include <string>

#include "model/evidence.h"

namespace brink {

enum class CallFamily {
  kMap,          // mmap
  kUnmap,        // munmap
  kProtect,      // mprotect, pkey_mprotect
  kRemap,        // mremap
  kLock,         // mlock, mlock2
  kLockAll,      // mlockall
  kUnlock,       // munlock
  kAdvise,       // madvise, process_madvise
  kBreak,        // brk
  kFork,         // fork, vfork, clone, clone3
  kExec,         // execve, execveat
  kShmGet,       // shmget
  kShmAttach,    // shmat, remap_file_pages: a new mapping whose size the arguments don't tell
  kStackGrowth,  // "page_fault": not a call; the kernel refused to grow the stack and sent SIGSEGV
  kOther,
};

struct Request {
  CallFamily family = CallFamily::kOther;
  /// Address space that the call would add (mmap, mremap, brk), lock (mlock), make writable (mprotect) or
  /// charge anew (fork).
  std::uint64_t bytes = 0;
  /// False: the arguments don't tell `bytes` (shmat; brk when the break that it had is not known).
  bool bytes_known = true;
  bool data = false;                  // counts as data: private and writable (mm/vma.h is_data_mapping())
  bool accounted = false;             // charged against the commit limit (mm/vma.c accountable_mapping())
  bool no_reserve = false;            // MAP_NORESERVE: exempt in overcommit modes 0 and 1 only
  bool fixed = false;                 // MAP_FIXED: may cut the mapping that is there
  bool lock = false;                  // MAP_LOCKED
  bool huge = false;                  // MAP_HUGETLB, SHM_HUGETLB
  std::uint64_t huge_page_bytes = 0;  // when the call names a size of huge pages; 0: the default
  bool may_move = false;              // MREMAP_MAYMOVE
  bool keeps_old = false;             // MREMAP_DONTUNMAP: the old range stays mapped
  bool shrinks = false;               // mremap to a smaller size: unmaps the tail
};

[[nodiscard]] Request RequestOf(const FailedCall& call);

/// What a request of unknown size is taken to be at most, in bytes: malloc extends the heap by less than its
/// mmap threshold (at most 32 MiB, mallopt(3)) plus padding.
inline constexpr std::uint64_t kUnknownRequest = std::uint64_t{64} << 20;

/// "mmap asked for 8 KiB more".
[[nodiscard]] std::string DescribeRequest(const FailedCall& call, const Request& request);

/// What else makes this call fail so; empty when nothing is known.
[[nodiscard]] std::string OtherCause(const FailedCall& call, const Request& request);

/// True for clone, clone3, fork and vfork: which one libc uses varies.
[[nodiscard]] bool IsFork(std::string_view call);

}  // namespace brink
