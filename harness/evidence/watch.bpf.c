// SPDX-License-Identifier: MIT OR GPL-2.0-only
// Follows the targets through fork, exec and exit, and writes down what goes wrong with their memory at the
// instant it does. Tracepoints and function entries of the kernel by BTF alone: no tracefs, no kprobes.
// Kernels 5.10 and up, x86-64.
#include "kernel_types.h"
//
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "compat_calls.bpf.h"
#include "entries.bpf.h"
#include "failing_calls.bpf.h"
#include "figures.bpf.h"
#include "oom_kill.bpf.h"
#include "stack_overflow.bpf.h"
#include "watch_events.h"
#include "watch_maps.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16384);
  __type(key, struct brink_failure_key);
  __type(value, __u64);
} failure_counts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 2 * 1024 * 1024);
} events SEC(".maps");

/// Events that found the ring buffer full, and processes and counts that found their map full.
__u64 events_lost = 0;

struct signal_key {
  __u64 started_ns;  // with it the number is of one process alone: another one may get it
  __u32 pid;
  __u32 signal;
};
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct signal_key);
  __type(value, __u32);
} signal_counts SEC(".maps");

/// The kernel's own SIGKILL: to whom, and as what it was tracked then. The OOM killer marks its victim right
/// after; on another CPU the victim may have ended by then and be tracked no more.
struct kernel_kill {
  __u64 task;
  __u32 token;
  __u32 unused;
};

/// By sending thread: its last one.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, struct kernel_kill);
} kernel_kills SEC(".maps");

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

SEC("raw_tp/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args* context) {
  struct task_struct* parent = (struct task_struct*)context->args[0];
  struct task_struct* child = (struct task_struct*)context->args[1];
  __u32 token = token_of(bpf_get_current_pid_tgid() >> 32);
  __u32 pid = BPF_CORE_READ(child, tgid);
  if (!token || pid != (__u32)BPF_CORE_READ(child, pid)) {
    return 0;  // a stranger, or only a thread
  }
  know_task(pid, child);  // first, so that no entry of an earlier process of that number is taken for it
  if (bpf_map_update_elem(&tracked, &pid, &token, BPF_ANY)) {
    count_lost();
  }
  struct brink_fork* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_FORK, token, child);
  event->parent_pid = BPF_CORE_READ(parent, tgid);
  event->unused = 0;
  bpf_ringbuf_submit(event, 0);
  return 0;
}

SEC("raw_tp/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args* context) {
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  __u32 token = token_of(pid);
  if (!token) {
    return 0;
  }
  // The thread that calls exec becomes the leader; the leader before it, if another, is gone.
  know_task(pid, (struct task_struct*)context->args[0]);
  struct brink_exec* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_EXEC, token, (struct task_struct*)context->args[0]);
  const char* path = BPF_CORE_READ((struct linux_binprm*)context->args[2], interp);
  if (bpf_probe_read_kernel_str(event->path, sizeof(event->path), path) < 0) {
    event->path[0] = 0;
  }
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/// The status that wait(2) will give; as wait_task_zombie() in kernel/exit.c finds it.
static __always_inline __u32 wait_status(struct task_struct* task) {
  const unsigned int signal_group_exit = 0x4;  // include/linux/sched/signal.h
  if (BPF_CORE_READ(task, signal, flags) & signal_group_exit) {
    return BPF_CORE_READ(task, signal, group_exit_code);
  }
  return BPF_CORE_READ(task, group_leader, exit_code);
}

SEC("raw_tp/sched_process_exit")
int on_exit(struct bpf_raw_tracepoint_args* context) {
  struct task_struct* task = (struct task_struct*)context->args[0];
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  __u32 token = token_of(pid);
  if (!token || BPF_CORE_READ(task, signal, live.counter)) {
    return 0;  // a stranger, or other threads of it live on
  }
  // Two threads that end at once may both be the last; the one that removes the entry tells it.
  if (bpf_map_delete_elem(&tracked, &pid)) {
    return 0;
  }
  bpf_map_delete_elem(&known_tasks, &pid);
  struct brink_exit* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_EXIT, token, task);
  event->status = wait_status(task);
  event->map_count = BPF_CORE_READ(task, mm, map_count);
  // do_exit() raises it to the address space's high-water mark before this tracepoint; the greater of all its
  // execs.
  event->peak_rss_pages = BPF_CORE_READ(task, signal, maxrss);
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/// True when the overcommit check refused during this very call: the thread has not moved in user space
/// since.
static __always_inline bool take_refusal(__u64 user_ip) {
  __u32 thread = bpf_get_current_pid_tgid();
  __u64* refused_at = bpf_map_lookup_elem(&refusals, &thread);
  if (!refused_at) {
    return false;
  }
  bool same = *refused_at == user_ip;
  bpf_map_delete_elem(&refusals, &thread);
  return same;
}

