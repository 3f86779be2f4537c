// SPDX-License-Identifier: MIT
#include "catalogue/search.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace brink {
namespace {

constexpr double kWholeCounts = 2;
constexpr double kLeastSimilar = 0.7;
constexpr std::size_t kLeastSimilarTerms = 2;
constexpr double kLeastWords = 0.6;
constexpr std::string_view kNoMemory = "enomem";

/// They need no name beside them.
bool SpeaksAlone(const std::string& term) { return term == kNoMemory || term == kKilledTerm; }

}  // namespace

std::string_view Name(MatchKind kind) {
  switch (kind) {
    case MatchKind::kMessage:
      return "message";
    case MatchKind::kSimilar:
      return "similar";
    case MatchKind::kWords:
      return "words";
    case MatchKind::kLimit:
      return "limit";
    case MatchKind::kUsual:
      return "usual";
    case MatchKind::kErrno:
      return "errno";
  }
  return "";
}

Search::Search(const SearchIndex& index)
    : index_(index),
      shared_(index.Symptoms().size()),
      patterns_(index.Symptoms().size()),
      by_symptom_(index.Symptoms().size()),
      by_entry_(index.Entries()),
      by_limit_(index.Entries()),
      by_usual_limit_(index.Entries()),
      unlike_here_(index.Entries()),
      unlike_(index.Entries()),
      other_cause_(index.Entries()),
      refuted_(index.Entries()) {}

void Search::AddLine(std::string_view line) {
  number_ = ++lines_;
  line = line.substr(0, kLongestRead);
  ReadTerms(line);
  if (terms_.empty()) {
    return;
  }
  MatchSymptoms(line);
  MatchLimits(line);
  if (has_errno_) {
    MatchErrnos(line, /*any=*/false);
  }
}

bool Search::AddWords(std::string_view words) {
  number_ = 0;
  words = words.substr(0, kLongestRead);
  ReadTerms(words);
  if (terms_.empty()) {
    return unknown_ > 0;
  }
  MatchSymptoms(words);
  MatchLimits(words);
  const bool errnos_alone = has_errno_ && std::all_of(terms_.begin(), terms_.end(), [&](TermId term) {
                              return index_.SaysErrnoAlone(term);
                            });
  if (errnos_alone && unknown_ == 0) {
    MatchErrnos(words, /*any=*/true);
    return true;
  }
  MatchWords(words);
  // A message with a word of its own ("myserver: mmap failed: Cannot allocate memory") says as much as the
  // same line of a log. Other errnos need a name beside them, which in pasted lines may stand anywhere.
  const bool speaks =
      std::any_of(terms_.begin(), terms_.end(), [&](TermId term) { return SpeaksAlone(index_.Text(term)); });
  if (speaks && !FoundAny()) {
    MatchErrnos(words, /*any=*/false);
  }
  return true;
}

bool Search::InLine(const std::vector<TermId>& terms) const {
  return std::all_of(terms.begin(), terms.end(), [&](TermId term) {
    return std::find(terms_.begin(), terms_.end(), term) != terms_.end();
  });
}

void Search::FindUnlike() {
  const auto any_here = [&](const std::vector<std::vector<TermId>>& each) {
    return std::any_of(each.begin(), each.end(),
                       [&](const std::vector<TermId>& terms) { return InLine(terms); });
  };
  for (std::size_t entry = 0; entry < index_.Entries(); ++entry) {
    const Context& context = index_.ContextOf(entry);
    unlike_here_[entry] = any_here(context.unlike);
    unlike_[entry] = unlike_[entry] || unlike_here_[entry];
    other_cause_[entry] = other_cause_[entry] || any_here(context.refuted_by);
  }
}

bool Search::FoundAny() const {
  const auto found = [](const std::optional<Best>& best) { return best.has_value(); };
  return std::any_of(by_symptom_.begin(), by_symptom_.end(), found) ||
         std::any_of(by_entry_.begin(), by_entry_.end(), found);
}

void Search::ReadTerms(std::string_view line) {
  terms_.clear();
  unknown_ = 0;
  has_errno_ = false;
  for (const std::string_view text : reader_.Read(line)) {
    const TermId* term = index_.Find(text);
    if (term == nullptr) {
      ++unknown_;
    } else if (std::find(terms_.begin(), terms_.end(), *term) == terms_.end()) {
      terms_.push_back(*term);
      has_errno_ = has_errno_ || index_.IsErrno(*term);
      no_memory_ = no_memory_ || text == kNoMemory;
    }
  }
  FindUnlike();
}

