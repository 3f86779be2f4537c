// SPDX-License-Identifier: MIT OR GPL-2.0-only
// The few fields of the kernel's structures that the BPF programs read. CO-RE relocates every access to the
// running kernel, so neither the order nor the other fields matter. A name with ___suffix is the same
// structure on other kernels.
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

typedef __u8 bool;
enum { false = 0, true = 1 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
  int counter;
} atomic_t;
typedef struct {
  long long counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

struct pt_regs {
  unsigned long bx, cx, bp, r10, r9, r8, dx, si, di, orig_ax, cs, sp;
};

enum cgroup_subsys_id { memory_cgrp_id = 1, pids_cgrp_id = 2 };

struct kernfs_node {
  __u64 id;
};
struct cgroup {
  struct kernfs_node* kn;
};
struct cgroup_subsys_state {
  struct cgroup* cgroup;
  struct cgroup_subsys_state* parent;
};
struct css_set {
  struct cgroup_subsys_state* subsys[1];
};
struct page_counter {
  atomic_long_t usage;
  unsigned long max;
};
struct mem_cgroup {
  struct cgroup_subsys_state css;
  struct page_counter memory;
  bool oom_lock;
};
struct pids_cgroup {
  struct cgroup_subsys_state css;
  atomic64_t counter;
  atomic64_t limit;
};

// 6.0 and up; 5.14 to 5.19 kept the rlimits among the other counts; before, user_struct had the number.
enum rlimit_type { UCOUNT_RLIMIT_NPROC = 0 };
enum ucount_type___5_14 { UCOUNT_RLIMIT_NPROC___5_14 = 10 };
struct ucounts;
struct user_namespace {
  int level;                // 0: the initial one
  struct ucounts* ucounts;  // of its creator, in the namespace above
};
struct ucounts {
  struct user_namespace* ns;
  atomic_long_t rlimit[1];
};
struct ucounts___5_14 {
  atomic_long_t ucount[1];
};
struct user_struct {
  atomic_t processes;
};

typedef struct {
  __u32 val;
} kuid_t;
typedef struct {
  __u64 val;  // two __u32 before 6.3: on a little-endian machine the same bits
} kernel_cap_t;
struct cred {
  kuid_t uid;
  kernel_cap_t cap_effective;
  struct user_struct* user;
  struct user_namespace* user_ns;
  struct ucounts* ucounts;
};

struct rlimit {
  unsigned long rlim_cur;
};
struct signal_struct {
  atomic_t live;
  int nr_threads;
  int group_exit_code;
  unsigned int flags;
  unsigned long maxrss;
  struct rlimit rlim[16];
  short oom_score_adj;
  struct mm_struct* oom_mm;
};

// rss_stat: an array of these since 6.2 ...
struct percpu_counter {
  __s64 count;
};
// ... and this one before.
struct mm_rss_stat {
  atomic_long_t count[4];
};
struct mm_struct {
  int map_count;
  unsigned long total_vm, locked_vm, data_vm, stack_vm;
  unsigned long start_brk, env_end;
  struct percpu_counter rss_stat[4];
};
struct mm_struct___before_6_2 {
  struct mm_rss_stat rss_stat;
};

struct completion;
struct thread_info {
  __u32 status;
};
struct task_struct {
  struct thread_info thread_info;
  int pid;
  int tgid;
  int exit_code;
  __u64 start_time;
  char comm[16];
  struct task_struct* group_leader;
  struct task_struct* real_parent;
  struct mm_struct* mm;
  struct signal_struct* signal;
  struct completion* vfork_done;
  struct cred* cred;
  struct cred* real_cred;
  struct css_set* cgroups;
};

union __sifields {
  struct {
    void* _addr;
  } _sigfault;
};
struct kernel_siginfo {
  int si_code;
  union __sifields _sifields;
};

struct linux_binprm {
  const char* interp;
};

struct oom_control {
  struct mem_cgroup* memcg;
};
struct trace_event_raw_mark_victim {
  unsigned long total_vm;
};

struct seq_file;
struct bpf_iter_meta {
  struct seq_file* seq;
};
struct bpf_iter__task {
  struct bpf_iter_meta* meta;
  struct task_struct* task;
};

#pragma clang attribute pop
