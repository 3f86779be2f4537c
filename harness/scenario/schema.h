// SPDX-License-Identifier: MIT
// The one table of the scenario format. The checker, the complaint about an unknown key, the reference and
// the JSON Schema all read it; a key is added here and in the decoder, nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brink {

/// What a scalar means, and what the checker turns it into for the decoder.
enum class ValueType {
  kText,       // as it is
  kName,       // letters, digits, '.', '_', '-'; begins with a letter or digit
  kPattern,    // a regular expression (RE2)
  kInteger,    // decimal, within min and max
  kBoolean,    // true or false -> "1" or "0"
  kFlag,       // 0 or 1 (true and false too) -> "1" or "0"
  kSize,       // "300MiB" -> bytes
  kKibibytes,  // "300MiB" -> KiB; a unit is demanded
  kPercent,    // "50" or "50%" -> "50"
  kShare,      // "80%" stays; a size -> bytes
  kDuration,   // "250ms" -> milliseconds
  kSignal,     // "SIGTERM" or 15 -> number
  kErrno,      // "ENOMEM"
  kChoice,     // one of `choices`
  kSection,    // no scalar: a map, see `section`
};

enum class Shape {
  kOne,
  kList,
  kOneOrList,
  kNamed,  // a map whose keys the writer chooses
};

/// What a text names, where that is something outside the file.
enum class Named { kNothing, kKernel, kImage };
/// The image of who shall have none.
inline constexpr std::string_view kNoImage = "host";

struct Key {
  std::string name;
  ValueType type = ValueType::kText;
  Shape shape = Shape::kOne;
  /// kSection: the section of its keys. With another type: a map of that section may stand in place of the
  /// scalar.
  std::string section = {};
  std::vector<std::string> choices = {};
  std::optional<double> min = {};
  std::optional<double> max = {};
  std::string pattern = {};        // kText: the whole text must match it
  std::string pattern_words = {};  // what that is, after "write ..."; every pattern has them
  Named names = Named::kNothing;
  std::string no_limit =
      {};  // "max" or "unlimited" where the kernel knows that: the checker turns either into this one
  bool plus = false;           // kKibibytes: "+SIZE" is allowed
  bool needed = false;         // must be there once the case is laid over the scenario
  bool not_empty = false;      // a list or map must have an entry
  bool variables = false;      // kNamed: the names are of environment variables
  std::string machine = {};    // kNamed: the section of the name `machine`, which nothing else may have
  std::string only_with = {};  // another key of the section that must be there too
  std::string subject =
      {};  // in `expectation`: "process", "step", "command" (a run step); empty: a process or a command
  std::string fallback = {};  // what holds when the key is absent, for the reference
  std::string doc;            // one sentence
};

struct Section {
  std::string name;  // unique
  std::string doc;   // one sentence or two
  std::vector<Key> keys;
  /// At least `choose_min` and at most `choose_max` of these keys must be there.
  std::vector<std::string> choose = {};
  std::size_t choose_min = 0;
  std::size_t choose_max = SIZE_MAX;
  /// Any other name that matches this (the whole of it) may be a key too, unless it looks like a slip for one
  /// of `keys`; its value is text. Empty: none may.
  std::string more_names = {};
  std::string more_doc = {};
  /// The section whose further keys cannot be here: the complaint sends them there.
  std::string fixed_in = {};
};

/// Every section, in the order of the reference; the first is the file itself ("scenario").
[[nodiscard]] const std::vector<Section>& FormatSections();
/// By name, which must be one of the table's.
[[nodiscard]] const Section& SectionNamed(std::string_view name);
/// Nothing when the section has no such key. One for all of `more_names`, which has no name.
[[nodiscard]] const Key* FindKey(const Section& section, std::string_view name);
[[nodiscard]] std::vector<std::string> KeyNames(const Section& section);

/// Keys of the file that a case cannot have.
[[nodiscard]] bool IsOnlyOfScenario(std::string_view key);

}  // namespace brink
