// SPDX-License-Identifier: MIT
// What brink itself takes for twenty cases, beside their runs: reading and planning those of a class, judging
// and reporting what was seen.
#include <fmt/format.h>

#include <algorithm>

#include "row.h"
#include "runs.h"
#include "scenario/load.h"

namespace brink::bench {
namespace {

constexpr std::size_t kCases = 20;
constexpr const char* kClass = "mapping_count";

/// The shipped files of the class, as many as it takes for so many cases; adds the number of cases they hold.
std::vector<std::string> FilesOfClass(std::size_t& cases) {
  std::vector<std::string> files;
  for (const std::string& file : Must(FindScenarioFiles(BRINK_SCENARIOS))) {
    const LoadResult loaded = LoadScenario(file);
    if (cases < kCases && loaded.scenario.incident && loaded.scenario.incident->kind == kClass) {
      files.push_back(file);
      cases += loaded.scenario.cases.size();
    }
  }
  if (cases < kCases) {
    throw Failed(fmt::format("the class {} has {} cases, not {}", kClass, cases, kCases));
  }
  return files;
}

/// A run of so many cases that fail, as an incident's do, for its evidence.
std::string MakeRun(const Options& options) {
  const std::string scenario = options.scratch + "/class.yaml";
  Write(scenario,
        fmt::format(
            "name: class\n"
            "processes: {{target: {{run: [{}, flood, \"1000\", \"100\"], cgroup: {{memory.max: 64MiB}}}}}}\n"
            "expect: {{target: {{failure: {{call: mmap, errno: ENOMEM, count: 100}}}}}}\n",
            BRINK_BENCHMARK_TARGET));
  const std::string out = options.scratch + "/class";
  static_cast<void>(
      RunMs({BRINK_PROGRAM, "run", scenario, "--repeat", std::to_string(kCases), "--out", out}));
  return out;
}

}  // namespace

std::vector<Row> BenchClass(const Options& options) {
  std::size_t cases = 0;
  std::vector<std::string> plan = FilesOfClass(cases);
  plan.insert(plan.begin(), {BRINK_PROGRAM, "run", "--dry-run"});
  const std::string run = MakeRun(options);
  const Turns turns = InTurns(
      options.Rounds(30), [&] { return RunMs(plan); },
      [&] {
        return RunMs({BRINK_PROGRAM, "judge", run, "--format", "json"});
      });
  const double planned = Median(turns.baseline) * static_cast<double>(kCases) / static_cast<double>(cases);
  const double judged = Median(turns.brink);
  return {Row{.what = "20 cases of a class beside their runs: read and planned, judged and reported",
              .baseline = "-",
              .brink = fmt::format("{:.1f} ms + {:.1f} ms", planned, judged),
              .figure = planned + judged,
              .unit = "ms",
              .goal = 200,
              .note = fmt::format("two whole processes; planning {} cases, {}; judging {}, {}", cases,
                                  Spread(turns.baseline, 1), kCases, Spread(turns.brink, 1))}};
}

}  // namespace brink::bench
