// SPDX-License-Identifier: MIT
#include "catalogue/search_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "catalogue/terms.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

constexpr double kHalf = 0.5;

struct LimitWords {
  std::string_view limit;
  const char* words;
  const char* usual;  // that healthy programs print, too
};

/// What logs call a limit that a program met.
constexpr auto kLimitWords = std::to_array<LimitWords>(
    {{"vm.max_map_count", "max_map_count", ""},
     {"RLIMIT_MEMLOCK", "rlimit_memlock", "memlock limitmemlock"},
     {"RLIMIT_AS", "rlimit_as", ""},
     {"RLIMIT_DATA", "rlimit_data", ""},
     {"RLIMIT_NPROC", "rlimit_nproc", ""},
     {"commit_limit", "commitlimit", "overcommit overcommit_memory overcommit_ratio overcommit_kbytes"}});

void SortOnce(std::vector<TermId>& terms) {
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
}

bool Contains(const std::vector<TermId>& sorted, TermId term) {
  return std::binary_search(sorted.begin(), sorted.end(), term);
}

/// Where a placeholder that begins at `at` ends; `at` when none does.
std::size_t PlaceholderEnd(std::string_view text, std::size_t at) {
  constexpr std::size_t kLongest = 40;
  if (text[at] != '<') {
    return at;
  }
  const std::size_t end = text.find('>', at);
  return end == std::string_view::npos || end - at > kLongest || end == at + 1 ? at : end + 1;
}

/// The text with a blank for each placeholder: their words are the catalogue's, not the log's.
std::string WithoutPlaceholders(std::string_view text) {
  std::string without;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = PlaceholderEnd(text, at);
    without += end == at ? text[at] : ' ';
    at = std::max(end, at + 1);
  }
  return without;
}

std::string JoinedWords(const std::vector<std::vector<std::string>>& lists) {
  std::string words;
  for (const std::vector<std::string>& list : lists) {
    for (const std::string& word : list) {
      words += " " + word;
    }
  }
  return words;
}

/// What programs call clone, where it is expected to fail: for want of memory it is a fork, as a thread
/// copies none.
std::string WordsForClone(const CatalogueEntry& of) {
  const auto holds = [](const std::vector<std::string>& words, const char* word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  const bool threads =
      of.incident &&
      std::any_of(of.incident->symptoms.begin(), of.incident->symptoms.end(), [](const std::string& symptom) {
        return symptom.find("pthread_create") != std::string::npos;
      });
  const bool clone = holds(of.calls, "clone");
  return std::string(clone ? " fork vfork" : "") +
         (threads || (clone && holds(of.errnos, "EAGAIN")) ? " pthread_create" : "");
}

/// In lower case: words of more than one part, which messages of the same kind have in common.
std::vector<std::string> IdentifiersOf(std::string_view text) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  std::vector<std::string> identifiers;
  std::string word;
  bool identifier = false;
  char before = ' ';
  for (const char c : std::string(text) + " ") {
    if (is_lower(c) || is_upper(c) || c == '_') {
      identifier = identifier || c == '_' || (is_upper(c) && is_lower(before));
      word += is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    } else {
      if (identifier) {
        identifiers.push_back(word);
      }
      word.clear();
      identifier = false;
    }
    before = c;
  }
  return identifiers;
}

const std::vector<std::string>& ErrnoTerms() {
  static const std::vector<std::string> kTerms = [] {
    std::vector<std::string> terms;
    for (const std::string& name : ErrnoNames()) {
      terms.push_back(TermOfErrno(name));
    }
    std::sort(terms.begin(), terms.end());
    return terms;
  }();
  return kTerms;
}

}  // namespace

bool SaysMore(const Symptom& symptom, const Symptom& other) {
  return symptom.terms.size() > other.terms.size() &&
         std::includes(symptom.terms.begin(), symptom.terms.end(), other.terms.begin(), other.terms.end());
}

