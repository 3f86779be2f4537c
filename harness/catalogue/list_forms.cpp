// SPDX-License-Identifier: MIT
#include "catalogue/list_forms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "report/json_values.h"
#include "report/text.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

using Json = nlohmann::ordered_json;
using Group = std::pair<std::string, std::vector<const CatalogueEntry*>>;

constexpr std::string_view kBegin = "<!-- catalogue: ";
constexpr std::string_view kBeginEnd = "-->\n";
constexpr std::string_view kEnd = "<!-- end of catalogue -->";
constexpr std::string_view kNothing = "-";

std::string Joined(const std::vector<std::string>& words) {
  return words.empty() ? std::string(kNothing) : fmt::format("{}", fmt::join(words, ", "));
}

/// What it runs on: Debian's packages, or model programs.
std::string RunsOn(const CatalogueEntry& entry) {
  if (entry.real) {
    return Joined(entry.software);
  }
  return "model: " + Joined(entry.programs) +
         (entry.software.empty() ? "" : " with " + Joined(entry.software));
}

/// The first of many cases; JSON has them all.
std::string CasesOf(const CatalogueEntry& entry) {
  constexpr std::size_t kMost = 4;
  if (entry.cases.size() <= kMost) {
    return Joined(entry.cases);
  }
  const std::vector<std::string> first(entry.cases.begin(), entry.cases.begin() + kMost - 1);
  return fmt::format("{} and {} more", Joined(first), entry.cases.size() - first.size());
}

std::vector<std::string> GroupsOf(const CatalogueEntry& entry, ListBy by) {
  switch (by) {
    case ListBy::kSystem:
      return {entry.system};
    case ListBy::kLimit:
      return entry.binding_limits.empty() ? std::vector<std::string>{"no binding limit"}
                                          : entry.binding_limits;
    case ListBy::kClass:
      return {entry.incident ? entry.incident->kind : "no class"};
  }
  return {};
}

/// Limits and classes in the vocabulary's order, systems in that of the alphabet.
std::vector<std::string> OrderOf(ListBy by) {
  switch (by) {
    case ListBy::kSystem:
      return {};
    case ListBy::kLimit:
      return BindingLimitNames();
    case ListBy::kClass:
      return IncidentClassNames();
  }
  return {};
}

std::vector<Group> Grouped(std::span<const CatalogueEntry> entries, ListBy by) {
  std::vector<Group> groups;
  for (const CatalogueEntry& entry : entries) {
    for (const std::string& name : GroupsOf(entry, by)) {
      auto group =
          std::find_if(groups.begin(), groups.end(), [&](const Group& each) { return each.first == name; });
      if (group == groups.end()) {
        group = groups.insert(groups.end(), {name, {}});
      }
      group->second.push_back(&entry);
    }
  }
  const std::vector<std::string> order = OrderOf(by);
  const auto place = [&](const Group& group) {
    return std::pair(std::find(order.begin(), order.end(), group.first) - order.begin(), group.first);
  };
  std::sort(groups.begin(), groups.end(),
            [&](const Group& a, const Group& b) { return place(a) < place(b); });
  return groups;
}

struct Widths {
  std::size_t name = Columns("INCIDENT");
  std::size_t limit = Columns("BINDING LIMIT");
  std::size_t on = Columns("RUNS ON");
};

constexpr std::size_t kIndent = 2;

std::string Line(const Widths& widths, const std::string& name, const std::string& limit,
                 const std::string& on, const std::string& cases) {
  return PadTo(name, widths.name + kIndent + kGap) + PadTo(limit, widths.limit + kGap) +
         PadTo(on, widths.on + kGap) + cases + "\n";
}

std::string TextOf(const CatalogueEntry& entry, const Widths& widths) {
  const std::string indent(2 * kIndent, ' ');
  std::string text =
      Line(widths, "  " + Printable(entry.name), Joined(entry.binding_limits), RunsOn(entry), CasesOf(entry));
  if (!entry.title.empty()) {
    text += indent + Printable(entry.title) + "\n";
  }
  const double takes_s = entry.incident ? entry.incident->takes_s : 0;
  return text + indent + entry.file + (takes_s > 0 ? fmt::format("   takes {:g} s", takes_s) : "") +
         (entry.tags.empty() ? "" : "   tags: " + Joined(entry.tags)) + "\n";
}

/// What a cell of a table cannot hold as it is.
std::string InCell(const std::string& text) {
  std::string cell;
  for (const char c : Printable(text)) {
    cell += c == '|' ? "\\|" : std::string(1, c);
  }
  return cell;
}

