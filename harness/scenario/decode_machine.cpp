// SPDX-License-Identifier: MIT
// The section `machine`: values of a running machine, and what it is when it starts.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "model/fault_table.h"
#include "model/setting_values.h"
#include "scenario/decode.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

/// Two that zero each other: only the last one written would be in force.
void ComplainOfCoupled(const std::vector<Setting>& settings, Decoding& decoding) {
  const auto find = [&](std::string_view name) {
    return std::find_if(settings.begin(), settings.end(),
                        [&](const Setting& setting) { return setting.name == name && setting.value != "0"; });
  };
  for (const Setting& setting : settings) {
    const CoupledSysctls* pair = FindCoupled(setting.name);
    if (pair == nullptr || setting.name != pair->first) {
      continue;
    }
    const auto first = find(pair->first);
    const auto second = find(pair->second);
    if (first != settings.end() && second != settings.end()) {
      decoding.Complain(
          std::max(first, second)->mark,
          fmt::format("{} and {} are set together: each zeroes the other", pair->first, pair->second),
          "keep one of them (in a case, null removes what stands above)");
    }
  }
}

/// The first of the settings that only one version of cgroups has.
CgroupDemand DemandOf(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    const FaultInfo* fault = FindFault(setting.name);
    if (fault != nullptr && fault->v1_controller.empty() != fault->v2_controller.empty()) {
      const std::string version = fault->v1_controller.empty() ? "v2" : "v1";
      return {.version = version,
              .reason = fmt::format("{} exists in cgroup {} only", setting.name, version)};
    }
  }
  return {};
}

CgroupDemand DemandOfLimits(const Plan& plan) {
  CgroupDemand demand;
  const auto look_at = [&](const std::vector<Setting>& settings) {
    demand = demand.version.empty() ? DemandOf(settings) : demand;
  };
  for (const GroupPlan& group : plan.groups) {
    look_at(group.settings);
  }
  for (const StepPlan& step : plan.steps) {
    if (const auto* set = std::get_if<SetStep>(&step.action)) {
      for (const SetStep::Target& target : set->targets) {
        look_at(target.cgroup);
      }
    }
  }
  return demand;
}

}  // namespace

std::string KernelSeenFrom(const std::string& kernel, const std::string& folder) {
  if (kernel.find('/') == std::string::npos) {
    return kernel;
  }
  const auto absolute = [&](const std::string& path) {
    return (std::filesystem::path(folder) / path).lexically_normal().string();
  };
  const std::size_t colon = kernel.find(':');
  return colon == std::string::npos
             ? absolute(kernel)
             : absolute(kernel.substr(0, colon)) + ":" + absolute(kernel.substr(colon + 1));
}

bool NeedsGuest(const Setting& setting) {
  return FindFault(setting.name) == nullptr || (setting.name == "vm.panic_on_oom" && setting.value != "0");
}

std::vector<Setting> DecodeMachine(const Node& machine, Decoding& decoding) {
  std::vector<Setting> settings;
  if (const Node* sysctl = Find(machine, "sysctl")) {
    settings = DecodeSettings(*sysctl);
  }
  if (const Node* thp = Find(machine, "thp")) {
    const auto more = DecodeSettings(*thp, "thp.");
    settings.insert(settings.end(), more.begin(), more.end());
  }
  ComplainOfCoupled(settings, decoding);
  Plan& plan = decoding.plan;
  plan.needs_guest = plan.needs_guest || std::any_of(settings.begin(), settings.end(), NeedsGuest);
  return settings;
}

/// Words by which brink and the kernel start the guest's first program: with others there is no agent.
void ComplainOfBootWords(const Node& machine, Decoding& decoding) {
  const Node* boot = Find(machine, "boot");
  for (const Node& word : ItemsOf(boot)) {
    const std::string& text = word.scalar;
    if (text == "--" || text.starts_with("BRINK_") || text.starts_with("init=") ||
        text.starts_with("rdinit=")) {
      decoding.Complain(word.mark, fmt::format("the boot word '{}' is for brink to say", text), "remove it");
    }
  }
}

void DecodeGuest(const Node& machine, Decoding& decoding) {
  ComplainOfBootWords(machine, decoding);
  Plan& plan = decoding.plan;
  GuestSpec& guest = plan.guest;
  guest.memory_bytes = MaybeCount(machine, "memory").value_or(guest.memory_bytes);
  guest.swap_bytes = MaybeCount(machine, "swap").value_or(guest.swap_bytes);
  guest.zram_bytes = MaybeCount(machine, "zram").value_or(guest.zram_bytes);
  guest.cpus = MaybeInt(machine, "cpus").value_or(guest.cpus);
  guest.cgroup = TextAt(machine, "cgroup", guest.cgroup);
  guest.kernel = KernelSeenFrom(TextAt(machine, "kernel", guest.kernel), plan.scenario_dir);
  guest.boot = TextsAt(machine, "boot");
  for (const char* key : {"memory", "swap", "zram", "cpus", "cgroup", "kernel", "boot"}) {
    plan.needs_guest = plan.needs_guest || Find(machine, key) != nullptr;
  }
}

CgroupDemand DecodeCgroupDemand(Decoding& decoding) {
  CgroupDemand of_limits = DemandOfLimits(decoding.plan);
  const Node* machine = Find(decoding.tree, "machine");
  const Node* named = machine == nullptr ? nullptr : Find(*machine, "cgroup");
  if (named == nullptr) {
    if (!of_limits.version.empty()) {
      decoding.plan.guest.cgroup = of_limits.version;
    }
    return of_limits;
  }
  if (!of_limits.version.empty() && of_limits.version != named->scalar) {
    decoding.Complain(named->mark, fmt::format("cgroup {} does not fit: {}", named->scalar, of_limits.reason),
                      fmt::format("write {}, or remove that limit", of_limits.version));
  }
  return {.version = named->scalar, .reason = "the scenario asks for cgroup " + named->scalar};
}

}  // namespace brink
