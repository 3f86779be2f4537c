// SPDX-License-Identifier: MIT
#include "explain/forms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/units.h"
#include "catalogue/search_forms.h"
#include "report/json_values.h"
#include "report/text.h"

namespace brink {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPercent = 100;

std::string Amount(std::uint64_t value, const std::string& unit) {
  return unit == "bytes" ? FormatBytes(value) : FormatCount(value);
}

std::string PercentOf(const LimitRow& row) {
  const auto share = ShareOf(row);
  return share ? fmt::format("{:.0f}%", std::floor(*share * kPercent)) : "";
}

std::string CommandLineOf(const LivingProcess& process) {
  return process.command.empty() ? process.comm : fmt::format("{}", fmt::join(process.command, " "));
}

/// The last cell takes what is left of the line.
using Cells = std::array<std::string, 5>;

Cells CellsOf(const LimitRow& row) {
  std::string last = row.reached;
  if (!row.unknown.empty()) {
    last =
        fmt::format("unknown: {}{}", row.unknown, row.remedy.empty() ? "" : fmt::format(" ({})", row.remedy));
  } else if (!row.enforced) {
    last = "does not bind: " + row.note;
  } else if (!row.note.empty()) {
    last += "; " + row.note;
  }
  if (!row.group.empty()) {
    last = fmt::format("group {}: {}", row.group, last);  // a long path would widen the column of names
  }
  const bool known = row.unknown.empty();
  return {row.limit, known && row.use ? Amount(*row.use, row.unit) : "?",
          known && row.of != kNoLimit ? Amount(row.of, row.unit) : "?", PercentOf(row), Printable(last)};
}

std::string TableText(std::span<const LimitRow> rows, const TextStyle& style) {
  std::vector<Cells> lines{{"LIMIT", "USE", "OF", "", "WHEN IT IS REACHED"}};
  for (const LimitRow& row : rows) {
    if (ShareOf(row) || !row.unknown.empty()) {
      lines.push_back(CellsOf(row));
    }
  }
  std::array<std::size_t, 4> widths{};
  for (const Cells& cells : lines) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], Columns(cells[i]) + kGap);
    }
  }
  std::string text;
  for (const Cells& cells : lines) {
    std::string head;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      head += PadTo(cells[i], widths[i]);
    }
    const std::size_t indent = Columns(head);
    text += head + Wrapped(cells.back(), style, indent, indent).substr(indent) + "\n";
  }
  return text;
}

/// Names of limits that are not set, so that nobody looks for them in vain.
std::string WithoutLimit(std::span<const LimitRow> rows, const TextStyle& style) {
  std::vector<std::string> names;
  for (const LimitRow& row : rows) {
    if (row.of == kNoLimit && row.unknown.empty()) {
      names.push_back(row.limit);
    }
  }
  constexpr std::size_t kIndent = 2;
  return names.empty()
             ? ""
             : Wrapped(fmt::format("no limit: {}", fmt::join(names, ", ")), style, 0, kIndent) + "\n";
}

std::string Arithmetic(const Scored& scored, std::uint64_t total_pages, std::uint64_t page_size) {
  const MemoryHolder& process = scored.process;
  const auto pages = [&](std::uint64_t bytes) { return FormatCount(bytes / page_size); };
  std::string text = fmt::format("{} pages resident", pages(process.rss));
  if (process.swapped > 0) {
    text += fmt::format(" + {} swapped", pages(process.swapped));
  }
  text += fmt::format(" + {} of page tables", pages(process.page_tables));
  if (process.oom_score_adj != 0) {
    constexpr std::uint64_t kOnePoint = 1000;  // adj counts in thousandths of the machine's pages
    text += fmt::format(" {} {} (oom_score_adj) x {}", process.oom_score_adj < 0 ? "-" : "+",
                        std::abs(process.oom_score_adj), FormatCount(total_pages / kOnePoint));
  }
  return text;
}

std::string Points(std::int64_t points) {
  return points < 0 ? "-" + FormatCount(static_cast<std::uint64_t>(-points))
                    : FormatCount(static_cast<std::uint64_t>(points));
}

std::string WhereOf(const OomChoice& choice) {
  return choice.group.empty() ? "the machine" : fmt::format("group {}", Printable(choice.group));
}

