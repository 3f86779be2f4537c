// SPDX-License-Identifier: MIT OR GPL-2.0-only
// The figures of a task at this instant: its address space, its limits, its control groups.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "watch_events.h"

static __always_inline struct cgroup_subsys_state* group_of(struct task_struct* task, __u32 controller) {
  void* set = BPF_CORE_READ(task, cgroups);
  void* slot = set + bpf_core_field_offset(struct css_set, subsys) + controller * sizeof(void*);
  struct cgroup_subsys_state* group = 0;
  bpf_probe_read_kernel(&group, sizeof(group), slot);
  return group;
}

/// `css` is the first field of mem_cgroup and pids_cgroup, as the kernel's own casts need it.
static __always_inline void read_memory_group(struct brink_group* out, struct cgroup_subsys_state* css) {
  struct mem_cgroup* group = (struct mem_cgroup*)css;
  out->id = BPF_CORE_READ(css, cgroup, kn, id);
  out->use = BPF_CORE_READ(group, memory.usage.counter);
  out->limit = BPF_CORE_READ(group, memory.max);
}

static __always_inline void read_groups(struct brink_failure* event, struct task_struct* task) {
  event->memory_levels = 0;
  event->pids_levels = 0;
  if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
    struct cgroup_subsys_state* css =
        group_of(task, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
    for (int level = 0; level < BRINK_GROUP_LEVELS && css; ++level) {
      read_memory_group(&event->memory[level], css);
      event->memory_levels = level + 1;
      css = BPF_CORE_READ(css, parent);
    }
  }
  if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
    struct cgroup_subsys_state* css =
        group_of(task, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
    for (int level = 0; level < BRINK_GROUP_LEVELS && css; ++level) {
      struct pids_cgroup* group = (struct pids_cgroup*)css;
      event->pids[level].id = BPF_CORE_READ(css, cgroup, kn, id);
      event->pids[level].use = BPF_CORE_READ(group, counter.counter);
      event->pids[level].limit = BPF_CORE_READ(group, limit.counter);
      event->pids_levels = level + 1;
      css = BPF_CORE_READ(css, parent);
    }
  }
}

/// How many tasks RLIMIT_NPROC counts against this user: the most of all user namespaces up from its own, as
/// each level is checked (kernel/ucount.c is_rlimit_overlimit()).
static __always_inline __u64 user_tasks(struct cred* cred) {
  __s64 tasks = 0;
  __s64 most = 0;
  if (bpf_core_field_exists(struct user_struct, processes)) {
    return (__u32)BPF_CORE_READ(cred, user, processes.counter);
  }
  void* counts = BPF_CORE_READ(cred, ucounts);
  __u64 offset;
  if (bpf_core_field_exists(struct ucounts, rlimit)) {
    offset = bpf_core_field_offset(struct ucounts, rlimit) +
             bpf_core_enum_value(enum rlimit_type, UCOUNT_RLIMIT_NPROC) * sizeof(tasks);
  } else {
    offset = bpf_core_field_offset(struct ucounts___5_14, ucount) +
             bpf_core_enum_value(enum ucount_type___5_14, UCOUNT_RLIMIT_NPROC___5_14) * sizeof(tasks);
  }
  for (int level = 0; level < BRINK_USER_LEVELS && counts; ++level) {
    bpf_probe_read_kernel(&tasks, sizeof(tasks), counts + offset);
    most = tasks > most ? tasks : most;
    counts = BPF_CORE_READ((struct ucounts*)counts, ns, ucounts);
  }
  return most;
}

/// As capable() of kernel/capability.c sees them, which every check of a limit asks: those of another user
/// namespace than the initial one lift none.
static __always_inline __u64 capabilities(struct cred* effective) {
  __u64 set = 0;
  if (!BPF_CORE_READ(effective, user_ns, level)) {
    void* field = (void*)effective + bpf_core_field_offset(struct cred, cap_effective);
    bpf_probe_read_kernel(&set, sizeof(set), field);
  }
  return set;
}

static __always_inline void read_figures(struct brink_failure* event, struct task_struct* task) {
  struct mm_struct* mm = BPF_CORE_READ(task, mm);
  event->map_count = BPF_CORE_READ(mm, map_count);
  event->locked_pages = BPF_CORE_READ(mm, locked_vm);
  event->total_pages = BPF_CORE_READ(mm, total_vm);
  event->data_pages = BPF_CORE_READ(mm, data_vm);
  event->stack_pages = BPF_CORE_READ(mm, stack_vm);
  struct signal_struct* signal = BPF_CORE_READ(task, signal);
  event->threads = BPF_CORE_READ(signal, nr_threads);
  event->unused = 0;
  event->limit_data = BPF_CORE_READ(signal, rlim[2].rlim_cur);  // the indices: asm-generic/resource.h
  event->limit_stack = BPF_CORE_READ(signal, rlim[3].rlim_cur);
  event->limit_nproc = BPF_CORE_READ(signal, rlim[6].rlim_cur);
  event->limit_memlock = BPF_CORE_READ(signal, rlim[8].rlim_cur);
  event->limit_as = BPF_CORE_READ(signal, rlim[9].rlim_cur);
  struct cred* real = BPF_CORE_READ(task, real_cred);
  event->uid = BPF_CORE_READ(real, uid.val);
  event->user_tasks = user_tasks(real);
  event->capabilities = capabilities(BPF_CORE_READ(task, cred));
}
