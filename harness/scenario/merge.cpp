// SPDX-License-Identifier: MIT
#include "scenario/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "scenario/schema.h"
#include "scenario/values.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

/// The same values whatever the order of keys and wherever they were written.
bool SameTree(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.scalar != b.scalar || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    const auto& [key, value] = a.entries[i];
    const bool same_place = b.entries[i].first.scalar == key.scalar;  // the usual case, and the fast one
    const Node* other = same_place ? &b.entries[i].second : Find(b, key.scalar);
    if (other == nullptr || !SameTree(value, *other)) {
      return false;
    }
  }
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), SameTree);
}

/// Two cases do the same, whatever they are called and whatever is expected of them.
bool SameDeeds(const Node& a, const Node& b) {
  const auto deed = [](const NodeEntry& entry) {
    return entry.first.scalar != "expect" && entry.first.scalar != "title";
  };
  return std::count_if(a.entries.begin(), a.entries.end(), deed) ==
             std::count_if(b.entries.begin(), b.entries.end(), deed) &&
         std::all_of(a.entries.begin(), a.entries.end(), [&](const NodeEntry& entry) {
           const Node* other = deed(entry) ? Find(b, entry.first.scalar) : nullptr;
           return !deed(entry) || (other != nullptr && SameTree(entry.second, *other));
         });
}

void ComplainOfTwins(const std::vector<ScenarioCase>& cases, const std::vector<SourceMark>& marks,
                     std::vector<Complaint>& complaints) {
  for (auto one = cases.begin(); one != cases.end(); ++one) {
    const auto twin = std::find_if(
        cases.begin(), one, [&](const ScenarioCase& other) { return SameDeeds(other.tree, one->tree); });
    if (twin != one) {
      complaints.push_back({marks[static_cast<std::size_t>(one - cases.begin())],
                            fmt::format("case '{}' does the same as case '{}': they can't be told apart",
                                        one->name, twin->name),
                            "change a limit, a parameter or a step, or remove one of them"});
    }
  }
}

/// The case's own keys; complains of those that only the file may have.
Node OwnKeys(const Node& name, const Node& value, std::vector<Complaint>& complaints) {
  Node own = value;
  if (own.kind == Node::Kind::kNull) {
    own.kind = Node::Kind::kMap;  // nothing is overridden
  }
  if (own.kind != Node::Kind::kMap) {
    complaints.push_back({own.mark, fmt::format("case '{}' is not a map", name.scalar),
                          "write the keys it overrides below it"});
    return MakeMap(own.mark);
  }
  std::erase_if(own.entries, [&](const auto& entry) {
    if (!IsOnlyOfScenario(entry.first.scalar)) {
      return false;
    }
    complaints.push_back(
        {entry.first.mark, fmt::format("a case can't have '{}'", entry.first.scalar), "remove it"});
    return true;
  });
  return own;
}

}  // namespace

Node MergeNodes(Node base, const Node& over) {
  if (base.kind != Node::Kind::kMap || over.kind != Node::Kind::kMap) {
    return over;
  }
  for (const auto& [key, value] : over.entries) {
    const std::string& name = key.scalar;
    const auto found = std::find_if(base.entries.begin(), base.entries.end(),
                                    [&](const auto& entry) { return entry.first.scalar == name; });
    if (found == base.entries.end()) {
      base.entries.push_back({key, value});
    } else if (value.kind == Node::Kind::kNull) {
      base.entries.erase(found);
    } else {
      Node both = MergeNodes(std::move(found->second), value);
      *found = {key, std::move(both)};
    }
  }
  return base;
}

std::vector<ScenarioCase> MakeCases(const Node& root, std::vector<Complaint>& complaints) {
  const Node base = WithoutCases(root);
  const Node* cases = Find(root, "cases");
  if (cases == nullptr) {
    return {{.name = "default", .tree = base}};
  }
  std::vector<ScenarioCase> made;
  std::vector<SourceMark> marks;
  if (cases->kind != Node::Kind::kMap || cases->entries.empty()) {
    complaints.push_back({cases->mark, "'cases' has no case", "write NAME: {...} below it, or remove it"});
  }
  for (const auto& [name, value] : cases->entries) {
    if (!IsName(name.scalar)) {
      complaints.push_back(
          {name.mark, fmt::format("'{}' can't be a name", name.scalar), std::string(kNameRemedy)});
    }
    ScenarioCase one{.name = name.scalar, .tree = MergeNodes(base, OwnKeys(name, value, complaints))};
    one.tree.mark = name.mark;
    made.push_back(std::move(one));
    marks.push_back(name.mark);
  }
  ComplainOfTwins(made, marks, complaints);
  return made;
}

Node WithoutCases(const Node& root) {
  Node base;
  base.kind = root.kind;
  base.mark = root.mark;
  std::copy_if(root.entries.begin(), root.entries.end(), std::back_inserter(base.entries),
               [](const NodeEntry& entry) { return entry.first.scalar != "cases"; });
  return base;
}

}  // namespace brink
