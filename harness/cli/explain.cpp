// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <memory>

#include "cli/commands.h"
#include "cli/common.h"
#include "cli/write_scenario.h"
#include "evidence/living.h"
#include "evidence/mappings.h"
#include "explain/forms.h"
#include "explain/scenario_writer.h"
#include "kernel/files.h"
#include "report/text.h"

namespace brink {
namespace {

constexpr int kExitNoProcess = 1;

struct ExplainOptions {
  std::string pid;
  std::string write;
  std::string format = "text";
};

/// The number of the one process that `name` means.
Result<int> PidOf(const Roots& roots, const std::string& name) {
  if (const auto number = ParseNumber(name)) {
    if (*number == 0 || *number > std::numeric_limits<int>::max()) {
      return Fail(fmt::format("--pid {}: no process has this number", name),
                  "give a process number or a program's name");
    }
    return static_cast<int>(*number);
  }
  if (name.empty()) {
    return Fail("--pid '': that is no process", "give a process number or a program's name");
  }
  const auto found = FindProcesses(roots, name);
  if (!found) {
    return tl::unexpected(found.error());
  }
  if (found->size() == 1) {
    return found->front().pid;
  }
  constexpr std::size_t kLongest = 70;
  std::string message = fmt::format("{} processes are named '{}':", found->size(), name);
  for (const NamedProcess& each : *found) {
    message += fmt::format("\n  {}  {}", each.pid, CutTo(Printable(each.command), kLongest));
  }
  return Fail(std::move(message), "give the number of one of them");
}

int Refuse(const Error& error) {
  PrintError(error);
  return error.code == ESRCH ? kExitNoProcess : kExitUsage;
}

int RunExplain(const ExplainOptions& options) {
  const Roots roots;
  const auto pid = PidOf(roots, options.pid);
  if (!pid) {
    return Refuse(pid.error());
  }
  auto process = ReadLivingProcess(roots, *pid, CountProcessMappingsByKernel);
  if (!process) {
    return Refuse(process.error());
  }
  if (!options.write.empty()) {
    const std::string name = NameFrom(std::filesystem::path(options.write).stem().string());
    if (auto written = WriteScenario(options.write, ScenarioOfLiving(*process, name)); !written) {
      return Refuse(written.error());
    }
  }
  const auto scenarios = SkimShipped();
  if (!scenarios) {
    return kExitUsage;
  }
  const std::vector<CatalogueEntry> catalogue = ShortEntriesOf(*scenarios);
  const Explanation explanation = Explain(std::move(*process), catalogue);
  return PrintResults(options.format == "json"
                          ? FormatExplanationJson(explanation, catalogue)
                          : FormatExplanationText(explanation, catalogue, StyleFor(stdout)),
                      kExitMet);
}

}  // namespace

void AddExplainCommand(CLI::App& app, int& status) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = app.add_subcommand("explain", "Say how near a living process is to each of its limits");
  command->add_option("--pid", options->pid, "Number of a process, or the name of a program that runs once")
      ->type_name("PID|NAME")
      ->required();
  command
      ->add_option("--write", options->write,
                   "Write a scenario that holds its limits; a file that is there is not overwritten")
      ->type_name("FILE");
  AddFormatOption(*command, options->format);
  command->callback([options, &status] { status = RunExplain(*options); });
}

}  // namespace brink
