// SPDX-License-Identifier: MIT
#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <exception>

#include "base/version.h"
#include "cli/commands.h"

int main(int argc, char** argv) {
  // Standard output belongs to results; SPDLOG_LEVEL=debug shows more on standard error.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("brink"));
  spdlog::set_pattern("brink: %l: %v");
  spdlog::set_level(spdlog::level::warn);
  spdlog::cfg::load_env_levels();
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App app{
      "brink reproduces, under imposed limits, how programs meet Linux's memory limits, and names the limit "
      "that bound.",
      "brink"};
  app.set_version_flag("--version", std::string("brink ") + brink::kVersion);
  app.require_subcommand(1);
  app.footer(
      "In a checkout, ./brink demo runs the shipped incidents and ./brink selftest the test suite.\n"
      "Exit status of run: 0 expectations met, 1 one unmet, 2 bad usage or scenario, 3 inconclusive, 4 own "
      "failure, "
      "130 interrupted.");
  int status = brink::kExitMet;
  for (auto* add : {brink::AddRunCommand, brink::AddCheckCommand, brink::AddListCommand,
                    brink::AddJudgeCommand, brink::AddDoctorCommand, brink::AddRestoreCommand}) {
    add(app, status);
  }
  for (CLI::App* command : app.get_subcommands(nullptr)) {
    command->set_version_flag("--version", std::string("brink ") + brink::kVersion);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? brink::kExitMet : brink::kExitUsage;
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return brink::kExitOwnFailure;
  }
  return status;
}
