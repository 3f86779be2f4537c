// SPDX-License-Identifier: MIT
#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <sstream>

#include "base/units.h"
#include "model/json.h"

namespace brink {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// How many bytes the first character has; 0 when they are not UTF-8 (RFC 3629: no overlong forms, no
/// surrogates).
std::size_t CharacterBytes(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) {
    return 1;
  }
  const std::size_t bytes = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) {
    return 0;
  }
  const bool whole =
      std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(bytes), IsContinuation);
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return whole && !overlong && !beyond ? bytes : 0;
}

/// C0 and C1 controls, and U+FFFE and U+FFFF, which XML forbids.
bool IsControl(std::string_view character) {
  const auto first = static_cast<unsigned char>(character.front());
  return first < 0x20 || first == 0x7F ||
         (character.size() == 2 && first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0) ||
         character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
}

std::string WordsOf(Outcome outcome, bool failures, bool stalled) {
  std::string words(Name(outcome));
  if (outcome == Outcome::kSurvived) {
    words += failures ? " with failures" : "";
    words += stalled ? ", stalled" : "";
  }
  return words;
}

}  // namespace

std::string Printable(std::string_view text, bool keep_lines) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = CharacterBytes(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(bytes, 1));
    text.remove_prefix(character.size());
    if (character == "\n" || character == "\t") {
      out += keep_lines ? character : " ";
    } else if (bytes == 0 || IsControl(character)) {
      out += kReplacement;
    } else {
      out += character;
    }
  }
  return out;
}

std::size_t Columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

std::string CutTo(const std::string& text, std::size_t columns) {
  if (Columns(text) <= columns) {
    return text;
  }
  std::size_t end = 0;
  for (std::size_t kept = 0; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && ++kept == columns) {
      break;  // the ellipsis takes the last column
    }
  }
  return text.substr(0, end) + std::string(kEllipsis);
}

std::string PadTo(std::string text, std::size_t columns) {
  const std::size_t have = Columns(text);
  return have < columns ? text.append(columns - have, ' ') : text;
}

std::string Coloured(const std::string& text, Colour colour, const TextStyle& style) {
  if (!style.colour) {
    return text;
  }
  const int code =
      colour == Colour::kGreen ? 32 : (colour == Colour::kRed ? 31 : (colour == Colour::kYellow ? 33 : 1));
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string Wrapped(const std::string& text, const TextStyle& style, std::size_t first_indent,
                    std::size_t indent) {
  const auto width = static_cast<std::size_t>(std::max(style.width, 40));
  std::istringstream words(text);
  std::string out(first_indent, ' ');
  std::size_t column = first_indent;
  bool line_is_empty = true;
  for (std::string word; words >> word;) {
    const std::size_t length = Columns(word);
    if (!line_is_empty && column + 1 + length > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      line_is_empty = true;
    }
    out += (line_is_empty ? "" : " ") + word;
    column += length + (line_is_empty ? 0 : 1);
    line_is_empty = false;
  }
  return out;
}

std::string OutcomeWords(const Verdict& verdict) {
  const bool stalled = Stalled(verdict);
  std::string words = WordsOf(verdict.outcome, verdict.first_failure.has_value(), stalled);
  if (verdict.outcome == Outcome::kSurvived && !stalled && verdict.slower) {
    words += fmt::format(", {:.1f} times slower", verdict.slower->times);
  }
  return words;
}

std::string OutcomeWords(const ProcessVerdict& process) {
  return WordsOf(process.outcome, process.first_failure.has_value(), process.stall.has_value());
}

std::string FailingCallOf(const Verdict& verdict) {
  const auto owner = verdict.processes.find(verdict.binding_process);
  const auto& failure = verdict.binding_limit && owner != verdict.processes.end()
                            ? owner->second.first_failure
                            : verdict.first_failure;
  return failure ? Printable(failure->call + " " + failure->errno_name) : "";
}

std::string PlaceOf(const Verdict& verdict) {
  if (verdict.guest_kernel.empty()) {
    return "host";
  }
  std::string file = verdict.guest_kernel.substr(0, verdict.guest_kernel.find(':'));  // without its modules
  file.erase(0, file.rfind('/') + 1);
  return Printable(verdict.cgroup_version.empty() ? file : file + " " + verdict.cgroup_version);
}

std::string ExpectedWords(const Verdict& verdict) {
  if (verdict.outcome == Outcome::kNotApplicable) {
    return "there is no such machine";
  }
  return !verdict.expected_met ? "expectation not judged"
                               : (*verdict.expected_met ? "as expected" : "NOT as expected");
}

Colour ExpectedColour(const Verdict& verdict) {
  return !verdict.expected_met ? Colour::kYellow : (*verdict.expected_met ? Colour::kGreen : Colour::kRed);
}

std::string LimitFigures(const BindingLimit& limit) {
  if (!limit.use) {
    return fmt::format("{} {}", limit.name,
                       limit.unit == "bytes" ? FormatBytes(limit.limit) : FormatCount(limit.limit));
  }
  if (limit.unit != "bytes") {
    return fmt::format("{} {}/{}", limit.name, FormatCount(*limit.use), FormatCount(limit.limit));
  }
  std::string use = FormatBytes(*limit.use);
  const std::string whole = FormatBytes(limit.limit);
  const auto unit = whole.find(' ');
  if (unit != std::string::npos && use.ends_with(whole.substr(unit))) {
    use.resize(use.size() - (whole.size() - unit));
  }
  return fmt::format("{} {}/{}", limit.name, use, whole);
}

}  // namespace brink
