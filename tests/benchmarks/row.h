// SPDX-License-Identifier: MIT
// One line of the table, and the statistics behind it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace brink::bench {

struct Row {
  std::string what;
  std::string baseline;   // what brink is compared with, with its number; "-" when the goal is absolute
  std::string brink;      // brink's own number
  double figure = 0;      // what the goal speaks of, in `unit`
  std::string unit;       // "x", "ms", "%", "MiB"
  double goal = 0;        // in `unit`
  bool at_least = false;  // true: the figure must reach the goal; false: it must not exceed it
  std::string note;       // spread, and how it was measured

  [[nodiscard]] bool Met() const { return at_least ? figure >= goal : figure <= goal; }
};

struct Options {
  bool smoke = false;   // each benchmark once, with tiny counts: only that it works
  std::string scratch;  // an empty folder of this run

  [[nodiscard]] int Rounds(int full) const { return smoke ? 1 : full; }
};

/// A benchmark measures brink and its baseline in turns, A B A B, and throws Failed when it cannot.
using Benchmark = std::vector<Row> (*)(const Options&);

[[nodiscard]] std::vector<Row> BenchStart(const Options& options);
[[nodiscard]] std::vector<Row> BenchWholeRun(const Options& options);
[[nodiscard]] std::vector<Row> BenchMemory(const Options& options);
[[nodiscard]] std::vector<Row> BenchMappingPairs(const Options& options);
[[nodiscard]] std::vector<Row> BenchRedis(const Options& options);
[[nodiscard]] std::vector<Row> BenchSampling(const Options& options);
[[nodiscard]] std::vector<Row> BenchVerdictDelay(const Options& options);
[[nodiscard]] std::vector<Row> BenchMlockChurn(const Options& options);
[[nodiscard]] std::vector<Row> BenchSearch(const Options& options);
[[nodiscard]] std::vector<Row> BenchClass(const Options& options);
[[nodiscard]] std::vector<Row> BenchExplain(const Options& options);
[[nodiscard]] std::vector<Row> BenchGuestBoot(const Options& options);
[[nodiscard]] std::vector<Row> BenchGuestCase(const Options& options);
[[nodiscard]] std::vector<Row> BenchGuestMemory(const Options& options);
[[nodiscard]] std::vector<Row> BenchGuestSet(const Options& options);

/// `share` from 0 (smallest) to 1 (largest), nearest rank; 0 when there are no values.
[[nodiscard]] double Quantile(std::vector<double> values, double share);
[[nodiscard]] inline double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }
/// "middle half 0.98 to 1.03 of 20": from the first to the third quartile.
[[nodiscard]] std::string Spread(const std::vector<double>& values, int digits);

/// Two things measured in turns, so that whatever else the machine does meets both alike.
struct Turns {
  std::vector<double> baseline;
  std::vector<double> brink;
  /// brink / baseline of each round.
  [[nodiscard]] std::vector<double> Ratios() const;
};
/// Swaps the order every round: neither always runs in the other's wake.
[[nodiscard]] Turns InTurns(int rounds, const std::function<double()>& baseline,
                            const std::function<double()>& brink);

[[nodiscard]] std::string FormatTable(const std::vector<Row>& rows);
[[nodiscard]] std::string FormatJson(const std::vector<Row>& rows);

}  // namespace brink::bench
