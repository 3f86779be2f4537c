// SPDX-License-Identifier: MIT
// From a scenario's text to its verdict on the real kernel, as `brink run` does it, with what must hold after
// any run.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "model/plan.h"
#include "model/verdict.h"
#include "run/session.h"

namespace brink::live {

/// What all tests stand on; made by main() while the program has one thread, as Session::Start demands.
struct Ground {
  Session* session = nullptr;
  std::filesystem::path run_root;  // each case gets a folder below it
  std::string no_kernel_evidence;  // why failing calls cannot be seen here; empty when they can
};
[[nodiscard]] Ground& TheGround();

/// Values for the scenario's parameters, as --set gives them.
using Parameters = std::map<std::string, std::string>;

/// What a verdict must say of one process. Absent: not looked at.
struct Says {
  std::string outcome;
  std::optional<std::string> call = {};  // of the first failure; "none": there is none; "clone": all its kin
  std::optional<std::string> error = {};
  std::optional<std::string> binding = {};  // "none" when no limit may be named
  std::optional<std::uint64_t> limit = {};
  Range use = {};  // of the binding limit, at the failure
  std::optional<int> exit = {};
  std::optional<int> signal = {};
  std::optional<std::string> killed_by = {};  // a prefix
};

/// A scenario with two cases that differ in one thing.
struct FaultAndControl {
  std::string shared;   // what both have, from `processes:` on; the process is called `target`
  std::string fault;    // what else the failing case has: "processes: {target: {user: nobody}}"; may be empty
  std::string control;  // and the other
};

class LiveCase : public testing::Test {
 protected:
  /// Skips, with the reason, where the kernel's evidence is missing.
  void SetUp() override;
  /// Keeps the run folders of a failed test and names them; removes the others.
  void TearDown() override;

  /// Runs every case of the scenario, in the order of the file. `yaml` lacks name and title, which are added.
  /// After each case: nothing of it is left, the machine is as before, and judging the saved run again gives
  /// the same verdict.
  [[nodiscard]] std::map<std::string, Verdict> RunCases(const std::string& yaml,
                                                        const Parameters& parameters = {});
  /// The same for a scenario whose only case is called `case`.
  [[nodiscard]] Verdict RunCase(const std::string& yaml, const Parameters& parameters = {});
  /// The case `fault` fails as `says` tells (its outcome, call and limit are the scenario's expectations
  /// too); the case `control` survives, and no call fails in it. Gives the verdict of `fault`.
  Verdict ExpectFaultAndControl(const FaultAndControl& pair, const Says& says);
  /// The test runs a victim of its own beside the case: it is not left over.
  void AllowVictimsOfTheTest() { own_victims_ = true; }

 private:
  void ExpectNothingLeft() const;
  std::filesystem::path folder_;
  bool own_victims_ = false;
};

/// Every field of `says` that is given holds for that process; failures print the verdict.
void ExpectSays(const Verdict& verdict, const std::string& process, const Says& says);
/// The scenario's own expectations are met.
void ExpectMet(const Verdict& verdict);

/// How often that process failed so, by all counts.
[[nodiscard]] std::uint64_t CountFailures(const Verdict& verdict, const std::string& process,
                                          const std::string& call, const std::string& error);

}  // namespace brink::live