static __always_inline void read_call(struct brink_failure* event, struct pt_regs* regs, long result) {
  if (is_compat_call()) {
    read_compat_args(event->args, regs);
  } else {
    event->args[0] = regs->di;
    event->args[1] = regs->si;
    event->args[2] = regs->dx;
    event->args[3] = regs->r10;
    event->args[4] = regs->r8;
    event->args[5] = regs->r9;
  }
  if (event->call == BRINK_NR_brk) {
    event->args[1] = result;
  }
}

static __always_inline void read_stack(void* context, struct brink_failure* event, __u64 stack_pointer) {
  event->stack_word = 0;
  bpf_probe_read_user(&event->stack_word, sizeof(event->stack_word), (void*)stack_pointer);
  long bytes = bpf_get_stack(context, event->stack, sizeof(event->stack), BPF_F_USER_STACK);
  event->frames = bytes > 0 ? bytes / sizeof(event->stack[0]) : 0;
  bytes = bpf_get_stack(context, event->place, sizeof(event->place), BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
  event->places = bytes > 0 ? bytes / sizeof(event->place[0]) : 0;
}

/// Counts the failure. True when it is among the first of its kind.
static __always_inline bool count_failure(__u32 token, __u32 pid, __u32 call, __u32 error) {
  struct brink_failure_key key = {.token = token, .pid = pid, .call = call, .error = error};
  __u64* count = bpf_map_lookup_elem(&failure_counts, &key);
  if (!count) {
    __u64 none = 0;
    bpf_map_update_elem(&failure_counts, &key, &none, BPF_NOEXIST);
    count = bpf_map_lookup_elem(&failure_counts, &key);
  }
  if (!count) {
    count_lost();
    return false;
  }
  bool detail = *count < BRINK_FAILURE_DETAILS;
  __sync_fetch_and_add(count, 1);
  return detail;
}

/// A failure of the current task, counted; null when it is a stranger or its details are known well enough.
static __always_inline struct brink_failure* open_failure(__u32 call, __u32 error) {
  __u32 pid = bpf_get_current_pid_tgid() >> 32;
  __u32 token = token_of(pid);
  if (!token || !count_failure(token, pid, call, error)) {
    return 0;
  }
  struct brink_failure* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_FAILURE, token, (struct task_struct*)bpf_get_current_task());
  event->call = call;
  event->error = error;
  return event;
}

static __always_inline void complete_failure(void* context, struct brink_failure* event,
                                             __u64 stack_pointer) {
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  read_stack(context, event, stack_pointer);
  event->overcommit_refused = take_refusal(event->stack[0]);
  read_figures(event, task);
  read_groups(event, task);
  bpf_ringbuf_submit(event, 0);
}

/// Returns the errno of a break that does not move. Below start_brk it is but a question: sbrk(0).
static __always_inline __u32 break_failure(__u64 wanted, long result) {
  if ((unsigned long)result == wanted || wanted == 0) {
    return 0;
  }
  struct task_struct* task = (struct task_struct*)bpf_get_current_task();
  return wanted >= BPF_CORE_READ(task, mm, start_brk) ? BRINK_ENOMEM : 0;
}

/// Whether a call with such a number and result may have failed for memory or tasks. Every system call of the
/// machine passes here, and few go on.
static __always_inline bool may_count(__u64 number, long result) {
  if ((unsigned long)result < (unsigned long)-BRINK_MAX_ERRNO) {
    return number == BRINK_NR_brk || number == BRINK_NR32_brk;
  }
  return result == -BRINK_ENOMEM || result == -BRINK_EAGAIN || result == -BRINK_EPERM ||
         result == -BRINK_ENOSPC;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs* regs, long result) {
  if (!may_count(regs->orig_ax, result)) {
    return 0;
  }
  const bool is_compat = is_compat_call();
  const __u32 call = is_compat ? native_call(regs) : (__u32)regs->orig_ax;
  __u32 error = 0;
  if ((unsigned long)result >= (unsigned long)-BRINK_MAX_ERRNO) {
    error = failure_counts_for(call, -result) ? -result : 0;
  } else if (call == BRINK_NR_brk) {
    error = break_failure(is_compat ? (__u32)regs->bx : regs->di, result);
  }
  struct brink_failure* event = error ? open_failure(call, error) : 0;
  if (!event) {
    return 0;
  }
  read_call(event, regs, result);
  complete_failure(ctx, event, regs->sp);
  return 0;
}

