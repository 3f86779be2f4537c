// SPDX-License-Identifier: MIT
#include "catalogue/entry.h"

#include <algorithm>
#include <filesystem>

#include "scenario/yaml_tree.h"

namespace brink {
namespace {

void AddOnce(std::vector<std::string>& words, const std::string& word) {
  if (!word.empty() && std::find(words.begin(), words.end(), word) == words.end()) {
    words.push_back(word);
  }
}

/// A scalar, or every item of a list.
void AddTexts(std::vector<std::string>& words, const Node* value) {
  if (value == nullptr) {
    return;
  }
  AddOnce(words, value->scalar);
  for (const Node& item : value->items) {
    AddOnce(words, item.scalar);
  }
}

const Node* FindBelow(const Node& map, std::string_view key, std::string_view below) {
  const Node* value = Find(map, key);
  return value == nullptr ? nullptr : Find(*value, below);
}

std::string FileName(const Node& path) { return std::filesystem::path(path.scalar).filename().string(); }

/// A script beside the file that needs an interpreter and nothing else is a model as well, but where the
/// language itself is the system.
bool IsModelScript(const Node& run, const Node* required, const CatalogueEntry& entry) {
  if (run.items.size() < 2 || !run.items[1].scalar.starts_with("${scenario_dir}/")) {
    return false;
  }
  std::vector<std::string> packages;
  AddTexts(packages, required);
  const std::string interpreter = FileName(run.items.front());
  return packages == std::vector{interpreter} && !interpreter.starts_with(entry.system);
}

void ReadProcess(const Node& process, CatalogueEntry& entry) {
  const Node* required = FindBelow(process, "requires", "debian");
  const Node* run = Find(process, "run");
  const bool script = run != nullptr && IsModelScript(*run, required, entry);
  AddTexts(entry.software, required);
  entry.real =
      entry.real || (required != nullptr && !script && FindBelow(process, "env", "LD_PRELOAD") == nullptr);
  if (run != nullptr && !run->items.empty()) {
    AddOnce(entry.programs, FileName(run->items[script ? 1 : 0]));
  }
}

void ReadExpectation(const Node& expectation, CatalogueEntry& entry) {
  std::vector<std::string> limits;
  AddTexts(limits, Find(expectation, "binding_limit"));
  AddTexts(limits, FindBelow(expectation, "failure", "binding_limit"));
  for (const std::string& limit : limits) {
    if (limit != "none") {
      AddOnce(entry.binding_limits, limit);
    }
  }
  AddTexts(entry.calls, FindBelow(expectation, "failure", "call"));
  AddTexts(entry.errnos, FindBelow(expectation, "failure", "errno"));
  std::vector<std::string> outcomes;
  AddTexts(outcomes, Find(expectation, "outcome"));
  const Node* stalled = Find(expectation, "stalled");
  if ((stalled != nullptr && stalled->scalar == "true") || outcomes == std::vector<std::string>{"stalled"}) {
    AddTexts(entry.stall_limits, Find(expectation, "binding_limit"));
  }
  entry.oom_kill =
      entry.oom_kill || std::find(outcomes.begin(), outcomes.end(), "oom_killed") != outcomes.end();
}

void ReadCase(const Node& tree, CatalogueEntry& entry) {
  AddTexts(entry.beside, FindBelow(tree, "incident", "beside"));
  AddTexts(entry.refuted_by, FindBelow(tree, "incident", "refuted_by"));
  for (const auto& [name, process] : EntriesOf(Find(tree, "processes"))) {
    ReadProcess(process, entry);
  }
  for (const Node& step : ItemsOf(Find(tree, "steps"))) {
    const Node* required = FindBelow(step, "requires", "debian");
    AddTexts(entry.software, required);
    entry.real = entry.real || required != nullptr;
  }
  for (const auto& [name, expectation] : EntriesOf(Find(tree, "expect"))) {
    ReadExpectation(expectation, entry);
  }
}

}  // namespace

CatalogueEntry EntryOf(const Scenario& scenario) {
  CatalogueEntry entry{.name = scenario.name,
                       .title = scenario.title,
                       .file = scenario.file,
                       .system = std::filesystem::path(scenario.directory).filename().string(),
                       .incident = scenario.incident,
                       .references = scenario.references,
                       .tags = scenario.tags};
  for (const ScenarioCase& one : scenario.cases) {
    entry.cases.push_back(one.name);
    ReadCase(one.tree, entry);
  }
  return entry;
}

}  // namespace brink