std::string PatternOfSymptom(std::string_view symptom, bool whole_line) {
  std::string pattern = whole_line ? R"((?i)^\W*)" : "(?i)";
  for (std::size_t at = 0; at < symptom.size();) {
    const std::size_t end = PlaceholderEnd(symptom, at);
    const char c = symptom[at];
    if (end > at) {
      pattern += ".*?";
    } else if (c == ' ') {
      pattern += R"(\s+)";
    } else {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          static_cast<signed char>(c) < 0;
      pattern += letter ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    at = std::max(end, at + 1);
  }
  return whole_line ? pattern + R"(\W*$)" : pattern;
}

SearchIndex::SearchIndex(std::span<const CatalogueEntry> entries) {
  for (std::size_t entry = 0; entry < entries.size(); ++entry) {
    AddContext(entries[entry]);
    if (entries[entry].incident) {
      AddSymptoms(entry, entries[entry].incident->symptoms, /*beside=*/false);
      AddSymptoms(entry, entries[entry].beside, /*beside=*/true);
    }
  }
  for (Context& context : contexts_) {
    SortOnce(context.terms);
    SortOnce(context.errnos);
    SortOnce(context.limits);
    SortOnce(context.usual_limits);
  }
  Weigh();
}

TermId SearchIndex::Intern(std::string_view term) {
  if (const TermId* known = Find(term)) {
    return *known;
  }
  const auto id = static_cast<TermId>(texts_.size());
  ids_.emplace(term, id);
  texts_.emplace_back(term);
  is_errno_.push_back(term == kKilledTerm ||
                      std::binary_search(ErrnoTerms().begin(), ErrnoTerms().end(), term));
  return id;
}

std::vector<TermId> SearchIndex::TermsOf(const std::string& text) {
  TermReader reader;
  std::vector<TermId> terms;
  for (const std::string_view term : reader.Read(text)) {
    terms.push_back(Intern(term));
  }
  SortOnce(terms);
  return terms;
}

std::vector<std::vector<TermId>> SearchIndex::TermsOfEach(const std::vector<std::string>& texts) {
  std::vector<std::vector<TermId>> each;
  for (const std::string& text : texts) {
    if (std::vector<TermId> terms = TermsOf(text); !terms.empty()) {
      each.push_back(std::move(terms));
    }
  }
  return each;
}

void SearchIndex::AddContext(const CatalogueEntry& of) {
  Context& context = contexts_.emplace_back();
  std::string names = JoinedWords({of.calls, of.programs, of.software, {of.system}}) + WordsForClone(of);
  context.names = TermsOf(names);
  context.terms = TermsOf(names + JoinedWords({of.tags, of.binding_limits, {of.name, of.title}}) +
                          (of.oom_kill ? " oom" : ""));
  AddLimits(of, context);
  if (of.incident) {
    context.look_alike = of.incident->kind == "look_alike";
    const std::vector<TermId> more = TermsOf(of.incident->kind + JoinedWords({of.incident->systems}));
    context.terms.insert(context.terms.end(), more.begin(), more.end());
    context.unlike = TermsOfEach(of.incident->unlike);
    context.refuted_by = TermsOfEach(of.refuted_by);
  }
  for (const std::string& name : of.errnos) {
    context.errnos.push_back(Intern(TermOfErrno(name)));
  }
  if (of.oom_kill) {
    context.errnos.push_back(Intern(kKilledTerm));
  }
}

void SearchIndex::AddLimits(const CatalogueEntry& of, Context& context) {
  for (const auto& [limit, words, usual] : kLimitWords) {
    if (std::find(of.binding_limits.begin(), of.binding_limits.end(), limit) == of.binding_limits.end()) {
      continue;
    }
    for (const auto& [text, terms] :
         {std::pair(words, &context.limits), std::pair(usual, &context.usual_limits)}) {
      const std::vector<TermId> more = TermsOf(text);
      terms->insert(terms->end(), more.begin(), more.end());
    }
  }
}

void SearchIndex::AddSymptoms(std::size_t entry, const std::vector<std::string>& texts, bool beside) {
  for (const std::string& text : texts) {
    std::vector<TermId> terms = TermsOf(WithoutPlaceholders(text));
    if (terms.empty()) {
      continue;  // nothing to recognise it by
    }
    for (const TermId term : terms) {
      if (!beside && is_errno_[term]) {
        contexts_[entry].errnos.push_back(term);
      }
    }
    if (std::all_of(terms.begin(), terms.end(), [&](TermId term) { return SaysErrnoAlone(term); })) {
      std::copy_if(terms.begin(), terms.end(), std::back_inserter(contexts_[entry].terms),
                   [&](TermId term) { return !is_errno_[term]; });
      continue;  // any program of that language says it
    }
    symptoms_.push_back({.entry = entry, .text = text, .terms = std::move(terms), .beside = beside});
    Describe(symptoms_.back());
  }
}

void SearchIndex::Describe(Symptom& symptom) {
  for (const TermId term : symptom.terms) {
    if (is_errno_[term] ||
        std::find(CallNames().begin(), CallNames().end(), texts_[term]) != CallNames().end()) {
      symptom.needed.push_back(term);
    }
  }
  // An exception's name is left out, as the same message is logged without it.
  for (const std::string& word : IdentifiersOf(WithoutPlaceholders(symptom.text))) {
    if (const TermId* term = Find(word);
        term != nullptr && Contains(symptom.terms, *term) && !SaysErrnoAlone(*term)) {
      symptom.needed.push_back(*term);
    }
  }
  for (Symptom& other : symptoms_) {
    if (other.entry != symptom.entry && other.text == symptom.text) {
      other.shared = symptom.shared = true;
    }
    symptom.specific = symptom.specific || SaysMore(symptom, other);
    other.specific = other.specific || SaysMore(other, symptom);
  }
}

void SearchIndex::Weigh() {
  symptoms_with_.resize(texts_.size());
  for (std::size_t at = 0; at < symptoms_.size(); ++at) {
    for (const TermId term : symptoms_[at].terms) {
      symptoms_with_[term].push_back(at);
    }
  }
  const auto total = static_cast<double>(contexts_.size());
  for (TermId term = 0; term < texts_.size(); ++term) {
    std::size_t having = 0;
    for (std::size_t entry = 0; entry < contexts_.size(); ++entry) {
      having += Has(entry, term) ? 1 : 0;
    }
    weights_.push_back(std::log1p(total / static_cast<double>(std::max<std::size_t>(having, 1))));
  }
  for (Symptom& symptom : symptoms_) {
    for (const TermId term : symptom.terms) {
      symptom.weight += weights_[term];
    }
  }
}

double SearchIndex::UnknownWeight() const {
  return std::log1p(static_cast<double>(contexts_.size()) / kHalf);
}

bool SearchIndex::SaysErrnoAlone(TermId term) const {
  return IsErrno(term) || texts_[term].ends_with("error") || texts_[term].ends_with("exception");
}

const TermId* SearchIndex::Find(std::string_view term) const {
  const auto found = ids_.find(term);
  return found == ids_.end() ? nullptr : &found->second;
}

bool SearchIndex::Has(std::size_t entry, TermId term) const {
  const Context& context = contexts_[entry];
  return Contains(context.terms, term) || Contains(context.errnos, term) ||
         std::any_of(symptoms_with_[term].begin(), symptoms_with_[term].end(),
                     [&](std::size_t at) { return symptoms_[at].entry == entry; });
}

}  // namespace brink
