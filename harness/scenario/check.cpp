// SPDX-License-Identifier: MIT
#include "scenario/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "scenario/values.h"
#include "scenario/vocabulary.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

std::string_view KindName(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a single value";
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "?";
}

bool IsVariableName(std::string_view text) {
  return !text.empty() && text.find('=') == std::string_view::npos;
}

/// What cgroup v1, systemd and containers call a limit that has another name here.
const std::map<std::string, std::string_view> kElsewhere{
    {"memory.limit", "memory.max"}, {"memory.limit_in_bytes", "memory.max"},
    {"MemoryMax", "memory.max"},    {"MemoryHigh", "memory.high"},
    {"pids.limit", "pids.max"},     {"TasksMax", "pids.max"}};

class Checker {
 public:
  Checker(const CheckOptions& options, std::vector<Complaint>& complaints)
      : options_(options), complaints_(complaints) {}

  /// `what` names the map in complaints: "process 'server'".
  void CheckSection(Node& map, const Section& section, const std::string& what, const SourceMark& mark) {
    if (map.kind != Node::Kind::kMap) {
      Complain(mark, fmt::format("{} is {}, not a map", what, KindName(map.kind)),
               "write keys and values below it: " + JoinWords(KeyNames(section)));
      map = MakeMap(map.mark);
      return;
    }
    CheckPresence(map, section, what, mark);
    std::erase_if(map.entries, [&](auto& entry) {
      const Key* key = FindKey(section, entry.first.scalar);
      if (key == nullptr) {
        ComplainOfKey(entry.first, section);
        return true;
      }
      return !CheckValue(entry.second, *key, entry.first);
    });
  }

 private:
  void Complain(const SourceMark& mark, std::string problem, std::string remedy) {
    complaints_.push_back({mark, std::move(problem), std::move(remedy)});
  }

  void ComplainOfKey(const Node& name, const Section& section) {
    if (!section.fixed_in.empty() && FindKey(SectionNamed(section.fixed_in), name.scalar) != nullptr) {
      Complain(name.mark, fmt::format("'{}' cannot change while the case runs", name.scalar),
               fmt::format("write it under the scenario's or the case's own {}", section.fixed_in));
      return;
    }
    Complain(name.mark, fmt::format("unknown key '{}'", name.scalar), Advise(name.scalar, section));
  }

  /// A key that is right but in the wrong place is sent there; a misspelt one gets the nearest.
  static std::string Advise(const std::string& name, const Section& section) {
    const auto elsewhere = kElsewhere.find(name);
    if (elsewhere != kElsewhere.end() && FindKey(section, elsewhere->second) != nullptr) {
      return fmt::format("here it is called '{}'", elsewhere->second);
    }
    if (Nearest(name, KeyNames(section)).empty()) {
      for (const Key& key : section.keys) {
        if (!key.section.empty() && key.shape == Shape::kOne &&
            FindKey(SectionNamed(key.section), name) != nullptr) {
          return fmt::format("it belongs below '{}'", key.name);
        }
      }
    }
    return SuggestFrom(name, KeyNames(section));
  }

  void CheckPresence(const Node& map, const Section& section, const std::string& what,
                     const SourceMark& mark) {
    for (const Key& key : section.keys) {
      const bool present = Find(map, key.name) != nullptr;
      if (key.needed && !present && options_.whole) {
        Complain(mark, fmt::format("{} lacks '{}'", what, key.name), "add it: " + key.doc);
      }
      if (present && !key.only_with.empty() && Find(map, key.only_with) == nullptr) {
        Complain(mark, fmt::format("{} has '{}' without '{}'", what, key.name, key.only_with), "remove it");
      }
    }
    CheckChoice(map, section, what, mark);
  }

  void CheckChoice(const Node& map, const Section& section, const std::string& what, const SourceMark& mark) {
    std::vector<std::string> found;
    std::copy_if(section.choose.begin(), section.choose.end(), std::back_inserter(found),
                 [&](const std::string& name) { return Find(map, name) != nullptr; });
    if (found.size() < section.choose_min && options_.whole) {
      Complain(mark, fmt::format("{} has none of {}", what, JoinWords(section.choose, "and")), "add one");
    }
    if (found.size() > section.choose_max) {
      Complain(mark, fmt::format("{} has {} together", what, JoinWords(found, "and")),
               "keep one of them (in a case, null removes what stands above)");
    }
  }

