// SPDX-License-Identifier: MIT OR GPL-2.0-only
// Tells a stack that the kernel did not let grow from any other bad address: both are a SIGSEGV, and no
// system call fails.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum {
  BRINK_SIGSEGV = 11,
  BRINK_SEGV_MAPERR = 1,                     // asm-generic/siginfo.h
  BRINK_PAGE = 4096,                         // x86-64
  BRINK_STACK_GUARD_GAP = 256 * BRINK_PAGE,  // mm/vma.c stack_guard_gap
  BRINK_MIN_STACK_GAP =
      128 << 20,  // arch/x86/mm/mmap.c mmap_base(): no other mapping nearer to the stack's upper end
  BRINK_NEAR_STACK_POINTER = 64 << 10,
};

struct stack_fault {
  __u64 address;
  __u64 stack_pointer;  // 0 where the kernel does not tell it (before 5.15)
  __u64 top;            // the stack's upper end
};

static __always_inline __u64 user_stack_pointer(void) {
  if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs)) {
    return 0;
  }
  return BPF_CORE_READ((struct pt_regs*)bpf_task_pt_regs(bpf_get_current_task_btf()), sp);
}

/// True when the fault of the current task lies where only its stack, growing, could have come: just below
/// it, and not far below the stack pointer. A wild pointer does both by bad luck only.
static __always_inline bool is_stack_overflow(struct stack_fault* fault, struct kernel_siginfo* info) {
  if (BPF_CORE_READ(info, si_code) != BRINK_SEGV_MAPERR) {
    return false;
  }
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  // exec leaves above the environment only the program's path and a null pointer: fs/exec.c bprm_mm_init().
  const __u64 least_above = 10;
  __u64 pages = (BPF_CORE_READ(task, mm, env_end) + least_above + BRINK_PAGE - 1) / BRINK_PAGE;
  fault->top = pages * BRINK_PAGE;
  fault->address = (__u64)BPF_CORE_READ(info, _sifields._sigfault._addr);
  __u64 lower_end = fault->top - BPF_CORE_READ(task, mm, stack_vm) * BRINK_PAGE;
  __u64 reach = fault->top - BRINK_MIN_STACK_GAP;
  if (lower_end < reach) {
    reach = lower_end;
  }
  // A path longer than that may move both ends up by a page.
  if (fault->address >= lower_end + BRINK_PAGE || fault->address < reach - BRINK_STACK_GUARD_GAP) {
    return false;
  }
  fault->stack_pointer = user_stack_pointer();
  return fault->address + BRINK_NEAR_STACK_POINTER >= fault->stack_pointer;
}
