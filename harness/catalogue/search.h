// SPDX-License-Identifier: MIT
// Which documented incidents a message, a log or a few words may be of, and why. Pure.
//
// The rules, strongest first. A weight is SearchIndex::Weight: rare terms weigh more.
//
// - message: a symptom line of the incident stands in the line, word for word. Score: twice the symptom's
//   weight. When another symptom says that and more ("Memory cgroup out of memory", "Out of memory"), it is
//   only similar.
//
// - similar: the line has at least 70% (by weight) of a symptom's terms, two or more of them, among them its
//   errno and identifiers. Score: the weight of what it has, times the share. A line that is known word for
//   word is not also like others.
//
// - words: of words that the user typed the incident has at least 60% by weight, where words that no incident
//   has count as rare ones. Score: the weight of what it has.
//
// - limit: the line names a limit (max_map_count, RLIMIT_MEMLOCK) that binds in the incident; one of words
//   that healthy programs print, too (overcommit, memlock), only in a log that tells ENOMEM. Score: its
//   weight.
//
// - usual: a line of the incident that other failures print too (its `beside`) stands in the line, word for
//   word; or a symptom does in a log that tells of another cause (its `refuted_by`). Score: as a message's.
//   Beside a message of the same incident such lines add to its score and are no match of their own.
//
// - errno: the line tells an errno that the incident shows, or a kill. That says little, as many do. With
//   another errno than ENOMEM a name of the incident (call, program, package, folder) must stand beside it,
//   unless nothing but errnos was typed. Score: the errno's weight and that of names in the line.
//
// Incidents by their limit, a usual line or an errno are only given when nothing better is found, and then
// those of the first of these three that finds any.
//
// A line with all words of one of an incident's `unlike` is none of its, by whatever rule, and in such a log
// lines that other incidents show as well, and usual ones, are none either. A symptom that is an errno in a
// language's words
// ("OSError: [Errno 12] Cannot allocate memory") counts as that errno does.
//
// To each comes the weight of the incident's other words in the line (context). Several symptoms of one
// incident in a log add up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "catalogue/search_index.h"
#include "catalogue/terms.h"

namespace brink {

enum class MatchKind { kMessage, kSimilar, kWords, kLimit, kUsual, kErrno };
[[nodiscard]] std::string_view Name(MatchKind kind);
/// The line does not tell the incident from others.
[[nodiscard]] constexpr bool IsCandidate(MatchKind kind) { return kind >= MatchKind::kLimit; }

/// The strongest line for something.
struct MatchedLine {
  double score = 0;
  std::uint64_t number = 0;  // from 1; 0: words of the user's own
  std::string text = {};     // its first kLongestShown bytes
  std::uint64_t lines = 0;   // how many lines matched so
};

struct SearchMatch {
  std::size_t entry = 0;  // its place in the catalogue
  MatchKind kind = MatchKind::kErrno;
  double score = 0;
  bool specific = false;  // a message of it that stands in the log is its own, or says more than another's
  MatchedLine line = {};
  std::string symptom = {};              // kMessage, kSimilar and kUsual: the one that fits best
  std::vector<std::string> common = {};  // terms of the line that the incident has, rarest first
  bool errno_alone = false;              // there is nothing else in the line
};

/// Keeps the strongest line per symptom and incident, whatever the length of the log.
class Search {
 public:
  static constexpr std::size_t kLongestRead = 8192;  // bytes of a line; the rest is not looked at
  static constexpr std::size_t kLongestShown = 400;

  /// The index must outlive the search.
  explicit Search(const SearchIndex& index);

  /// The next line of a log, without its line break.
  void AddLine(std::string_view line);
  /// What the user typed: a message, an errno, words. False when no word of it could tell one incident from
  /// another.
  [[nodiscard]] bool AddWords(std::string_view words);

  [[nodiscard]] std::uint64_t Lines() const { return lines_; }
  /// Strongest first: by kind; a message that says more than another's, such as the program's name, first;
  /// score; those that only look like the others last; the catalogue's order.
  [[nodiscard]] std::vector<SearchMatch> Matches() const;

 private:
  struct Best {
    MatchKind kind = MatchKind::kErrno;
    MatchedLine line;
  };

  void ReadTerms(std::string_view line);
  /// Whether the symptom stands in the line; all of its terms do.
  [[nodiscard]] bool StandsIn(std::size_t symptom, std::string_view line);
  /// Adds up shared_, and tells for which symptoms.
  [[nodiscard]] std::vector<std::size_t> ShareTerms();
  void MatchSymptoms(std::string_view line);
  /// `any`: no name of the incident need stand beside the errno.
  void MatchErrnos(std::string_view line, bool any);
  /// All of them stand in the line that is looked at.
  [[nodiscard]] bool InLine(const std::vector<TermId>& terms) const;
  void FindUnlike();
  [[nodiscard]] bool FoundAny() const;
  void MatchWords(std::string_view words);
  void MatchLimits(std::string_view line);
  void Keep(std::optional<Best>& best, MatchKind kind, double score, std::string_view line) const;
  /// The weight of what the line has of these, errnos apart.
  [[nodiscard]] double WeightIn(const std::vector<TermId>& terms) const;
  [[nodiscard]] double ContextScore(std::size_t entry) const;
  [[nodiscard]] std::optional<SearchMatch> BySymptoms(std::size_t entry) const;
  [[nodiscard]] std::optional<SearchMatch> BestOf(std::size_t entry) const;
  [[nodiscard]] bool SaysErrnosAlone(std::string_view line) const;
  [[nodiscard]] std::vector<std::string> CommonTerms(std::size_t entry, std::string_view line) const;

  const SearchIndex& index_;
  TermReader reader_;
  std::uint64_t lines_ = 0;
  std::uint64_t number_ = 0;   // of the line that is looked at
  std::vector<TermId> terms_;  // known ones of that line, each once
  std::size_t unknown_ = 0;    // how many others it has
  bool has_errno_ = false;
  bool no_memory_ = false;  // some line of the log tells ENOMEM
  struct Shared {
    double weight = 0;
    std::size_t terms = 0;
  };
  std::vector<Shared> shared_;                    // of that line and each symptom; nothing between lines
  std::vector<std::optional<Pattern>> patterns_;  // of symptoms, made when first needed: few ever are
  std::vector<std::optional<Best>> by_symptom_;
  std::vector<std::optional<Best>> by_entry_;  // words and errnos
  std::vector<std::optional<Best>> by_limit_;
  std::vector<std::optional<Best>> by_usual_limit_;  // counts where there is no memory
  std::vector<bool> unlike_here_;                    // the line that is looked at is none of the incident's
  std::vector<bool> unlike_;                         // one line of the log was
  std::vector<bool> other_cause_;                    // one line of the log tells of another cause
  std::vector<bool> refuted_;  // the line tells another errno or identifier than a symptom, or is a usual one
};

}  // namespace brink
