// SPDX-License-Identifier: MIT
// Starting a target so that every fault is in force, and proven, before its first instruction.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/cgroup.h"
#include "kernel/image_root.h"
#include "kernel/roots.h"
#include "kernel/shared_memory_space.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

struct LaunchSpec {
  std::vector<std::string> argv;           // argv[0]: absolute path; with an image, one inside it
  std::map<std::string, std::string> env;  // added to brink's own
  std::string cwd;
  std::string user;  // empty: unchanged. Its groups are set too. With an image, one of its users.
  std::optional<ImageRoot> image;                    // its root folder; cwd is below it. None: unchanged
  const SharedMemorySpace* shared_memory = nullptr;  // borrowed; null: the machine's. Needs a cwd
  std::vector<int> join_fds;                         // cgroup.procs descriptors (Cgroup::JoinFds); borrowed
  std::vector<RlimitSetting> rlimits;
  std::optional<int> oom_score_adj;
  std::optional<int> nice;
  /// Called in the child after fork and before the user is changed, with the child's pid: registers it with
  /// the evidence. Must be async-signal-safe (a raw system call on a descriptor that is already open).
  /// Returns 0 or an errno.
  int (*register_self)(pid_t pid, void* context) = nullptr;
  void* register_context = nullptr;
  /// The child borrows brink's memory until its exec (vfork), which takes a quarter of the time of a fork:
  /// only where MayShareMemory() allows it. A change of user forks nevertheless: a process of another user
  /// must not have brink's memory. So does an image: its mounts take a while, for which brink would stand
  /// still.
  bool share_memory = false;
  /// How long the child may take until its exec. Preparing takes microseconds; one that takes longer hangs in
  /// a fault: a frozen group, a full v1 group without OOM killer.
  std::chrono::milliseconds longest_preparation{10000};
};

/// False when the kernel would end brink along with a child that has its memory: the OOM killer passes over a
/// child of vfork when it looks for a victim (mm/oom_kill.c oom_badness()), but not when it takes a whole
/// group (memory.oom.group) or whoever asks (vm.oom_kill_allocating_task), and then ends all that share the
/// victim's memory.
[[nodiscard]] bool MayShareMemory(const Roots& roots, const Cgroup& group);

struct Launched {
  pid_t pid = 0;
  UniqueFd pidfd;   // readable when it has ended
  UniqueFd output;  // stdout and stderr together, non-blocking; standard input is /dev/null
  /// What the child read of itself just before exec: one per rlimit, oom_score_adj, nice and cgroup (name
  /// "cgroup"), `target` left empty.
  std::vector<ImposedFault> proof;
};

/// Starts it (Boost.Process). Fails, with nothing left running, when a fault cannot be imposed or exec fails;
/// the error says which, and the remedy. `proof_on_failure`, if given, receives what was read up to there.
/// The child starts in its own session, with default signal dispositions and an empty signal mask, and dies
/// (SIGKILL) with the thread that started it. With share_memory that thread is suspended meanwhile.
[[nodiscard]] Result<Launched> Launch(const LaunchSpec& spec,
                                      std::vector<ImposedFault>* proof_on_failure = nullptr);

/// How a process ended, from its native wait status (Boost's exit_code() confuses exit(9) with SIGKILL).
struct ExitStatus {
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::uint64_t max_rss_bytes = 0;
};

/// Reaps a child that has ended (its pidfd is readable). Fails when it has not.
[[nodiscard]] Result<ExitStatus> Reap(pid_t pid);

}  // namespace brink
