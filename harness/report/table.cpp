// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "model/json.h"
#include "report/report.h"
#include "report/text.h"

namespace brink {
namespace {

enum Column : std::size_t { kIncident, kCase, kWhere, kOutcome, kCall, kLimit, kExpected, kColumns };
using Cells = std::array<std::string, kColumns>;
using Widths = std::array<std::size_t, kColumns>;

constexpr std::size_t kIndent = 2;
const Cells kHead{"INCIDENT", "CASE", "WHERE", "OUTCOME", "FAILING CALL", "BINDING LIMIT", "EXPECTED"};

bool HasRepeats(const RunReport& report) {
  return std::any_of(report.results.begin(), report.results.end(),
                     [](const Verdict& each) { return each.repeat > 1; });
}

/// The outcome, and whose it is where a case has several processes: a cure that saves the server may well
/// cost the helper.
std::string OutcomeOf(const Verdict& verdict) {
  std::string text = OutcomeWords(verdict);
  if (verdict.processes.size() < 2 || verdict.outcome == Outcome::kSurvived ||
      verdict.outcome == Outcome::kInconclusive || verdict.outcome == Outcome::kMachinePanicked) {
    return text;
  }
  std::string separator = ": ";
  for (const auto& [name, process] : verdict.processes) {
    if (process.outcome == verdict.outcome) {
      text += std::exchange(separator, ", ") + name;
    }
  }
  // One that waits for the killed has hung, whatever the case's worst is.
  separator = "; hung: ";
  for (const auto& [name, process] : verdict.processes) {
    if (process.outcome == Outcome::kHung && verdict.outcome != Outcome::kHung) {
      text += std::exchange(separator, ", ") + name;
    }
  }
  return text;
}

Cells CellsOf(const Verdict& verdict, bool repeats) {
  Cells cells;
  cells[kIncident] = Printable(verdict.scenario);
  cells[kCase] = Printable(verdict.case_name) + (repeats ? fmt::format(" #{}", verdict.repeat) : "");
  cells[kWhere] = PlaceOf(verdict);
  cells[kOutcome] = Printable(OutcomeOf(verdict));
  const std::string call = FailingCallOf(verdict);
  cells[kCall] = call.empty() ? "-" : call;
  cells[kLimit] = verdict.binding_limit ? Printable(LimitFigures(*verdict.binding_limit)) : "-";
  cells[kExpected] = verdict.outcome == Outcome::kNotApplicable ? "-"
                     : !verdict.expected_met                    ? "unknown"
                                                                : (*verdict.expected_met ? "yes" : "NO");
  return cells;
}

/// A column that says nothing has no width, and is left out.
Widths WidthsOf(const std::vector<Cells>& rows) {
  Widths widths{};
  const bool all_here =
      std::all_of(rows.begin(), rows.end(), [](const Cells& row) { return row[kWhere] == "host"; });
  for (std::size_t column = 0; column < kColumns; ++column) {
    widths[column] = Columns(kHead[column]);
    for (const Cells& row : rows) {
      widths[column] = std::max(widths[column], Columns(row[column]));
    }
  }
  if (all_here) {
    widths[kWhere] = 0;
  }
  return widths;
}

/// Of the columns from `first` on, with the gaps between them.
std::size_t Total(const Widths& widths, std::size_t first) {
  const auto begin = widths.begin() + static_cast<std::ptrdiff_t>(first);
  const auto shown = std::count_if(begin, widths.end(), [](std::size_t width) { return width > 0; });
  return std::accumulate(begin, widths.end(), std::size_t{0}) + kGap * static_cast<std::size_t>(shown - 1);
}

std::string Line(const Cells& cells, const Widths& widths, std::size_t first) {
  std::string line;
  for (std::size_t column = first; column < kColumns; ++column) {
    if (widths[column] == 0) {
      continue;
    }
    line += PadTo(CutTo(cells[column], widths[column]), widths[column] + (column + 1 < kColumns ? kGap : 0));
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

/// The row with its last cell coloured. Colour goes on last, as it has no width.
std::string ColouredLine(const Cells& cells, const Widths& widths, std::size_t first, const Verdict& verdict,
                         const TextStyle& style) {
  std::string line = Line(cells, widths, first);
  line.resize(line.size() - cells[kExpected].size());
  return line + Coloured(cells[kExpected], ExpectedColour(verdict), style);
}

/// All in one line each; an incident's name stands before its first case only.
std::string FlatTable(const RunReport& report, const std::vector<Cells>& rows, const Widths& widths,
                      const TextStyle& style) {
  std::string text = Coloured(Line(kHead, widths, kIncident), Colour::kBold, style) + "\n";
  for (std::size_t at = 0; at < rows.size(); ++at) {
    Cells cells = rows[at];
    if (at > 0 && rows[at - 1][kIncident] == cells[kIncident]) {
      cells[kIncident].clear();
    }
    text += ColouredLine(cells, widths, kIncident, report.results[at], style) + "\n";
  }
  return text;
}

/// Where that is too wide: each incident's name on a line of its own, its cases below.
std::string GroupedTable(const RunReport& report, const std::vector<Cells>& rows, Widths widths,
                         const TextStyle& style) {
  const auto room = static_cast<std::size_t>(std::max(style.width, 60));
  // Names give way before figures do.
  constexpr std::array<std::pair<Column, std::size_t>, 5> kShrink{
      {{kCase, 12}, {kOutcome, 20}, {kLimit, 20}, {kCase, 6}, {kOutcome, 12}}};
  for (const auto& [column, least] : kShrink) {
    const std::size_t total = Total(widths, kCase) + kIndent;
    const std::size_t over = style.cut_cells && total > room ? total - room : 0;
    widths[column] -= std::min(over, widths[column] - std::min(widths[column], least));
  }
  const std::string indent(kIndent, ' ');
  std::string text = Coloured(indent + Line(kHead, widths, kCase), Colour::kBold, style) + "\n";
  for (std::size_t at = 0; at < rows.size(); ++at) {
    if (at == 0 || rows[at - 1][kIncident] != rows[at][kIncident]) {
      text += CutTo(rows[at][kIncident], room) + "\n";
    }
    text += indent + ColouredLine(rows[at], widths, kCase, report.results[at], style) + "\n";
  }
  return text;
}

/// Where a setting of the system led to a limit that it is not itself: two act together, and the table names
/// one.
std::string LedThere(const RunReport& report, const TextStyle& style) {
  std::string text;
  for (const Verdict& verdict : report.results) {
    const auto& led_by = verdict.led_by;
    const bool of_system =
        led_by && (led_by->setting.starts_with("vm.") || led_by->setting.starts_with("memory.") ||
                   led_by->setting.starts_with("RLIMIT_"));
    const bool told = !verdict.binding_limit ||
                      (led_by && led_by->setting.starts_with(verdict.binding_limit->name)) ||
                      verdict.binding_limit->name == "commit_limit";
    if (!of_system || told) {
      continue;
    }
    const auto value = [](const std::string& each) {
      return each.empty() ? std::string("its default") : each;
    };
    text += Wrapped(fmt::format("{}/{}: {} bound, and {} = {} led there: with {} (case {}) it survived",
                                Printable(verdict.scenario), Printable(verdict.case_name),
                                verdict.binding_limit->name, Printable(led_by->setting),
                                Printable(value(led_by->value)), Printable(value(led_by->other_value)),
                                Printable(led_by->other_case)),
                    style, 0, 2) +
            "\n";
  }
  return text.empty() ? text : text + "\n";
}

/// Only the cases together show it, so that no case's own report could tell.
std::string Slowdowns(const RunReport& report, const TextStyle& style) {
  std::string text;
  for (const Verdict& verdict : report.results) {
    if (verdict.slower && verdict.expected_met == true) {
      const std::string where = verdict.guest_kernel.empty() ? "" : " (" + PlaceOf(verdict) + ")";
      text += Wrapped(fmt::format("{}/{}{}: {}", Printable(verdict.scenario), Printable(verdict.case_name),
                                  where, Printable(verdict.slower->sentence)),
                      style, 0, 2) +
              "\n";
    }
  }
  return text.empty() ? text : text + "\n";
}

std::string Totals(const RunReport& report) {
  const auto count = [&](std::optional<bool> met) {
    return static_cast<std::uint64_t>(
        std::count_if(report.results.begin(), report.results.end(),
                      [&](const Verdict& verdict) { return verdict.expected_met == met; }));
  };
  std::string text = fmt::format("{} {}{}: {} as expected", FormatCount(report.results.size()),
                                 report.results.size() == 1 ? "case" : "cases",
                                 report.judged_again ? "" : fmt::format(" in {:.1f} s", report.duration_s),
                                 FormatCount(count(true)));
  if (const auto unmet = count(false); unmet > 0) {
    text += fmt::format(", {} NOT as expected", FormatCount(unmet));
  }
  const auto absent = static_cast<std::uint64_t>(
      std::count_if(report.results.begin(), report.results.end(),
                    [](const Verdict& verdict) { return verdict.outcome == Outcome::kNotApplicable; }));
  if (absent > 0) {
    text += fmt::format(", {} not applicable", FormatCount(absent));
  }
  if (const auto unknown = count(std::nullopt) - absent; unknown > 0) {
    text += fmt::format(", {} inconclusive", FormatCount(unknown));
  }
  return text + (report.interrupted ? "; interrupted before all were run" : "") + "\n";
}

}  // namespace

std::string FormatTable(const RunReport& report, const TextStyle& style) {
  std::vector<Cells> rows;
  const bool repeats = HasRepeats(report);
  for (const Verdict& verdict : report.results) {
    rows.push_back(CellsOf(verdict, repeats));
  }
  const Widths widths = WidthsOf(rows);
  std::string text;
  if (IsMatrix(report)) {
    text = FormatMatrix(report, style);
  } else if (!rows.empty()) {
    text = Total(widths, kIncident) <= static_cast<std::size_t>(std::max(style.width, 0))
               ? FlatTable(report, rows, widths, style)
               : GroupedTable(report, rows, widths, style);
    text += "\n";
  }
  text += LedThere(report, style) + Slowdowns(report, style);
  for (const Verdict& verdict : report.results) {
    if (verdict.expected_met != true && verdict.outcome != Outcome::kNotApplicable) {
      text += FormatVerdict(verdict, style) + "\n";
    }
  }
  return text + Totals(report);
}

}  // namespace brink
