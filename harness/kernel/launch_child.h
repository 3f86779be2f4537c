// SPDX-License-Identifier: MIT
// What happens between fork and exec. The child may be the fork of a process with threads, so everything in
// here is async-signal-safe (signal-safety(7)): raw system calls on what the parent prepared, no memory, no
// locks, no errno text.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/launch.h"
#include "kernel/rlimits.h"
#include "kernel/users.h"

namespace brink {

/// What the child was doing; also the kind of a record.
enum class ChildStep : std::int32_t {
  kSession,
  kOutput,
  kSharedMemory,
  kImage,     // index: of RootChange's steps
  kJoin,      // index: of LaunchSpec::join_fds
  kNice,      // value: read back
  kOomScore,  // value: read back
  kRegister,
  kRlimit,  // index: of LaunchSpec::rlimits; soft, hard: read back
  kUser,
  kCwd,
  kGroups,  // followed by `value` bytes of /proc/self/cgroup
  kReady,   // all is in force; exec comes next
  kExec,
};

/// What the child reports through the pipe, before exec. An error ends it.
struct ChildRecord {
  ChildStep step = ChildStep::kSession;
  std::int32_t index = 0;
  std::int32_t error = 0;  // errno
  std::int32_t value = 0;
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

/// All the child needs, prepared before the fork. Descriptors are above 2.
struct ChildSetup {
  pid_t parent = 0;
  bool shares_memory = false;  // vfork: the parent waits in the kernel until exec or the end
  int null_fd = -1;
  int output_fd = -1;
  int report_fd = -1;
  const LaunchSpec* spec = nullptr;
  std::vector<RlimitRequest> rlimits;
  std::optional<RootChange> root;
  bool change_user = false;
  User user;
  char oom_score_text[16] = {};
  int oom_score_length = 0;
};

/// Runs in the child. Returns when exec may follow; ends the child (exit status 127) otherwise.
void PrepareChild(const ChildSetup& setup);

/// Runs in the child after exec has failed: reports it and ends the child.
[[noreturn]] void ReportExecFailure(const ChildSetup& setup, int error);

}  // namespace brink
