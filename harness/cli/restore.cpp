// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

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
      Error error = done.error();
      if (::geteuid() != 0) {
        error.remedy =
            "only root can put back values of the whole machine and remove groups: sudo brink restore";
      }
      PrintError(error);
      status = kExitOwnFailure;
      return;
    }
    std::vector<std::string> lines = done->notes;
    if (!done->in_use.empty()) {
      lines.push_back(done->in_use);
    }
    status = PrintResults(
        lines.empty() ? "nothing to restore\n" : fmt::format("{}\n", fmt::join(lines, "\n")), kExitMet);
  });
}

}  // namespace brink
