// SPDX-License-Identifier: (MIT OR GPL-2.0)
// Which calls the overcommit check refused: only the return of a kernel function tells. Apart from
// watch.bpf.c, whose maps it shares, because some kernels refuse such programs, and then all of an object
// fails to load.
#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "watch_maps.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

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
