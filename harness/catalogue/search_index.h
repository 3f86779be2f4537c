// SPDX-License-Identifier: MIT
// What `brink search` knows of the catalogue: the terms of each incident and how rare each is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "catalogue/entry.h"

namespace brink {

using TermId = std::uint32_t;

/// One symptom line of one incident.
struct Symptom {
  std::size_t entry = 0;
  std::string text;           // as in the file
  std::vector<TermId> terms;  // sorted, each once
  double weight = 0;          // of all of them
  /// Errnos, the signal of a kill, system calls and identifiers (timeoutType, max_map_count): a line that has
  /// most of the others and not these is about something else.
  std::vector<TermId> needed = {};
  bool specific = false;  // says what another symptom says and more, such as the program's name
  bool shared = false;    // another incident shows the very same
  bool beside = false;    // other failures print it too: it is no more than support
};

/// Has all terms of the other and more.
[[nodiscard]] bool SaysMore(const Symptom& symptom, const Symptom& other);

/// What else a line may share with an incident: words that alone do not make a match.
struct Context {
  std::vector<TermId> terms;   // sorted: names, and words of its title, tags, systems and binding limits
  std::vector<TermId> names;   // sorted: calls, programs, packages and the folder
  std::vector<TermId> errnos;  // sorted: expected ones and those of the symptoms; a kill is one, too
  std::vector<TermId> limits;  // sorted: words for its binding limits
  std::vector<TermId> usual_limits;             // sorted: those that healthy programs print, too
  std::vector<std::vector<TermId>> unlike;      // of each: a line with all of them is of something else
  std::vector<std::vector<TermId>> refuted_by;  // of each: such a line tells of another cause
  bool look_alike = false;                      // only looks like the others
};

/// Built once, read only afterwards.
class SearchIndex {
 public:
  /// Entries without an incident have no symptoms and are found by words alone.
  explicit SearchIndex(std::span<const CatalogueEntry> entries);

  [[nodiscard]] const std::vector<Symptom>& Symptoms() const { return symptoms_; }
  [[nodiscard]] const Context& ContextOf(std::size_t entry) const { return contexts_[entry]; }
  [[nodiscard]] std::size_t Entries() const { return contexts_.size(); }

  /// Nothing when no incident has the term.
  [[nodiscard]] const TermId* Find(std::string_view term) const;
  [[nodiscard]] const std::string& Text(TermId term) const { return texts_[term]; }
  /// ln(1 + incidents / those that have it): of 60 incidents, 4.1 for a term of one alone, 0.7 for one of
  /// all.
  [[nodiscard]] double Weight(TermId term) const { return weights_[term]; }
  /// Of a term that no incident has: as much as one that half an incident had.
  [[nodiscard]] double UnknownWeight() const;
  [[nodiscard]] const std::vector<std::size_t>& SymptomsWith(TermId term) const {
    return symptoms_with_[term];
  }
  /// Or the term of a kill, which says as little.
  [[nodiscard]] bool IsErrno(TermId term) const { return is_errno_[term]; }
  /// An errno, or a language's name for any of them (OSError, IOException).
  [[nodiscard]] bool SaysErrnoAlone(TermId term) const;
  /// Any term of the incident, of its symptoms or its context.
  [[nodiscard]] bool Has(std::size_t entry, TermId term) const;

 private:
  TermId Intern(std::string_view term);
  std::vector<TermId> TermsOf(const std::string& text);
  std::vector<std::vector<TermId>> TermsOfEach(const std::vector<std::string>& texts);
  void AddSymptoms(std::size_t entry, const std::vector<std::string>& texts, bool beside);
  void AddLimits(const CatalogueEntry& of, Context& context);
  /// All but its weight, which takes all incidents.
  void Describe(Symptom& symptom);
  void AddContext(const CatalogueEntry& of);
  void Weigh();

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, TermId, Hash, std::equal_to<>> ids_;
  std::vector<std::string> texts_;
  std::vector<double> weights_;
  std::vector<bool> is_errno_;
  std::vector<std::vector<std::size_t>> symptoms_with_;
  std::vector<Symptom> symptoms_;
  std::vector<Context> contexts_;
};

/// Of a line of the catalogue the pattern that finds it in a log: <...> stands for anything. A line of fewer
/// than two terms ("Killed") must be the whole of the log's line but for what is no letter.
[[nodiscard]] std::string PatternOfSymptom(std::string_view symptom, bool whole_line);

}  // namespace brink
