// SPDX-License-Identifier: MIT
// allocations: threads that fill up with blocks and let go of most of them. The blocks come from whatever
// malloc is preloaded, or from mmap: what stays behind is what it is about.
#include <bit>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "allocations/turns.h"
#include "allocations/worker.h"
#include "common/checksum.h"
#include "common/failure.h"
#include "common/program.h"
#include "common/report.h"
#include "common/stop.h"
#include "common/threads.h"

namespace {

using namespace workload;

struct Options {
  BlockLoad load;
  bool mapped = false;
  std::uint64_t alignment = 0;
  OnRefusal on_refusal = OnRefusal::kIgnore;
  unsigned threads = 4;
  bool one_by_one = false;
  std::uint64_t seed = 1;
  bool hold = false;
};

void CheckOptions(const Options& options) {
  const BlockLoad& load = options.load;
  if (load.smallest == 0 || load.smallest > load.largest) {
    throw Failure(Exit::kUsage, "--smallest must be at least 1 and at most --largest");
  }
  if (options.mapped && load.smallest != load.largest) {
    throw Failure(Exit::kUsage, "with --mmap all blocks have one size: --smallest must be --largest");
  }
  const std::uint64_t alignment = options.alignment;
  if (alignment != 0 && (!std::has_single_bit(alignment) || alignment < sizeof(void*) || options.mapped)) {
    throw Failure(Exit::kUsage,
                  "--alignment must be a power of two and at least 8, or 0, and goes without --mmap");
  }
}

std::unique_ptr<BlockSource> MakeSource(const Options& options) {
  return options.mapped ? MakeMmapSource(options.load.largest, options.on_refusal)
                        : MakeHeapSource(options.alignment);
}

/// All threads, and what they have done together.
class Crew {
 public:
  explicit Crew(const Options& options) : turns_(options.threads, options.one_by_one) {
    for (unsigned i = 0; i < options.threads; ++i) {
      workers_.push_back(
          std::make_unique<Worker>(options.load, MakeSource(options), options.seed * 1000 + i));
    }
  }

  void Run() {
    EveryInterval progress;
    const auto block_done = [&](std::chrono::steady_clock::time_point now) {
      if (progress.Due(now)) {
        Report("progress", {{"allocated", Allocated()}, {"block_latency_us", BlockLatency().ToJson()}});
      }
    };
    const auto work = [&](std::size_t i) {
      const Turns::Turn turn(turns_, i);
      workers_[i]->Run(abandoned_, block_done);
    };
    RunInThreads(workers_.size(), abandoned_, work, [this] { turns_.GiveUp(); });
  }

  void ReportResult() const {
    std::uint64_t checksum = 0;
    std::uint64_t failures = 0;
    for (const auto& worker : workers_) {
      checksum += worker->ChecksumSum();
      failures += worker->Failures();
    }
    Report("result", {{"allocated", Allocated()},
                      {"checksum", ChecksumText(checksum)},
                      {"unmap_failures", failures},
                      {"block_latency_us", BlockLatency().ToJson()}});
  }

 private:
  [[nodiscard]] std::uint64_t Allocated() const {
    std::uint64_t allocated = 0;
    for (const auto& worker : workers_) {
      allocated += worker->Allocated();
    }
    return allocated;
  }
  [[nodiscard]] Latency BlockLatency() const {
    Latency all;
    for (const auto& worker : workers_) {
      all.Merge(worker->BlockLatency());
    }
    return all;
  }

  Turns turns_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> abandoned_{false};
};

Exit Run(const Options& options) {
  CheckOptions(options);
  Crew crew(options);
  Report("ready", {{"threads", options.threads}});
  crew.Run();
  if (options.hold) {
    Report("idle");
    PauseFor(std::nullopt);
  }
  crew.ReportResult();
  return Exit::kOk;
}

void AddOptions(CLI::App& app, Options& options) {
  static const std::map<std::string, OnRefusal> kRefusals{{"ignore", OnRefusal::kIgnore},
                                                          {"empty", OnRefusal::kEmpty},
                                                          {"retry", OnRefusal::kRetry},
                                                          {"abort", OnRefusal::kAbort}};
  app.add_option("--threads", options.threads, "Threads; all live to the end")->check(CLI::Range(1, 1024));
  app.add_flag("--one-by-one", options.one_by_one,
               "Each thread does all its rounds before the next one begins");
  AddSize(app, "--live", options.load.live, "What each thread holds at the height of a round");
  AddSize(app, "--smallest", options.load.smallest, "Smallest block");
  AddSize(app, "--largest", options.load.largest, "Largest block");
  AddSize(app, "--alignment", options.alignment, "By posix_memalign; 0: malloc");
  app.add_flag("--mmap", options.mapped, "A mapping for each block instead of malloc");
  app.add_option("--on-refusal", options.on_refusal, "What is done with a block that munmap refuses")
      ->transform(CLI::CheckedTransformer(kRefusals).description(""))
      ->type_name("ignore|empty|retry|abort")
      ->default_str("ignore");
  app.add_option("--rounds", options.load.rounds, "How often each thread fills up and lets go");
  app.add_option("--kept", options.load.kept_percent, "Percentage of blocks that outlive a round")
      ->check(CLI::Range(0, 99));
  app.add_option("--seed", options.seed, "Sizes and order");
  app.add_flag("--hold", options.hold, "When all is done, stay until SIGTERM");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Threads that fill up with blocks from malloc and let go of most of them.", "allocations");
  Options options;
  AddOptions(app, options);
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
