// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/common.h"

namespace brink {

void AddCheckCommand(CLI::App& app, int& status) {
  auto paths = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("check", "Validate scenario files; nothing is run");
  command->add_option("PATH", *paths, "Scenario files, or folders of them")->type_name("")->required();
  command->callback([paths, &status] {
    const auto scenarios = LoadScenarios(*paths);
    if (!scenarios) {
      status = kExitUsage;
      return;
    }
    std::size_t cases = 0;
    for (const Scenario& scenario : *scenarios) {
      cases += scenario.cases.size();
    }
    status = PrintResults(fmt::format("{} scenario{}, {} case{}: no mistakes found\n", scenarios->size(),
                                      scenarios->size() == 1 ? "" : "s", cases, cases == 1 ? "" : "s"),
                          kExitMet);
  });
}

}  // namespace brink
