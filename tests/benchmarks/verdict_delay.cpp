// SPDX-License-Identifier: MIT
// How long the user waits for the verdict once the target is dead.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "row.h"
#include "run/session.h"
#include "runs.h"

namespace brink::bench {
namespace {

Plan PlanOf(const Options& options) {
  ProcessPlan process;
  process.name = process.group = "target";
  process.argv = {BRINK_BENCHMARK_TARGET, "fail-and-die"};
  process.cwd = options.scratch;
  Plan plan;
  plan.scenario = "benchmark";
  plan.case_name = "verdict-delay";
  plan.run_dir = options.scratch + "/verdict-delay";
  plan.data_dir = plan.run_dir + "/data";
  plan.groups = {GroupPlan{.name = "target",
                           .settings = {Setting{.name = "memory.max", .value = "67108864", .mark = {}}}}};
  plan.processes = {process};
  return plan;
}

std::uint64_t DiedNs(const Plan& plan) {
  std::ifstream file(plan.run_dir + "/logs/target.log");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t at = text.find("died_ns=");
  if (at == std::string::npos) {
    throw Failed("the target did not say when it died: " + text);
  }
  return std::stoull(text.substr(at + 8));
}

}  // namespace

std::vector<Row> BenchVerdictDelay(const Options& options) {
  std::uint64_t verdict_ns = 0;
  SessionOptions session_options;
  session_options.finished = [&](const Verdict&) { verdict_ns = MonotonicNs(); };
  Session session = Must(Session::Start(std::move(session_options)));
  const Plan plan = PlanOf(options);
  std::vector<double> delays;
  for (int round = 0; round < options.Rounds(300); ++round) {
    const Verdict verdict = session.Run(plan);
    if (!verdict.first_failure) {
      throw Failed("the failing call was not seen: " + verdict.reason);
    }
    delays.push_back(static_cast<double>(verdict_ns - DiedNs(plan)) / 1e6);
  }
  Must(session.Finish());
  const double p99 = Quantile(delays, 0.99);
  return {
      Row{.what = "from the target's death to the verdict, p99",
          .baseline = "-",
          .brink = fmt::format("{:.2f} ms", p99),
          .figure = p99,
          .unit = "ms",
          .goal = 5,
          .note = fmt::format("from the target's last own clock reading, before its exit; p50 {:.2f} ms, p90 "
                              "{:.2f} ms of {}",
                              Median(delays), Quantile(delays, 0.9), delays.size())}};
}

}  // namespace brink::bench
