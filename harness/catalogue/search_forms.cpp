// SPDX-License-Identifier: MIT
#include "catalogue/search_forms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "report/json_values.h"
#include "report/text.h"

namespace brink {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kDetailIndent = 4;
constexpr std::size_t kLabel = 11;  // "reproduce: "
/// More matches than a screen holds are none that anybody reads.
constexpr std::size_t kFew = 5;
constexpr std::size_t kToldOfMany = 3;

std::string Row(std::string_view label, const std::string& text, const TextStyle& style) {
  const std::string head = fmt::format("{:{}}{:<{}}", "", kDetailIndent, fmt::format("{}:", label), kLabel);
  return head + Wrapped(Printable(text), style, head.size(), head.size()).substr(head.size()) + "\n";
}

std::string Incidents(std::size_t count, std::string_view one, std::string_view many) {
  return count == 1 ? fmt::format("1 incident {}", one) : fmt::format("{} incidents {}", count, many);
}

/// Of incidents that the lines do not tell from others; says so first.
std::string CandidatesHeading(std::span<const SearchMatch> matches) {
  const SearchMatch& first = matches.front();
  const std::size_t count = matches.size();
  const bool one_line = std::all_of(matches.begin(), matches.end(), [&](const SearchMatch& match) {
    return match.line.number == first.line.number;
  });
  constexpr std::string_view kNone = "no incident of the catalogue shows this message; ";
  const bool killed = std::find(first.common.begin(), first.common.end(), kKilledTerm) != first.common.end();
  switch (first.kind) {
    case MatchKind::kLimit:
      return fmt::format("{}{} of the limit that it names", kNone,
                         count == 1 ? "1 is" : fmt::format("{} are", count));
    case MatchKind::kUsual:
      return Incidents(count, "shows this message", "show this message") + ", which other failures print too";
    default:
      return (first.errno_alone
                  ? Incidents(count, "shows", "show")
                  : fmt::format("{}{}", kNone, count == 1 ? "1 shows" : fmt::format("{} show", count))) +
             fmt::format(" {}, which many failures have", !one_line ? "an errno or a kill that it tells"
                                                          : killed  ? "such a kill"
                                                          : first.errno_alone ? "this errno"
                                                                              : "its errno");
  }
}

/// What a group of incidents that one line speaks for has in common.
std::string Heading(std::span<const SearchMatch> matches, bool told) {
  const SearchMatch& first = matches.front();
  const std::size_t count = matches.size();
  const std::string_view apart = count == 1 || !told ? ":" : "; what tells them apart:";
  switch (first.kind) {
    case MatchKind::kMessage:
      return Incidents(count, "shows this message", "show this message") + std::string(apart);
    case MatchKind::kSimilar:
      return Incidents(count, "shows a message like this", "show a message like this") + std::string(apart);
    case MatchKind::kWords:
      return Incidents(count, "has these words", "have these words") + std::string(apart);
    default:
      return CandidatesHeading(matches) + ": candidates, not findings" + std::string(apart);
  }
}

std::string MatchedText(const MatchedLine& line, const TextStyle& style) {
  if (line.number == 0) {
    return "";
  }
  const std::string more = line.lines > 1 ? fmt::format(" (and {} more)", line.lines - 1) : "";
  return Wrapped(fmt::format("line {}{}: {}", line.number, more, Printable(line.text)), style, 2,
                 kDetailIndent) +
         "\n";
}

std::string EntryText(const SearchMatch& match, const CatalogueEntry& entry, const TextStyle& style) {
  std::string text = "\n  " + Coloured(Printable(entry.name), Colour::kBold, style) +
                     (entry.title.empty() ? "" : ": " + Printable(entry.title)) + "\n";
  if (!match.symptom.empty()) {
    text += Row("symptom", match.symptom, style);
  }
  if (match.kind != MatchKind::kMessage) {
    text += Row("in common", fmt::format("{}", fmt::join(match.common, ", ")), style);
  }
  if (entry.incident) {
    if (!entry.incident->versions.empty()) {
      text += Row("versions", entry.incident->versions, style);
    }
    text += Row("confirm", entry.incident->confirm, style);
    if (!entry.incident->exclude.empty()) {
      text += Row("exclude", entry.incident->exclude, style);
    }
  }
  return text + Row("reproduce", CommandOf(entry), style);
}

std::string EntryLine(const CatalogueEntry& entry, const TextStyle& style) {
  const std::string name = Printable(entry.name);
  std::string line = "  " + name + (entry.title.empty() ? "" : ": " + Printable(entry.title));
  if (style.cut_cells) {
    line = CutTo(line, static_cast<std::size_t>(style.width));
  }
  const std::size_t begin = line.find(name);
  return (begin == std::string::npos
              ? line
              : line.replace(begin, name.size(), Coloured(name, Colour::kBold, style))) +
         "\n";
}

/// The matches from `begin` to `end`, those before `in_full` in full.
std::string GroupText(const SearchReport& report, std::size_t begin, std::size_t end, std::size_t in_full,
                      const TextStyle& style) {
  std::string text;
  for (std::size_t at = begin; at < end; ++at) {
    const CatalogueEntry& entry = report.catalogue[report.matches[at].entry];
    text += at < in_full ? EntryText(report.matches[at], entry, style)
                         : (at == std::max(begin, in_full) ? "\n" : "") + EntryLine(entry, style);
  }
  return text;
}

Json MatchJson(const SearchMatch& match, const CatalogueEntry& entry) {
  const Incident incident = entry.incident.value_or(Incident{});
  constexpr double kHundredths = 100;
  return {{"name", entry.name},
          {"title", OrNull(entry.title)},
          {"file", entry.file},
          {"class", OrNull(incident.kind)},
          {"kind", Name(match.kind)},
          {"score", std::round(match.score * kHundredths) / kHundredths},
          {"line", match.line.text},
          {"line_number", match.line.number == 0 ? Json(nullptr) : Json(match.line.number)},
          {"matching_lines", match.line.lines},
          {"symptom", OrNull(match.symptom)},
          {"common", match.common},
          {"versions", OrNull(incident.versions)},
          {"cause", OrNull(incident.cause)},
          {"cure", OrNull(incident.cure)},
          {"confirm", OrNull(incident.confirm)},
          {"exclude", OrNull(incident.exclude)},
          {"command", CommandOf(entry)}};
}

}  // namespace

