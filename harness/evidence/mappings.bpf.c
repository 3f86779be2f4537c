// SPDX-License-Identifier: MIT OR GPL-2.0-only
// How many mappings each process of the machine has, without reading a line of /proc/PID/maps.
#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "watch_events.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

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
  struct brink_task record = {.pid = task->tgid};
  record.map_count = BPF_CORE_READ(mm, map_count);
  BPF_CORE_READ_STR_INTO(&record.comm, task, comm);
  bpf_seq_write(context->meta->seq, &record, sizeof(record));
  return 0;
}
