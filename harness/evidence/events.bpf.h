// SPDX-License-Identifier: MIT OR GPL-2.0-only
// The ring buffer that events go to user space by.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "watch_events.h"

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 2 * 1024 * 1024);
} events SEC(".maps");

/// Events that found the ring buffer full, and processes and counts that found their map full.
__u64 events_lost = 0;

static __always_inline void count_lost(void) { __sync_fetch_and_add(&events_lost, 1); }

static __always_inline void open_event(struct brink_header* header, enum brink_event_kind kind, __u32 token,
                                       struct task_struct* subject) {
  header->kind = kind;
  header->token = token;
  header->pid = BPF_CORE_READ(subject, tgid);
  header->tid = BPF_CORE_READ(subject, pid);
  header->at_ns = bpf_ktime_get_ns();
  BPF_CORE_READ_STR_INTO(&header->comm, subject, comm);
}
