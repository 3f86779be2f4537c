// SPDX-License-Identifier: MIT
// One result model, several forms.
#pragma once

#include <string>
#include <vector>

#include "model/evidence.h"
#include "model/verdict.h"

namespace brink {

/// A whole run.
struct RunReport {
  std::string brink_version;
  HostFacts host;
  std::vector<Verdict> results;
  double duration_s = 0;
  bool interrupted = false;
  /// From saved evidence: duration_s is the cases' sum then, and how long the run took is not known.
  bool judged_again = false;
};

struct TextStyle {
  bool colour = false;
  int width = 100;  // columns of the terminal
  /// Whether a table's cells are cut to fit. Not in a file: what is cut there is lost.
  bool cut_cells = true;
};

/// The table at the end: incident, case, where it ran (if not all on the host), outcome, failing call and
/// errno, binding limit with figures, expected or not. With several kernels or versions of cgroups it is one
/// of case by kernel, followed by the differences. Below it the reason of each unmet or inconclusive case,
/// and a line of totals.
[[nodiscard]] std::string FormatTable(const RunReport& report, const TextStyle& style);
/// "INCIDENT/CASE: OUTCOME, as expected".
[[nodiscard]] std::string FormatHeadline(const Verdict& verdict, const TextStyle& style);
/// One case in two to four lines, for live progress and test failures: verdict, every expectation that is not
/// met, run directory.
[[nodiscard]] std::string FormatVerdict(const Verdict& verdict, const TextStyle& style);
/// Why expectations were not met: expected, found, evidence in two lines, run directory. For GoogleTest
/// failures.
[[nodiscard]] std::string FormatUnmet(const Verdict& verdict);
/// The JSON document of the contract (report/verdict.schema.json), with a trailing newline.
[[nodiscard]] std::string FormatJson(const RunReport& report);
[[nodiscard]] std::string FormatJunit(const RunReport& report);
/// The published JSON Schema, as shipped.
[[nodiscard]] std::string ResultJsonSchema();

/// 0 all met; 1 one not met; 3 none unmet but one inconclusive; 130 interrupted. What is not applicable does
/// not count.
[[nodiscard]] int ExitCodeOf(const RunReport& report);

}  // namespace brink
