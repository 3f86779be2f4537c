// SPDX-License-Identifier: MIT
// Which limit bound when a call failed.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "judge/candidates.h"
#include "judge/judge.h"
#include "judge/request.h"
#include "judge/words.h"

namespace brink {
namespace {

using enum CallFamily;

std::string List(const Candidates& candidates) {
  std::string text;
  for (const Candidate& candidate : candidates) {
    text += (text.empty() ? "" : " and ") + UseOfNamedLimit(candidate.limit);
  }
  return text;
}

/// "use of limit" where there is a limit; nothing where there is none.
std::string Against(std::string_view name, std::uint64_t use, std::uint64_t limit, std::string_view unit) {
  return limit == kNoLimit || limit == 0
             ? std::string()
             : fmt::format(", {} of {} ({})", Amount(use, unit), Amount(limit, unit), name);
}

std::string TaskFigures(const FailedCall& call) {
  const std::uint64_t tasks = MachineTasks(call);
  std::string text = Against("kernel.threads-max", tasks, call.machine.threads_max, "tasks") +
                     Against("kernel.pid_max", tasks, call.machine.pid_max, "tasks");
  if (call.uid != 0 && !call.resource_capable) {
    text += Against("RLIMIT_NPROC", call.user_tasks, call.limits.nproc, "tasks");
  }
  for (const GroupFigures& group : call.pids_groups) {
    text += Against("pids.max", group.use, group.limit, "tasks");
  }
  return text.empty() ? text : text.substr(2);
}

std::string MemoryFigures(const FailedCall& call) {
  std::string text = Against("vm.max_map_count", call.map_count, call.machine.max_map_count, "mappings") +
                     Against("RLIMIT_AS", call.total_vm_bytes, call.limits.as, "bytes") +
                     Against("RLIMIT_DATA", call.data_vm_bytes, call.limits.data, "bytes");
  if (!call.ipc_lock_capable) {
    text += Against("RLIMIT_MEMLOCK", call.locked_bytes, call.limits.memlock, "bytes");
  }
  if (call.machine.overcommit_memory == 2) {
    text +=
        Against("commit_limit", call.machine.committed_as_bytes, call.machine.commit_limit_bytes, "bytes");
  }
  for (const GroupFigures& group : call.memory_groups) {
    const std::string use = Against("memory.max", group.use, group.limit, "bytes");
    text += use;
    if (!use.empty() && group.reclaimable >= kMiB) {
      text += fmt::format(" of which {} were page cache", FormatBytes(group.reclaimable));
    }
  }
  return text.empty() ? text : text.substr(2);
}

std::string NoneFits(const FailedCall& call, const Request& request) {
  const bool tasks = call.errno_name == "EAGAIN" && (request.family == kFork || request.family == kExec);
  std::string reason = fmt::format("no limit fits {} of {}", call.errno_name, call.call);
  if (const std::string figures = tasks ? TaskFigures(call) : MemoryFigures(call); !figures.empty()) {
    reason += ": it had " + figures;
  }
  if (const std::string other = OtherCause(call, request); !other.empty()) {
    reason += "; " + other;
  }
  return reason;
}

Binding Decide(Candidates candidates, const FailedCall& call, const Request& request) {
  const bool any_certain =
      std::any_of(candidates.begin(), candidates.end(), [](const Candidate& each) { return each.certain; });
  if (any_certain) {
    std::erase_if(candidates, [](const Candidate& each) { return !each.certain; });
  }
  if (candidates.empty()) {
    return {.limit = std::nullopt, .reason = NoneFits(call, request)};
  }
  if (candidates.size() > 1) {
    return {.limit = std::nullopt,
            .reason = fmt::format("{} limits fit {} of {}: {}; raising one alone may not help",
                                  candidates.size(), call.errno_name, call.call, List(candidates))};
  }
  BindingLimit limit = std::move(candidates.front().limit);
  std::string reason = fmt::format("{}: {}{}", UseOfNamedLimit(limit), limit.detail,
                                   any_certain ? "" : " (most likely: nothing else fits)");
  return {.limit = std::move(limit), .reason = std::move(reason)};
}

}  // namespace

Binding BindingOf(const FailedCall& call) {
  const Request request = RequestOf(call);
  if (call.overcommit_refused == true && call.errno_name == "ENOMEM") {
    // The kernel's own word. Its other checks come first, so they had passed.
    BindingLimit limit = CommitLimitOf(call, request);
    std::string reason = fmt::format("{}: {}", UseOfNamedLimit(limit), limit.detail);
    return {.limit = std::move(limit), .reason = std::move(reason)};
  }
  Candidates candidates;
  AddMapCount(call, request, candidates);
  AddRlimits(call, request, candidates);
  AddCommitLimit(call, request, candidates);
  AddHugePages(call, request, candidates);
  AddPhysicalMemory(call, request, candidates);
  AddTaskLimits(call, request, candidates);
  if (candidates.empty()) {
    AddEasedMapCount(call, request, candidates);
  }
  return Decide(std::move(candidates), call, request);
}

}  // namespace brink
