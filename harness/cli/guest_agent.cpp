// SPDX-License-Identifier: MIT
#include "run/guest_agent.h"

#include "cli/commands.h"

namespace brink {

void AddGuestAgentCommand(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand("guest-agent", "Inside a guest: run what the brink outside sends");
  command->group("");  // not a user's command: in no help
  command->callback([&status] { status = RunGuestAgent(); });
}

}  // namespace brink