double Search::WeightIn(const std::vector<TermId>& terms) const {
  return std::accumulate(terms_.begin(), terms_.end(), 0.0, [&](double sum, TermId term) {
    const bool counts = !index_.IsErrno(term) && std::binary_search(terms.begin(), terms.end(), term);
    return sum + (counts ? index_.Weight(term) : 0);
  });
}

double Search::ContextScore(std::size_t entry) const { return WeightIn(index_.ContextOf(entry).terms); }

void Search::Keep(std::optional<Best>& best, MatchKind kind, double score, std::string_view line) const {
  const std::uint64_t lines = best ? best->line.lines : 0;
  const bool better = !best || kind < best->kind || (kind == best->kind && score > best->line.score);
  if (better) {
    best =
        Best{.kind = kind,
             .line = {.score = score, .number = number_, .text = std::string(line.substr(0, kLongestShown))}};
  }
  best->line.lines = lines + 1;
}

std::vector<std::size_t> Search::ShareTerms() {
  std::vector<std::size_t> touched;
  for (const TermId term : terms_) {
    for (const std::size_t at : index_.SymptomsWith(term)) {
      if (shared_[at].terms++ == 0) {
        touched.push_back(at);
      }
      shared_[at].weight += index_.Weight(term);
    }
  }
  return touched;
}

bool Search::StandsIn(std::size_t symptom, std::string_view line) {
  std::optional<Pattern>& pattern = patterns_[symptom];
  if (!pattern) {
    const Symptom& of = index_.Symptoms()[symptom];
    auto compiled = Pattern::Compile(PatternOfSymptom(of.text, of.terms.size() < 2));
    if (!compiled) {
      throw std::logic_error(compiled.error().message);  // all that came from a file is escaped
    }
    pattern = *std::move(compiled);
  }
  return pattern->FoundIn(line);
}

void Search::MatchSymptoms(std::string_view line) {
  refuted_.assign(refuted_.size(), false);
  std::vector<std::size_t> whole;
  std::vector<std::pair<std::size_t, double>> similar;
  for (const std::size_t at : ShareTerms()) {
    const Symptom& symptom = index_.Symptoms()[at];
    const auto [weight, terms] = std::exchange(shared_[at], {});
    const double share = weight / symptom.weight;
    if (unlike_here_[symptom.entry]) {
      continue;
    }
    const bool most = share >= kLeastSimilar && terms >= kLeastSimilarTerms;
    // Words that any such failure prints say nothing: not to the words rule either.
    refuted_[symptom.entry] =
        refuted_[symptom.entry] || (most && (symptom.beside || !InLine(symptom.needed)));
    if (terms == symptom.terms.size() && StandsIn(at, line)) {
      whole.push_back(at);
    } else if (symptom.beside || !InLine(symptom.needed)) {
      continue;
    } else if (most) {
      similar.emplace_back(at, share * weight + ContextScore(symptom.entry));
    }
  }
  if (whole.empty()) {
    for (const auto& [at, score] : similar) {
      Keep(by_symptom_[at], MatchKind::kSimilar, score, line);
    }
  }
  for (const std::size_t at : whole) {
    const Symptom& symptom = index_.Symptoms()[at];
    const bool says_less = std::any_of(whole.begin(), whole.end(), [&](std::size_t other) {
      return SaysMore(index_.Symptoms()[other], symptom);
    });
    Keep(by_symptom_[at], says_less ? MatchKind::kSimilar : MatchKind::kMessage,
         (says_less ? 1 : kWholeCounts) * symptom.weight + ContextScore(symptom.entry), line);
  }
}

void Search::MatchErrnos(std::string_view line, bool any) {
  for (std::size_t entry = 0; entry < index_.Entries(); ++entry) {
    const Context& context = index_.ContextOf(entry);
    const bool named = any || std::any_of(terms_.begin(), terms_.end(), [&](TermId term) {
                         return std::binary_search(context.names.begin(), context.names.end(), term);
                       });
    for (const TermId term : terms_) {
      const bool shows = std::binary_search(context.errnos.begin(), context.errnos.end(), term);
      if (shows && (named || SpeaksAlone(index_.Text(term))) && !unlike_here_[entry]) {
        Keep(by_entry_[entry], MatchKind::kErrno, index_.Weight(term) + WeightIn(context.names), line);
        break;
      }
    }
  }
}

void Search::MatchLimits(std::string_view line) {
  for (std::size_t entry = 0; entry < index_.Entries(); ++entry) {
    const Context& context = index_.ContextOf(entry);
    for (const auto& [limits, best] :
         {std::pair(&context.limits, &by_limit_), std::pair(&context.usual_limits, &by_usual_limit_)}) {
      if (const double weight = WeightIn(*limits); weight > 0 && !unlike_here_[entry]) {
        Keep((*best)[entry], MatchKind::kLimit, weight + WeightIn(context.names), line);
      }
    }
  }
}

