// SPDX-License-Identifier: MIT
// memory-hog: a greedy neighbour. It grows at a given rate to a given size, touches every page (or one of
// each so many, as a large table does that is sparsely filled) with data that can be compressed or not,
// checks what it holds and keeps it until SIGTERM. It can listen to the kernel's warnings meanwhile: then it
// measures how long and how far it grew after the first one, or sheds its load.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/latency.h"
#include "common/mapping.h"
#include "common/program.h"
#include "common/report.h"
#include "common/stop.h"
#include "memory_hog/lock.h"
#include "memory_hog/warning.h"

namespace {

using namespace workload;
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::uint64_t size = 64U << 20U;
  std::uint64_t start = 0;
  std::uint64_t rate = 0;
  std::uint64_t chunk = 1U << 20U;
  std::uint64_t touch_every = kPageSize;
  std::uint64_t random = kPageSize;
  bool hold = false;
  LockAll lock = LockAll::kNothing;
  bool must_lock = false;
  WarnOptions warn;
  std::uint64_t shed_to =
      0;  // at the first warning it gives back all above this, and stops growing; 0: never
};

class Hog {
 public:
  Hog(std::uint64_t chunk_size, std::uint64_t touch_every, std::uint64_t random)
      : chunk_size_(chunk_size), touch_every_(touch_every), random_(random) {}

  /// One chunk more, up to `size`.
  void GrowTowards(std::uint64_t size) {
    const Timed timed(latency_);
    const std::uint64_t length = std::min(chunk_size_, size - held_);
    chunks_.push_back(Mapping::Anonymous(length));
    for (std::uint64_t at = 0; at < length; at += touch_every_) {
      FillPattern(RandomOf(PageAt(chunks_.back(), at)), chunks_.size() + at);
    }
    held_ += length;
  }

  /// Gives memory back until it holds no more than `size`.
  void ShrinkTo(std::uint64_t size) {
    while (held_ > size) {
      held_ -= chunks_.back().Data().size();
      chunks_.pop_back();
    }
  }

  /// Reads everything back; throws Failure when a byte has changed.
  [[nodiscard]] std::uint64_t Check() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      for (std::uint64_t at = 0; at < chunks_[i].Data().size(); at += touch_every_) {
        const std::span<std::byte> page = PageAt(chunks_[i], at);
        const std::span<std::byte> zeros = page.subspan(RandomOf(page).size());
        if (!HoldsPattern(RandomOf(page), i + 1 + at) ||
            std::any_of(zeros.begin(), zeros.end(), [](std::byte byte) { return byte != std::byte{0}; })) {
          FailCorrupt(fmt::format("chunk {} of {} has changed at {}", i, chunks_.size(), at));
        }
        sum += Checksum(page);
      }
    }
    return sum;
  }

  [[nodiscard]] std::uint64_t Held() const { return held_; }
  [[nodiscard]] const Latency& GrowthLatency() const { return latency_; }

 private:
  /// The chunk's last page may be a part of one.
  static std::span<std::byte> PageAt(const Mapping& chunk, std::uint64_t at) {
    return chunk.Data().subspan(at, std::min<std::uint64_t>(kPageSize, chunk.Data().size() - at));
  }

  /// The part of a page that nothing can compress.
  [[nodiscard]] std::span<std::byte> RandomOf(std::span<std::byte> page) const {
    return page.first(std::min<std::uint64_t>(random_, page.size()));
  }

  std::uint64_t chunk_size_;
  std::uint64_t touch_every_;  // one page of each so many bytes holds data
  std::uint64_t random_;       // bytes of each such page; the others are zero
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

/// What is known of the first warning. Its thread writes `held` and `at` before `came`.
class Warning {
 public:
  explicit Warning(const WarnOptions& options)
      : listener_(options, [this] {
          at_ = SteadyClock::now();
          held_ = held_now_;
          came_ = true;
          Report("warning", {{"held_bytes", held_}});
        }) {}

  void Note(std::uint64_t held) { held_now_ = held; }
  [[nodiscard]] bool Came() const { return came_; }
  /// How long and how far it has grown since: the last of these lines before a kill is what the warning was
  /// worth.
  void ReportWorth() const {
    const std::chrono::duration<double, std::milli> since = SteadyClock::now() - at_;
    Report("since_warning", {{"ms", since.count()}, {"grown_bytes", held_now_ - held_}});
  }

