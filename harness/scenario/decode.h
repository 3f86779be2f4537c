// SPDX-License-Identifier: MIT
// A case's tree to a plan, without looking at the host: what LoadScenario checks and MakePlan builds on.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/plan.h"
#include "model/scenario.h"
#include "scenario/load.h"
#include "scenario/make_plan.h"

namespace brink {

struct Decoded {
  Plan plan;  // commands as written: not yet looked for
  CgroupDemand cgroup;
  std::vector<std::string> packages;  // that some command requires, each once, in the file's order
  std::set<std::string> used;         // names that some ${NAME} of the case stands for
  std::vector<Complaint> complaints;
};

[[nodiscard]] Decoded DecodeCase(const Scenario& scenario, const ScenarioCase& scenario_case,
                                 const PlanContext& context);

/// The checks that need no case to be complete, on the file without its cases: a mistake that every case
/// overrides is still one. Gives the names that some ${NAME} stands for.
std::set<std::string> CheckBase(const Scenario& scenario, const Node& base, const PlanContext& context,
                                std::vector<Complaint>& complaints);

// ---- Parts of DecodeCase. Each reads a tree that CheckTree has left, so that what is there is well formed.

/// Everything that a name in the file can mean.
struct NameTable {
  std::vector<std::string> processes;
  std::vector<std::string> children;
  std::vector<std::string> groups;
  std::vector<std::string> steps;          // every `as`
  std::vector<std::string> command_steps;  // those of run steps
};

struct Decoding {
  const Node& tree;
  const PlanContext& context;
  Plan& plan;
  std::vector<std::string>& packages;
  std::vector<Complaint>& complaints;
  NameTable names = {};

  void Complain(const SourceMark& mark, std::string problem, std::string remedy) {
    complaints.push_back({mark, std::move(problem), std::move(remedy)});
  }
};

void DecodeGroups(Decoding& decoding);     // before processes
void DecodeProcesses(Decoding& decoding);  // before steps
void DecodeSteps(Decoding& decoding);      // before expectations
void DecodeExpectations(Decoding& decoding);

[[nodiscard]] std::vector<Setting> DecodeSettings(const Node& map, std::string_view prefix = {});
/// Of `machine` or a step's change of it: sysctls and transparent huge pages.
[[nodiscard]] std::vector<Setting> DecodeMachine(const Node& machine, Decoding& decoding);
/// The machine as it starts, which only a guest can be: Plan::guest and Plan::needs_guest.
void DecodeGuest(const Node& machine, Decoding& decoding);
/// Which version of cgroups the decoded plan is bound to; fills GuestSpec::cgroup and complains of a
/// contradiction.
[[nodiscard]] CgroupDemand DecodeCgroupDemand(Decoding& decoding);
[[nodiscard]] std::vector<RlimitSetting> DecodeRlimits(const Node& map, Decoding& decoding);
/// The image of a process or step, or else the scenario's; empty: this machine's own root folder.
[[nodiscard]] std::string DecodeImage(const Node& owner, const Decoding& decoding);
void DecodeRequires(const Node& owner, Decoding& decoding);

// ---- Reading checked values.

[[nodiscard]] std::string TextAt(const Node& map, std::string_view key, std::string fallback = {});
[[nodiscard]] std::optional<std::string> MaybeText(const Node& map, std::string_view key);
/// A list's texts, or the one of a scalar.
[[nodiscard]] std::vector<std::string> TextsAt(const Node& map, std::string_view key);
[[nodiscard]] std::map<std::string, std::string> TextMapAt(const Node& map, std::string_view key);
[[nodiscard]] std::optional<std::int64_t> MaybeInteger(const Node& map, std::string_view key);
[[nodiscard]] std::optional<int> MaybeInt(const Node& map, std::string_view key);
/// An integer, or every item of a list.
[[nodiscard]] std::vector<int> IntsAt(const Node& map, std::string_view key);
[[nodiscard]] std::optional<std::uint64_t> MaybeCount(const Node& map, std::string_view key);
/// A duration in seconds.
[[nodiscard]] std::optional<double> MaybeSeconds(const Node& map, std::string_view key);
[[nodiscard]] bool FlagAt(const Node& map, std::string_view key);

[[nodiscard]] bool Contains(const std::vector<std::string>& words, std::string_view word);

}  // namespace brink
