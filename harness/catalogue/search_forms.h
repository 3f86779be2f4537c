// SPDX-License-Identifier: MIT
// What `brink search` prints.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "catalogue/entry.h"
#include "catalogue/search.h"
#include "report/report.h"

namespace brink {

struct SearchReport {
  std::span<const CatalogueEntry> catalogue;
  std::vector<SearchMatch> matches;
  std::uint64_t lines = 0;  // of the logs; 0: words were searched for
  bool all = false;         // tell of each in full
};

/// Incidents that the same line speaks for stand together, with what tells them apart. Of many, the first few
/// are told in full and the others in a line each; of many candidates all in a line each.
[[nodiscard]] std::string FormatSearchText(const SearchReport& report, const TextStyle& style);
/// One document: {"searched", "lines", "matches": [{"name", "title", "file", "class", "kind", "score",
/// "line", "line_number", "matching_lines", "symptom", "common", "cause", "cure", "confirm", "exclude",
/// "command"}]}. `symptom`, `line_number` and what the catalogue does not know are null.
[[nodiscard]] std::string FormatSearchJson(const SearchReport& report);

/// The command line that reproduces an incident; a path that a shell would split is quoted.
[[nodiscard]] std::string CommandOf(const CatalogueEntry& entry);

}  // namespace brink
