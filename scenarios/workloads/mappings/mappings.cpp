// SPDX-License-Identifier: MIT
// mappings: takes stacks of fibres, threads, or buffers that grow, one at a time, and holds them all: each
// costs mappings, far more of them than memory.
#include <map>
#include <string>

#include "common/checksum.h"
#include "common/latency.h"
#include "common/program.h"
#include "common/report.h"
#include "common/stop.h"
#include "mappings/holdings.h"

namespace {

using namespace workload;

struct Options {
  std::string kind = "fibres";
  std::uint64_t size = 64U << 10U;
  std::uint64_t count = 1000;
  Guard guard = Guard::kProtect;
  bool hold = false;
};

Exit Run(const Options& options) {
  const auto holdings = MakeHoldings(options.kind, options.size, options.guard);
  Latency latency;
  EveryInterval progress;
  Report("ready", {{"kind", options.kind}});
  const auto report_progress = [&] {
    Report("progress", {{"held", holdings->Count()}, {"take_latency_us", latency.ToJson()}});
  };
  while (holdings->Count() < options.count && !StopRequested()) {
    {
      const Timed timed(latency);
      try {
        holdings->TakeOne();
      } catch (const Failure&) {
        Report("refused", {{"held", holdings->Count()}});
        throw;
      }
    }
    if (progress.Due()) {
      report_progress();
    }
  }
  if (options.hold) {
    report_progress();
    PauseFor(std::nullopt);
  }
  Report("result", {{"held", holdings->Count()},
                    {"checksum", ChecksumText(holdings->Check())},
                    {"take_latency_us", latency.ToJson()}});
  return Exit::kOk;
}

void AddOptions(CLI::App& app, Options& options) {
  static const std::map<std::string, Guard> kGuards{
      {"protect", Guard::kProtect}, {"install", Guard::kInstall}, {"none", Guard::kNone}};
  app.add_option("--kind", options.kind, "What it takes")
      ->check(CLI::IsMember({"fibres", "threads", "buffers", "unchecked-buffers"}));
  AddSize(app, "--size", options.size, "Of each, whole pages");
  app.add_option("--count", options.count, "How many it takes");
  app.add_option("--guard", options.guard, "How the page below a stack is guarded (fibres, threads)")
      ->transform(CLI::CheckedTransformer(kGuards).description(""))
      ->type_name("protect|install|none")
      ->default_str("protect");
  app.add_flag("--hold", options.hold, "Keep them until SIGTERM");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Takes stacks or buffers one at a time, each with mappings of its own, and holds them.",
               "mappings");
  Options options;
  AddOptions(app, options);
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
