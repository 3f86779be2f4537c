// SPDX-License-Identifier: MIT OR GPL-2.0-only
// System calls by the 32-bit table: those of 32-bit processes, and of 64-bit ones by int $0x80. They are told
// under the number, and with the arguments, of the 64-bit call that does the same.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "failing_calls.bpf.h"

enum {
  BRINK_TS_COMPAT = 0x2,        // asm/thread_info.h: set until such a call returns to user space
  BRINK_NO_CALL = 0xFFFFFFFFu,  // any other call
  BRINK_IPC_SHMAT = 21,         // linux/ipc.h
  BRINK_IPC_SHMGET = 23,
};

// arch/x86/entry/syscalls/syscall_32.tbl, those that failing_calls.bpf.h has.
enum {
  BRINK_NR32_fork = 2,
  BRINK_NR32_execve = 11,
  BRINK_NR32_brk = 45,
  BRINK_NR32_old_mmap = 90,
  BRINK_NR32_munmap = 91,
  BRINK_NR32_ipc = 117,
  BRINK_NR32_clone = 120,
  BRINK_NR32_mprotect = 125,
  BRINK_NR32_mlock = 150,
  BRINK_NR32_mlockall = 152,
  BRINK_NR32_mremap = 163,
  BRINK_NR32_vfork = 190,
  BRINK_NR32_mmap2 = 192,
  BRINK_NR32_madvise = 219,
  BRINK_NR32_remap_file_pages = 257,
  BRINK_NR32_memfd_create = 356,
  BRINK_NR32_execveat = 358,
  BRINK_NR32_mlock2 = 376,
  BRINK_NR32_pkey_mprotect = 380,
  BRINK_NR32_shmget = 395,
  BRINK_NR32_shmat = 397,
  // From 424 on both tables have the same numbers.
  BRINK_NR32_same = 424,
};

static __always_inline bool is_compat_call(void) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  return BPF_CORE_READ(task, thread_info.status) & BRINK_TS_COMPAT;
}

static __always_inline __u32 native_ipc_call(__u32 what) {
  return what == BRINK_IPC_SHMGET  ? BRINK_NR_shmget
         : what == BRINK_IPC_SHMAT ? BRINK_NR_shmat
                                   : BRINK_NO_CALL;
}

static __always_inline __u32 native_call(struct pt_regs* regs) {
  const __u32 call = regs->orig_ax;
  switch (call) {
    case BRINK_NR32_fork:
      return BRINK_NR_fork;
    case BRINK_NR32_execve:
      return BRINK_NR_execve;
    case BRINK_NR32_brk:
      return BRINK_NR_brk;
    case BRINK_NR32_old_mmap:
    case BRINK_NR32_mmap2:
      return BRINK_NR_mmap;
    case BRINK_NR32_munmap:
      return BRINK_NR_munmap;
    case BRINK_NR32_ipc:
      return native_ipc_call(regs->bx & 0xFFFF);  // above: a version
    case BRINK_NR32_clone:
      return BRINK_NR_clone;
    case BRINK_NR32_mprotect:
      return BRINK_NR_mprotect;
    case BRINK_NR32_mlock:
      return BRINK_NR_mlock;
    case BRINK_NR32_mlockall:
      return BRINK_NR_mlockall;
    case BRINK_NR32_mremap:
      return BRINK_NR_mremap;
    case BRINK_NR32_vfork:
      return BRINK_NR_vfork;
    case BRINK_NR32_madvise:
      return BRINK_NR_madvise;
    case BRINK_NR32_remap_file_pages:
      return BRINK_NR_remap_file_pages;
    case BRINK_NR32_memfd_create:
      return BRINK_NR_memfd_create;
    case BRINK_NR32_execveat:
      return BRINK_NR_execveat;
    case BRINK_NR32_mlock2:
      return BRINK_NR_mlock2;
    case BRINK_NR32_pkey_mprotect:
      return BRINK_NR_pkey_mprotect;
    case BRINK_NR32_shmget:
      return BRINK_NR_shmget;
    case BRINK_NR32_shmat:
      return BRINK_NR_shmat;
    default:
      return call >= BRINK_NR32_same ? call : BRINK_NO_CALL;
  }
}

/// The six words of old_mmap lie in the process's memory.
static __always_inline void read_old_mmap(__u64* args, struct pt_regs* regs) {
  __u32 words[6] = {0};
  bpf_probe_read_user(words, sizeof(words), (void*)(regs->bx & 0xFFFFFFFF));
  for (int i = 0; i < 6; ++i) {
    args[i] = words[i];
  }
}

static __always_inline void read_compat_args(__u64* args, struct pt_regs* regs) {
  const __u32 call = regs->orig_ax;
  if (call == BRINK_NR32_old_mmap) {
    read_old_mmap(args, regs);
    return;
  }
  const bool is_ipc = call == BRINK_NR32_ipc;
  args[0] = (__u32)(is_ipc ? regs->cx : regs->bx);
  args[1] = (__u32)(is_ipc ? regs->dx : regs->cx);
  args[2] = (__u32)(is_ipc ? regs->si : regs->dx);
  args[3] = is_ipc ? 0 : (__u32)regs->si;
  args[4] = is_ipc ? 0 : (__u32)regs->di;
  args[5] = is_ipc ? 0 : (__u32)regs->bp;
  if (call == BRINK_NR32_mmap2) {
    args[5] <<= 12;  // it counts in pages
  }
}

/// Of old_mmap and mmap2; of any other call they mean nothing.
static __always_inline __u64 compat_map_flags(struct pt_regs* regs) {
  if ((__u32)regs->orig_ax != BRINK_NR32_old_mmap) {
    return (__u32)regs->si;
  }
  __u64 args[6] = {0};
  read_old_mmap(args, regs);
  return args[3];
}
