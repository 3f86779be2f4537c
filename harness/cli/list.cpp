// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "cli/commands.h"
#include "cli/common.h"

namespace brink {

void AddListCommand(CLI::App& app, int& status) {
  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("list", "List scenarios with their cases and tags");
  command
      ->add_option("PATH", *paths, "Scenario files, or folders of them (default: those that come with brink)")
      ->type_name("");
  command->callback([paths, &status] {
    if (paths->empty()) {
      paths->push_back(ShippedScenarios());
    }
    const auto scenarios = LoadScenarios(*paths);
    if (!scenarios) {
      status = kExitUsage;
      return;
    }
    std::string text;
    for (const Scenario& scenario : *scenarios) {
      std::vector<std::string> cases;
      for (const ScenarioCase& scenario_case : scenario.cases) {
        cases.push_back(scenario_case.name);
      }
      text +=
          fmt::format("{}\n{}  cases: {}{}\n  {}\n", scenario.name,
                      scenario.title.empty() ? "" : "  " + scenario.title + "\n", fmt::join(cases, ", "),
                      scenario.tags.empty() ? "" : fmt::format("   tags: {}", fmt::join(scenario.tags, ", ")),
                      scenario.file);
    }
    status = PrintResults(text, kExitMet);
  });
}

}  // namespace brink
