// SPDX-License-Identifier: MIT
// Cases by machine, and in words where the machines differ.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/json.h"
#include "report/text.h"

namespace brink {
namespace {

constexpr std::size_t kLines = 3;  // of a cell: outcome, failing call, limit

std::string CaseOf(const Verdict& verdict) {
  return Printable(verdict.scenario) + "/" + Printable(verdict.case_name) +
         (verdict.repeat > 1 ? fmt::format(" #{}", verdict.repeat) : "");
}

/// A case with its results, one for each machine that it ran on.
struct Row {
  std::string name;
  std::map<std::string, const Verdict*> by_place;
};

struct Matrix {
  std::vector<std::string> places;  // in the order of the report
  std::map<std::string, std::string> place_of_machine;
  std::vector<Row> rows;
};

std::string MachineOf(const Verdict& verdict) { return verdict.guest_kernel + " " + verdict.cgroup_version; }

/// Short, but for images of the same name in different folders.
std::string PlaceIn(Matrix& matrix, const Verdict& verdict) {
  const auto [known, fresh] = matrix.place_of_machine.emplace(MachineOf(verdict), PlaceOf(verdict));
  if (fresh) {
    if (std::find(matrix.places.begin(), matrix.places.end(), known->second) != matrix.places.end()) {
      known->second = Printable(known->first);
    }
    matrix.places.push_back(known->second);
  }
  return known->second;
}

Matrix MatrixOf(const RunReport& report) {
  Matrix matrix;
  for (const Verdict& verdict : report.results) {
    const std::string place = PlaceIn(matrix, verdict);
    const std::string name = CaseOf(verdict);
    auto row = std::find_if(matrix.rows.begin(), matrix.rows.end(),
                            [&](const Row& each) { return each.name == name; });
    if (row == matrix.rows.end()) {
      matrix.rows.push_back({.name = name, .by_place = {}});
      row = matrix.rows.end() - 1;
    }
    row->by_place[place] = &verdict;
  }
  return matrix;
}

/// The lines of a cell, and a mark where it is not what was expected.
std::vector<std::string> CellOf(const Verdict* verdict) {
  if (verdict == nullptr) {
    return {"-"};
  }
  if (verdict->outcome == Outcome::kNotApplicable) {
    return {"not applicable"};
  }
  std::vector<std::string> lines{OutcomeWords(*verdict) + (verdict->expected_met == false ? " (!)" : "")};
  if (const std::string call = FailingCallOf(*verdict); !call.empty()) {
    lines.push_back(call);
  }
  if (verdict->binding_limit) {
    lines.push_back(Printable(LimitFigures(*verdict->binding_limit)));
  }
  return lines;
}

std::size_t WidthOf(const Matrix& matrix, const std::string& place) {
  std::size_t width = Columns(place);
  for (const Row& row : matrix.rows) {
    const auto cell = row.by_place.find(place);
    for (const std::string& line : CellOf(cell == row.by_place.end() ? nullptr : cell->second)) {
      width = std::max(width, Columns(line));
    }
  }
  return width;
}

std::string Trimmed(const std::string& line) { return line.substr(0, line.find_last_not_of(' ') + 1) + "\n"; }

using Places = std::vector<std::pair<std::string, std::size_t>>;  // with their widths

std::string RowText(const Row& row, const Places& places, std::size_t name_width) {
  std::string text;
  for (std::size_t at = 0; at < kLines; ++at) {
    std::string line = PadTo(at == 0 ? CutTo(row.name, name_width) : "", name_width);
    bool empty = at > 0;
    for (const auto& [place, width] : places) {
      const auto cell = row.by_place.find(place);
      const auto lines = CellOf(cell == row.by_place.end() ? nullptr : cell->second);
      empty = empty && at >= lines.size();
      line += std::string(kGap, ' ') + PadTo(at < lines.size() ? lines[at] : "", width);
    }
    text += empty ? "" : Trimmed(line);
  }
  return text;
}

std::string Block(const Matrix& matrix, const Places& places, std::size_t name_width,
                  const TextStyle& style) {
  std::string head = PadTo("CASE", name_width);
  for (const auto& [place, width] : places) {
    head += std::string(kGap, ' ') + PadTo(place, width);
  }
  std::string text = Coloured(head.substr(0, head.find_last_not_of(' ') + 1), Colour::kBold, style) + "\n";
  for (const Row& row : matrix.rows) {
    text += RowText(row, places, name_width);
  }
  return text + "\n";
}

/// Blocks of as many machines as fit beside each other, at least one.
std::string Table(const Matrix& matrix, const TextStyle& style) {
  constexpr std::size_t kLongestName = 40;
  std::size_t name_width = Columns("CASE");
  for (const Row& row : matrix.rows) {
    name_width = std::min(std::max(name_width, Columns(row.name)), kLongestName);
  }
  const auto room = static_cast<std::size_t>(std::max(style.width, 60));
  std::string text;
  Places places;
  std::size_t used = name_width;
  for (const std::string& place : matrix.places) {
    const std::size_t width = WidthOf(matrix, place);
    if (!places.empty() && used + kGap + width > room) {
      text += Block(matrix, std::exchange(places, {}), name_width, style);
      used = name_width;
    }
    places.emplace_back(place, width);
    used += kGap + width;
  }
  return text + Block(matrix, places, name_width, style);
}

/// What is compared: outcome, failing call, limit.
struct Signature {
  Outcome outcome = Outcome::kInconclusive;
  std::string call;
  std::string limit;
  bool operator==(const Signature&) const = default;
};

Signature SignatureOf(const Verdict& verdict) {
  return {.outcome = verdict.outcome,
          .call = FailingCallOf(verdict),
          .limit = verdict.binding_limit ? verdict.binding_limit->name : ""};
}

std::string InWords(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOomKilled:
      return "was killed for memory";
    case Outcome::kInconclusive:
      return "was inconclusive";
    case Outcome::kMachinePanicked:
      return "panicked the machine";
    default:
      return std::string(Name(outcome));
  }
}

std::string OrNone(const std::string& name) { return name.empty() ? "none" : name; }

/// "survived where the others failed": in what one differs from the reference.
std::string Difference(const Signature& own, const Signature& reference, const std::string& others) {
  if (own.outcome != reference.outcome) {
    return fmt::format("{} where {} {}", InWords(own.outcome), others, InWords(reference.outcome));
  }
  if (own.limit != reference.limit) {
    return fmt::format("{} with the binding limit {} where that of {} is {}", InWords(own.outcome),
                       OrNone(own.limit), others, OrNone(reference.limit));
  }
  return fmt::format("first failing call {} where that of {} is {}", OrNone(own.call), others,
                     OrNone(reference.call));
}

using Compared = std::vector<std::pair<std::string, Signature>>;  // by machine

/// The commonest signature; of equally common ones the first.
Signature Majority(const Compared& compared) {
  const auto count = [&](const Signature& wanted) {
    return std::count_if(compared.begin(), compared.end(),
                         [&](const auto& each) { return each.second == wanted; });
  };
  const auto most = std::max_element(compared.begin(), compared.end(), [&](const auto& a, const auto& b) {
    return count(a.second) < count(b.second);
  });
  return most->second;
}

/// Who holds the reference: by name while they are few, else "the others" or "most".
std::string Holders(const Compared& compared, const Signature& reference) {
  constexpr std::size_t kNamed = 2;
  std::vector<std::string> names;
  for (const auto& [place, signature] : compared) {
    if (signature == reference) {
      names.push_back(place);
    }
  }
  if (names.size() <= kNamed) {
    return fmt::format("{}", fmt::join(names, " and "));
  }
  return names.size() + 1 == compared.size() ? "the others" : "most";
}

/// A sentence for each machine on which the case went differently, or not as expected.
std::string DifferencesOf(const Matrix& matrix, const Row& row, const TextStyle& style) {
  Compared compared;
  for (const std::string& place : matrix.places) {
    const auto cell = row.by_place.find(place);
    if (cell != row.by_place.end() && cell->second->outcome != Outcome::kNotApplicable) {
      compared.emplace_back(place, SignatureOf(*cell->second));
    }
  }
  std::string text;
  if (compared.empty()) {
    return text;
  }
  const Signature reference = Majority(compared);
  const std::string others = Holders(compared, reference);
  for (const auto& [place, signature] : compared) {
    const bool unmet = row.by_place.at(place)->expected_met == false;
    const bool differs = !(signature == reference);
    if (differs || unmet) {
      const std::string what =
          differs ? Difference(signature, reference, others) : InWords(signature.outcome);
      text += Wrapped(fmt::format("{}: {}: {}{}", row.name, place, what, unmet ? ", NOT as expected" : ""),
                      style, 2, 4) +
              "\n";
    }
  }
  return text;
}

/// Each reason why cells cannot exist, once.
std::string NotApplicable(const RunReport& report, const TextStyle& style) {
  std::vector<std::pair<std::string, int>> reasons;
  for (const Verdict& verdict : report.results) {
    if (verdict.outcome != Outcome::kNotApplicable) {
      continue;
    }
    const auto known = std::find_if(reasons.begin(), reasons.end(),
                                    [&](const auto& each) { return each.first == verdict.reason; });
    if (known == reasons.end()) {
      reasons.emplace_back(verdict.reason, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [reason, count] : reasons) {
    text += Wrapped(fmt::format("not applicable ({}): {}", count, Printable(reason)), style, 0, 2) + "\n";
  }
  return text;
}

}  // namespace

bool IsMatrix(const RunReport& report) {
  std::map<std::string, std::string> machine_of_case;
  return std::any_of(report.results.begin(), report.results.end(), [&](const Verdict& verdict) {
    const std::string machine = MachineOf(verdict);
    return machine_of_case.emplace(CaseOf(verdict), machine).first->second != machine;
  });
}

std::string FormatMatrix(const RunReport& report, const TextStyle& style) {
  const Matrix matrix = MatrixOf(report);
  std::string differences;
  for (const Row& row : matrix.rows) {
    differences += DifferencesOf(matrix, row, style);
  }
  std::string text = Table(matrix, style);
  text += differences.empty() ? "All machines agree.\n" : "Differences:\n" + differences;
  return text + NotApplicable(report, style) + "\n";
}

}  // namespace brink
