// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "scenario/vocabulary.h"

namespace {

/// A standard stream that the caller has closed would become the first file that brink opens, and results
/// would go there.
void KeepStandardStreamsOpen() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0) {
      static_cast<void>(::open("/dev/null", O_RDWR));  // takes the lowest free number: this one
    }
  }
}

/// "brink guest shell".
std::string FullName(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return (parent == nullptr ? "" : FullName(*parent) + " ") + command.get_name();
}

std::vector<std::string> OptionsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<std::string> CommandsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* below : command.get_subcommands([](const CLI::App* each) {
         return !each->get_group().empty();  // in the help
       })) {
    names.push_back(below->get_name());
  }
  return names;
}

/// For the first word that `command` does not know and that is near one which it does.
std::string Advise(const CLI::App& command, const std::vector<std::string>& unknown) {
  for (const std::string& word : unknown) {
    const std::string near = brink::Nearest(word.substr(0, word.find('=')),
                                            word.starts_with('-') ? OptionsOf(command) : CommandsOf(command));
    if (!near.empty()) {
      return fmt::format("did you mean '{}'?", near);
    }
  }
  return fmt::format("see `{} --help`", FullName(command));
}

int ExplainUsage(const CLI::App& app, const CLI::ParseError& error, const char* first_word) {
  if (error.get_exit_code() == 0) {  // --help, --version
    return app.exit(error) == 0 ? brink::kExitMet : brink::kExitUsage;
  }
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
  }
  const bool command_unknown = command == &app && first_word != nullptr && first_word[0] != '-';
  brink::PrintError(
      {.message = command_unknown ? fmt::format("there is no command '{}'", first_word) : error.what(),
       .remedy =
           Advise(*command, command_unknown ? std::vector<std::string>{first_word} : app.remaining(true))});
  return brink::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  KeepStandardStreamsOpen();
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
                    brink::AddSearchCommand, brink::AddExplainCommand, brink::AddNewCommand,
                    brink::AddJudgeCommand, brink::AddDoctorCommand, brink::AddGuestCommand,
                    brink::AddImageCommand, brink::AddRestoreCommand, brink::AddGuestAgentCommand}) {
    add(app, status);
  }
  for (CLI::App* command : app.get_subcommands(nullptr)) {
    command->set_version_flag("--version", std::string("brink ") + brink::kVersion);
    for (CLI::App* below : command->get_subcommands(nullptr)) {
      below->set_version_flag("--version", std::string("brink ") + brink::kVersion);
    }
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ExplainUsage(app, error, argc > 1 ? argv[1] : nullptr);
  } catch (const std::exception& error) {
    spdlog::critical("{}", error.what());
    return brink::kExitOwnFailure;
  }
  return status;
}
