// SPDX-License-Identifier: MIT
#include "cli/plans.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string_view>
#include <system_error>

#include "base/loopback.h"
#include "base/unique_fd.h"
#include "base/units.h"
#include "cli/common.h"
#include "cli/matrix.h"
#include "kernel/cgroup.h"
#include "kernel/machine_guard.h"
#include "run/steps.h"
#include "sandbox/images.h"
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

/// Debian's packages that are installed now; one removed but not purged is not. Empty on other systems.
std::set<std::string> InstalledPackages() {
  constexpr std::string_view kPackage = "Package: ";
  std::set<std::string> installed;
  std::ifstream status("/var/lib/dpkg/status");
  std::string name;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kPackage)) {
      name = line.substr(kPackage.size());
    } else if (line == "Status: install ok installed" || line == "Status: hold ok installed") {
      installed.insert(name);
    }
  }
  return installed;
}

bool PackageInstalled(const std::string& package) {
  static const std::set<std::string> installed = InstalledPackages();
  return installed.contains(package);
}

struct Shard {
  std::size_t index = 1;
  std::size_t count = 1;
};

Result<Shard> ParseShard(const std::string& text) {
  Shard shard;
  if (text.empty()) {
    return shard;
  }
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  if (first == std::errc() && slash != end && *slash == '/') {
    const auto [rest, second] = std::from_chars(slash + 1, end, shard.count);
    if (second == std::errc() && rest == end && shard.index >= 1 && shard.index <= shard.count) {
      return shard;
    }
  }
  return Fail("--shard " + text + " is not I/N with 1 <= I <= N",
              "for the second of four parts write --shard 2/4");
}

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
  return {};
}

struct Chosen {
  const Scenario* scenario = nullptr;
  const ScenarioCase* scenario_case = nullptr;
  const Cell* cell = nullptr;
  int repeat = 1;
};

/// All that --case and --tag let through, each in every cell as often as --repeat says.
std::vector<Chosen> Choose(const std::vector<Scenario>& scenarios, const std::vector<Cell>& cells,
                           const RunChoice& choice) {
  std::vector<Chosen> chosen;
  for (int repeat = 1; repeat <= choice.repeat; ++repeat) {
    for (const Scenario& scenario : scenarios) {
      const bool tagged = std::all_of(choice.tags.begin(), choice.tags.end(), [&](const std::string& tag) {
        return std::find(scenario.tags.begin(), scenario.tags.end(), tag) != scenario.tags.end();
      });
      for (const ScenarioCase& scenario_case : scenario.cases) {
        if (!tagged || !(choice.case_name.empty() || scenario_case.name == choice.case_name)) {
          continue;
        }
        for (const Cell& cell : cells) {
          chosen.push_back(Chosen{
              .scenario = &scenario, .scenario_case = &scenario_case, .cell = &cell, .repeat = repeat});
        }
      }
    }
  }
  return chosen;
}

/// What was asked for and is not there, with what is.
Error NothingChosen(const std::vector<Scenario>& scenarios, const RunChoice& choice) {
  std::set<std::string> tags;
  std::set<std::string> cases;
  for (const Scenario& scenario : scenarios) {
    tags.insert(scenario.tags.begin(), scenario.tags.end());
    for (const ScenarioCase& each : scenario.cases) {
      cases.insert(each.name);
    }
  }
  for (const std::string& tag : choice.tags) {
    if (!tags.contains(tag)) {
      return Error{.message = "--tag " + tag + ": no chosen scenario has this tag",
                   .remedy = tags.empty() ? "they have none; `brink list` shows those of all"
                                          : fmt::format("their tags are {}", fmt::join(tags, ", "))};
    }
  }
  if (!choice.case_name.empty() && !cases.contains(choice.case_name)) {
    return Error{.message = "--case " + choice.case_name + ": no chosen scenario has a case of this name",
                 .remedy = fmt::format("their cases are {}", fmt::join(cases, ", "))};
  }
  return Error{
      .message = fmt::format("no case fits --tag {}{} all at once", fmt::join(choice.tags, " --tag "),
                             choice.case_name.empty() ? "" : " --case " + choice.case_name),
      .remedy = "`brink list PATH` shows cases and tags"};
}

/// Every count-th; taken before shuffling, so that the parts of different machines fit together.
std::vector<Chosen> PartOf(const std::vector<Chosen>& chosen, const Shard& shard) {
  std::vector<Chosen> part;
  for (std::size_t at = shard.index - 1; at < chosen.size(); at += shard.count) {
    part.push_back(chosen[at]);
  }
  return part;
}