/// Where the explained process stands among them, if it is not shown.
std::string StandingText(const OomChoice& choice, const LivingProcess& process, std::size_t shown,
                         const TextStyle& style) {
  const auto is_it = [&](const MemoryHolder& each) { return each.pid == process.pid; };
  const auto its = std::ranges::find_if(choice.candidates, is_it, &Scored::process);
  const auto place = static_cast<std::size_t>(its - choice.candidates.begin());
  if (its != choice.candidates.end()) {
    return place < shown ? ""
                         : fmt::format("  This one is number {} of {}, with {} points.\n", place + 1,
                                       choice.candidates.size(), Points(its->points));
  }
  const auto holder = std::ranges::find_if(process.processes, is_it);
  constexpr std::size_t kIndent = 4;
  return holder == process.processes.end()
             ? ""
             : Wrapped("This one is never taken: " + WhyNeverTaken(*holder) + ".", style, kGap, kIndent) +
                   "\n";
}

std::string ChoiceText(const OomChoice& choice, const LivingProcess& process, const TextStyle& style) {
  constexpr std::size_t kShown = 3;
  constexpr std::size_t kIndent = 4;
  if (choice.candidates.empty()) {
    return fmt::format("The OOM killer of {} finds nobody whom it may take.\n", WhereOf(choice));
  }
  std::string text = fmt::format("The OOM killer of {} would take, most points first:\n", WhereOf(choice));
  for (std::size_t i = 0; i < std::min(kShown, choice.candidates.size()); ++i) {
    const Scored& each = choice.candidates[i];
    const std::string line =
        fmt::format("{}. {} ({}{}): {} points = {}", i + 1, Printable(each.process.comm), each.process.pid,
                    each.process.pid == process.pid ? ", this one" : "", Points(each.points),
                    Arithmetic(each, choice.total_pages, process.page_size));
    text += Wrapped(line, style, kGap, kIndent) + "\n";
  }
  text += StandingText(choice, process, kShown, style);
  return text + (choice.rule.empty() ? "" : Wrapped(Printable(choice.rule), style, kGap, kIndent) + "\n");
}

/// The same is taken with the same points, and nothing else decides in one that does not in the other.
bool IsTheSame(const OomChoice& one, const OomChoice& other) {
  const auto first = [](const OomChoice& choice) {
    return choice.candidates.empty()
               ? std::pair(0, std::int64_t{0})
               : std::pair(choice.candidates.front().process.pid, choice.candidates.front().points);
  };
  return first(one) == first(other) && one.rule == other.rule;
}

/// One after another; those that come to the same as the one before in a line.
std::string ChoicesText(const Explanation& explanation, const TextStyle& style) {
  std::string text;
  const auto end = explanation.choices.end();
  for (auto at = explanation.choices.begin(); at != end;) {
    const auto next =
        std::find_if_not(at + 1, end, [&](const OomChoice& each) { return IsTheSame(*at, each); });
    text += "\n" + ChoiceText(*at, explanation.process, style);
    std::vector<std::string> same;
    std::transform(at + 1, next, std::back_inserter(same), WhereOf);
    if (!same.empty()) {
      const std::string line = fmt::format("The same for the same reason: the OOM killer{} of {}.",
                                           same.size() > 1 ? "s" : "", fmt::join(same, " and of "));
      text += Wrapped(line, style, kGap, 2 * kGap) + "\n";
    }
    at = next;
  }
  return text;
}

std::string IncidentsText(const Explanation& explanation, std::span<const CatalogueEntry> catalogue,
                          const TextStyle& style) {
  if (explanation.incidents.empty()) {
    return "No incident of the catalogue is of its program, or of a limit that is near.\n";
  }
  constexpr std::size_t kIndent = 4;
  std::string text = "Incidents of the catalogue that fit:\n";
  for (const FittingIncident& each : explanation.incidents) {
    const CatalogueEntry& entry = catalogue[each.entry];
    text += Wrapped(fmt::format("{}: {} ({})", Printable(entry.name), Printable(entry.title),
                                Printable(each.why)),
                    style, kGap, kIndent) +
            "\n    " + Printable(CommandOf(entry)) + "\n";
  }
  return text;
}

