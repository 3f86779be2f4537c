// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "cli/common.h"
#include "scenario/load.h"

namespace brink {
namespace {

/// Every processor takes the next file: reading YAML is what this command spends its time with.
std::vector<LoadResult> SkimAll(const std::vector<std::string>& files) {
  std::vector<LoadResult> loaded(files.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t at = next++; at < files.size(); at = next++) {
      loaded[at] = SkimScenario(files[at]);
    }
  };
  constexpr unsigned kMostThreads = 4;  // more take longer to start than they save
  std::vector<std::jthread> helpers;
  try {
    for (unsigned i = 1; i < std::min(std::thread::hardware_concurrency(), kMostThreads); ++i) {
      helpers.emplace_back(work);
    }
  } catch (const std::system_error&) {
    // A limit of tasks binds here: then this thread does it alone.
  }
  work();
  helpers.clear();  // joins them
  return loaded;
}

}  // namespace

std::optional<std::vector<Scenario>> SkimShipped() {
  const auto files = FindScenarioFiles(ShippedScenarios());
  if (!files) {
    PrintError(files.error());
    return std::nullopt;
  }
  std::vector<Scenario> scenarios;
  for (LoadResult& loaded : SkimAll(*files)) {
    if (!loaded.complaints.empty()) {
      return LoadScenarios({ShippedScenarios()});  // somebody edits them: tells every mistake
    }
    scenarios.push_back(std::move(loaded.scenario));
  }
  return scenarios;
}

std::vector<CatalogueEntry> ShortEntriesOf(const std::vector<Scenario>& scenarios) {
  std::vector<CatalogueEntry> catalogue;
  std::transform(scenarios.begin(), scenarios.end(), std::back_inserter(catalogue), EntryOf);
  for (CatalogueEntry& entry : catalogue) {
    entry.file = ShortPath(entry.file);
  }
  return catalogue;
}

}  // namespace brink
