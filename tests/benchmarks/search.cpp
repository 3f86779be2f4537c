// SPDX-License-Identifier: MIT
// `brink search` from its start to its exit, over a catalogue as large as the shipped one.
#include <fmt/format.h>

#include <filesystem>

#include "row.h"
#include "runs.h"
#include "scenario/load.h"

namespace brink::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMessage = "Can't save in background: fork: Cannot allocate memory";

/// An installed brink in the scratch folder with these scenarios. Gives the path of the program.
std::string InstallWith(const Options& options, const std::vector<std::string>& scenarios) {
  const fs::path root = options.scratch + "/installed";
  const fs::path catalogue = root / "share/brink/scenarios";
  fs::create_directories(root / "bin");
  fs::create_directories(catalogue);
  fs::copy_file(BRINK_PROGRAM, root / "bin/brink");
  for (std::size_t copy = 0; copy < scenarios.size(); ++copy) {
    fs::copy_file(scenarios[copy], catalogue / fmt::format("{}.yaml", copy));
  }
  return (root / "bin/brink").string();
}

}  // namespace

std::vector<Row> BenchSearch(const Options& options) {
  const std::vector<std::string> shipped = Must(FindScenarioFiles(BRINK_SCENARIOS));
  const std::string program = InstallWith(options, shipped);
  std::vector<double> cpu_ms;
  const auto search = [&] {
    const Finished run = RunQuietly({program, "search", kMessage});
    if (run.exit_code != 0) {
      throw Failed(fmt::format("brink search ended with {}", run.exit_code));
    }
    cpu_ms.push_back(run.cpu_s * 1e3);
    return run.wall_s * 1e3;
  };
  const auto grep = [&] {
    return RunQuietly({"/bin/grep", "-rF", kMessage, options.scratch + "/installed/share"}).wall_s * 1e3;
  };
  const Turns turns = InTurns(options.Rounds(50), grep, search);
  const double median = Median(turns.brink);
  return {
      Row{.what = fmt::format("`brink search` of a message in {} incidents, whole process", shipped.size()),
          .baseline = fmt::format("grep -rF: {:.1f} ms", Median(turns.baseline)),
          .brink = fmt::format("{:.1f} ms", median),
          .figure = median,
          .unit = "ms",
          .goal = 50,
          .note = fmt::format("processor time {:.1f} ms; wall, {}", Median(cpu_ms), Spread(turns.brink, 1))}};
}

}  // namespace brink::bench
