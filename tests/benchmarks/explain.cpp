// SPDX-License-Identifier: MIT
// `brink explain` of a process with nearly as many mappings as Linux allows by default, which maps and unmaps
// all the time: how long it takes, and how long it holds that process up.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>

#include "row.h"
#include "runs.h"

namespace brink::bench {
namespace {

constexpr const char* kMappings = "65500";  // leaves room for its own pairs

std::string ReadLine(int fd) {
  constexpr int kPatienceMs = 60000;
  std::string line;
  while (line.find('\n') == std::string::npos) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    std::array<char, 256> text{};
    const ssize_t got = ::poll(&ready, 1, kPatienceMs) == 1 ? ::read(fd, text.data(), text.size()) : -1;
    if (got <= 0) {
      throw Failed("the target says nothing");
    }
    line.append(text.data(), static_cast<std::size_t>(got));
  }
  return line;
}

/// The longest that one of its pairs took since it was asked before.
double LongestUs(const Launched& target) {
  ::kill(target.pid, SIGUSR1);
  return NumberAfter(ReadLine(target.output.Get()), "longest_us");
}

/// While `what` runs.
template <typename What>
double LongestDuring(const Launched& target, const What& what) {
  static_cast<void>(LongestUs(target));
  what();
  return LongestUs(target);
}

void ReadMaps(int pid) {
  std::ifstream file(fmt::format("/proc/{}/maps", pid));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.empty()) {
    throw Failed("the target with the mappings is gone");
  }
}

std::vector<Row> Measure(const Options& options, const Launched& target) {
  const std::vector<std::string> explain{BRINK_PROGRAM, "explain", "--pid", std::to_string(target.pid)};
  // Uses the processors as explain does, and looks at no process.
  const std::vector<std::string> search{BRINK_PROGRAM, "search", "fork: Cannot allocate memory"};
  std::vector<double> took_ms;
  std::vector<double> maps_us;
  const Turns stalls = InTurns(
      options.Rounds(40), [&] { return LongestDuring(target, [&] { static_cast<void>(RunMs(search)); }); },
      [&] { return LongestDuring(target, [&] { took_ms.push_back(RunMs(explain)); }); });
  const int reads = options.Rounds(40);
  maps_us.reserve(static_cast<std::size_t>(reads));
  for (int round = 0; round < reads; ++round) {
    maps_us.push_back(LongestDuring(target, [&] { ReadMaps(target.pid); }));
  }
  const double took = Median(took_ms);
  const double longest = Median(stalls.brink) / 1e3;
  return {Row{.what = "`brink explain` of a process with 65,500 mappings, whole process",
              .baseline = "-",
              .brink = fmt::format("{:.1f} ms", took),
              .figure = took,
              .unit = "ms",
              .goal = 100,
              .note = Spread(took_ms, 1)},
          Row{.what = "the longest mmap+munmap of that process meanwhile",
              .baseline = fmt::format("while `brink search` runs: {:.2f} ms", Median(stalls.baseline) / 1e3),
              .brink = fmt::format("{:.2f} ms", longest),
              .figure = longest - Median(stalls.baseline) / 1e3,
              .unit = "ms more",
              .goal = 1,
              .note = fmt::format("while its /proc/PID/maps is read: {:.2f} ms; in us, {}",
                                  Median(maps_us) / 1e3, Spread(stalls.brink, 0))}};
}

}  // namespace

std::vector<Row> BenchExplain(const Options& options) {
  LaunchSpec spec;
  spec.argv = {BRINK_BENCHMARK_TARGET, "stalls", kMappings};
  const Launched target = Must(Launch(spec));
  try {
    static_cast<void>(ReadLine(target.output.Get()));  // it has them all
    auto rows = Measure(options, target);
    End(target);
    return rows;
  } catch (...) {
    End(target);
    throw;
  }
}

}  // namespace brink::bench
