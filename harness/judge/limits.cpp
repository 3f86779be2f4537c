// SPDX-License-Identifier: MIT
#include "judge/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/units.h"
#include "judge/request.h"
#include "judge/stall.h"
#include "judge/words.h"

namespace brink {
namespace {

std::vector<const FailedCall*> FailuresOf(const Evidence& evidence, const std::string& process) {
  std::vector<const FailedCall*> calls;
  for (const FailedCall& call : evidence.failed_calls) {
    if (call.process == process) {
      calls.push_back(&call);
    }
  }
  std::stable_sort(calls.begin(), calls.end(),
                   [](const FailedCall* a, const FailedCall* b) { return a->t_s < b->t_s; });
  return calls;
}

std::optional<std::uint64_t> Number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The value that a fault of the process's group had at last, as read back.
std::optional<std::uint64_t> Imposed(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                                     std::string_view name) {
  const ProcessPlan* process = PlanOf(plan, record);
  std::optional<std::uint64_t> value;
  for (const ImposedFault& fault : evidence.faults) {
    const bool here = process != nullptr && (fault.target == process->name || fault.target == process->group);
    if (here && fault.in_force && fault.name == name) {
      value = Number(fault.read_back);
    }
  }
  return value;
}

/// What its group used when it was last sampled; its peak when it never was.
std::uint64_t LastUse(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const ProcessPlan* process = PlanOf(plan, record);
  const auto sample =
      std::find_if(evidence.timeline.rbegin(), evidence.timeline.rend(), [&](const TimelineSample& each) {
        return process != nullptr && each.subject == process->name && each.memory_bytes > 0;
      });
  if (sample != evidence.timeline.rend()) {
    return sample->memory_bytes;
  }
  const GroupRecord* group = GroupOf(plan, evidence, record);
  return group != nullptr ? group->peak_memory_bytes : record.peak_memory_bytes.value_or(0);
}

/// memory.max of its group when the kernel did not tell whose limit it was.
Binding GroupLimit(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                   const std::string& detail) {
  const GroupRecord* group = GroupOf(plan, evidence, record);
  std::optional<std::uint64_t> limit = group != nullptr ? group->memory_limit_bytes : std::nullopt;
  if (!limit) {
    limit = Imposed(plan, evidence, record, "memory.max");
  }
  if (!limit) {
    return {.limit = std::nullopt,
            .reason = "the group that ran out of memory isn't known, and its own has no limit"};
  }
  const std::uint64_t use = group != nullptr && group->peak_memory_bytes > 0
                                ? group->peak_memory_bytes
                                : LastUse(plan, evidence, record);
  BindingLimit binding{.name = "memory.max", .limit = *limit, .use = use, .unit = "bytes", .detail = detail};
  std::string reason = UseOfNamedLimit(binding) + ": " + detail;
  return {.limit = std::move(binding), .reason = std::move(reason)};
}

/// The figures of the kill are those of the victim's own group, which had room left. How much of the
/// machine's memory was in use is not known: what /proc/meminfo says after the kill is of another instant.
Binding MachineOom(const Evidence& evidence) {
  const std::uint64_t whole = evidence.host.memory_bytes;
  BindingLimit binding{
      .name = "machine_memory",
      .limit = whole,
      .use = std::nullopt,
      .unit = "bytes",
      .detail = "the whole machine was out of memory, no group's limit was reached" + TakenByZram(evidence)};
  std::string reason = UseOfNamedLimit(binding) + ": " + binding.detail;
  return {.limit = std::move(binding), .reason = std::move(reason)};
}

}  // namespace

std::string TakenByZram(const Evidence& evidence) {
  if (!evidence.zram || evidence.zram->stored_bytes == 0) {
    return "";
  }
  const ZramFigures& zram = *evidence.zram;
  return fmt::format(
      "; at {} {} of the machine's memory held what had been swapped to zram, {} before it was "
      "compressed, with {} of swap still free",
      AtSeconds(zram.t_s), FormatBytes(zram.memory_bytes), FormatBytes(zram.stored_bytes),
      FormatBytes(zram.swap_free_bytes));
}

std::vector<TellingFailure> KindsOfFailure(const Evidence& evidence, const std::string& process) {
  std::vector<TellingFailure> kinds;
  for (const FailedCall* call : FailuresOf(evidence, process)) {
    const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const TellingFailure& each) {
      return each.first->call == call->call && each.first->errno_name == call->errno_name;
    });
    if (kind == kinds.end()) {
      kinds.push_back({.first = call, .call = call, .binding = BindingOf(*call)});
      continue;
    }
    if (kind->binding.limit) {
      continue;
    }
    if (Binding binding = BindingOf(*call); binding.limit) {
      binding.reason = fmt::format("the first fits no single limit, the one at {} had {}",
                                   AtSeconds(call->t_s), binding.reason);
      kind->call = call;
      kind->binding = std::move(binding);
    }
  }
  return kinds;
}

