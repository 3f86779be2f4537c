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

/// Whether the limit can be reached before one above it or the machine's memory is. v1's limit of memory and
/// swap together may be, wherever the one of memory lies.
bool CouldBind(std::span<const GroupLevel> levels, const MachineFigures& machine) {
  const auto lowest = std::ranges::min(levels, {}, &GroupLevel::limit).limit;
  const GroupLevel& own = levels.front();
  return own.limit != kNoLimit && (own.limit <= std::min(lowest, machine.memory_total_bytes) ||
                                   own.both_limit.value_or(kNoLimit) != kNoLimit);
}

bool IsWithin(const std::string& path, const std::string& above) {
  return above == "/" || path == above || path.starts_with(above + "/");
}

/// The outermost group from the victim's up to the one that ran out whose processes die together
/// (mem_cgroup_get_oom_group()); empty: none.
std::string OomGroupOf(const MemoryHolder& victim, const std::string& domain, const LivingProcess& process) {
  for (const std::string& group : process.oom_groups) {  // one above another comes before it
    if (IsWithin(victim.group, group) && IsWithin(group, domain)) {
      return group;
    }
  }
  return "";
}

std::string SettingOf(const LivingProcess& process, const char* name) {
  const auto found = process.oom_sysctls.find(name);
  return found == process.oom_sysctls.end() ? "" : found->second;
}

bool IsOn(const LivingProcess& process, const char* name) {
  const std::string value = SettingOf(process, name);
  return !value.empty() && value != "0";
}

std::string RuleOf(const GroupLevel& group, const LivingProcess& process) {
  if (group.oom_kill_disabled) {
    return "memory.oom_control has the OOM killer off: nobody is killed, processes that ask for memory wait";
  }
  // 1 leaves groups alone: check_panic_on_oom().
  return SettingOf(process, "vm.panic_on_oom") == "2" ? "vm.panic_on_oom is 2: the kernel panics instead"
                                                      : "";
}

std::string RuleOf(const LivingProcess& process) {
  if (IsOn(process, "vm.panic_on_oom")) {
    return "vm.panic_on_oom: the kernel panics instead";
  }
  return IsOn(process, "vm.oom_kill_allocating_task")
             ? "vm.oom_kill_allocating_task: whoever asks for memory in that moment is taken instead"
             : "";
}

/// Who dies with the victim, where nothing else decides.
void AddOomGroup(const std::string& domain, const LivingProcess& process, OomChoice& choice) {
  if (choice.candidates.empty() || !choice.rule.empty()) {
    return;
  }
  choice.oom_group = OomGroupOf(choice.candidates.front().process, domain, process);
  if (!choice.oom_group.empty()) {
    choice.rule = fmt::format(
        "memory.oom.group of {}: all of its processes die with the victim, but those "
        "with oom_score_adj -1000",
        choice.oom_group);
  }
}

OomChoice ChoiceOf(const GroupLevel& group, const LivingProcess& process) {
  const std::set<int> members(group.pids.begin(), group.pids.end());
  std::vector<MemoryHolder> holders;
  std::copy_if(process.processes.begin(), process.processes.end(), std::back_inserter(holders),
               [&](const MemoryHolder& each) { return members.contains(each.pid); });
  OomChoice choice = ChooseAmong(holders, TotalPagesOf(group, process), process.page_size);
  choice.group = group.path;
  choice.rule = RuleOf(group, process);
  AddOomGroup(group.path, process, choice);
  return choice;
}

}  // namespace

std::string WhyNeverTaken(const MemoryHolder& process) {
  if (process.system) {
    return "it is the machine's init";
  }
  if (process.passed_over) {
    return "it has its parent's memory, as after vfork until exec, or an OOM killer took it already";
  }
  return process.oom_score_adj == kNever ? "its oom_score_adj is -1000" : "";
}

std::optional<std::int64_t> BadnessOf(const MemoryHolder& process, std::uint64_t total_pages,
                                      std::uint64_t page_size) {
  if (!WhyNeverTaken(process).empty()) {
    return std::nullopt;
  }
  const auto pages = process.rss / page_size + process.swapped / page_size + process.page_tables / page_size;
  return static_cast<std::int64_t>(pages) +
         process.oom_score_adj * (static_cast<std::int64_t>(total_pages) / kThousandths);
}

std::uint64_t TotalPagesOf(const GroupLevel& group, const LivingProcess& process) {
  const std::uint64_t swap_total = process.machine.swap_total_bytes;
  std::uint64_t swap = 0;
  // Where swap is not accounted, its limits are there all the same, out of sight, and are none.
  if (process.cgroup_v2 && SettingOf(process, "vm.swappiness") != "0") {
    swap = std::min(group.swap_limit.value_or(kNoLimit), swap_total);
  } else if (!process.cgroup_v2 && group.swappiness.value_or(1) != 0) {
    const std::uint64_t both = group.both_limit.value_or(kNoLimit);
    swap = std::min(both - std::min(both, group.limit), swap_total);
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
  for (std::span levels(process.memory_groups); !levels.empty(); levels = levels.subspan(1)) {
    if (CouldBind(levels, process.machine)) {
      choices.push_back(ChoiceOf(levels.front(), process));
    }
  }
  choices.push_back(
      ChooseAmong(process.processes, TotalPagesOf(process.machine, process.page_size), process.page_size));
  choices.back().rule = RuleOf(process);
  AddOomGroup("/", process, choices.back());
  return choices;
}

}  // namespace brink
