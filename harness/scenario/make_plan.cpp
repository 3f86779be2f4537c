// SPDX-License-Identifier: MIT
#include "scenario/make_plan.h"

#include <fmt/format.h>

#include "scenario/decode.h"
#include "scenario/find_command.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

/// The folders of the images that the plan uses. The first that is not there makes the plan not runnable.
void FindImages(Plan& plan, const PlanContext& context) {
  const auto find = [&](const std::string& name) {
    if (name.empty() || plan.images.contains(name)) {
      return;
    }
    auto folder = context.image_folder ? context.image_folder(name) : Fail("there is no image " + name);
    if (!folder && !plan.not_runnable) {
      plan.not_runnable = folder.error().message;
      plan.not_runnable_remedy = folder.error().remedy;
    }
    plan.images[name] = folder.value_or("");
  };
  for (const ProcessPlan& process : plan.processes) {
    find(process.image);
  }
  for (const StepPlan& step : plan.steps) {
    if (const auto* run = std::get_if<RunStep>(&step.action)) {
      find(run->image);
    }
  }
}

/// Resolves every command of the plan; returns those that were not found, each once.
std::vector<std::string> ResolveCommands(Plan& plan, const PlanContext& context) {
  std::vector<std::string> missing;
  const auto resolve = [&](std::vector<std::string>& argv, const std::string& image) {
    // What lies in the case's own folder, a step will put there.
    if (argv.empty() || argv.front().starts_with(plan.data_dir + "/")) {
      return;
    }
    std::string path = image.empty()
                           ? FindCommand(argv.front(), plan.scenario_dir, context.search_path)
                           : FindCommandInImage(argv.front(), plan.scenario_dir, plan.images.at(image));
    const std::string name = image.empty() ? argv.front() : argv.front() + " in the image " + image;
    if (!path.empty()) {
      argv.front() = std::move(path);
    } else if (!Contains(missing, name)) {
      missing.push_back(name);
    }
  };
  for (ProcessPlan& process : plan.processes) {
    resolve(process.argv, process.image);
    if (process.ready) {
      resolve(process.ready->exec, process.image);
    }
  }
  for (StepPlan& step : plan.steps) {
    if (auto* run = std::get_if<RunStep>(&step.action)) {
      resolve(run->argv, run->image);
    }
  }
  return missing;
}

std::string AreMissing(const std::vector<std::string>& names, std::string_view what) {
  return fmt::format("{} {} {}", JoinWords(names, "and"), names.size() == 1 ? "is" : "are", what);
}

/// Notes the versions of the packages; returns those that are not installed.
std::vector<std::string> FindPackages(Plan& plan, const std::vector<std::string>& packages,
                                      const PlanContext& context) {
  std::vector<std::string> missing;
  if (!context.package_version) {
    return missing;
  }
  for (const std::string& package : packages) {
    const std::string version = context.package_version(package);
    if (version.empty()) {
      missing.push_back(package);
    } else {
      plan.packages[package] = version;
    }
  }
  return missing;
}

/// Commands that the image has, and that name no image, run in it; the others, brink's workloads among them,
/// stay where they are.
void LetImageStandIn(Plan& plan, const std::string& name, const PlanContext& context) {
  const auto found = context.image_folder ? context.image_folder(name) : Fail("");
  const std::string folder = found.value_or("");
  const auto stand_in = [&](const std::vector<std::string>& argv, std::string& image) {
    if (image.empty() && !argv.empty() &&
        !FindCommandInImage(argv.front(), plan.scenario_dir, folder).empty()) {
      image = name;
    }
  };
  for (ProcessPlan& process : plan.processes) {
    stand_in(process.argv, process.image);
  }
  for (StepPlan& step : plan.steps) {
    if (auto* run = std::get_if<RunStep>(&step.action)) {
      stand_in(run->argv, run->image);
    }
  }
  plan.packages.clear();  // the image's count, and are in its record
}

/// A missing package is named rather than the commands it would bring.
void ComplainOfMissing(Plan& plan, const std::vector<std::string>& packages,
                       const std::vector<std::string>& missing, const std::vector<std::string>& commands,
                       const PlanContext& context) {
  if (!missing.empty()) {
    const std::string other = context.other_remedy ? context.other_remedy(packages) : "";
    plan.not_runnable = AreMissing(missing, "not installed");
    plan.not_runnable_remedy = fmt::format("apt-get install {}; or let brink: run --install{}{}",
                                           fmt::join(missing, " "), other.empty() ? "" : "; or ", other);
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
  std::vector<std::string> packages = FindPackages(decoded.plan, decoded.packages, context);
  const std::string image =
      packages.empty() || !context.image_with ? "" : context.image_with(decoded.packages);
  if (!image.empty()) {
    LetImageStandIn(decoded.plan, image, context);
    packages.clear();
  }
  FindImages(decoded.plan, context);
  const std::vector<std::string> commands = ResolveCommands(decoded.plan, context);
  if (!decoded.plan.not_runnable) {
    ComplainOfMissing(decoded.plan, decoded.packages, packages, commands, context);
  }
  return {.plan = std::move(decoded.plan),
          .cgroup = std::move(decoded.cgroup),
          .complaints = std::move(decoded.complaints),
          .missing_packages = std::move(packages)};
}

}  // namespace brink
