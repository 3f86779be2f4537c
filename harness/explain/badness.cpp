// SPDX-License-Identifier: MIT
#include "explain/badness.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/saturating.h"

namespace brink {
namespace {

constexpr int kNever = -1000;  // OOM_SCORE_ADJ_MIN
constexpr std::int64_t kThousandths = 1000;

bool HasLimit(const GroupLevel& group) { return group.limit != kNoLimit; }

/// The outermost group from the victim's up to the one that ran out whose processes die together
/// (mem_cgroup_get_oom_group()). The levels of the explained process stand for the victim's.
std::string RuleOf(const GroupLevel& group, const LivingProcess& process) {
  if (group.oom_kill_disabled) {
    return "memory.oom_control has the OOM killer off: nobody is killed, processes that ask for memory wait";
  }
  std::string together;
  for (const GroupLevel& level : process.memory_groups) {
    if (level.oom_group) {
      together = level.path;
    }
    if (level.path == group.path) {
      break;
    }
  }
  return together.empty()
             ? ""
             : fmt::format("memory.oom.group of {}: all of its processes die with a victim in it", together);
}

std::string RuleOf(const LivingProcess& process) {
  const auto is_on = [&](const char* name) {
    const auto found = process.sysctls.find(name);
    return found != process.sysctls.end() && found->second != "0";
  };
  if (is_on("vm.panic_on_oom")) {
    return "vm.panic_on_oom: the kernel panics instead";
  }
  return is_on("vm.oom_kill_allocating_task")
             ? "vm.oom_kill_allocating_task: whoever asks for memory in that moment is taken instead"
             : "";
}

}  // namespace

std::optional<std::int64_t> BadnessOf(const MemoryHolder& process, std::uint64_t total_pages,
                                      std::uint64_t page_size) {
  if (process.system || process.oom_score_adj == kNever) {
    return std::nullopt;
  }
  const auto pages = process.rss / page_size + process.swapped / page_size + process.page_tables / page_size;
  return static_cast<std::int64_t>(pages) +
         process.oom_score_adj * (static_cast<std::int64_t>(total_pages) / kThousandths);
}

std::uint64_t TotalPagesOf(const GroupLevel& group, const LivingProcess& process) {
  const std::uint64_t swap_total = process.machine.swap_total_bytes;
  std::uint64_t swap = 0;
  if (process.cgroup_v2) {
    swap = std::min(group.swap_limit.value_or(0), swap_total);
  } else if (group.both_limit && group.swappiness.value_or(1) != 0) {
    swap = std::min(*group.both_limit - std::min(*group.both_limit, group.limit), swap_total);
  }
  return std::max<std::uint64_t>(SaturatingSum(group.limit, swap) / process.page_size, 1);
}

std::uint64_t TotalPagesOf(const MachineFigures& machine, std::uint64_t page_size) {
  return (machine.memory_total_bytes + machine.swap_total_bytes) / page_size;
}

OomChoice ChooseAmong(std::span<const MemoryHolder> processes, std::uint64_t total_pages,
                      std::uint64_t page_size) {
  OomChoice choice{.group = {}, .total_pages = total_pages};
  for (const MemoryHolder& process : processes) {
    if (const auto points = BadnessOf(process, total_pages, page_size)) {
      choice.candidates.push_back({.process = process, .points = *points});
    } else {
      ++choice.exempt;
    }
  }
  std::stable_sort(choice.candidates.begin(), choice.candidates.end(),
                   [](const Scored& a, const Scored& b) { return a.points > b.points; });
  return choice;
}

std::vector<OomChoice> ChoicesFor(const LivingProcess& process) {
  std::vector<OomChoice> choices;
  const auto limited = std::find_if(process.memory_groups.begin(), process.memory_groups.end(), HasLimit);
  if (limited != process.memory_groups.end()) {
    const std::set<int> members(limited->pids.begin(), limited->pids.end());
    std::vector<MemoryHolder> holders;
    std::copy_if(process.processes.begin(), process.processes.end(), std::back_inserter(holders),
                 [&](const MemoryHolder& each) { return members.contains(each.pid); });
    choices.push_back(ChooseAmong(holders, TotalPagesOf(*limited, process), process.page_size));
    choices.back().group = limited->path;
    choices.back().rule = RuleOf(*limited, process);
  }
  choices.push_back(
      ChooseAmong(process.processes, TotalPagesOf(process.machine, process.page_size), process.page_size));
  choices.back().rule = RuleOf(process);
  return choices;
}

}  // namespace brink
