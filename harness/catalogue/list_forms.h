// SPDX-License-Identifier: MIT
// What `brink list` prints, and the table of the README.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "catalogue/entry.h"

namespace brink {

enum class ListBy { kSystem, kLimit, kClass };

/// A heading for each system (folder), binding limit or class, and below it its incidents. One with several
/// binding limits stands below each of them.
[[nodiscard]] std::string FormatListText(std::span<const CatalogueEntry> entries, ListBy by);
/// The same as tables of Markdown, with the files as links. By system it is one table.
[[nodiscard]] std::string FormatListMarkdown(std::span<const CatalogueEntry> entries, ListBy by);
/// One document: {"incidents": [{"name", "title", "file", "system", "class", "systems", "symptom", "cause",
/// "cure", "cost", "confirm", "exclude", "references", "tags", "cases", "software", "programs",
/// "binding_limits"}]}, in the order of `entries`; texts that are not told are null.
[[nodiscard]] std::string FormatListJson(std::span<const CatalogueEntry> entries);

/// "14 incidents, 3 of them on real software".
[[nodiscard]] std::string CountsOf(std::span<const CatalogueEntry> entries);

/// The document with `table` between its two markers, `<!-- catalogue: ... -->` and `<!-- end of catalogue
/// -->`. An error when it does not have both.
[[nodiscard]] Result<std::string> WithCatalogue(std::string_view document, std::string_view table);

}  // namespace brink
