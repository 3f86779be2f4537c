// SPDX-License-Identifier: MIT OR GPL-2.0-only
// What only the entry or return of a kernel function tells: which calls the overcommit check refused, and
// (for kernels without cgroup v1, see oom_kill.bpf.h) for whom the OOM killer runs. Some kernels refuse such
// programs, and then all of an object fails to load: watch.cpp tries again without these. They are no object
// of their own, because libbpf parses the kernel's BTF anew for each: 20 ms.
#pragma once

#include "kernel_types.h"
//
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "watch_maps.bpf.h"

/// mm/util.c; called for every mapping that counts against the commit limit.
SEC("fexit/__vm_enough_memory")
int BPF_PROG(on_overcommit_check, struct mm_struct* mm, long pages, int cap_sys_admin, int result) {
  if (!result) {
    return 0;
  }
  __u64 thread = bpf_get_current_pid_tgid();
  if (!token_of(thread >> 32)) {
    return 0;
  }
  __u32 tid = thread;
  __u64 user_ip = 0;
  bpf_get_stack(ctx, &user_ip, sizeof(user_ip), BPF_F_USER_STACK);
  bpf_map_update_elem(&refusals, &tid, &user_ip, BPF_ANY);
  return 0;
}

/// mm/oom_kill.c; every OOM kill comes out of it.
SEC("fentry/out_of_memory")
int BPF_PROG(on_out_of_memory, struct oom_control* control) {
  __u32 thread = bpf_get_current_pid_tgid();
  __u64 group = (__u64)control->memcg;
  bpf_map_update_elem(&exhausted, &thread, &group, BPF_ANY);
  return 0;
}
