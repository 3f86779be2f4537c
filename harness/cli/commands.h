// SPDX-License-Identifier: MIT
// One function a command: declares its options and, when it is chosen, does the work and sets the exit
// status.
#pragma once

#include <CLI/CLI.hpp>

namespace brink {

enum ExitCode {
  kExitMet = 0,
  kExitUnmet = 1,
  kExitUsage = 2,  // bad usage or bad scenario
  kExitInconclusive = 3,
  kExitOwnFailure = 4,
  kExitInterrupted = 130,
};

void AddRunCommand(CLI::App& app, int& status);
void AddCheckCommand(CLI::App& app, int& status);
void AddListCommand(CLI::App& app, int& status);
void AddSearchCommand(CLI::App& app, int& status);
void AddExplainCommand(CLI::App& app, int& status);
void AddNewCommand(CLI::App& app, int& status);
void AddJudgeCommand(CLI::App& app, int& status);
void AddDoctorCommand(CLI::App& app, int& status);
void AddGuestCommand(CLI::App& app, int& status);
void AddGuestAgentCommand(CLI::App& app, int& status);
void AddImageCommand(CLI::App& app, int& status);
void AddRestoreCommand(CLI::App& app, int& status);

}  // namespace brink
