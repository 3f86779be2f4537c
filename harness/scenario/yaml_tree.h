// SPDX-License-Identifier: MIT
// YAML text to a tree of nodes with places, stricter than YAML: what a reader could misunderstand is refused.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/scenario.h"
#include "scenario/load.h"

namespace brink {

struct YamlTree {
  Node root;  // kNull when the text could not be read at all
  std::vector<Complaint> complaints;
};

/// Reads one document. Refused, each with its place: syntax errors, duplicate keys, keys that are not
/// scalars, anchors, aliases and tags, numbers with a leading zero (YAML 1.1 reads 010 as 8), NUL characters,
/// a second document, an empty file, nesting deeper than 32. After any of these but a syntax error reading
/// goes on, so that all of them are found. `file` is only used in marks. Columns count bytes, from 1.
[[nodiscard]] YamlTree ParseYamlTree(const std::string& text, const std::string& file);

[[nodiscard]] Node MakeMap(SourceMark mark);
[[nodiscard]] Node MakeScalar(std::string text, SourceMark mark, bool quoted = false);

/// The value of a key; nothing when `map` is no map or does not have it.
[[nodiscard]] const Node* Find(const Node& map, std::string_view key);
[[nodiscard]] Node* Find(Node& map, std::string_view key);

/// The entries of a map, the items of a list; none when `node` is null or of another kind.
[[nodiscard]] const std::vector<NodeEntry>& EntriesOf(const Node* node);
[[nodiscard]] const std::vector<Node>& ItemsOf(const Node* node);

}  // namespace brink
