// SPDX-License-Identifier: MIT
#include "cli/plans.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <system_error>

#include "base/loopback.h"
#include "base/room.h"
#include "base/unique_fd.h"
#include "base/units.h"
#include "cli/cached.h"
#include "cli/common.h"
#include "cli/matrix.h"
#include "cli/selection.h"
#include "kernel/cgroup.h"
#include "kernel/machine_guard.h"
#include "model/setting_values.h"
#include "run/steps.h"
#include "sandbox/guest.h"
#include "sandbox/images.h"
#include "sandbox/packages.h"
#include "scenario/make_plan.h"

namespace brink {
namespace {

/// Below the kernel's default ephemeral range (32768 and up), so that no outgoing connection takes it
/// meanwhile.
constexpr int kFirstPort = 20000;
constexpr int kLastPort = 32000;

bool PortIsFree(int port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = LoopbackAddress(port);
  return ::bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// Gives each plan ports that no other plan of this run has.
class PortPool {
 public:
  Result<int> Take() {
    std::uniform_int_distribution<int> any(kFirstPort, kLastPort - 1);
    for (int attempt = 0; attempt < 2000; ++attempt) {
      const int port = any(random_);
      if (!taken_.contains(port) && PortIsFree(port)) {
        taken_.insert(port);
        return port;
      }
    }
    return Fail(fmt::format("no free loopback port between {} and {}", kFirstPort, kLastPort));
  }

 private:
  std::mt19937 random_{std::random_device{}()};
  std::set<int> taken_;
};

/// --set values by key; complains about a word without '=', a key that no scenario declares, and one given
/// twice.
Result<std::map<std::string, std::string>> ParseSet(const std::vector<std::string>& words,
                                                    const std::vector<Scenario>& scenarios) {
  std::map<std::string, std::string> set;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Fail("--set " + word + " is not KEY=VALUE", "for example --set " + word + "=1");
    }
    const std::string key = word.substr(0, equals);
    std::set<std::string> known;
    for (const Scenario& scenario : scenarios) {
      for (const auto& [name, value] : scenario.parameters) {
        known.insert(name);
      }
    }
    if (!known.contains(key)) {
      return Fail(
          "--set " + word + ": no chosen scenario declares the parameter " + key,
          known.empty() ? "they declare none" : fmt::format("they declare {}", fmt::join(known, ", ")));
    }
    if (!set.emplace(key, word.substr(equals + 1)).second) {
      return Fail("--set " + word + ": " + key + " is set twice", "keep one of the two");
    }
  }
  return set;
}

std::string DefaultOut() {
  return fmt::format("brink-runs/{:%Y%m%d-%H%M%S}-{}", fmt::localtime(std::time(nullptr)), ::getpid());
}

/// Asked before anything runs, so that a long run is not in vain.
Status MakeWritable(const std::string& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code || ::access(folder.c_str(), W_OK | X_OK) != 0) {
    return Fail(fmt::format("--out: cannot write to {}: {}", folder,
                            code ? code.message() : std::generic_category().message(errno)),
                "make its folder, or room in it, or name another");
  }
  if (RoomAt(folder) < kLeastRoom) {
    return Fail(fmt::format("--out: the disk is full: {}, and a case takes {} or more", RoomInWords(folder),
                            FormatBytes(kLeastRoom)),
                "make room in it, or name another");
  }
  return {};
}

/// What the plans of one run have in common.
struct Ground {
  const RunChoice& choice;
  std::string out;  // absolute
  std::map<std::string, std::string> set;
  SandboxChoice sandbox;
  NameChecks names;
};

/// Where a case needs no package of this machine: in a guest, if an image has what it requires.
std::string ImageRemedy(const std::vector<std::string>& packages, bool in_guest) {
  const auto places = DefaultImagePlaces(CacheUse::kLook);
  if (!places) {
    return "";
  }
  const std::string made = FindImageWith(packages, *places);
  const std::string known = made.empty() ? FindRecipeWith(packages, *places) : "";
  if (!made.empty()) {
    return in_guest ? "" : fmt::format("--sandbox vm, where the image {} has it", made);
  }
  return known.empty() ? ""
                       : fmt::format("brink image build {}{}", known, in_guest ? "" : " and --sandbox vm");
}