  /// False when the value cannot stay.
  bool CheckValue(Node& value, const Key& key, const Node& name) {
    const std::string what = fmt::format("'{}'", name.scalar);
    if (value.kind == Node::Kind::kNull) {
      Complain(name.mark, what + " has no value",
               "give it one or remove the key (in a case, null removes what stands above)");
      return false;
    }
    switch (key.shape) {
      case Shape::kOne:
        return CheckOne(value, key, what, name.mark);
      case Shape::kNamed:
        return CheckNamed(value, key, what);
      case Shape::kOneOrList:
        return value.kind == Node::Kind::kList ? CheckList(value, key, what)
                                               : CheckOne(value, key, what, name.mark);
      case Shape::kList:
        return CheckList(value, key, what);
    }
    return false;
  }

  bool CheckList(Node& list, const Key& key, const std::string& what) {
    if (list.kind != Node::Kind::kList) {
      Complain(list.mark, fmt::format("{} is {}, not a list", what, KindName(list.kind)),
               "write it as [A, B, ...]");
      return false;
    }
    if (list.items.empty() && key.not_empty) {
      Complain(list.mark, what + " is empty", key.doc);
      return false;
    }
    const std::string entry = key.type == ValueType::kSection ? "a " + key.section : "an entry of " + what;
    std::erase_if(list.items, [&](Node& item) { return !CheckOne(item, key, entry, item.mark); });
    return true;
  }

  bool CheckNamed(Node& map, const Key& key, const std::string& what) {
    if (map.kind != Node::Kind::kMap) {
      Complain(map.mark, fmt::format("{} is {}, not a map", what, KindName(map.kind)),
               "write NAME: VALUE below it");
      return false;
    }
    if (map.entries.empty() && key.not_empty && options_.whole) {
      Complain(map.mark, what + " is empty", key.doc);
    }
    std::erase_if(map.entries, [&](auto& entry) { return !CheckEntry(entry.first, entry.second, key); });
    return true;
  }

  bool CheckEntry(const Node& name, Node& value, const Key& key) {
    if (!(key.variables ? IsVariableName(name.scalar) : IsName(name.scalar))) {
      Complain(name.mark, fmt::format("'{}' can't be a name", name.scalar),
               key.variables ? "an environment variable has a name without '='" : std::string(kNameRemedy));
      return false;
    }
    const std::string what = fmt::format("'{}'", name.scalar);
    if (name.scalar == "machine" && !key.machine.empty()) {
      CheckSection(value, SectionNamed(key.machine), what, name.mark);
      return true;
    }
    if (value.kind == Node::Kind::kNull) {
      Complain(name.mark, what + " has no value", "give it one or remove the key ({} is an empty map)");
      return false;
    }
    return CheckOne(value, key, what, name.mark);
  }

  bool CheckOne(Node& value, const Key& key, const std::string& what, const SourceMark& mark) {
    if (key.type == ValueType::kSection) {
      CheckSection(value, SectionNamed(key.section), what, mark);
      return true;
    }
    if (value.kind == Node::Kind::kMap && !key.section.empty()) {
      CheckSection(value, SectionNamed(key.section), what, mark);
      return true;
    }
    if (value.kind != Node::Kind::kScalar) {
      Complain(
          value.mark, fmt::format("{} is {}, not a single value", what, KindName(value.kind)),
          value.kind == Node::Kind::kNull ? "quote it (\"\") when empty text is meant" : "write one value");
      return false;
    }
    if (options_.known_bad != nullptr && options_.known_bad->contains({value.mark.line, value.mark.column})) {
      return false;
    }
    auto normal = NormaliseValue(key, value, options_.size);
    if (!normal) {
      Complain(value.mark, normal.error().message, normal.error().remedy);
      return false;
    }
    value.scalar = *std::move(normal);
    const auto named = LookUp(value.scalar, key.names);
    if (!named) {
      Complain(value.mark, named.error().message, named.error().remedy);
    }
    return named.has_value();
  }

  /// A path need not be there where the file is written; a name is the same everywhere.
  [[nodiscard]] Status LookUp(const std::string& name, Named what) const {
    const bool stands_for_itself =
        what == Named::kKernel ? name.find('/') != std::string::npos : name == kNoImage;
    if (options_.names == nullptr || what == Named::kNothing || stands_for_itself) {
      return {};
    }
    const auto& check = what == Named::kKernel ? options_.names->kernel : options_.names->image;
    return check ? check(name) : Status{};
  }

  const CheckOptions& options_;
  std::vector<Complaint>& complaints_;
};

}  // namespace

void CheckTree(Node& tree, const Section& section, const CheckOptions& options,
               std::vector<Complaint>& complaints) {
  Checker(options, complaints).CheckSection(tree, section, fmt::format("the {}", section.name), tree.mark);
}

}  // namespace brink
