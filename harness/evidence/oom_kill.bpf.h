// SPDX-License-Identifier: MIT OR GPL-2.0-only
// What the OOM killer knew of its victim.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "figures.bpf.h"
#include "watch_events.h"
#include "watch_maps.bpf.h"

static __always_inline void read_rss(struct brink_oom_kill* event, struct task_struct* victim) {
  __u64 pages[4] = {0};  // file, anonymous, swapped, shared: include/linux/mm_types_task.h
  void* mm = BPF_CORE_READ(victim, mm);
  if (bpf_core_type_exists(struct mm_rss_stat)) {
    struct mm_struct___before_6_2* old = mm;
    bpf_probe_read_kernel(pages, sizeof(pages), __builtin_preserve_access_index(&old->rss_stat.count));
  } else {
    // Each CPU holds back up to 32 pages of its own, which only a walk over all CPUs would add.
    void* counter = mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
                    bpf_core_field_offset(struct percpu_counter, count);
    for (int kind = 0; kind < 4; ++kind) {
      bpf_probe_read_kernel(&pages[kind], sizeof(pages[kind]), counter);
      counter += bpf_core_type_size(struct percpu_counter);
    }
  }
  event->file_pages = (__s64)pages[0] > 0 ? pages[0] : 0;
  event->anon_pages = (__s64)pages[1] > 0 ? pages[1] : 0;
  event->swap_pages = (__s64)pages[2] > 0 ? pages[2] : 0;
  event->shmem_pages = (__s64)pages[3] > 0 ? pages[3] : 0;
}

/// Whose limit led to the kill. While the kernel looks for a victim for a group that ran out, it holds
/// oom_lock of that group and of all below it (mem_cgroup_oom() of mm/memcontrol.c); so the highest locked
/// group above the victim is the one. A lowered memory.max kills without the lock, but only there does use
/// exceed the limit. Kernels without cgroup v1 have no lock: there, what entries.bpf.h saw; without that, the
/// nearest group at its limit. Else the machine.
static __always_inline void read_scope(struct brink_oom_kill* event, struct task_struct* victim) {
  event->scope = BRINK_SCOPE_MACHINE;
  if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
    return;
  }
  struct cgroup_subsys_state* css =
      group_of(victim, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
  read_memory_group(&event->group, css);
  const bool has_lock = bpf_core_field_exists(struct mem_cgroup, oom_lock);
  __u32 thread = bpf_get_current_pid_tgid();
  __u64* seen = has_lock ? 0 : bpf_map_lookup_elem(&exhausted, &thread);
  if (seen) {
    if (*seen) {
      event->scope = BRINK_SCOPE_MEMCG;
      read_memory_group(&event->group, (struct cgroup_subsys_state*)*seen);
    }
    return;
  }
  const __u64 slack_pages = has_lock ? 0 : 64;  // what a CPU may hold in stock: MEMCG_CHARGE_BATCH
  struct brink_group group;
  struct brink_group locked = {0};
  struct brink_group full = {0};
  for (int level = 0; level < BRINK_OOM_LEVELS && css; ++level) {
    read_memory_group(&group, css);
    if (has_lock && BPF_CORE_READ((struct mem_cgroup*)css, oom_lock)) {
      locked = group;
    }
    if (!full.id && group.use + slack_pages > group.limit) {
      full = group;
    }
    css = BPF_CORE_READ(css, parent);
  }
  if (locked.id || full.id) {
    event->scope = BRINK_SCOPE_MEMCG;
    event->group = locked.id ? locked : full;
  }
}
