// SPDX-License-Identifier: MIT OR GPL-2.0-only
// The figures of all living tracked processes, when user space asks.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "watch_events.h"
#include "watch_maps.bpf.h"

struct brink_task sampled[BRINK_KNOWN_TASKS];
__u32 sampled_count = 0;

/// False when there is nothing to tell: a stranger, or no address space any more.
static __always_inline bool read_task(struct brink_task* record, __u32 pid, struct task_struct* task) {
  struct mm_struct* mm = BPF_CORE_READ(task, mm);
  record->token = token_of(pid);
  if (!record->token || !mm) {
    return false;
  }
  record->pid = pid;
  record->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
  record->map_count = BPF_CORE_READ(mm, map_count);
  record->total_pages = BPF_CORE_READ(mm, total_vm);
  record->locked_pages = BPF_CORE_READ(mm, locked_vm);
  record->data_pages = BPF_CORE_READ(mm, data_vm);
  BPF_CORE_READ_STR_INTO(&record->comm, task, comm);
  return true;
}

static long sample_one(void* map, __u32* key, __u64* known, void* context) {
  (void)map;
  (void)context;
  __u32 pid = *key;
  struct task_struct* task = (struct task_struct*)*known;
  if (!token_of(pid)) {
    bpf_map_delete_elem(&known_tasks, &pid);  // forgotten since
    return 0;
  }
  // Another number: the leader gave its place to a thread that called exec, of which on_exec() tells next.
  if (!task || BPF_CORE_READ(task, pid) != pid) {
    tasks_unknown = 1;
    return 0;
  }
  __u32 index = sampled_count;
  if (index >= BRINK_KNOWN_TASKS) {  // entries come and go under the walk; the verifier asks too
    tasks_unknown = 1;
    return 1;
  }
  if (read_task(&sampled[index], pid, task)) {
    sampled_count = index + 1;
  }
  return 0;
}

/// Attached to nothing: user space runs it. As every program of this type it runs under RCU, see known_tasks.
SEC("raw_tp")
int sample_known(void* context) {
  (void)context;
  sampled_count = 0;
  bpf_for_each_map_elem(&known_tasks, sample_one, 0, 0);
  return 0;
}

SEC("iter/task")
int sample_tracked(struct bpf_iter__task* context) {
  struct task_struct* task = context->task;
  if (!task || task->pid != task->tgid) {
    return 0;
  }
  struct brink_task record = {0};
  if (!read_task(&record, task->tgid, task)) {
    return 0;
  }
  know_task(record.pid, task);
  bpf_seq_write(context->meta->seq, &record, sizeof(record));
  return 0;
}
