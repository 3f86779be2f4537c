// SPDX-License-Identifier: MIT
#include "catalogue/terms.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <unordered_map>

#include "scenario/vocabulary.h"

namespace brink {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr int kLastErrno = 133;  // EHWPOISON, include/uapi/asm-generic/errno.h

// Sorted. Words of any message; with them a stranger's log would look familiar.
constexpr std::array<std::string_view, 76> kCommon{
    "after", "all",   "an",    "and",       "any",  "are",    "as",      "at",    "be",   "been",   "but",
    "by",    "can",   "code",  "container", "did",  "do",     "does",    "error", "exit", "exited", "failed",
    "for",   "from",  "get",   "gets",      "got",  "had",    "has",     "have",  "how",  "if",     "in",
    "info",  "into",  "is",    "it",        "its",  "my",     "no",      "not",   "of",   "on",     "only",
    "or",    "our",   "pid",   "so",        "some", "status", "still",   "than",  "that", "the",    "then",
    "there", "this",  "to",    "too",       "use",  "using",  "warning", "was",   "we",   "were",   "what",
    "when",  "where", "which", "while",     "who",  "why",    "will",    "with",  "you",  "your"};
static_assert(std::is_sorted(kCommon.begin(), kCommon.end()));

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Bytes beyond ASCII are letters of some language.
bool InWord(char c) {
  return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '_' || static_cast<signed char>(c) < 0;
}

/// A number in any base, a part of a UUID or of a hash.
bool IsNumber(std::string_view word) {
  if (std::all_of(word.begin(), word.end(), IsDigit) || word.starts_with("0x")) {
    return true;
  }
  constexpr std::size_t kLeastHex = 4;  // "add" and "ee" are words
  return word.size() >= kLeastHex && std::all_of(word.begin(), word.end(), IsHex) &&
         std::any_of(word.begin(), word.end(), IsDigit);
}

std::string LowerText(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  return lower;
}

struct Phrase {
  std::vector<std::string> words;
  std::string term;
};

std::vector<std::string> WordsOf(const std::string& lower) {
  std::vector<std::string> words(1);
  for (const char c : lower) {
    if (InWord(c)) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) {
    words.pop_back();
  }
  return words;
}

using Phrases = std::unordered_map<std::string_view, std::vector<Phrase>>;

/// strerror's texts in the language that logs have, by their first word.
Phrases MakePhrases() {
  static std::vector<Phrase> all;
  for (int code = 1; code <= kLastErrno; ++code) {
    const char* name = strerrorname_np(code);
    const char* text = strerrordesc_np(code);  // never translated
    if (name != nullptr && text != nullptr) {
      all.push_back({WordsOf(LowerText(text)), TermOfErrno(name)});
    }
  }
  all.push_back({{"not", "enough", "space"}, "enomem"});  // HotSpot's own text
  // Go's, where mmap returns it.
  all.push_back({{"fatal", "error", "runtime", "out", "of", "memory"}, "enomem"});
  // systemd's, of a unit.
  all.push_back({{"killed", "by", "the", "oom", "killer"}, std::string(kKilledTerm)});
  all.push_back({{"failed", "with", "result", "oom", "kill"}, std::string(kKilledTerm)});
  Phrases phrases;
  for (const Phrase& phrase : all) {
    // One word ("Success") would take ordinary words for an errno.
    if (phrase.words.size() > 1) {
      phrases[phrase.words.front()].push_back(phrase);
    }
  }
  return phrases;
}

/// "signal 9", "exit code 137", "exited with 137".
bool TellsKill(std::string_view before, std::string_view number) {
  return (before == "signal" && number == "9") ||
         (number == "137" &&
          (before == "code" || before == "status" || before == "with" || before == "exit"));
}

/// "12" to "enomem"; empty when there is no such errno.
std::string_view TermOfNumber(std::string_view digits) {
  static const std::map<int, std::string> kTerms = [] {
    std::map<int, std::string> terms;
    for (int code = 1; code <= kLastErrno; ++code) {
      if (const char* name = strerrorname_np(code)) {
        terms[code] = TermOfErrno(name);
      }
    }
    return terms;
  }();
  int code = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), code);
  const auto term = kTerms.find(code);
  return term == kTerms.end() ? std::string_view() : std::string_view(term->second);
}

}  // namespace

std::string TermOfErrno(std::string_view name) { return LowerText(name); }

void TermReader::Tokenise() {
  tokens_.clear();
  const std::string_view line = lower_;
  std::size_t at = 0;
  while (at < line.size()) {
    if (!InWord(line[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < line.size() && InWord(line[end])) {
      ++end;
    }
    std::string_view word = line.substr(at, end - at);
    at = end;
    if (IsNumber(word)) {
      tokens_.push_back({word, true});
      continue;
    }
    if (IsDigit(word.front())) {  // "512kB", "21T08"
      word.remove_prefix(word.find_first_not_of(kDigits));
      word = word.substr(0, word.find_first_of(kDigits));
    }
    tokens_.push_back({word, false});
  }
}

std::size_t TermReader::ErrnoAt(std::size_t at, std::string_view& term) const {
  static const Phrases kPhrases = MakePhrases();
  const auto fits = [&](const Phrase& phrase) {
    return phrase.words.size() <= tokens_.size() - at &&
           std::equal(phrase.words.begin(), phrase.words.end(),
                      tokens_.begin() + static_cast<std::ptrdiff_t>(at),
                      [](const std::string& word, const Token& token) { return word == token.text; });
  };
  if (const auto begins = kPhrases.find(tokens_[at].text); begins != kPhrases.end()) {
    for (const Phrase& phrase : begins->second) {
      if (fits(phrase)) {
        term = phrase.term;
        return phrase.words.size();
      }
    }
  }
  const auto is = [&](std::size_t token, std::string_view text) {
    return token < tokens_.size() && tokens_[token].text == text;
  };
  const std::size_t words = is(at, "errno") ? 1 : (is(at, "os") && is(at + 1, "error") ? 2 : 0);
  if (words > 0 && at + words < tokens_.size() && tokens_[at + words].number) {
    term = TermOfNumber(tokens_[at + words].text);
    return term.empty() ? 0 : words + 1;
  }
  return 0;
}

const std::vector<std::string_view>& TermReader::Read(std::string_view line) {
  lower_.resize(line.size());
  std::transform(line.begin(), line.end(), lower_.begin(), Lower);
  Tokenise();
  terms_.clear();
  for (std::size_t at = 0; at < tokens_.size();) {
    std::string_view term;
    if (const std::size_t taken = ErrnoAt(at, term); taken > 0) {
      terms_.push_back(term);
      at += taken;
      continue;
    }
    const auto& [text, number] = tokens_[at];
    if (number && at > 0 && TellsKill(tokens_[at - 1].text, text)) {
      terms_.push_back(kKilledTerm);
    } else if (!number && text.size() > 1 && !std::binary_search(kCommon.begin(), kCommon.end(), text)) {
      terms_.push_back(text);
    }
    ++at;
  }
  return terms_;
}

}  // namespace brink
