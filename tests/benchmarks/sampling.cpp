// SPDX-License-Identifier: MIT
// Looking at a process with as many mappings as Linux allows by default, 100 times a second.
#include <fmt/format.h>
#include <poll.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "row.h"
#include "runs.h"

namespace brink::bench {
namespace {

constexpr const char* kFullMap = "65530";
constexpr std::chrono::milliseconds kPeriod{10};
constexpr double kPerSecond = 100;

/// Processor time of this thread in ms: others may have the processor meanwhile.
double ThreadMs() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double ReadMapsMs(int pid) {
  const double start = ThreadMs();
  std::ifstream file(fmt::format("/proc/{}/maps", pid));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const double took = ThreadMs() - start;
  if (text.empty()) {
    throw Failed("the target with the mappings is gone");
  }
  return took;
}

using Look = Result<std::vector<TaskFigures>> (Watch::*)();

/// One sample at its time of the 100 Hz, as cold as it would be.
double SampleMs(Watch& watch, Look look, int pid, std::uint64_t& map_count) {
  ::poll(nullptr, 0, static_cast<int>(kPeriod.count()));
  const double start = ThreadMs();
  const auto tasks = Must((watch.*look)());
  const double took = ThreadMs() - start;
  const auto found =
      std::find_if(tasks.begin(), tasks.end(), [&](const TaskFigures& task) { return task.pid == pid; });
  map_count = found == tasks.end() ? 0 : found->map_count;
  return took;
}

}  // namespace

std::vector<Row> BenchSampling(const Options& options) {
  Watch watch = Must(Watch::Load());
  Watch::Registration registration = watch.MakeRegistration(1);
  LaunchSpec spec;
  spec.argv = {BRINK_BENCHMARK_TARGET, "mappings", kFullMap};
  spec.register_self = &Watch::RegisterSelf;
  spec.register_context = &registration;
  const Launched target = Must(Launch(spec));
  Observe(watch, target.output.Get());  // it prints when it has them all
  std::uint64_t map_count = 0;
  std::vector<double> samples;
  std::vector<double> walks;
  std::vector<double> reads;
  try {
    for (int round = 0; round < options.Rounds(40); ++round) {
      reads.push_back(ReadMapsMs(target.pid));
      for (int at = 0; at < 10; ++at) {
        walks.push_back(SampleMs(watch, &Watch::SampleByWalk, target.pid, map_count));
        samples.push_back(SampleMs(watch, &Watch::Sample, target.pid, map_count));
      }
    }
  } catch (...) {
    End(target);
    throw;
  }
  End(target);
  double total = 0;
  for (const double sample : samples) {
    total += sample;
  }
  const double percent = total / static_cast<double>(samples.size()) * kPerSecond / 1e3 * 100;
  return {Row{.what = "map_count sampling at 100 Hz of a process with 65,530 mappings",
              .baseline = fmt::format("reading /proc/PID/maps: {:.1f} ms each", Median(reads)),
              .brink = fmt::format("{:.4f} ms each", total / static_cast<double>(samples.size())),
              .figure = percent,
              .unit = "% of a core",
              .goal = 0.5,
              .note = fmt::format(
                  "it had {} mappings; mean of the processor time, {} ms; by a walk over all tasks of the "
                  "machine, as before Linux 5.13: median {:.4f} ms",
                  map_count, Spread(samples, 4), Median(walks))}};
}

}  // namespace brink::bench