std::string RowOf(const CatalogueEntry& entry) {
  std::vector<std::string> limits;
  std::transform(entry.binding_limits.begin(), entry.binding_limits.end(), std::back_inserter(limits),
                 [](const std::string& limit) { return "`" + limit + "`"; });
  return fmt::format("[{}]({}) | {} | {} | {} |\n", InCell(entry.name), entry.file, InCell(entry.title),
                     Joined(limits), InCell(RunsOn(entry)));
}

Json JsonOf(const CatalogueEntry& entry) {
  const Incident incident = entry.incident.value_or(Incident{});
  return {{"name", entry.name},
          {"title", OrNull(entry.title)},
          {"file", entry.file},
          {"system", entry.system},
          {"class", OrNull(incident.kind)},
          {"systems", incident.systems},
          {"versions", OrNull(incident.versions)},
          {"symptom", incident.symptoms},
          {"beside", entry.beside},
          {"unlike", incident.unlike},
          {"refuted_by", entry.refuted_by},
          {"cause", OrNull(incident.cause)},
          {"cure", OrNull(incident.cure)},
          {"cost", OrNull(incident.cost)},
          {"confirm", OrNull(incident.confirm)},
          {"exclude", OrNull(incident.exclude)},
          {"takes_s", incident.takes_s > 0 ? Json(incident.takes_s) : Json()},
          {"rate", OrNull(incident.rate)},
          {"references", entry.references},
          {"tags", entry.tags},
          {"cases", entry.cases},
          {"software", entry.software},
          {"real", entry.real},
          {"programs", entry.programs},
          {"binding_limits", entry.binding_limits}};
}

}  // namespace

std::string CountsOf(std::span<const CatalogueEntry> entries) {
  const auto real =
      std::count_if(entries.begin(), entries.end(), [](const CatalogueEntry& entry) { return entry.real; });
  return fmt::format("{} incident{}, {} of them on real software", entries.size(),
                     entries.size() == 1 ? "" : "s", real);
}

std::string FormatListText(std::span<const CatalogueEntry> entries, ListBy by) {
  Widths widths;
  for (const CatalogueEntry& entry : entries) {
    widths.name = std::max(widths.name, Columns(Printable(entry.name)));
    widths.limit = std::max(widths.limit, Columns(Joined(entry.binding_limits)));
    widths.on = std::max(widths.on, Columns(RunsOn(entry)));
  }
  std::string text = Line(widths, "  INCIDENT", "BINDING LIMIT", "RUNS ON", "CASES");
  for (const auto& [name, members] : Grouped(entries, by)) {
    text += Printable(name) + "\n";
    for (const CatalogueEntry* entry : members) {
      text += TextOf(*entry, widths);
    }
  }
  return text + CountsOf(entries) + "\n";
}

std::string FormatListMarkdown(std::span<const CatalogueEntry> entries, ListBy by) {
  const std::string_view head = by == ListBy::kSystem ? "system" : by == ListBy::kLimit ? "limit" : "class";
  std::string text = fmt::format("{}.\n\n| {} | incident | what happens | binding limit | runs on |\n",
                                 CountsOf(entries), head);
  text += "| --- | --- | --- | --- | --- |\n";
  for (const auto& [name, members] : Grouped(entries, by)) {
    std::string first = InCell(name);
    for (const CatalogueEntry* entry : members) {
      text += fmt::format("| {} | {}", std::exchange(first, ""), RowOf(*entry));
    }
  }
  return text;
}

std::string FormatListJson(std::span<const CatalogueEntry> entries) {
  Json incidents = Json::array();
  for (const CatalogueEntry& entry : entries) {
    incidents.push_back(JsonOf(entry));
  }
  return Json{{"incidents", std::move(incidents)}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::string> WithCatalogue(std::string_view document, std::string_view table) {
  const std::size_t marker = document.find(kBegin);
  const std::size_t marker_end = document.find(kBeginEnd, std::min(marker, document.size()));
  const std::size_t end = document.find(kEnd, std::min(marker_end, document.size()));
  if (end == std::string_view::npos) {
    return Fail(fmt::format("the document lacks the lines '{}... -->' and '{}'", kBegin, kEnd),
                "put them where the catalogue's table shall stand");
  }
  return std::string(document.substr(0, marker_end + kBeginEnd.size())) + std::string(table) +
         std::string(document.substr(end));
}

}  // namespace brink
