// SPDX-License-Identifier: MIT
// A model workload must not hide the kernel's speed behind its own work.
#include <fmt/format.h>

#include "row.h"
#include "runs.h"

namespace brink::bench {

std::vector<Row> BenchMlockChurn(const Options& options) {
  const std::string calls = options.smoke ? "8192" : "409600";
  std::vector<double> with_checks;
  const Turns rates = InTurns(
      options.Rounds(20),
      [&] {
        return NumberAfter(RunAsTarget({BRINK_BENCHMARK_TARGET, "locks", calls}, nullptr), "per_s=");
      },
      [&] {
        const std::string text =
            RunAsTarget({BRINK_MLOCK_CHURN, "--pattern", "every-other", "--calls", calls}, nullptr);
        const std::string result = text.substr(text.rfind("{\"", text.find("\"result\"")));
        with_checks.push_back(NumberAfter(result, "\"calls\":") /
                              (NumberAfter(result, "\"t_s\":") - NumberAfter(text, "\"t_s\":")));
        return NumberAfter(result, "\"calls_per_s\":");
      });
  const auto ratios = rates.Ratios();
  return {Row{.what = "mlock-churn, calls per second",
              .baseline = fmt::format("a bare loop of the same calls: {:.0f}/s", Median(rates.baseline)),
              .brink = fmt::format("{:.0f}/s", Median(rates.brink)),
              .figure = Median(ratios),
              .unit = "x",
              .goal = 0.9,
              .at_least = true,
              .note = fmt::format("{}; with the time in which it checks its data: {:.0f}/s",
                                  Spread(ratios, 3), Median(with_checks))}};
}

}  // namespace brink::bench
