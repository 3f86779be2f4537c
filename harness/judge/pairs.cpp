// SPDX-License-Identifier: MIT
#include "judge/pairs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/units.h"
#include "judge/slowdown.h"
#include "judge/step_settings.h"

namespace brink {
namespace {

constexpr const char* kTheSteps = "the steps";

std::string Replaced(std::string text, const std::string& what, std::string_view with) {
  for (std::size_t at = what.empty() ? std::string::npos : text.find(what); at != std::string::npos;
       at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

/// What differs from run to run is replaced.
std::string Lasting(const Plan& plan, std::string text) {
  text = Replaced(Replaced(std::move(text), plan.data_dir, "${dir}"), plan.run_dir, "${run}");
  for (const auto& [name, port] : plan.ports) {
    text = Replaced(std::move(text), std::to_string(port), "${port}");
  }
  return text;
}

void AddProcess(const Plan& plan, const ProcessPlan& process, std::map<std::string, std::string>& settings) {
  const std::string of = " of " + process.name;
  settings["the command" + of] = Lasting(plan, fmt::format("{}", fmt::join(process.argv, " ")));
  for (const auto& [name, value] : process.env) {
    settings[name + of] = Lasting(plan, value);
  }
  for (const RlimitSetting& limit : process.rlimits) {
    settings[limit.name + of] = limit.soft;
  }
  for (const ChildRule& child : process.children) {
    if (child.oom_score_adj) {
      settings["oom_score_adj of " + child.name] = std::to_string(*child.oom_score_adj);
    }
  }
  if (process.oom_score_adj) {
    settings["oom_score_adj" + of] = std::to_string(*process.oom_score_adj);
  }
  if (process.nice) {
    settings["nice" + of] = std::to_string(*process.nice);
  }
  for (const auto& [name, value] :
       {std::pair("the user", process.user), std::pair("the image", process.image)}) {
    if (!value.empty()) {
      settings[name + of] = value;
    }
  }
}

void AddGuest(const GuestSpec& guest, std::map<std::string, std::string>& settings) {
  settings["the machine's memory"] = FormatBytes(guest.memory_bytes);
  settings["the machine's swap"] = FormatBytes(guest.swap_bytes);
  settings["the machine's zram"] = FormatBytes(guest.zram_bytes);
  settings["the machine's processors"] = std::to_string(guest.cpus);
  settings["the kernel's command line"] = fmt::format("{}", fmt::join(guest.boot, " "));
}

/// Where a parameter differs, what it stands in differs too.
bool SaidByParameter(const std::string& name) { return name.starts_with("the command") || name == kTheSteps; }

/// It went wrong while a step was done that the other case got over, too: what came later can't have led
/// there. Where it went wrong after its last step, a further one of the other case may be what saved that.
bool SameStepsUntilFailure(const Verdict& bad, const Verdict& good) {
  const std::size_t count = bad.steps_until_failure.value_or(bad.steps.size());
  return count < bad.steps.size() && count <= good.steps.size() &&
         std::equal(bad.steps.begin(), bad.steps.begin() + static_cast<std::ptrdiff_t>(count),
                    good.steps.begin());
}

std::vector<std::string> Differences(const Verdict& bad, const Verdict& good) {
  std::vector<std::string> differing = DifferingSettings(bad, good);
  if (SameStepsUntilFailure(bad, good)) {
    differing.erase(std::remove(differing.begin(), differing.end(), kTheSteps), differing.end());
  }
  if (std::any_of(differing.begin(), differing.end(),
                  [](const std::string& name) { return name.starts_with("parameter "); })) {
    differing.erase(std::remove_if(differing.begin(), differing.end(), SaidByParameter), differing.end());
  }
  return differing;
}

bool HadFailure(const Verdict& verdict) {
  return verdict.outcome == Outcome::kFailed || verdict.outcome == Outcome::kOomKilled ||
         verdict.outcome == Outcome::kHung || verdict.outcome == Outcome::kMachinePanicked ||
         (verdict.outcome == Outcome::kSurvived && (verdict.first_failure || Stalled(verdict)));
}

std::string ValueOf(const Verdict& verdict, const std::string& setting) {
  const auto found = verdict.settings.find(setting);
  return found == verdict.settings.end() ? std::string() : found->second;
}

}  // namespace

bool SamePlace(const Verdict& a, const Verdict& b) {
  return a.scenario == b.scenario && a.sandbox == b.sandbox && a.guest_kernel == b.guest_kernel &&
         a.cgroup_version == b.cgroup_version;
}

bool Well(const Verdict& verdict) {
  return verdict.outcome == Outcome::kSurvived && !verdict.first_failure && !Stalled(verdict) &&
         verdict.expected_met == true;
}

std::vector<std::string> DifferingSettings(const Verdict& a, const Verdict& b) {
  std::set<std::string> names;
  for (const auto* settings : {&a.settings, &b.settings}) {
    for (const auto& [name, value] : *settings) {
      names.insert(name);
    }
  }
  std::vector<std::string> differing;
  std::copy_if(names.begin(), names.end(), std::back_inserter(differing),
               [&](const std::string& name) { return ValueOf(a, name) != ValueOf(b, name); });
  return differing;
}

std::map<std::string, std::string> SettingsOf(const Plan& plan) {
  std::map<std::string, std::string> settings;
  for (const Setting& setting : plan.machine) {
    settings[setting.name] = setting.value;
  }
  for (const GroupPlan& group : plan.groups) {
    for (const Setting& setting : group.settings) {
      settings[setting.name + " of " + group.name] = setting.value;
    }
  }
  for (const ProcessPlan& process : plan.processes) {
    AddProcess(plan, process, settings);
  }
  if (plan.sandbox == "vm") {
    AddGuest(plan.guest, settings);
  }
  for (const auto& [name, value] : plan.parameters) {
    settings["parameter " + name] = Lasting(plan, value);
  }
  settings[kTheSteps] = JoinedSteps(StepsOf(plan));
  return settings;
}

std::vector<std::string> StepsOf(const Plan& plan) {
  std::vector<std::string> steps = WhatStepsDo(plan);
  for (std::string& step : steps) {
    step = Lasting(plan, std::move(step));
  }
  return steps;
}

void ComparePairs(std::vector<Verdict>& verdicts) {
  CompareDurations(verdicts);
  for (Verdict& bad : verdicts) {
    bad.led_by.reset();
    if (!HadFailure(bad)) {
      continue;
    }
    for (const Verdict& good : verdicts) {
      if (bad.led_by || !Well(good) || !SamePlace(bad, good)) {
        continue;
      }
      const std::vector<std::string> differing = Differences(bad, good);
      if (differing.size() == 1) {
        bad.led_by = LedBy{.setting = differing.front(),
                           .value = ValueOf(bad, differing.front()),
                           .other_value = ValueOf(good, differing.front()),
                           .other_case = good.case_name};
      }
    }
  }
}

}  // namespace brink
