// SPDX-License-Identifier: MIT
// Scenario and case to Plan: parameters substituted, sizes and shares resolved, commands found.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/plan.h"
#include "model/scenario.h"
#include "scenario/load.h"

namespace brink {

/// What the plan needs to know of the host, given by the caller so that planning is testable without one.
struct PlanContext {
  std::uint64_t page_size = 4096;
  std::uint64_t memory_bytes = 0;
  std::vector<std::string> search_path;    // where commands are looked for: the workloads' folder, then $PATH
  std::map<std::string, std::string> set;  // --set KEY=VALUE
  std::string run_dir;                     // absolute
  std::string sandbox = "host";
  int repeat = 1;
  /// Gives a free loopback port for ${port} and, by name, for ${port.NAME}; asked once for each name of a
  /// plan
  /// ("" is that of ${port}).
  std::function<Result<int>(const std::string& name)> free_port;
  /// The folder of an image; fails, with the remedy, where it has not been made.
  std::function<Result<std::string>(const std::string& name)> image_folder;
  /// The version of a Debian package; empty when it is not installed.
  std::function<std::string(const std::string& package)> package_version;
  /// The image that has all of these packages; empty: none. Asked where the machine lacks one of those that
  /// the scenario requires: the image then stands in for the machine. Unset: none does.
  std::function<std::string(const std::vector<std::string>& packages)> image_with;
  /// What else than installing them helps where packages are missing; empty or unset: nothing.
  std::function<std::string(const std::vector<std::string>& packages)> other_remedy;
  NameChecks names;
};

/// The version of cgroups that a scenario is bound to.
struct CgroupDemand {
  std::string version;  // "v1", "v2", or empty: either will do
  std::string reason;   // "memory.high exists in cgroup v2 only"
};

struct PlanResult {
  Plan plan;
  CgroupDemand cgroup;
  std::vector<Complaint> complaints;
  std::vector<std::string> missing_packages;  // Debian packages that it requires and this machine lacks
};

/// A kernel's name as it is; a path, and that of its modules after a colon, made absolute as seen from a
/// folder.
[[nodiscard]] std::string KernelSeenFrom(const std::string& kernel, const std::string& folder);

/// Whether this value of the machine is not to be set on one that others use, whoever asks for it.
[[nodiscard]] bool NeedsGuest(const Setting& setting);

/// A missing command or package makes the plan not_runnable (with the apt command), not a complaint.
[[nodiscard]] PlanResult MakePlan(const Scenario& scenario, const ScenarioCase& scenario_case,
                                  const PlanContext& context);

}  // namespace brink