SEC("raw_tp/mark_victim")
int on_mark_victim(struct bpf_raw_tracepoint_args* context) {
  __u32 thread = bpf_get_current_pid_tgid();
  struct kernel_kill* killed = bpf_map_lookup_elem(&kernel_kills, &thread);
  struct task_struct* victim = killed ? (struct task_struct*)killed->task : 0;
  // The same change of the kernel (6.9) gave the tracepoint the task for an argument and total_vm for a
  // field.
  bool gives_task = bpf_core_field_exists(struct trace_event_raw_mark_victim, total_vm);
  bool same =
      gives_task ? context->args[0] == (__u64)victim : (int)context->args[0] == BPF_CORE_READ(victim, pid);
  if (!victim || !same) {
    return 0;  // it was dying already and is only let at the reserves: not a kill
  }
  __u32 token = killed->token;
  bpf_map_delete_elem(&kernel_kills, &thread);
  struct brink_oom_kill* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  __builtin_memset(event, 0, sizeof(*event));
  open_event(&event->header, BRINK_OOM_KILL, token, victim);
  event->oom_score_adj = BPF_CORE_READ(victim, signal, oom_score_adj);
  event->invoker_pid = bpf_get_current_pid_tgid() >> 32;
  bpf_get_current_comm(event->invoker_comm, sizeof(event->invoker_comm));
  read_rss(event, victim);
  read_scope(event, victim);
  bpf_ringbuf_submit(event, 0);
  return 0;
}

/// Signals that end a process unless it handles them: all but CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH.
/// signal(7)
static __always_inline bool ends_processes(__u32 signal) {
  const __u64 harmless =
      1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 20 | 1ull << 21 | 1ull << 22 | 1ull << 23 | 1ull << 28;
  return signal >= 64 || !(harmless >> signal & 1);
}

static __always_inline bool count_signal(struct task_struct* task, __u32 signal) {
  struct signal_key key = {.started_ns = BPF_CORE_READ(task, group_leader, start_time),
                           .pid = BPF_CORE_READ(task, tgid),
                           .signal = signal};
  __u32 none = 0;
  __u32* count = bpf_map_lookup_elem(&signal_counts, &key);
  if (!count) {
    bpf_map_update_elem(&signal_counts, &key, &none, BPF_NOEXIST);
    count = bpf_map_lookup_elem(&signal_counts, &key);
  }
  if (!count || *count >= BRINK_SIGNAL_DETAILS) {
    return false;
  }
  __sync_fetch_and_add(count, 1);
  return true;
}

static __always_inline void tell_stack_overflow(void* context, struct kernel_siginfo* info) {
  struct stack_fault fault = {0};
  if (!is_stack_overflow(&fault, info)) {
    return;
  }
  struct brink_failure* event = open_failure(BRINK_PAGE_FAULT, BRINK_ENOMEM);
  if (!event) {
    return;
  }
  __builtin_memset(event->args, 0, sizeof(event->args));
  event->args[0] = fault.address;
  event->args[1] = fault.stack_pointer;
  event->args[2] = fault.top;
  complete_failure(context, event, fault.stack_pointer);
}

SEC("raw_tp/signal_generate")
int on_signal(struct bpf_raw_tracepoint_args* context) {
  const __u64 send_sig_noinfo = 0;  // include/linux/sched/signal.h
  const __u64 send_sig_priv = 1;
  const int sigkill = 9;
  const int ignored = 1;  // TRACE_SIGNAL_IGNORED
  int signal = context->args[0];
  __u64 info = context->args[1];
  __u64 thread = bpf_get_current_pid_tgid();
  struct task_struct* task = (struct task_struct*)context->args[2];
  __u32 pid = BPF_CORE_READ(task, tgid);
  __u32 token = token_of(pid);
  if (signal == sigkill && info == send_sig_priv) {
    __u32 tid = thread;
    struct kernel_kill kill = {.task = (__u64)task, .token = token};
    bpf_map_update_elem(&kernel_kills, &tid, &kill, BPF_ANY);
  }
  if (!token) {
    return 0;
  }
  if (signal == BRINK_SIGSEGV && info > send_sig_priv && (__u64)task == bpf_get_current_task()) {
    tell_stack_overflow(context, (struct kernel_siginfo*)info);
  }
  if (!ends_processes(signal) || (int)context->args[4] == ignored || !count_signal(task, signal)) {
    return 0;
  }
  struct brink_signal* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (!event) {
    count_lost();
    return 0;
  }
  open_event(&event->header, BRINK_SIGNAL, token, task);
  event->signal = signal;
  if (info == send_sig_noinfo) {
    event->code = 0;  // SI_USER
  } else if (info == send_sig_priv) {
    event->code = 0x80;  // SI_KERNEL
  } else {
    event->code = BPF_CORE_READ((struct kernel_siginfo*)info, si_code);
  }
  event->sender_pid = thread >> 32;
  event->sender_token = token_of(event->sender_pid);
  bpf_get_current_comm(event->sender_comm, sizeof(event->sender_comm));
  bpf_ringbuf_submit(event, 0);
  return 0;
}

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