 private:
  SteadyClock::time_point at_;
  std::uint64_t held_ = 0;
  std::atomic<std::uint64_t> held_now_ = 0;
  std::atomic<bool> came_ = false;
  Listener listener_;  // last: its thread uses the others
};

/// Grows to what it should hold by now. True when it shed load: then it has done with growing.
bool GrowOn(const Options& options, std::uint64_t size, Hog& hog, Warning& warning, EveryInterval& progress) {
  while (hog.Held() < size && !StopRequested()) {
    hog.GrowTowards(size);
    warning.Note(hog.Held());
    if (progress.Due()) {
      Report("progress", {{"held_bytes", hog.Held()}, {"chunk_latency_us", hog.GrowthLatency().ToJson()}});
    }
    if (!warning.Came()) {
      continue;
    }
    warning.ReportWorth();
    if (options.shed_to > 0) {
      hog.ShrinkTo(options.shed_to);
      Report("shed", {{"held_bytes", hog.Held()}});
      return true;
    }
  }
  return false;
}

void Grow(const Options& options, Hog& hog) {
  Warning warning(options.warn);
  EveryInterval progress;
  bool shed = GrowOn(options, options.start, hog, warning, progress);
  LockMemory(options.lock, options.must_lock);
  Report("ready", {{"held_bytes", hog.Held()}});
  const auto begin = SteadyClock::now();
  while (hog.Held() < options.size && !shed && !StopRequested()) {
    shed =
        GrowOn(options, options.rate == 0 ? options.size : SizeByNow(options, begin), hog, warning, progress);
    if (hog.Held() < options.size && !shed) {
      PauseFor(std::chrono::milliseconds(5));
    }
  }
  Report("grown", {{"held_bytes", hog.Held()}});
}

Exit Run(const Options& options) {
  if (options.start > options.size || options.chunk == 0 || options.touch_every < kPageSize ||
      options.random == 0) {
    throw Failure(Exit::kUsage,
                  fmt::format("--start must not exceed --size, --chunk and --random must not be "
                              "0, and --touch-every must be at least {}",
                              kPageSize));
  }
  Hog hog(options.chunk, options.touch_every, options.random);
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

void AddLockOptions(CLI::App& app, Options& options) {
  static const std::map<std::string, LockAll> kLocks{
      {"none", LockAll::kNothing}, {"current", LockAll::kCurrent}, {"future", LockAll::kFuture}};
  app.add_option("--lock", options.lock,
                 "Lock all that it has when it is ready (current), or ever has (future)")
      ->transform(CLI::CheckedTransformer(kLocks).description(""))
      ->type_name("none|current|future")
      ->default_str("none");
  app.add_flag("--must-lock", options.must_lock, "End where that is refused, instead of going on");
}

void AddWarnOptions(CLI::App& app, Options& options) {
  static const std::map<std::string, WarnBy> kMeans{{"none", WarnBy::kNothing},
                                                    {"psi", WarnBy::kPsi},
                                                    {"machine-psi", WarnBy::kMachinePsi},
                                                    {"high", WarnBy::kHigh},
                                                    {"pressure-level", WarnBy::kPressureLevel}};
  app.add_option("--warn", options.warn.by, "Listen to the kernel's warnings of memory getting short")
      ->transform(CLI::CheckedTransformer(kMeans).description(""))
      ->type_name("none|psi|machine-psi|high|pressure-level")
      ->default_str("none");
  app.add_option("--level", options.warn.level, "Of pressure-level")
      ->check(CLI::IsMember({"low", "medium", "critical"}));
  AddSize(app, "--shed-to", options.shed_to,
          "At the first warning give back all above this, and stop growing; 0: go on");
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
  AddSize(app, "--touch-every", options.touch_every,
          "Fill one page of each so much, and leave the rest alone");
  AddSize(app, "--random", options.random,
          "So many bytes of each page are random, which nothing can compress, and the rest is zero");
  app.add_flag("--hold", options.hold, "Keep the memory until SIGTERM");
  AddLockOptions(app, options);
  AddWarnOptions(app, options);
  return RunProgram(app, argc, argv, [&] { return Run(options); });
}
