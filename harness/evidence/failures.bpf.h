// SPDX-License-Identifier: MIT OR GPL-2.0-only
// Calls that fail for memory or tasks, counted and told, and the stack that may not grow.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "compat_calls.bpf.h"
#include "events.bpf.h"
#include "failing_calls.bpf.h"
#include "figures.bpf.h"
#include "stack_overflow.bpf.h"
#include "watch_events.h"
#include "watch_maps.bpf.h"

enum { BRINK_SIGNAL_GROUP_EXIT = 0x4 };  // linux/sched/signal.h

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, struct brink_failure_key);
  __type(value, __u64);
} failure_counts SEC(".maps");

/// True when the overcommit check refused during this very call: the thread has not moved in user space
/// since.
static __always_inline bool take_refusal(__u64 user_ip) {
  __u32 thread = bpf_get_current_pid_tgid();
  __u64* refused_at = bpf_map_lookup_elem(&refusals, &thread);
  if (!refused_at) {
    return false;
  }
  bool same = *refused_at == user_ip;
  bpf_map_delete_elem(&refusals, &thread);
  return same;
}

static __always_inline void read_call(struct brink_failure* event, struct pt_regs* regs, long result) {
  if (is_compat_call()) {
    read_compat_args(event->args, regs);
  } else {
    event->args[0] = regs->di;
    event->args[1] = regs->si;
    event->args[2] = regs->dx;
    event->args[3] = regs->r10;
    event->args[4] = regs->r8;
    event->args[5] = regs->r9;
  }
  if (event->call == BRINK_NR_brk) {
    event->args[1] = result;
  }
}

static __always_inline void read_stack(void* context, struct brink_failure* event, __u64 stack_pointer) {
  event->stack_word = 0;
  bpf_probe_read_user(&event->stack_word, sizeof(event->stack_word), (void*)stack_pointer);
  long bytes = bpf_get_stack(context, event->stack, sizeof(event->stack), BPF_F_USER_STACK);
  event->frames = bytes > 0 ? bytes / sizeof(event->stack[0]) : 0;
  bytes = bpf_get_stack(context, event->place, sizeof(event->place), BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
  event->places = bytes > 0 ? bytes / sizeof(event->place[0]) : 0;
}

/// Counts the failure. True when it is among the first of its kind.
static __always_inline bool count_failure(__u32 token, __u32 pid, __u32 call, __u32 error) {
  struct brink_failure_key key = {.token = token, .pid = pid, .call = call, .error = error};
  __u64* count = bpf_map_lookup_elem(&failure_counts, &key);
  if (!count) {
    __u64 none = 0;
    bpf_map_update_elem(&failure_counts, &key, &none, BPF_NOEXIST);
    count = bpf_map_lookup_elem(&failure_counts, &key);
  }
  if (!count) {
    count_lost();
    return false;
  }
  bool detail = *count < BRINK_FAILURE_DETAILS;
  __sync_fetch_and_add(count, 1);
  return detail;
}

/// A failure of the current task, counted; null when it is a stranger or its details are known well enough.
static __always_inline struct brink_failure* open_failure(__u32 call, __u32 error) {
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  __u32 token = token_of(pid);
  if (!token || !count_failure(token, pid, call, error)) {
    return 0;
  }
  struct brink_failure* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_FAILURE, token, (struct task_struct*)bpf_get_current_task());
  event->call = call;
  event->error = error;
  return event;
}

static __always_inline void complete_failure(void* context, struct brink_failure* event,
                                             __u64 stack_pointer) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  read_stack(context, event, stack_pointer);
  event->overcommit_refused = take_refusal(event->stack[0]);
  read_figures(event, task);
  read_groups(event, task);
  bpf_ringbuf_submit(event, 0);
}

/// Returns the errno of a break that does not move. Below start_brk it is but a question: sbrk(0).
static __always_inline __u32 break_failure(__u64 wanted, long result) {
  if ((unsigned long)result == wanted || wanted == 0) {
    return 0;
  }
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  return wanted >= BPF_CORE_READ(task, mm, start_brk) ? BRINK_ENOMEM : 0;
}

/// Whether a call with such a number and result may have failed for memory or tasks. Every system call of the
/// machine passes here, and few go on.
static __always_inline bool may_count(__u64 number, long result) {
  if ((unsigned long)result < (unsigned long)-BRINK_MAX_ERRNO) {
    return number == BRINK_NR_brk || number == BRINK_NR32_brk;
  }
  return result == -BRINK_ENOMEM || result == -BRINK_EAGAIN || result == -BRINK_EPERM ||
         result == -BRINK_ENOSPC;
}

/// True when the current process is already being ended (a fatal signal, the OOM killer, exit_group in
/// another thread): whatever its calls give back, it never sees. A thread in mlock when the OOM killer takes
/// its process gets EAGAIN, for one, as page faults fail from then on.
static __always_inline bool is_being_ended(void) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  return BPF_CORE_READ(task, signal, flags) & BRINK_SIGNAL_GROUP_EXIT;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs* regs, long result) {
  if (!may_count(regs->orig_ax, result)) {
    return 0;
  }
  const bool is_compat = is_compat_call();
  const __u32 call = is_compat ? native_call(regs) : (__u32)regs->orig_ax;
  __u32 error = 0;
  if ((unsigned long)result >= (unsigned long)-BRINK_MAX_ERRNO) {
    const __u64 map_flags = is_compat ? compat_map_flags(regs) : regs->r10;
    error = failure_counts_for(call, -result, map_flags) ? -result : 0;
  } else if (call == BRINK_NR_brk) {
    error = break_failure(is_compat ? (__u32)regs->bx : regs->di, result);
  }
  struct brink_failure* event = error && !is_being_ended() ? open_failure(call, error) : 0;
  if (!event) {
    return 0;
  }
  read_call(event, regs, result);
  complete_failure(ctx, event, regs->sp);
  return 0;
}

static __always_inline void tell_stack_overflow(void* context, struct kernel_siginfo* info) {
  struct stack_fault fault = {0};
  if (!is_stack_overflow(&fault, info)) {
    return;
  }
  struct brink_failure* event = open_failure(BRINK_PAGE_FAULT, BRINK_ENOMEM);
  if (!event) {
    return;
  }
  __builtin_memset(event->args, 0, sizeof(event->args));
  event->args[0] = fault.address;
  event->args[1] = fault.stack_pointer;
  event->args[2] = fault.top;
  complete_failure(context, event, fault.stack_pointer);
}
