// SPDX-License-Identifier: MIT
// memory-hog: a greedy neighbour. It grows at a given rate to a given size, touches every page, checks what
// it holds and keeps it until SIGTERM.
#include <fmt/format.h>

#include <algorithm>
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
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::uint64_t size = 64U << 20U;
  std::uint64_t start = 0;
  std::uint64_t rate = 0;
  std::uint64_t chunk = 1U << 20U;
  bool hold = false;
};

class Hog {
 public:
  explicit Hog(std::uint64_t chunk_size) : chunk_size_(chunk_size) {}

  void GrowTo(std::uint64_t size) {
    while (held_ < size && !StopRequested()) {
      const Timed timed(latency_);
      const std::uint64_t length = std::min(chunk_size_, size - held_);
      chunks_.push_back(Mapping::Anonymous(length));
      FillPattern(chunks_.back().Data(), chunks_.size());
      held_ += length;
    }
  }

  /// Reads everything back; throws Failure when a byte has changed.
  [[nodiscard]] std::uint64_t Check() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      if (!HoldsPattern(chunks_[i].Data(), i + 1)) {
        FailCorrupt(fmt::format("chunk {} of {} has changed", i, chunks_.size()));
      }
      sum += Checksum(chunks_[i].Data());
    }
    return sum;
  }

  [[nodiscard]] std::uint64_t Held() const { return held_; }
  [[nodiscard]] const Latency& GrowthLatency() const { return latency_; }

 private:
  std::uint64_t chunk_size_;
  std::uint64_t held_ = 0;
  std::vector<Mapping> chunks_;
  Latency latency_;
};

/// Where a hog that started at `begin` should be by now.
std::uint64_t SizeByNow(const Options& options, SteadyClock::time_point begin) {
  const double elapsed = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  const double grown = elapsed * static_cast<double>(options.rate);
  const std::uint64_t room = options.size - options.start;
  return options.start + (grown < static_cast<double>(room) ? static_cast<std::uint64_t>(grown) : room);
}

void Grow(const Options& options, Hog& hog) {
  hog.GrowTo(options.start);
  Report("ready", {{"held_bytes", hog.Held()}});
  const auto begin = SteadyClock::now();
  EveryInterval progress;
  while (hog.Held() < options.size && !StopRequested()) {
    hog.GrowTo(options.rate == 0 ? options.size : SizeByNow(options, begin));
    if (progress.Due()) {
      Report("progress", {{"held_bytes", hog.Held()}});
    }
    if (hog.Held() < options.size) {
      PauseFor(std::chrono::milliseconds(5));
    }
  }
  Report("grown", {{"held_bytes", hog.Held()}});
}

Exit Run(const Options& options) {
  if (options.start > options.size || options.chunk == 0) {
    throw Failure(Exit::kUsage, "--start must not exceed --size, and --chunk must not be 0");
  }
  Hog hog(options.chunk);
  Grow(options, hog);
  if (options.hold) {
    PauseFor(std::nullopt);
  }
  const std::uint64_t checksum = hog.Check();
  Report("result", {{"held_bytes", hog.Held()},
                    {"checksum", ChecksumText(checksum)},
                    {"chunk_latency_us", hog.GrowthLatency().ToJson()}});
  return Exit::kOk;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A greedy neighbour: grows to a size, touches every page, checks what it holds.",
               "memory-hog");
  Options options;
  AddSize(app, "--size", options.size, "Memory it wants in the end");
  AddSize(app, "--start", options.start, "Memory it takes at once, before it is ready");
  AddSize(app, "--rate", options.rate, "Growth per second; 0: as fast as it can");
  AddSize(app, "--chunk", options.chunk, "Memory it asks for at a time");
  app.add_flag("--hold", options.hold, "Keep the memory until SIGTERM");
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