std::string CommandOf(const CatalogueEntry& entry) {
  const bool plain = entry.file.find_first_not_of(
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                         "/._-+@%:,") == std::string::npos;
  if (plain) {
    return "brink run " + entry.file;
  }
  std::string quoted;
  for (const char c : entry.file) {
    quoted += c == '\'' ? std::string(R"('\'')") : std::string(1, c);
  }
  return "brink run '" + quoted + "'";
}

std::string FormatSearchText(const SearchReport& report, const TextStyle& style) {
  if (report.matches.empty()) {
    return fmt::format(
        "nothing in the catalogue matches ({} incidents{})\n", report.catalogue.size(),
        report.lines > 0 ? fmt::format(", {} line{} read", report.lines, report.lines == 1 ? "" : "s") : "");
  }
  const std::size_t count = report.matches.size();
  // Of many candidates none comes first with reason.
  const bool names_alone = IsCandidate(report.matches.front().kind);
  const std::size_t in_full = report.all || count <= kFew ? count : (names_alone ? 0 : kToldOfMany);
  std::string text;
  for (std::size_t begin = 0; begin < count;) {
    const SearchMatch& first = report.matches[begin];
    std::size_t end = begin;
    while (end < count && report.matches[end].kind == first.kind &&
           ((names_alone && first.kind != MatchKind::kUsual) ||
            report.matches[end].line.number == first.line.number)) {
      ++end;
    }
    text += (begin == 0 ? "" : "\n") +
            Heading(std::span(report.matches).subspan(begin, end - begin), begin < in_full) + "\n" +
            MatchedText(first.line, style);
    text += GroupText(report, begin, end, in_full, style);
    begin = end;
  }
  if (in_full == count) {
    return text;
  }
  return text + "\n" +
         Wrapped(fmt::format(
                     "{}--all tells of each{}. More of the message (the call, the program, the line before "
                     "it) leaves fewer.",
                     in_full == 0 ? "" : fmt::format("The first {} of {} are told in full: ", in_full, count),
                     in_full == 0 ? " in full" : ""),
                 style, 0, 0) +
         "\n";
}

std::string FormatSearchJson(const SearchReport& report) {
  Json matches = Json::array();
  for (const SearchMatch& match : report.matches) {
    matches.push_back(MatchJson(match, report.catalogue[match.entry]));
  }
  const Json document{
      {"searched", report.catalogue.size()}, {"lines", report.lines}, {"matches", std::move(matches)}};
  // A log may hold any bytes; what is not UTF-8 becomes U+FFFD instead of an exception.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace brink
