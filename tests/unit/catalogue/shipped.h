// SPDX-License-Identifier: MIT
// The catalogue that comes with brink, and the README that shows it.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "catalogue/entry.h"
#include "catalogue/list_forms.h"
#include "scenario/load.h"

namespace brink::testing {

/// Of the source tree at `root`, with paths from there.
inline Result<std::vector<CatalogueEntry>> ShippedCatalogue(const std::string& root) {
  const auto files = FindScenarioFiles(root + "/scenarios");
  if (!files) {
    return tl::unexpected(files.error());
  }
  std::vector<CatalogueEntry> entries;
  for (const std::string& file : *files) {
    LoadResult loaded = SkimScenario(file);
    if (!loaded.complaints.empty()) {
      return Fail(FormatComplaint(loaded.complaints.front()));
    }
    CatalogueEntry entry = EntryOf(loaded.scenario);
    entry.file = std::filesystem::path(file).lexically_relative(root).string();
    entries.push_back(std::move(entry));
  }
  return entries;
}

/// Of the tests' own source tree.
inline const std::vector<CatalogueEntry>& Catalogue() {
  static const std::vector<CatalogueEntry> kEntries = ShippedCatalogue(BRINK_SOURCE_DIR).value();
  return kEntries;
}

inline std::string ReadmeText(const std::string& root) {
  std::ifstream file(root + "/README.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The README as it should be.
inline Result<std::string> ReadmeWithCatalogue(const std::string& root) {
  const auto entries = ShippedCatalogue(root);
  if (!entries) {
    return tl::unexpected(entries.error());
  }
  return WithCatalogue(ReadmeText(root), FormatListMarkdown(*entries, ListBy::kSystem));
}

}  // namespace brink::testing