std::uint64_t CountOf(const Evidence& evidence, const FailedCall& kind) {
  std::uint64_t count = 0;
  for (const FailureCount& each : evidence.failure_counts) {
    if (each.process == kind.process && each.call == kind.call && each.errno_name == kind.errno_name) {
      count += each.count;
    }
  }
  return std::max<std::uint64_t>(count, 1);
}

const FailedCall* FirstFailureOf(const Evidence& evidence, const std::string& process) {
  const auto calls = FailuresOf(evidence, process);
  return calls.empty() ? nullptr : calls.front();
}

bool GivesBack(const FailedCall& call) { return call.call == "munmap" || call.call == "madvise"; }

namespace {

/// Failures that a program may well have got over when it goes on to meet another limit: once or twice is a
/// probe, and memory that could not be locked, or be had in huge pages, is there all the same. Not so what it
/// could not give back.
bool MayBeDoneWithout(const Evidence& evidence, const TellingFailure& kind) {
  constexpr std::uint64_t kProbes = 2;
  const CallFamily family = RequestOf(*kind.first).family;
  const bool for_more_than_memory = family == CallFamily::kLock || family == CallFamily::kLockAll ||
                                    kind.binding.limit->name == "hugepages";
  return for_more_than_memory || (!GivesBack(*kind.first) && CountOf(evidence, *kind.first) <= kProbes);
}

}  // namespace

TellingFailure TellingFailureOf(const Evidence& evidence, const std::string& process, bool died) {
  const std::vector<TellingFailure> kinds = KindsOfFailure(evidence, process);
  if (kinds.empty()) {
    return {.binding = {.limit = std::nullopt, .reason = NoFailure(evidence, {process}, "of it ")}};
  }
  const auto known = [](const TellingFailure& kind) { return kind.binding.limit.has_value(); };
  const auto first = std::find_if(kinds.begin(), kinds.end(), known);
  if (first == kinds.end()) {
    return died ? kinds.back() : kinds.front();
  }
  if (!died) {
    return *first;
  }
  auto cause = std::find_if(first, kinds.end(), [&](const TellingFailure& kind) {
    return known(kind) && !MayBeDoneWithout(evidence, kind);
  });
  if (cause == kinds.end()) {
    cause = std::prev(std::find_if(kinds.rbegin(), kinds.rend(), known).base());
  }
  // Of that limit, where the process met it first.
  return *std::find_if(first, kinds.end(), [&](const TellingFailure& kind) {
    return known(kind) && kind.binding.limit->name == cause->binding.limit->name;
  });
}

bool DetailsLost(const Evidence& evidence, const FailureCount& kind) {
  return kind.count > 0 && std::none_of(evidence.failed_calls.begin(), evidence.failed_calls.end(),
                                        [&](const FailedCall& call) {
                                          return call.process == kind.process && call.call == kind.call &&
                                                 call.errno_name == kind.errno_name;
                                        });
}

std::string NoFailure(const Evidence& evidence, const std::vector<std::string>& processes,
                      const std::string& whose) {
  if (evidence.grade != EvidenceGrade::kKernel) {
    return fmt::format("failing calls were not watched: {}", evidence.grade_reason);
  }
  std::string lost;
  for (const FailureCount& kind : evidence.failure_counts) {
    const bool of_them = std::find(processes.begin(), processes.end(), kind.process) != processes.end();
    if (of_them && DetailsLost(evidence, kind)) {
      lost += fmt::format("{}{} failed with {} {}", lost.empty() ? "" : ", ", kind.call, kind.errno_name,
                          Times(kind.count));
    }
  }
  if (!lost.empty()) {
    return lost + ", but the details were lost";
  }
  return fmt::format("no memory call {}{}failed", whose,
                     evidence.events_lost > 0 ? "is known to have " : "") +
         (evidence.events_lost > 0
              ? fmt::format(", but {} of the kernel's events were lost", FormatCount(evidence.events_lost))
              : "");
}

