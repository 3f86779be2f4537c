// SPDX-License-Identifier: MIT OR GPL-2.0-only
// The maps that watch.bpf.c and entries.bpf.h share.
#pragma once

#include <bpf/bpf_helpers.h>

#include "kernel_types.h"
#include "watch_events.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);    // process
  __type(value, __u32);  // token
} tracked SEC(".maps");

/// The tracked processes whose task is known (0: not yet), few enough to be looked at without a walk over all
/// tasks of the machine. An entry goes before its task does: on_exit() removes it, and the kernel frees a
/// task only an RCU grace period after that; a non-RCU reader would read freed memory.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, BRINK_KNOWN_TASKS);
  __type(key, __u32);    // process
  __type(value, __u64);  // struct task_struct* of its leader
} known_tasks SEC(".maps");

/// Not 0: known_tasks lacks a tracked process. The walk over all tasks enters those it finds.
__u32 tasks_unknown = 0;

static __always_inline void know_task(__u32 pid, struct task_struct* leader) {
  __u64 task = (__u64)leader;
  if (bpf_map_update_elem(&known_tasks, &pid, &task, BPF_ANY)) {
    tasks_unknown = 1;
  }
}

/// By thread: where in user space it was when the kernel refused to overcommit.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, __u64);
} refusals SEC(".maps");

/// By thread that was last in out_of_memory(): the memory cgroup at its limit, 0 for the whole machine.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, __u64);
} exhausted SEC(".maps");

static __always_inline __u32 token_of(__u32 pid) {
  __u32* token = bpf_map_lookup_elem(&tracked, &pid);
  return token ? *token : 0;
}
