// SPDX-License-Identifier: MIT
// One incident as its file tells it: what is wanted, before anything is known of the host. Plain data.
#pragma once

#include <map>
#include <optional>
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

/// What is known of a documented incident, in words: for who meets its symptom and for the catalogue. What
/// the rest of the file tells (the software, the binding limits) is not said again here.
struct Incident {
  std::string kind;  // the file's `class`: one of IncidentClassNames
  std::vector<std::string> systems;
  std::string versions = {};
  std::vector<std::string> symptoms;     // log lines as a user sees them; <...> stands for what varies
  std::vector<std::string> unlike = {};  // parts of lines that look alike and are another matter
  std::string cause;
  std::string cure;
  std::string cost;
  std::string confirm;
  std::string exclude;    // may be empty
  double takes_s = 0;     // all its cases, one after another
  std::string rate = {};  // of cases that do not always go the same way; may be empty
};

struct Scenario {
  std::string file;       // path as the user gave it
  std::string directory;  // absolute path of the folder that holds the file: ${scenario_dir}
  std::string name;
  std::string title;
  std::vector<std::string> references;
  std::vector<std::string> tags;
  /// Declared parameters with their defaults, in text form; --set replaces them.
  std::map<std::string, std::string> parameters;
  std::optional<Incident> incident;
  std::vector<ScenarioCase> cases;
};

}  // namespace brink
