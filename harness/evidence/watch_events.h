// SPDX-License-Identifier: MIT OR GPL-2.0-only
// What watch.bpf.c writes into its ring buffer and maps, and the readers read: plain C, the same layout on
// both sides.
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>

enum {
  BRINK_FRAMES = 24,           // user stack, innermost first
  BRINK_GROUP_LEVELS = 6,      // levels of a cgroup controller, nearest first
  BRINK_USER_LEVELS = 8,       // user namespaces, innermost first
  BRINK_OOM_LEVELS = 16,       // groups above a victim that are looked at
  BRINK_COMM = 16,             // TASK_COMM_LEN
  BRINK_PATH = 256,            // of a program; a longer one is cut
  BRINK_FAILURE_DETAILS = 8,   // events of each (process, call, errno); all are counted
  BRINK_SIGNAL_DETAILS = 16,   // events of each (target, signal)
  BRINK_KNOWN_TASKS = 256,     // processes that are sampled without a walk over all tasks
  BRINK_PAGE_FAULT = 1 << 16,  // in place of a system call's number: the stack was not allowed to grow
};

enum brink_event_kind {
  BRINK_FORK = 1,
  BRINK_EXEC,
  BRINK_EXIT,
  BRINK_FAILURE,
  BRINK_OOM_KILL,
  BRINK_SIGNAL,
};

/// Opens every event. The subject: the new process, the victim, the target of a signal.
struct brink_header {
  __u32 kind;
  __u32 token;  // 0: not tracked
  __u32 pid;    // thread group
  __u32 tid;
  __u64 at_ns;  // CLOCK_MONOTONIC
  char comm[BRINK_COMM];
};

struct brink_fork {
  struct brink_header header;
  __u32 parent_pid;
  __u32 unused;
};

struct brink_exec {
  struct brink_header header;
  char path[BRINK_PATH];  // of the program, of a script its interpreter: as the call gave it
};

struct brink_exit {
  struct brink_header header;
  __u32 status;     // as wait(2) gives it
  __u32 map_count;  // 0 where the kernel has let the address space go already
  __u64 peak_rss_pages;
};

/// One level of a controller. Memory in pages, pids in tasks; `limit` as the kernel holds it, "max" included.
struct brink_group {
  __u64 id;  // inode number of its directory
  __u64 use;
  __u64 limit;
};

struct brink_failure {
  struct brink_header header;
  __u32 call;  // system call number, or BRINK_PAGE_FAULT
  __u32 error;
  /// brk: [1] is the break that stayed. BRINK_PAGE_FAULT: the address, the user's stack pointer (0 before
  /// Linux 5.15), the stack's upper end.
  __u64 args[6];
  __u64 map_count;
  __u64 locked_pages;
  __u64 total_pages;
  __u64 data_pages;
  __u64 stack_pages;
  __u64 limit_as;  // soft rlimits, as the kernel holds them: bytes, nproc in tasks
  __u64 limit_data;
  __u64 limit_memlock;
  __u64 limit_stack;
  __u64 limit_nproc;
  __u64 capabilities;  // effective set; empty outside the initial user namespace
  __u64 user_tasks;
  __u32 uid;
  __u32 overcommit_refused;
  __u64 stack_word;  // at the user's stack pointer: the return address of a libc wrapper without a frame
  __u32 frames;      // how many of `stack` are valid
  __u32 memory_levels;
  __u32 pids_levels;
  __u32 places;  // how many of `place` are valid
  __u32 threads;
  __u32 unused;
  __u64 stack[BRINK_FRAMES];
  /// The same frames as places in files, which last longer than the process; not all of them need have one.
  struct bpf_stack_build_id place[BRINK_FRAMES];
  struct brink_group memory[BRINK_GROUP_LEVELS];
  struct brink_group pids[BRINK_GROUP_LEVELS];
};

enum brink_oom_scope { BRINK_SCOPE_MEMCG = 1, BRINK_SCOPE_MACHINE };

struct brink_oom_kill {
  struct brink_header header;
  __u32 scope;
  __s32 oom_score_adj;
  struct brink_group group;  // whose limit was exhausted; the victim's own when the scope is not memcg
  __u64 anon_pages;
  __u64 file_pages;
  __u64 shmem_pages;
  __u64 swap_pages;
  __u32 invoker_pid;
  char invoker_comm[BRINK_COMM];
  __u32 unused;
};

struct brink_signal {
  struct brink_header header;
  __s32 signal;
  __s32 code;
  __u32 sender_token;
  __u32 sender_pid;
  char sender_comm[BRINK_COMM];
};

/// Key of the failure counts; the value is a __u64.
struct brink_failure_key {
  __u32 token;
  __u32 pid;
  __u32 call;
  __u32 error;
};

/// One record of the iterator over all processes.
struct brink_mapped {
  __u32 pid;
  __u32 map_count;
  __u32 passed_over;  // by OOM killers
  char comm[BRINK_COMM];
};

/// One record of the iterator over tracked tasks.
struct brink_task {
  __u32 token;
  __u32 pid;
  __u32 parent_pid;
  __u32 map_count;
  __u64 total_pages;
  __u64 locked_pages;
  __u64 data_pages;
  char comm[BRINK_COMM];
};
