// SPDX-License-Identifier: MIT
// Which limits would explain a failing call, each by the arithmetic of the kernel's own check.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "judge/request.h"
#include "model/evidence.h"
#include "model/verdict.h"

namespace brink {

/// One limit that fits.
struct Candidate {
  BindingLimit limit;
  /// True: with these figures the kernel's check refuses. False: it may have, but something that the figures
  /// don't show (a race, the request's exact size) would have to add to it.
  bool certain = false;
};

using Candidates = std::vector<Candidate>;

void AddMapCount(const FailedCall& call, const Request& request, Candidates& out);
/// vm.max_map_count once more, for when nothing else fits: the figures are those of the call's return, a
/// moment after the kernel's check, and meanwhile other threads may have unmapped a few. Never certain.
void AddEasedMapCount(const FailedCall& call, const Request& request, Candidates& out);
/// RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK.
void AddRlimits(const FailedCall& call, const Request& request, Candidates& out);
void AddCommitLimit(const FailedCall& call, const Request& request, Candidates& out);
void AddHugePages(const FailedCall& call, const Request& request, Candidates& out);
/// memory.max of any level above the process, and the machine's memory.
void AddPhysicalMemory(const FailedCall& call, const Request& request, Candidates& out);
/// Tasks of the whole machine when the call failed. The machine's own figure is read a moment later, and a
/// program that gives up takes its threads with it; what the kernel counted at that instant is a lower bound.
[[nodiscard]] std::uint64_t MachineTasks(const FailedCall& call);
/// pids.max, RLIMIT_NPROC, kernel.pid_max, kernel.threads-max.
void AddTaskLimits(const FailedCall& call, const Request& request, Candidates& out);

/// What bound when the kernel's own overcommit check is known to have refused.
[[nodiscard]] BindingLimit CommitLimitOf(const FailedCall& call, const Request& request);

}  // namespace brink
