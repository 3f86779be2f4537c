// SPDX-License-Identifier: MIT
// From the words of `brink run` to the plans it will run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "cli/commands.h"
#include "model/plan.h"

namespace brink {

/// What the user chose on the command line of `run`.
struct RunChoice {
  std::vector<std::string> paths;
  std::string case_name;             // empty: all
  std::vector<std::string> tags;     // a scenario must have them all; empty: any
  std::string sandbox = "auto";      // or "host" or "vm"
  std::vector<std::string> kernels;  // each case runs on each of them; empty: the scenario's own
  std::vector<std::string> cgroups;  // and with each of these versions of cgroups
  int jobs = 1;
  int repeat = 1;
  bool shuffle = false;
  std::optional<std::uint32_t> seed;  // of shuffling, which it implies
  std::string shard;                  // "I/N", I from 1
  std::vector<std::string> set;
  std::optional<double> timeout_s;
  std::string out;
  bool install = false;  // packages that the chosen cases require and this machine lacks
  bool dry_run = false;  // installs nothing either
};

/// Loads, selects, shards, shuffles, installs, plans. Prints every mistake to standard error and then gives
/// the exit status.
[[nodiscard]] tl::expected<std::vector<Plan>, ExitCode> MakePlans(const RunChoice& choice);

/// What a plan would do, for --dry-run: several lines.
[[nodiscard]] std::string DescribePlan(const Plan& plan);

}  // namespace brink
