// SPDX-License-Identifier: MIT
// `brink search` from its start to its exit, over a catalogue of 60 files.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "row.h"
#include "runs.h"
#include "scenario/load.h"

namespace brink::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMessage = "Can't save in background: fork: Cannot allocate memory";

/// An installed brink in the scratch folder whose catalogue is the shipped one, as often as it takes for so
/// many files, each copy under a name of its own. Gives the path of the program.
std::string InstallWith(const Options& options, std::size_t count) {
  const fs::path root = options.scratch + "/installed";
  const fs::path catalogue = root / "share/brink/scenarios";
  fs::create_directories(root / "bin");
  fs::create_directories(catalogue);
  fs::copy_file(BRINK_PROGRAM, root / "bin/brink");
  const std::vector<std::string> shipped = Must(FindScenarioFiles(BRINK_SCENARIOS));
  for (std::size_t copy = 0; copy < count; ++copy) {
    std::ifstream file(shipped[copy % shipped.size()]);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const std::size_t name = text.find("\nname: ");
    if (name == std::string::npos) {
      throw Failed(shipped[copy % shipped.size()] + " has no line 'name: '");
    }
    text.insert(name + std::string_view("\nname: ").size(), fmt::format("copy-{}-", copy));
    Write((catalogue / fmt::format("{}.yaml", copy)).string(), text);
  }
  return (root / "bin/brink").string();
}

}  // namespace

std::vector<Row> BenchSearch(const Options& options) {
  constexpr std::size_t kFiles = 60;
  const std::string program = InstallWith(options, kFiles);
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
      Row{.what = "`brink search` of a message in 60 incidents, whole process",
          .baseline = fmt::format("grep -rF: {:.1f} ms", Median(turns.baseline)),
          .brink = fmt::format("{:.1f} ms", median),
          .figure = median,
          .unit = "ms",
          .goal = 50,
          .note = fmt::format("processor time {:.1f} ms; wall, {}", Median(cpu_ms), Spread(turns.brink, 1))}};
}

}  // namespace brink::bench