PlanContext ContextFor(const Chosen& chosen, const Ground& ground,
                       const std::map<std::string, std::string>& installed, PortPool& ports) {
  PlanContext context;
  context.page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  context.memory_bytes = ReadMachineFigures(Roots{}).memory_total_bytes;
  context.search_path = CommandSearchPath();
  for (const auto& [key, value] : ground.set) {
    if (chosen.scenario->parameters.contains(key)) {
      context.set[key] = value;
    }
  }
  context.run_dir = fmt::format("{}/{}/{}", ground.out, chosen.scenario->name, chosen.scenario_case->name);
  if (!chosen.cell->folder.empty()) {
    context.run_dir += "/" + chosen.cell->folder;
  }
  if (ground.choice.repeat > 1) {
    context.run_dir += fmt::format("/{}", chosen.repeat);
  }
  context.repeat = chosen.repeat;
  context.free_port = [&ports](const std::string&) { return ports.Take(); };
  context.package_version = [&installed](const std::string& name) {
    const auto found = installed.find(name);
    return found == installed.end() ? "" : found->second;
  };
  context.image_folder = [](const std::string& name) -> Result<std::string> {
    const auto places = DefaultImagePlaces(CacheUse::kLook);
    return places ? FindImage(name, *places) : tl::unexpected(places.error());
  };
  context.other_remedy = [](const std::vector<std::string>& packages) {
    return ImageRemedy(packages, false);
  };
  context.names = ground.names;  // --set may have put others in
  return context;
}

/// A plan where it will run. Shares of the memory are of the machine it runs on, so one for a guest is made
/// again once it is clear how large that is.
PlanResult MakeFittingPlan(const Chosen& chosen, PlanContext context, const Ground& ground) {
  const SandboxChoice& sandbox = ground.sandbox;
  PlanResult made = MakePlan(*chosen.scenario, *chosen.scenario_case, context);
  FitToCell(made.plan, made.cgroup, *chosen.cell, sandbox);
  if (made.plan.sandbox == "vm" && made.complaints.empty()) {
    const GuestSpec guest = made.plan.guest;
    context.memory_bytes = guest.memory_bytes;
    if (!ground.choice.install) {
      context.image_with = [](const std::vector<std::string>& packages) {
        const auto places = DefaultImagePlaces(CacheUse::kLook);
        return places ? FindImageWith(packages, *places) : "";
      };
    }
    context.other_remedy = [](const std::vector<std::string>& packages) {
      return ImageRemedy(packages, true);
    };
    made = MakePlan(*chosen.scenario, *chosen.scenario_case, context);
    FitToCell(made.plan, made.cgroup, *chosen.cell, sandbox);
    made.plan.guest = guest;  // its own size is a share of the host's memory, if of anything
  }
  return made;
}

/// Root alone is not enough: in a container without privileges it may not.
bool MayMakeGroupsHere() {
  const auto cgroups = CgroupHost::Discover(Roots{});
  return ::geteuid() == 0 && cgroups && cgroups->MayMakeGroups();
}

/// The cells of the matrix; explains itself and gives nothing where the words do not fit together.
std::optional<std::vector<Cell>> CellsOf(const RunChoice& choice) {
  const bool matrix = !choice.kernels.empty() || !choice.cgroups.empty();
  if (matrix && choice.sandbox == "host") {
    PrintError(Error{.message = "--kernel and --cgroup choose guests, and --sandbox host runs in none",
                     .remedy = "leave out --sandbox host"});
    return std::nullopt;
  }
  auto cells = MakeCells(choice.kernels, choice.cgroups);
  if (!cells) {
    PrintError(cells.error());
    return std::nullopt;
  }
  return *std::move(cells);
}

struct Planned {
  std::vector<Plan> plans;
  std::set<std::string> missing_packages;
  bool good = true;  // none has mistakes
};

Planned PlanAll(const std::vector<Chosen>& chosen, const Ground& ground) {
  const std::map<std::string, std::string> installed = InstalledPackages();
  Planned planned;
  PortPool ports;
  for (const Chosen& one : chosen) {
    PlanResult made = MakeFittingPlan(one, ContextFor(one, ground, installed, ports), ground);
    for (const Complaint& complaint : made.complaints) {
      PrintNotice(FormatComplaint(complaint) + "\n");
      planned.good = false;
    }
    made.plan.timeout_s = ground.choice.timeout_s.value_or(made.plan.timeout_s);
    planned.missing_packages.insert(made.missing_packages.begin(), made.missing_packages.end());
    planned.plans.push_back(std::move(made.plan));
  }
  return planned;
}

