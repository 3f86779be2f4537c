// SPDX-License-Identifier: MIT
// mlock-churn: locks and unlocks ranges, or sets pages apart otherwise, so that mappings split and merge all
// the time.
#include <atomic>
#include <memory>
#include <vector>

#include "common/checksum.h"
#include "common/program.h"
#include "common/report.h"
#include "common/threads.h"
#include "mlock_churn/churn.h"

namespace {

using namespace workload;

struct Options {
  std::string pattern = "every-other";
  std::string call = "mlock";
  std::uint64_t region = 8U << 20U;
  std::uint64_t max_range = 16;
  std::uint64_t calls = 200'000;
  unsigned threads = 1;
  std::uint64_t seed = 1;
  bool hold = false;
};

/// A region and a thread each; the first failure is thrown here once all have ended.
class ChurnCrew {
 public:
  explicit ChurnCrew(const Options& options) : calls_(options.hold ? UINT64_MAX : options.calls) {
    const std::uint64_t pages = options.region / kPageSize;
    const PageCalls& page_calls = FindPageCalls(options.call);
    for (unsigned i = 0; i < options.threads; ++i) {
      const std::uint64_t seed = options.seed + i;
      churns_.push_back(std::make_unique<Churn>(
          pages, MakeCycle(options.pattern, pages, options.max_range, seed), page_calls, seed));
    }
  }

  void Run() {
    EveryInterval progress;
    const auto cycle_done = [&](std::chrono::steady_clock::time_point now) {
      if (progress.Due(now)) {
        Report("progress", {{"calls", Calls()}, {"call_latency_us", CallLatency().ToJson()}});
      }
    };
    RunInThreads(churns_.size(), abandoned_,
                 [&](std::size_t i) { churns_[i]->Run(calls_, abandoned_, cycle_done); });
  }

  void ReportResult() const {
    std::uint64_t checksum = 0;
    double calls_per_s = 0;
    for (const auto& churn : churns_) {
      checksum += churn->ChecksumSum();
      const double seconds = std::chrono::duration<double>(churn->CallTime()).count();
      calls_per_s += seconds > 0 ? static_cast<double>(churn->Calls()) / seconds : 0;
    }
    Report("result", {{"calls", Calls()},
                      {"calls_per_s", calls_per_s},
                      {"checksum", ChecksumText(checksum)},
                      {"call_latency_us", CallLatency().ToJson()}});
  }

 private:
  [[nodiscard]] std::uint64_t Calls() const {
    std::uint64_t calls = 0;
    for (const auto& churn : churns_) {
      calls += churn->Calls();
    }
    return calls;
  }
  [[nodiscard]] Latency CallLatency() const {
    Latency all;
    for (const auto& churn : churns_) {
      all.Merge(churn->CallLatency());
    }
    return all;
  }

  std::uint64_t calls_;
  std::vector<std::unique_ptr<Churn>> churns_;
  std::atomic<bool> abandoned_{false};
};

Exit Run(const Options& options) {
  ChurnCrew crew(options);
  Report("ready", {{"pattern", options.pattern}, {"call", options.call}, {"threads", options.threads}});
  crew.Run();
  crew.ReportResult();
  return Exit::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Locks and unlocks ranges of memory, or sets them apart otherwise, in patterns that split and merge "
      "mappings.",
      "mlock-churn");
  Options options;
  app.add_option("--pattern", options.pattern, "Course of the calls")
      ->check(CLI::IsMember({"every-other", "random", "grow-shrink"}));
  app.add_option("--call", options.call, "What is done to the pages, and undone")->type_name(PageCallNames());
  AddSize(app, "--region", options.region, "Memory of each thread");
  app.add_option("--max-range", options.max_range, "Longest range, in pages (random, grow-shrink)");
  app.add_option("--calls", options.calls, "Calls of each thread, rounded up to whole cycles");
  app.add_option("--threads", options.threads, "Threads, a region each")->check(CLI::Range(1, 1024));
  app.add_option("--seed", options.seed, "Content of the regions and course of random ranges");
  app.add_flag("--hold", options.hold, "Go on until SIGTERM");
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
