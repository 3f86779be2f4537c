// SPDX-License-Identifier: MIT OR GPL-2.0-only
// Follows the targets through fork, exec and exit, and writes down what goes wrong with their memory at the
// instant it does. Tracepoints and function entries of the kernel by BTF alone: no tracefs, no kprobes.
// Kernels 5.10 and up, x86-64.
#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "entries.bpf.h"
#include "events.bpf.h"
#include "failures.bpf.h"
#include "sampling.bpf.h"
#include "signals.bpf.h"
#include "watch_events.h"
#include "watch_maps.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("raw_tp/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args* context) {
  struct task_struct* parent = (struct task_struct*)context->args[0];
  struct task_struct* child = (struct task_struct*)context->args[1];
  __u32 token = token_of(bpf_get_current_pid_tgid() >> 32);
  __u32 pid = BPF_CORE_READ(child, tgid);
  if (!token || pid != (__u32)BPF_CORE_READ(child, pid)) {
    return 0;  // a stranger, or only a thread
  }
  know_task(pid, child);  // first, so that no entry of an earlier process of that number is taken for it
  if (bpf_map_update_elem(&tracked, &pid, &token, BPF_ANY)) {
    count_lost();
  }
  struct brink_fork* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_FORK, token, child);
  event->parent_pid = BPF_CORE_READ(parent, tgid);
  event->unused = 0;
  bpf_ringbuf_submit(event, 0);
  return 0;
}

SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args* context) {
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  __u32 token = token_of(pid);
  if (!token) {
    return 0;
  }
  // The thread that calls exec becomes the leader; the leader before it, if another, is gone.
  know_task(pid, (struct task_struct*)context->args[0]);
  struct brink_exec* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_EXEC, token, (struct task_struct*)context->args[0]);
  const char* path = BPF_CORE_READ((struct linux_binprm*)context->args[2], interp);
  if (bpf_probe_read_kernel_str(event->path, sizeof(event->path), path) < 0) {
    event->path[0] = 0;
  }
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/// The status that wait(2) will give; as wait_task_zombie() in kernel/exit.c finds it.
static __always_inline __u32 wait_status(struct task_struct* task) {
  const unsigned int signal_group_exit = 0x4;  // include/linux/sched/signal.h
  if (BPF_CORE_READ(task, signal, flags) & signal_group_exit) {
    return BPF_CORE_READ(task, signal, group_exit_code);
  }
  return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("raw_tp/sched_process_exit")
int on_exit(struct bpf_raw_tracepoint_args* context) {
  struct task_struct* task = (struct task_struct*)context->args[0];
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  __u32 token = token_of(pid);
  if (!token || BPF_CORE_READ(task, signal, live.counter)) {
    return 0;  // a stranger, or other threads of it live on
  }
  // Two threads that end at once may both be the last; the one that removes the entry tells it.
  if (bpf_map_delete_elem(&tracked, &pid)) {
    return 0;
  }
  bpf_map_delete_elem(&known_tasks, &pid);
  struct brink_exit* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_EXIT, token, task);
  event->status = wait_status(task);
  event->map_count = BPF_CORE_READ(task, mm, map_count);
  // do_exit() raises it to the address space's high-water mark before this tracepoint; the greater of all its
  // execs.
  event->peak_rss_pages = BPF_CORE_READ(task, signal, maxrss);
  bpf_ringbuf_submit(event, 0);
  return 0;
}
