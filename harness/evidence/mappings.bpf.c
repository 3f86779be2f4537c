// SPDX-License-Identifier: MIT OR GPL-2.0-only
// How many mappings each process of the machine has, without reading a line of /proc/PID/maps, and whom the
// OOM killer passes over, which /proc does not tell.
#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "watch_events.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/// in_vfork() and tsk_is_oom_victim() of mm/oom_kill.c.
static __always_inline bool is_passed_over(struct task_struct* task, struct mm_struct* mm) {
  const bool in_vfork = task->vfork_done && BPF_CORE_READ(task, real_parent, mm) == mm;
  return in_vfork || BPF_CORE_READ(task, signal, oom_mm);
}

SEC("iter/task")
int all_processes(struct bpf_iter__task* context) {
  struct task_struct* task = context->task;
  if (!task || task->pid != task->tgid) {
    return 0;
  }
  struct mm_struct* mm = task->mm;
  if (!mm) {
    return 0;  // a thread of the kernel, or a zombie
  }
  struct brink_mapped record = {.pid = task->tgid, .passed_over = is_passed_over(task, mm)};
  record.map_count = BPF_CORE_READ(mm, map_count);
  BPF_CORE_READ_STR_INTO(&record.comm, task, comm);
  bpf_seq_write(context->meta->seq, &record, sizeof(record));
  return 0;
}
