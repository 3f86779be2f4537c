// SPDX-License-Identifier: MIT OR GPL-2.0-only
// Who is sent a signal that ends processes, by whom, and whom the OOM killer takes.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "events.bpf.h"
#include "failures.bpf.h"
#include "oom_kill.bpf.h"
#include "watch_events.h"
#include "watch_maps.bpf.h"

struct signal_key {
  __u64 started_ns;  // with it the number is of one process alone: another one may get it
  __u32 pid;
  __u32 signal;
};
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct signal_key);
  __type(value, __u32);
} signal_counts SEC(".maps");

/// The kernel's own SIGKILL: to whom, and as what it was tracked then. The OOM killer marks its victim right
/// after; on another CPU the victim may have ended by then and be tracked no more.
struct kernel_kill {
  __u64 task;
  __u32 token;
  __u32 unused;
};

/// By sending thread: its last one.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct kernel_kill);
} kernel_kills SEC(".maps");

SEC("raw_tp/mark_victim")
int on_mark_victim(struct bpf_raw_tracepoint_args* context) {
  __u32 thread = bpf_get_current_pid_tgid();
  struct kernel_kill* killed = bpf_map_lookup_elem(&kernel_kills, &thread);
  struct task_struct* victim = killed ? (struct task_struct*)killed->task : 0;
  // The same change of the kernel (6.9) gave the tracepoint the task for an argument and total_vm for a
  // field.
  bool gives_task = bpf_core_field_exists(struct trace_event_raw_mark_victim, total_vm);
  bool same =
      gives_task ? context->args[0] == (__u64)victim : (int)context->args[0] == BPF_CORE_READ(victim, pid);
  if (!victim || !same) {
    return 0;  // it was dying already and is only let at the reserves: not a kill
  }
  __u32 token = killed->token;
  bpf_map_delete_elem(&kernel_kills, &thread);
  struct brink_oom_kill* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  __builtin_memset(event, 0, sizeof(*event));
  open_event(&event->header, BRINK_OOM_KILL, token, victim);
  event->oom_score_adj = BPF_CORE_READ(victim, signal, oom_score_adj);
  event->invoker_pid = bpf_get_current_pid_tgid() >> 32;
  bpf_get_current_comm(event->invoker_comm, sizeof(event->invoker_comm));
  read_rss(event, victim);
  read_scope(event, victim);
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/// Signals that end a process unless it handles them: all but CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH.
/// signal(7)
static __always_inline bool ends_processes(__u32 signal) {
  const __u64 harmless =
      1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 20 | 1ull << 21 | 1ull << 22 | 1ull << 23 | 1ull << 28;
  return signal >= 64 || !(harmless >> signal & 1);
}

static __always_inline bool count_signal(struct task_struct* task, __u32 signal) {
  struct signal_key key = {.started_ns = BPF_CORE_READ(task, group_leader, start_time),
                           .pid = BPF_CORE_READ(task, tgid),
                           .signal = signal};
  __u32 none = 0;
  __u32* count = bpf_map_lookup_elem(&signal_counts, &key);
  if (!count) {
    bpf_map_update_elem(&signal_counts, &key, &none, BPF_NOEXIST);
    count = bpf_map_lookup_elem(&signal_counts, &key);
  }
  if (!count || *count >= BRINK_SIGNAL_DETAILS) {
    return false;
  }
  __sync_fetch_and_add(count, 1);
  return true;
}

SEC("raw_tp/signal_generate")
int on_signal(struct bpf_raw_tracepoint_args* context) {
  const __u64 send_sig_noinfo = 0;  // include/linux/sched/signal.h
  const __u64 send_sig_priv = 1;
  const int sigkill = 9;
  const int ignored = 1;  // TRACE_SIGNAL_IGNORED
  int signal = context->args[0];
  __u64 info = context->args[1];
  __u64 thread = bpf_get_current_pid_tgid();
  struct task_struct* task = (struct task_struct*)context->args[2];
  __u32 pid = BPF_CORE_READ(task, tgid);
  __u32 token = token_of(pid);
  if (signal == sigkill && info == send_sig_priv) {
    __u32 tid = thread;
    struct kernel_kill kill = {.task = (__u64)task, .token = token};
    bpf_map_update_elem(&kernel_kills, &tid, &kill, BPF_ANY);
  }
  if (!token) {
    return 0;
  }
  if (signal == BRINK_SIGSEGV && info > send_sig_priv && (__u64)task == bpf_get_current_task()) {
    tell_stack_overflow(context, (struct kernel_siginfo*)info);
  }
  if (!ends_processes(signal) || (int)context->args[4] == ignored || !count_signal(task, signal)) {
    return 0;
  }
  struct brink_signal* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_SIGNAL, token, task);
  event->signal = signal;
  if (info == send_sig_noinfo) {
    event->code = 0;  // SI_USER
  } else if (info == send_sig_priv) {
    event->code = 0x80;  // SI_KERNEL
  } else {
    event->code = BPF_CORE_READ((struct kernel_siginfo*)info, si_code);
  }
  event->sender_pid = thread >> 32;
  event->sender_token = token_of(event->sender_pid);
  bpf_get_current_comm(event->sender_comm, sizeof(event->sender_comm));
  bpf_ringbuf_submit(event, 0);
  return 0;
}
