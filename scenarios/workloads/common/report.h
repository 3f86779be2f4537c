// SPDX-License-Identifier: MIT
// What a workload tells the world: one JSON object a line on standard output, each written with one write(2).
#pragma once

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string_view>

namespace workload {

/// Prints {"event": event, "workload": name, "t_s": seconds since start, ...fields}. Events of all workloads:
/// "ready" (set up, serving), "progress" (what is done so far, and its latency as in the result), "result"
/// (the last words of a run that could go on to its end). Safe from several threads.
void Report(std::string_view event, const nlohmann::json& fields = nlohmann::json::object());

/// The name in every line; called once, before other threads exist.
void SetReportName(std::string_view name);

/// Seconds since SetReportName.
[[nodiscard]] double SecondsSinceStart();

/// True at most once per interval: keeps progress lines to a few a second. Safe from several threads, of
/// which one is told.
class EveryInterval {
 public:
  explicit EveryInterval(std::chrono::milliseconds interval = std::chrono::milliseconds(250))
      : interval_(interval), next_(std::chrono::steady_clock::now() + interval) {}
  [[nodiscard]] bool Due() { return Due(std::chrono::steady_clock::now()); }
  /// The same for who has read the clock already.
  [[nodiscard]] bool Due(std::chrono::steady_clock::time_point now);

 private:
  std::chrono::milliseconds interval_;
  std::atomic<std::chrono::steady_clock::time_point> next_;
};

}  // namespace workload
