// SPDX-License-Identifier: MIT
#include "judge/slowdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "judge/pairs.h"
#include "judge/stall.h"
#include "judge/words.h"

namespace brink {
namespace {

constexpr double kTimes = 2;
constexpr double kLeastLostS = 0.5;
constexpr double kWaitedShare = 0.1;
constexpr double kWorstReadS = 0.01;
constexpr double kWorstThrottleS = 2;
constexpr double kPageBytes = 4096;  // bytes; the smallest that there is
constexpr double kShortestS = 0.001;

/// Of the settings' names (judge/pairs.h). A parameter counts by what it stands in, which is a setting, too.
bool LeavesTheWorkAlone(std::string_view setting) {
  constexpr std::array<std::string_view, 7> kSettings = {
      "memory.",   "vm.", "thp.", "the machine's memory", "the machine's swap", "the machine's zram",
      "parameter "};
  return std::any_of(kSettings.begin(), kSettings.end(),
                     [&](std::string_view each) { return setting.starts_with(each); });
}

bool SameWork(const Verdict& a, const Verdict& b) {
  const auto differing = DifferingSettings(a, b);
  return !differing.empty() && std::all_of(differing.begin(), differing.end(), LeavesTheWorkAlone);
}

double More(std::uint64_t here, std::uint64_t there) {
  return here > there ? static_cast<double>(here - there) : 0;
}

bool AccountsFor(double lost_s, const Stall& here, const Stall& there) {
  const double waited_s = WaitedS(here) - WaitedS(there);
  const double worst_s = kWorstReadS * (More(here.refaulted_bytes, there.refaulted_bytes) / kPageBytes +
                                        More(here.limit_hits, there.limit_hits)) +
                         kWorstThrottleS * More(here.throttled, there.throttled);
  return waited_s >= kWaitedShare * lost_s || worst_s >= lost_s;
}

/// The process whose figures account for it: of a process its own, of a step's command any of those that it
/// may have waited for. Empty: none.
std::string HeldUp(const std::string& what, double lost_s, const Verdict& here, const Verdict& there) {
  for (const auto& [name, process] : here.processes) {
    const auto other = there.processes.find(name);
    const bool asked = name == what || !here.processes.contains(what);
    if (asked && process.waits && other != there.processes.end() && other->second.waits &&
        AccountsFor(lost_s, *process.waits, *other->second.waits)) {
      return name;
    }
  }
  return "";
}

std::optional<Slower> SlowerThan(const Verdict& here, const Verdict& there, const std::string& what) {
  const auto other = there.durations_s.find(what);
  const double duration_s = here.durations_s.at(what);
  const double lost_s = other == there.durations_s.end() ? 0 : duration_s - other->second;
  if (lost_s < kLeastLostS || duration_s < kTimes * other->second) {
    return std::nullopt;
  }
  const std::string process = HeldUp(what, lost_s, here, there);
  if (process.empty()) {
    return std::nullopt;
  }
  return Slower{.what = what,
                .duration_s = duration_s,
                .other_duration_s = other->second,
                .times = duration_s / std::max(other->second, kShortestS),
                .other_case = there.case_name,
                .process = process,
                .figures = *here.processes.at(process).waits,
                .sentence = {}};
}

/// What it was slowed down in most, compared with all runs of that case.
std::optional<Slower> SlowerThanAll(const Verdict& here, const std::vector<const Verdict*>& runs) {
  std::optional<Slower> slowest;
  for (const auto& duration : here.durations_s) {
    const std::string& what = duration.first;
    std::optional<Slower> least;
    const bool all = std::all_of(runs.begin(), runs.end(), [&](const Verdict* run) {
      const auto slower = SlowerThan(here, *run, what);
      if (slower && (!least || slower->other_duration_s > least->other_duration_s)) {
        least = slower;
      }
      return slower.has_value();
    });
    if (all && least && (!slowest || least->times > slowest->times)) {
      slowest = least;
    }
  }
  return slowest;
}

std::string Sentence(const Slower& slower) {
  return fmt::format("{} took {} and {} in case {}, {:.1f} times as long, and {}: {}", slower.what,
                     AtSeconds(slower.duration_s), AtSeconds(slower.other_duration_s), slower.other_case,
                     slower.times,
                     slower.what == slower.process ? "its group was held up"
                                                   : "the group of " + slower.process + " was held up",
                     DescribeWaits(slower.figures));
}

}  // namespace

std::map<std::string, double> DurationsOf(const Evidence& evidence) {
  std::map<std::string, double> durations_s;
  std::set<std::string> seen;
  for (const ProcessRecord& record : evidence.processes) {
    const bool well = record.exit_code == 0 && record.end_s && !record.stopped_by_brink;
    const bool again = !seen.insert(record.name).second;
    if (again) {
      durations_s.erase(record.name);
    } else if (record.kind == ProcessRecord::Kind::kProcess && well) {
      durations_s.emplace(record.name, *record.end_s - record.start_s);
    }
  }
  for (const StepRecord& step : evidence.steps) {
    if (!step.as.empty() && step.exit_code == 0 && !step.timed_out) {
      durations_s.emplace("step " + step.as, step.duration_s);
    }
  }
  return durations_s;
}

void CompareDurations(std::vector<Verdict>& verdicts) {
  for (Verdict& here : verdicts) {
    here.slower.reset();
    if (here.outcome != Outcome::kSurvived) {
      continue;
    }
    std::map<std::string, std::vector<const Verdict*>> controls;
    for (const Verdict& there : verdicts) {
      if (there.case_name != here.case_name && Well(there) && SamePlace(here, there) &&
          SameWork(here, there)) {
        controls[there.case_name].push_back(&there);
      }
    }
    for (const auto& [name, runs] : controls) {
      const auto slower = SlowerThanAll(here, runs);
      if (slower && (!here.slower || slower->times > here.slower->times)) {
        here.slower = slower;
      }
    }
    if (here.slower) {
      here.slower->sentence = Sentence(*here.slower);
    }
  }
}

}  // namespace brink
