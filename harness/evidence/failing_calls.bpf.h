// SPDX-License-Identifier: MIT OR GPL-2.0-only
// Which failures are told: x86-64 system calls that ask for memory or for a task, and the errnos that mean a
// limit.
#pragma once

#include <linux/types.h>

enum {
  BRINK_MAX_ERRNO = 4095,
  BRINK_EPERM = 1,
  BRINK_EAGAIN = 11,
  BRINK_ENOMEM = 12,
  BRINK_ENOSPC = 28,
};

// asm/unistd_64.h
enum {
  BRINK_NR_mmap = 9,
  BRINK_NR_mprotect = 10,
  BRINK_NR_munmap = 11,
  BRINK_NR_brk = 12,
  BRINK_NR_mremap = 25,
  BRINK_NR_madvise = 28,
  BRINK_NR_shmget = 29,
  BRINK_NR_shmat = 30,
  BRINK_NR_clone = 56,
  BRINK_NR_fork = 57,
  BRINK_NR_vfork = 58,
  BRINK_NR_execve = 59,
  BRINK_NR_mlock = 149,
  BRINK_NR_munlock = 150,
  BRINK_NR_mlockall = 151,
  BRINK_NR_remap_file_pages = 216,
  BRINK_NR_memfd_create = 319,
  BRINK_NR_execveat = 322,
  BRINK_NR_mlock2 = 325,
  BRINK_NR_pkey_mprotect = 329,
  BRINK_NR_io_uring_setup = 425,
  BRINK_NR_clone3 = 435,
  BRINK_NR_process_madvise = 440,
};

/// `map_flags`: of an mmap.
static __always_inline int failure_counts_for(unsigned long call, long error, __u64 map_flags) {
  const __u64 map_locked = 0x2000;  // asm-generic/mman.h
  switch (call) {
    case BRINK_NR_mlock:
    case BRINK_NR_mlock2:
    case BRINK_NR_mlockall:
      // EPERM: RLIMIT_MEMLOCK is 0 and CAP_IPC_LOCK is missing.
      return error == BRINK_ENOMEM || error == BRINK_EAGAIN || error == BRINK_EPERM;
    case BRINK_NR_shmget:
      return error == BRINK_ENOMEM || error == BRINK_EAGAIN || error == BRINK_ENOSPC;
    case BRINK_NR_mmap:
      // EPERM as of mlock where it would lock; otherwise a seal or a security module forbids it.
      return error == BRINK_ENOMEM || error == BRINK_EAGAIN ||
             (error == BRINK_EPERM && (map_flags & map_locked));
    case BRINK_NR_mprotect:
    case BRINK_NR_munmap:
    case BRINK_NR_munlock:
    case BRINK_NR_mremap:
    case BRINK_NR_madvise:
    case BRINK_NR_shmat:
    case BRINK_NR_clone:
    case BRINK_NR_fork:
    case BRINK_NR_vfork:
    case BRINK_NR_execve:
    case BRINK_NR_execveat:
    case BRINK_NR_remap_file_pages:
    case BRINK_NR_memfd_create:
    case BRINK_NR_pkey_mprotect:
    case BRINK_NR_io_uring_setup:
    case BRINK_NR_clone3:
    case BRINK_NR_process_madvise:
      return error == BRINK_ENOMEM || error == BRINK_EAGAIN;
    default:
      return 0;
  }
}
