// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "kernel/machine_guard.h"

namespace brink {

void AddRestoreCommand(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "restore", "Put back what a killed brink left: machine-wide values, groups, processes");
  command->callback([&status] {
    const auto done = RestoreLeftovers(Roots{});
    if (!done) {
      PrintError(done.error());
      status = kExitOwnFailure;
      return;
    }
    for (const std::string& sentence : *done) {
      fmt::print("{}\n", sentence);
    }
    if (done->empty()) {
      fmt::print("nothing to restore\n");
    }
  });
}

}  // namespace brink
