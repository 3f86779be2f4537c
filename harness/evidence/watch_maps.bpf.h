// SPDX-License-Identifier: MIT OR GPL-2.0-only
// The maps that watch.bpf.c and entries.bpf.h share.
#pragma once

#include <bpf/bpf_helpers.h>

#include "kernel_types.h"

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, __u32);    // process
  __type(value, __u32);  // token
} tracked SEC(".maps");

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