PlanContext ContextFor(const Chosen& chosen, const RunChoice& choice, const std::string& out,
                       const std::map<std::string, std::string>& set, PortPool& ports) {
  PlanContext context;
  context.page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  context.memory_bytes = ReadMachineFigures(Roots{}).memory_total_bytes;
  context.search_path = CommandSearchPath();
  for (const auto& [key, value] : set) {
    if (chosen.scenario->parameters.contains(key)) {
      context.set[key] = value;
    }
  }
  context.run_dir = fmt::format("{}/{}/{}", out, chosen.scenario->name, chosen.scenario_case->name);
  if (!chosen.cell->folder.empty()) {
    context.run_dir += "/" + chosen.cell->folder;
  }
  if (choice.repeat > 1) {
    context.run_dir += fmt::format("/{}", chosen.repeat);
  }
  context.repeat = chosen.repeat;
  context.free_port = [&ports](const std::string&) { return ports.Take(); };
  context.package_installed = PackageInstalled;
  context.image_folder = [](const std::string& name) -> Result<std::string> {
    const auto places = DefaultImagePlaces();
    return places ? FindImage(name, *places) : tl::unexpected(places.error());
  };
  return context;
}

/// A plan where it will run. Shares of the memory are of the machine it runs on, so one for a guest is made
/// again once it is clear how large that is.
PlanResult MakeFittingPlan(const Chosen& chosen, PlanContext context, const SandboxChoice& sandbox) {
  PlanResult made = MakePlan(*chosen.scenario, *chosen.scenario_case, context);
  FitToCell(made.plan, made.cgroup, *chosen.cell, sandbox);
  if (made.plan.sandbox == "vm" && made.complaints.empty()) {
    const GuestSpec guest = made.plan.guest;
    context.memory_bytes = guest.memory_bytes;
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

}  // namespace

std::optional<std::vector<Plan>> MakePlans(const RunChoice& choice) {
  const auto cells = CellsOf(choice);
  const auto scenarios = cells ? LoadScenarios(choice.paths) : std::nullopt;
  if (!scenarios) {
    return std::nullopt;
  }
  const auto shard = ParseShard(choice.shard);
  const auto set = ParseSet(choice.set, *scenarios);
  if (!shard || !set) {
    PrintError(shard ? set.error() : shard.error());
    return std::nullopt;
  }
  const auto all = Choose(*scenarios, *cells, choice);
  if (all.empty()) {
    PrintError(NothingChosen(*scenarios, choice));
    return std::nullopt;
  }
  std::vector<Chosen> chosen = PartOf(all, *shard);
  if (choice.shuffle || choice.seed) {
    const std::uint32_t seed = choice.seed ? *choice.seed : std::random_device{}();
    std::shuffle(chosen.begin(), chosen.end(), std::mt19937(seed));
    PrintNotice(fmt::format("brink: shuffled; --seed {} gives this order again\n", seed));
  }
  const std::string out = std::filesystem::absolute(choice.out.empty() ? DefaultOut() : choice.out).string();
  if (const auto made = choice.dry_run ? Status{} : MakeWritable(out); !made) {
    PrintError(made.error());
    return std::nullopt;
  }
  const SandboxChoice sandbox{.sandbox = choice.sandbox,
                              .matrix = !choice.kernels.empty() || !choice.cgroups.empty(),
                              .groups = MayMakeGroupsHere()};
  std::vector<Plan> plans;
  PortPool ports;
  bool good = true;
  for (const Chosen& one : chosen) {
    PlanResult made = MakeFittingPlan(one, ContextFor(one, choice, out, *set, ports), sandbox);
    for (const Complaint& complaint : made.complaints) {
      PrintNotice(FormatComplaint(complaint) + "\n");
      good = false;
    }
    made.plan.timeout_s = choice.timeout_s.value_or(made.plan.timeout_s);
    plans.push_back(std::move(made.plan));
  }
  return good ? std::optional(std::move(plans)) : std::nullopt;
}

namespace {

std::string DescribeGuest(const GuestSpec& guest) {
  return fmt::format("  guest: kernel {}, cgroup {}, {} of memory, {} of swap, {} processors{}{}\n",
                     guest.kernel, guest.cgroup, FormatBytes(guest.memory_bytes),
                     FormatBytes(guest.swap_bytes), guest.cpus, guest.boot.empty() ? "" : ", boot words ",
                     fmt::join(guest.boot, " "));
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
    text += fmt::format("  whole machine: {} = {}\n", setting.name, setting.value);
  }
  for (const GroupPlan& group : plan.groups) {
    for (const Setting& setting : group.settings) {
      text += fmt::format("  group {}: {} = {}\n", group.name, setting.name, setting.value);
    }
  }
  for (const ProcessPlan& process : plan.processes) {
    text += fmt::format("  process {}: {}\n", process.name, fmt::join(process.argv, " "));
    for (const RlimitSetting& limit : process.rlimits) {
      text += fmt::format("    {} = {} (hard {})\n", limit.name, limit.soft, limit.hard);
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