std::optional<double> SurvivedFor(const Evidence& evidence, const ProcessRecord& record) {
  // A program that gives up writes its message and cleans up; this much time for it, also on a busy machine.
  constexpr double kClearlyBefore = 0.5;
  const double clearly_before_s = kClearlyBefore * (evidence.guest ? evidence.guest->time_scale : 1);
  double last_s = 0;
  std::map<std::pair<std::string, std::string>, std::uint64_t> told;
  for (const FailedCall& call : evidence.failed_calls) {
    if (call.process == record.name) {
      last_s = std::max(last_s, call.t_s);
      ++told[{call.call, call.errno_name}];
    }
  }
  const bool all_told = std::all_of(
      evidence.failure_counts.begin(), evidence.failure_counts.end(), [&](const FailureCount& each) {
        return each.process != record.name || each.count <= told[{each.call, each.errno_name}];
      });
  const double survived_s = record.end_s.value_or(0) - last_s;
  const bool known = record.end_s && !told.empty() && all_told && evidence.events_lost == 0;
  return known && survived_s >= clearly_before_s ? std::optional(survived_s) : std::nullopt;
}

Binding BindingOfOom(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                     const Death& death) {
  const OomKill* kill = death.oom;
  if (kill == nullptr) {
    return GroupLimit(plan, evidence, record, "its group counted the kill");
  }
  if (kill->scope == "machine") {
    return MachineOom(evidence);
  }
  if (kill->limit_bytes == kNoLimit) {
    return GroupLimit(plan, evidence, record, "of its own group; the kernel did not say whose limit it was");
  }
  BindingLimit binding{
      .name = "memory.max",
      .limit = kill->limit_bytes,
      .use = kill->use_bytes,
      .unit = "bytes",
      .detail = kill->cgroup.empty() ? "of its memory cgroup" : "of memory cgroup " + kill->cgroup};
  std::string reason = UseOfNamedLimit(binding) + " " + binding.detail;
  return {.limit = std::move(binding), .reason = std::move(reason)};
}

bool WasThrottled(const ProcessRecord& record) {
  return record.throttled_high > 0 || record.wait_channel.ends_with("mem_cgroup_handle_over_high");
}

Binding BindingOfStall(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                       const Stall& stall) {
  const auto high = Imposed(plan, evidence, record, "memory.high");
  if (!high || stall.throttled == 0) {
    Binding binding = GroupLimit(plan, evidence, record, DescribeStall(stall));
    if (!binding.limit) {
      binding.reason = DescribeStall(stall) + ", and has no limit of its own";
    }
    return binding;
  }
  BindingLimit binding{.name = "memory.high",
                       .limit = *high,
                       .use = LastUse(plan, evidence, record),
                       .unit = "bytes",
                       .detail = DescribeStall(stall)};
  std::string reason = UseOfNamedLimit(binding) + ": " + binding.detail;
  return {.limit = std::move(binding), .reason = std::move(reason)};
}

const OomKill* WaitsForKilled(const Evidence& evidence, const ProcessRecord& record) {
  // One that runs goes on without what was killed.
  const bool held_up = record.under_oom || WasThrottled(record) || record.state == "R";
  return held_up ? nullptr : KilledDescendantOf(evidence, record);
}

Binding BindingOfHang(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const auto stall = StallOf(plan, evidence, record);
  if (record.under_oom) {
    return GroupLimit(plan, evidence, record,
                      stall && stall->under_oom_s > 0
                          ? DescribeStall(*stall)
                          : "its group is out of memory and its OOM killer is off");
  }
  const auto high = Imposed(plan, evidence, record, "memory.high");
  if (!WasThrottled(record) || !high) {
    if (const OomKill* kill = WaitsForKilled(evidence, record)) {
      Death death;
      death.oom = kill;
      return BindingOfOom(plan, evidence, record, death);
    }
    return stall ? BindingOfStall(plan, evidence, record, *stall)
                 : Binding{.limit = std::nullopt, .reason = "nothing tells that a limit held it up"};
  }
  std::string detail = record.throttled_high == 0
                           ? "it slept, throttled"
                           : fmt::format("its group was throttled {}", Times(record.throttled_high));
  detail += stall ? "; " + DescribeStall(*stall) : "";
  BindingLimit binding{.name = "memory.high",
                       .limit = *high,
                       .use = LastUse(plan, evidence, record),
                       .unit = "bytes",
                       .detail = std::move(detail)};
  std::string reason = UseOfNamedLimit(binding) + ": " + binding.detail;
  return {.limit = std::move(binding), .reason = std::move(reason)};
}

}  // namespace brink