Json RowJson(const LimitRow& row) {
  const auto share = ShareOf(row);
  constexpr double kTenths = 10;
  return {{"limit", row.limit},
          {"group", OrNull(row.group)},
          {"use", row.use && row.unknown.empty() ? Json(*row.use) : Json(nullptr)},
          {"of", row.of == kNoLimit ? Json(nullptr) : Json(row.of)},
          {"unit", row.unit},
          {"percent", share ? Json(std::floor(*share * kPercent * kTenths) / kTenths) : Json(nullptr)},
          {"binds", row.enforced && row.of != kNoLimit},
          {"reached", row.reached},
          {"note", OrNull(row.note)},
          {"unknown", OrNull(row.unknown)},
          {"remedy", OrNull(row.remedy)}};
}

Json ChoiceJson(const OomChoice& choice) {
  Json candidates = Json::array();
  for (const Scored& each : choice.candidates) {
    candidates.push_back({{"pid", each.process.pid},
                          {"name", each.process.comm},
                          {"points", each.points},
                          {"rss_bytes", each.process.rss},
                          {"swap_bytes", each.process.swapped},
                          {"page_table_bytes", each.process.page_tables},
                          {"oom_score_adj", each.process.oom_score_adj}});
  }
  return {{"group", OrNull(choice.group)}, {"total_pages", choice.total_pages},
          {"rule", OrNull(choice.rule)},   {"oom_group", OrNull(choice.oom_group)},
          {"never_taken", choice.exempt},  {"candidates", std::move(candidates)}};
}

std::vector<std::string> NotesOf(const LivingProcess& process) {
  std::vector<std::string> notes;
  for (const std::string& note : {process.groups_note, process.processes_note}) {
    if (!note.empty()) {
      notes.push_back(note);
    }
  }
  for (const auto& [what, error] : process.unread) {
    if (what == "command" || what == "cwd" || what == "cgroups") {
      notes.push_back(fmt::format("{} unknown: {}{}", what, error.message,
                                  error.remedy.empty() ? "" : fmt::format(" ({})", error.remedy)));
    }
  }
  return notes;
}

}  // namespace

Explanation Explain(LivingProcess process, std::span<const CatalogueEntry> catalogue) {
  Explanation explanation;
  explanation.limits = NearnessOf(process);
  explanation.choices = ChoicesFor(process);
  explanation.incidents = FittingIncidents(process, explanation.limits, catalogue);
  explanation.process = std::move(process);
  return explanation;
}

std::string FormatExplanationText(const Explanation& explanation, std::span<const CatalogueEntry> catalogue,
                                  const TextStyle& style) {
  const LivingProcess& process = explanation.process;
  constexpr std::size_t kLongestCommand = 200;
  std::string text =
      Coloured(fmt::format("{} (process {})", Printable(process.comm), process.pid), Colour::kBold, style) +
      ": " + CutTo(Printable(CommandLineOf(process)), kLongestCommand) + "\n\n";
  text += TableText(explanation.limits, style) + WithoutLimit(explanation.limits, style);
  for (const std::string& note : NotesOf(process)) {
    text += Wrapped(Printable(note), style, 0, kGap) + "\n";
  }
  text += ChoicesText(explanation, style);
  return text + "\n" + IncidentsText(explanation, catalogue, style);
}

std::string FormatExplanationJson(const Explanation& explanation, std::span<const CatalogueEntry> catalogue) {
  const LivingProcess& process = explanation.process;
  Json limits = Json::array();
  for (const LimitRow& row : explanation.limits) {
    limits.push_back(RowJson(row));
  }
  Json choices = Json::array();
  for (const OomChoice& choice : explanation.choices) {
    choices.push_back(ChoiceJson(choice));
  }
  Json incidents = Json::array();
  for (const FittingIncident& each : explanation.incidents) {
    const CatalogueEntry& entry = catalogue[each.entry];
    incidents.push_back({{"name", entry.name},
                         {"title", OrNull(entry.title)},
                         {"why", each.why},
                         {"command", CommandOf(entry)}});
  }
  const Json document{{"process",
                       {{"pid", process.pid},
                        {"name", process.comm},
                        {"command", process.command},
                        {"user_id", process.uid},
                        {"oom_score_adj", process.oom_score_adj}}},
                      {"limits", std::move(limits)},
                      {"oom", std::move(choices)},
                      {"incidents", std::move(incidents)},
                      {"notes", NotesOf(process)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace brink