void Search::MatchWords(std::string_view words) {
  for (std::size_t entry = 0; entry < index_.Entries(); ++entry) {
    double had = 0;
    double all = static_cast<double>(unknown_) * index_.UnknownWeight();
    for (const TermId term : terms_) {
      all += index_.Weight(term);
      had += index_.Has(entry, term) ? index_.Weight(term) : 0;
    }
    if (had > 0 && had >= kLeastWords * all && !unlike_here_[entry] && !refuted_[entry]) {
      Keep(by_entry_[entry], MatchKind::kWords, had, words);
    }
  }
}

std::optional<SearchMatch> Search::BySymptoms(std::size_t entry) const {
  std::optional<SearchMatch> match;
  double sum = 0;
  bool specific = false;
  for (std::size_t at = 0; at < by_symptom_.size(); ++at) {
    const std::optional<Best>& best = by_symptom_[at];
    const Symptom& symptom = index_.Symptoms()[at];
    if (!best || symptom.entry != entry || (unlike_[entry] && (symptom.shared || symptom.beside)) ||
        (other_cause_[entry] && symptom.beside)) {
      continue;
    }
    const MatchKind kind = symptom.beside || other_cause_[entry] ? MatchKind::kUsual : best->kind;
    sum += best->line.score;
    specific = specific || (kind == MatchKind::kMessage && (symptom.specific || !symptom.shared));
    if (!match || std::tuple(kind, -best->line.score) < std::tuple(match->kind, -match->line.score)) {
      match = SearchMatch{.entry = entry, .kind = kind, .line = best->line, .symptom = symptom.text};
    }
  }
  if (match) {
    match->score = sum;
    match->specific = specific;
  }
  return match;
}

std::vector<std::string> Search::CommonTerms(std::size_t entry, std::string_view line) const {
  std::vector<TermId> common;
  TermReader reader;
  for (const std::string_view text : reader.Read(line)) {
    const TermId* term = index_.Find(text);
    if (term != nullptr && index_.Has(entry, *term) &&
        std::find(common.begin(), common.end(), *term) == common.end()) {
      common.push_back(*term);
    }
  }
  std::stable_sort(common.begin(), common.end(),
                   [&](TermId a, TermId b) { return index_.Weight(a) > index_.Weight(b); });
  std::vector<std::string> texts;
  std::transform(common.begin(), common.end(), std::back_inserter(texts),
                 [&](TermId term) { return index_.Text(term); });
  return texts;
}

bool Search::SaysErrnosAlone(std::string_view line) const {
  TermReader reader;
  const auto& terms = reader.Read(line);
  return std::all_of(terms.begin(), terms.end(), [&](std::string_view text) {
    const TermId* term = index_.Find(text);
    return term != nullptr && index_.SaysErrnoAlone(*term);
  });
}

std::optional<SearchMatch> Search::BestOf(std::size_t entry) const {
  std::optional<SearchMatch> match = BySymptoms(entry);
  const auto take_better = [&](const std::optional<Best>& best) {
    if (best && (!match || best->kind < match->kind)) {
      match = SearchMatch{.entry = entry, .kind = best->kind, .score = best->line.score, .line = best->line};
    }
  };
  take_better(by_entry_[entry]);
  take_better(by_limit_[entry]);
  if (no_memory_) {
    take_better(by_usual_limit_[entry]);
  }
  if (match) {
    match->common = CommonTerms(entry, match->line.text);
    match->errno_alone = match->kind == MatchKind::kErrno && SaysErrnosAlone(match->line.text);
  }
  return match;
}

std::vector<SearchMatch> Search::Matches() const {
  std::vector<SearchMatch> matches;
  for (std::size_t entry = 0; entry < index_.Entries(); ++entry) {
    if (std::optional<SearchMatch> match = BestOf(entry)) {
      matches.push_back(*std::move(match));
    }
  }
  const auto order = [&](const SearchMatch& match) {
    return std::tuple(match.kind, !match.specific, -match.score, index_.ContextOf(match.entry).look_alike);
  };
  std::stable_sort(matches.begin(), matches.end(),
                   [&](const SearchMatch& a, const SearchMatch& b) { return order(a) < order(b); });
  if (!matches.empty()) {
    const MatchKind best = matches.front().kind;
    std::erase_if(matches,
                  [&](const SearchMatch& match) { return IsCandidate(match.kind) && match.kind != best; });
  }
  return matches;
}

}  // namespace brink
