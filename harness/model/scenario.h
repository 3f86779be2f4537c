// SPDX-License-Identifier: MIT
// One incident as its file tells it: what is wanted, before anything is known of the host. Plain data.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace brink {

/// A place in a scenario file. Lines and columns count from 1; 0 means unknown (for example a value of
/// --set).
struct SourceMark {
  std::string file;
  int line = 0;
  int column = 0;
};

struct NodeEntry;

/// A YAML value with its place. Keys of a map keep the file's order.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string scalar;
  /// A quoted scalar is text whatever it looks like ("1" is not the number 1).
  bool quoted = false;
  std::vector<Node> items;
  /// A map's entries: the key (always a scalar, with its own mark) and the value.
  std::vector<NodeEntry> entries;
  SourceMark mark;
};

/// A type of its own, as std::pair cannot be formed of a type that is not yet complete.
struct NodeEntry {
  Node first;
  Node second;
};

/// One setting of an incident's limits. `tree` is the whole scenario with the case's own keys laid over it,
/// so it reads like a scenario without cases; every node keeps the mark of the place it was written.
struct ScenarioCase {
  std::string name;
  Node tree;
};

struct Scenario {
  std::string file;       // path as the user gave it
  std::string directory;  // absolute path of the folder that holds the file: ${scenario_dir}
  std::string name;
  std::string title;
  std::string reference;
  std::vector<std::string> tags;
  /// Declared parameters with their defaults, in text form; --set replaces them.
  std::map<std::string, std::string> parameters;
  std::vector<ScenarioCase> cases;
};

}  // namespace brink
