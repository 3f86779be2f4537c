// SPDX-License-Identifier: MIT
#include "scenario/make_plan.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "scenario/decode.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

bool IsExecutable(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// The absolute path of a command; empty when there is none.
std::string FindCommand(const std::string& command, const std::string& scenario_dir,
                        const PlanContext& context) {
  namespace fs = std::filesystem;
  if (command.find('/') != std::string::npos) {
    std::string path = (fs::path(scenario_dir) / command).lexically_normal().string();
    return IsExecutable(path) ? path : "";
  }
  for (const std::string& folder : context.search_path) {
    std::error_code ignored;
    std::string path = (fs::absolute(folder, ignored) / command).lexically_normal().string();
    if (!command.empty() && IsExecutable(path)) {
      return path;
    }
  }
  return "";
}

/// Resolves every command of the plan; returns those that were not found, each once.
std::vector<std::string> ResolveCommands(Plan& plan, const PlanContext& context) {
  std::vector<std::string> missing;
  const auto resolve = [&](std::vector<std::string>& argv) {
    if (argv.empty()) {
      return;
    }
    std::string path = FindCommand(argv.front(), plan.scenario_dir, context);
    if (!path.empty()) {
      argv.front() = std::move(path);
    } else if (!Contains(missing, argv.front())) {
      missing.push_back(argv.front());
    }
  };
  for (ProcessPlan& process : plan.processes) {
    resolve(process.argv);
    if (process.ready) {
      resolve(process.ready->exec);
    }
  }
  for (StepPlan& step : plan.steps) {
    if (auto* run = std::get_if<RunStep>(&step.action)) {
      resolve(run->argv);
    }
  }
  return missing;
}

std::string AreMissing(const std::vector<std::string>& names, std::string_view what) {
  return fmt::format("{} {} {}", JoinWords(names, "and"), names.size() == 1 ? "is" : "are", what);
}

/// A missing package is named rather than the commands it would bring.
void ComplainOfMissing(Plan& plan, const std::vector<std::string>& packages,
                       const std::vector<std::string>& commands, const PlanContext& context) {
  std::vector<std::string> missing;
  for (const std::string& package : packages) {
    if (context.package_installed && !context.package_installed(package)) {
      missing.push_back(package);
    }
  }
  if (!missing.empty()) {
    plan.not_runnable = AreMissing(missing, "not installed");
    plan.not_runnable_remedy = fmt::format("apt-get install {}", fmt::join(missing, " "));
  } else if (!commands.empty()) {
    plan.not_runnable = AreMissing(commands, "not to be found");
    plan.not_runnable_remedy =
        packages.empty()
            ? "install what brings it, name its package under 'requires', or put its folder on PATH"
            : fmt::format("apt-get install --reinstall {}", fmt::join(packages, " "));
  }
}

}  // namespace

PlanResult MakePlan(const Scenario& scenario, const ScenarioCase& scenario_case, const PlanContext& context) {
  Decoded decoded = DecodeCase(scenario, scenario_case, context);
  const std::vector<std::string> missing = ResolveCommands(decoded.plan, context);
  if (!decoded.plan.not_runnable) {
    ComplainOfMissing(decoded.plan, decoded.packages, missing, context);
  }
  return {.plan = std::move(decoded.plan),
          .cgroup = std::move(decoded.cgroup),
          .complaints = std::move(decoded.complaints)};
}

}  // namespace brink
