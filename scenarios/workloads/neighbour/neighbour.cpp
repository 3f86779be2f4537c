// SPDX-License-Identifier: MIT
// neighbour: a well-behaved service. Its working set never grows; it answers requests at a steady rate,
// checks its data and reports the latency that its clients see.
#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/latency.h"
#include "common/mapping.h"
#include "common/program.h"
#include "common/report.h"
#include "common/stop.h"

namespace {

using namespace workload;

struct Options {
  std::uint64_t working_set = 32U << 20U;
  std::uint64_t requests = 10'000;
  std::uint64_t rate = 0;
  std::uint64_t seed = 1;
  bool hold = false;
};

/// Pages in a fixed region, each with a version; a page's content follows from its number and version.
class WorkingSet {
 public:
  explicit WorkingSet(std::uint64_t size)
      : memory_(Mapping::Anonymous(size / kPageSize * kPageSize)), versions_(size / kPageSize, 0) {
    for (std::size_t page = 0; page < versions_.size(); ++page) {
      FillPattern(Page(page), Seed(page));
    }
  }

  [[nodiscard]] std::size_t Pages() const { return versions_.size(); }

  /// One request: reads a page, checks it, writes its next version. Returns the checksum of what was read.
  std::uint64_t Serve(std::size_t page) {
    if (!HoldsPattern(Page(page), Seed(page))) {
      FailCorrupt(fmt::format("page {} is not its version {}", page, versions_[page]));
    }
    const std::uint64_t sum = Checksum(Page(page));
    ++versions_[page];
    FillPattern(Page(page), Seed(page));
    return sum;
  }

 private:
  [[nodiscard]] std::span<std::byte> Page(std::size_t page) const {
    return memory_.Data().subspan(page * kPageSize, kPageSize);
  }
  [[nodiscard]] std::uint64_t Seed(std::size_t page) const {
    return (std::uint64_t{page} << 32U) + versions_[page];
  }

  Mapping memory_;
  std::vector<std::uint32_t> versions_;
};

Exit Run(const Options& options) {
  if (options.working_set < kPageSize) {
    throw Failure(Exit::kUsage, fmt::format("--working-set must be at least {}", kPageSize));
  }
  WorkingSet set(options.working_set);
  Report("ready", {{"pages", set.Pages()}});
  Random random(options.seed);
  Latency latency;
  EveryInterval progress;
  std::uint64_t checksum = 0;
  const auto begin = std::chrono::steady_clock::now();
  while (!StopRequested() && (options.hold || latency.Count() < options.requests)) {
    {
      const Timed timed(latency);
      checksum += set.Serve(random.Below(set.Pages()));
    }
    if (progress.Due()) {
      Report("progress", {{"requests", latency.Count()}, {"latency_us", latency.ToJson()}});
    }
    if (options.rate > 0) {
      const auto due = begin + std::chrono::nanoseconds(latency.Count() * 1'000'000'000 / options.rate);
      const auto early = due - std::chrono::steady_clock::now();
      if (early > std::chrono::nanoseconds(0)) {
        PauseFor(early);
      }
    }
  }
  Report("result", {{"requests", latency.Count()},
                    {"checksum", ChecksumText(checksum)},
                    {"latency_us", latency.ToJson()}});
  return Exit::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A well-behaved neighbour: a fixed working set, steady requests, checked data.", "neighbour");
  Options options;
  AddSize(app, "--working-set", options.working_set, "Memory it uses, all the time");
  app.add_option("--requests", options.requests, "Requests until it ends (without --hold)");
  app.add_option("--rate", options.rate, "Requests per second; 0: as fast as it can");
  app.add_option("--seed", options.seed, "Which pages are asked for");
  app.add_flag("--hold", options.hold, "Serve until SIGTERM");
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