/// All of them at once; says what it does, and why when it cannot.
bool Install(const std::set<std::string>& packages, const std::string& out) {
  PrintNotice(fmt::format("brink: installing {}\n", fmt::join(packages, " ")));
  const auto installed =
      InstallPackages({packages.begin(), packages.end()}, out + "/install.log",
                      [](const std::string& line) { PrintNotice("brink: " + line + "\n"); });
  if (!installed) {
    PrintError(installed.error());
  }
  return installed.has_value();
}

}  // namespace

tl::expected<std::vector<Plan>, ExitCode> MakePlans(const RunChoice& choice) {
  const auto cells = CellsOf(choice);
  const auto scenarios = cells ? LoadScenarios(choice.paths) : std::nullopt;
  if (!scenarios) {
    return tl::unexpected(kExitUsage);
  }
  const auto set = ParseSet(choice.set, *scenarios);
  const auto chosen = set ? Select(*scenarios, *cells, choice) : tl::unexpected(set.error());
  if (!chosen) {
    PrintError(chosen.error());
    return tl::unexpected(kExitUsage);
  }
  const Ground ground{
      .choice = choice,
      .out = std::filesystem::absolute(choice.out.empty() ? DefaultOut() : choice.out).string(),
      .set = *set,
      .sandbox = {.sandbox = choice.sandbox,
                  .matrix = !choice.kernels.empty() || !choice.cgroups.empty(),
                  .groups = MayMakeGroupsHere(),
                  .in_guest = IsGuest(Roots{})},
      .names = NamesKnownHere()};
  if (const auto made = choice.dry_run ? Status{} : MakeWritable(ground.out); !made) {
    PrintError(made.error());
    return tl::unexpected(kExitUsage);
  }
  Planned planned = PlanAll(*chosen, ground);
  if (planned.good && choice.install && !choice.dry_run && !planned.missing_packages.empty()) {
    if (!Install(planned.missing_packages, ground.out)) {
      return tl::unexpected(kExitOwnFailure);
    }
    planned = PlanAll(*chosen, ground);
  }
  if (!planned.good) {
    return tl::unexpected(kExitUsage);
  }
  return std::move(planned.plans);
}

namespace {

std::string DescribeGuest(const GuestSpec& guest) {
  return fmt::format("  guest: kernel {}, cgroup {}, {} of memory, {} of swap, {}{} processors{}{}\n",
                     guest.kernel, guest.cgroup, FormatBytes(guest.memory_bytes),
                     FormatBytes(guest.swap_bytes),
                     guest.zram_bytes == 0 ? "" : FormatBytes(guest.zram_bytes) + " of zram, ", guest.cpus,
                     guest.boot.empty() ? "" : ", boot words ", fmt::join(guest.boot, " "));
}

}  // namespace

std::string DescribePlan(const Plan& plan) {
  std::string text = fmt::format("{} {} (timeout {:.3g} s)\n", plan.scenario, plan.case_name, plan.timeout_s);
  if (plan.sandbox == "vm") {
    text += DescribeGuest(plan.guest);
  }
  if (plan.not_applicable) {
    text += fmt::format("  not applicable: {}\n", *plan.not_applicable);
  }
  if (plan.not_runnable) {
    text += fmt::format("  cannot run here: {} ({})\n", *plan.not_runnable, plan.not_runnable_remedy);
  }
  for (const Setting& setting : plan.machine) {
    text += fmt::format("  whole machine: {} = {}\n", setting.name, WithUnits(setting.name, setting.value));
  }
  for (const GroupPlan& group : plan.groups) {
    for (const Setting& setting : group.settings) {
      text += fmt::format("  group {}: {} = {}\n", group.name, setting.name,
                          WithUnits(setting.name, setting.value));
    }
  }
  for (const ProcessPlan& process : plan.processes) {
    text += fmt::format("  process {}{}: {}\n", process.name,
                        process.image.empty() ? "" : " in the image " + process.image,
                        fmt::join(process.argv, " "));
    for (const RlimitSetting& limit : process.rlimits) {
      text += fmt::format("    {} = {}, hard {}\n", limit.name, WithUnits(limit.name, limit.soft),
                          WithUnits(limit.name, limit.hard));
    }
    if (process.oom_score_adj) {
      text += fmt::format("    oom_score_adj = {}\n", *process.oom_score_adj);
    }
  }
  for (std::size_t at = 0; at < plan.steps.size(); ++at) {
    text += fmt::format("  step {}: {}\n", at + 1, DescribeStep(plan.steps[at]));
  }
  return text;
}

}  // namespace brink
