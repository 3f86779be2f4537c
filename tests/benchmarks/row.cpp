// SPDX-License-Identifier: MIT
#include "row.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace brink::bench {

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0;
  }
  const auto last = static_cast<double>(values.size() - 1);
  const auto rank = static_cast<std::ptrdiff_t>(std::lround(share * last));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

std::string Spread(const std::vector<double>& values, int digits) {
  return fmt::format("middle half {:.{}f} to {:.{}f} of {}", Quantile(values, 0.25), digits,
                     Quantile(values, 0.75), digits, values.size());
}

std::vector<double> Turns::Ratios() const {
  std::vector<double> ratios;
  for (std::size_t at = 0; at < brink.size(); ++at) {
    ratios.push_back(brink[at] / baseline[at]);
  }
  return ratios;
}

Turns InTurns(int rounds, const std::function<double()>& baseline, const std::function<double()>& brink) {
  Turns turns;
  for (int round = 0; round < rounds; ++round) {
    if (round % 2 == 0) {
      turns.baseline.push_back(baseline());
      turns.brink.push_back(brink());
    } else {
      turns.brink.push_back(brink());
      turns.baseline.push_back(baseline());
    }
  }
  return turns;
}

namespace {

std::string Figure(double value, const std::string& unit) {
  return fmt::format("{:.{}f}{}{}", value, std::abs(value) < 10 ? 2 : 1, unit == "x" ? "" : " ", unit);
}

}  // namespace

std::string FormatTable(const std::vector<Row>& rows) {
  std::vector<std::vector<std::string>> cells{{"what", "baseline", "brink", "figure", "goal", "met"}};
  for (const Row& row : rows) {
    cells.push_back({row.what, row.baseline, row.brink, Figure(row.figure, row.unit),
                     (row.at_least ? ">= " : "<= ") + Figure(row.goal, row.unit), row.Met() ? "yes" : "NO"});
  }
  std::vector<std::size_t> widths(cells.front().size());
  for (const auto& line : cells) {
    for (std::size_t column = 0; column < line.size(); ++column) {
      widths[column] = std::max(widths[column], line[column].size());
    }
  }
  std::string text;
  for (std::size_t at = 0; at < cells.size(); ++at) {
    text += "|";
    for (std::size_t column = 0; column < widths.size(); ++column) {
      text += fmt::format(" {:<{}} |", cells[at][column], widths[column]);
    }
    text += "\n";
    if (at == 0) {
      for (const std::size_t width : widths) {
        text += fmt::format("|{:-<{}}", "", width + 2);
      }
      text += "|\n";
    }
  }
  text += "\n";
  for (const Row& row : rows) {
    text += fmt::format("- {}: {}\n", row.what, row.note);
  }
  return text;
}

std::string FormatJson(const std::vector<Row>& rows) {
  nlohmann::json lines = nlohmann::json::array();
  for (const Row& row : rows) {
    lines.push_back({{"what", row.what},
                     {"baseline", row.baseline},
                     {"brink", row.brink},
                     {"figure", row.figure},
                     {"unit", row.unit},
                     {"goal", row.goal},
                     {"at_least", row.at_least},
                     {"met", row.Met()},
                     {"note", row.note}});
  }
  return nlohmann::json{{"benchmarks", lines}}.dump(2) + "\n";
}

}  // namespace brink::bench
