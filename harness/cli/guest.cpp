// SPDX-License-Identifier: MIT
#include "sandbox/guest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/readable.h"
#include "base/units.h"
#include "cli/cached.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/interrupts.h"
#include "cli/plans.h"
#include "run/guest_pool.h"
#include "sandbox/kernels.h"
#include "sandbox/saved_machine.h"

namespace brink {
namespace {

std::string ZramInWords(const GuestKernel& kernel) {
  if (!kernel.complete) {
    return "zram: not known of this one; `brink guest fetch " + kernel.name + "` finds out";
  }
  return kernel.zram ? "zram" : "no zram";
}

std::string DescribeKernel(const GuestKernel& kernel) {
  std::string text =
      fmt::format("{}\n  Linux {}   cgroup {}   {}\n  {}\n  {}\n", kernel.name, kernel.release,
                  kernel.cgroup_v1 ? "v1, v2" : "v2", ZramInWords(kernel),
                  std::filesystem::path(kernel.image).parent_path().string(),
                  kernel.packages.empty() ? "your own" : fmt::format("{}", fmt::join(kernel.packages, ", ")));
  if (!kernel.tells_panic) {
    text += "  no pvpanic: a panic of its is told as a restart, not as machine_panicked\n";
  }
  if (const SavedMachines saved = SavedMachinesOf(kernel.image); saved.count > 0) {
    text += fmt::format("  saved machines: {}, {}\n", saved.count, FormatBytes(saved.bytes));
  }
  return text;
}

int List() {
  const auto places = DefaultKernelPlaces();
  const auto kernels = places ? ListKernels(*places) : tl::unexpected(places.error());
  if (!kernels) {
    PrintError(kernels.error());
    return kExitOwnFailure;
  }
  std::string text = CacheInWords(places->cache, places->machine);
  for (const GuestKernel& kernel : *kernels) {
    text += DescribeKernel(kernel);
  }
  for (const std::string& name : KnownKernelNames()) {
    if (std::none_of(kernels->begin(), kernels->end(),
                     [&](const GuestKernel& kernel) { return kernel.name == name; })) {
      text += fmt::format("{}\n  not fetched yet\n", name);
    }
  }
  return PrintResults(text, kExitMet);
}

/// What can be no kernel is a slip of the finger; the first of them is told.
bool AreKernels(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto checked = CheckKernelName(name); !checked) {
      PrintError(checked.error());
      return false;
    }
  }
  return true;
}

int Fetch(const std::vector<std::string>& names) {
  if (!AreKernels(names)) {
    return kExitUsage;
  }
  for (const std::string& name : names) {
    const auto kernel =
        FetchKernel(name, [](const std::string& line) { PrintNotice("brink: " + line + "\n"); });
    if (!kernel) {
      return PrintFailure(kernel.error());
    }
    if (const int status = PrintResults(DescribeKernel(*kernel), kExitMet); status != kExitMet) {
      return status;
    }
  }
  return kExitMet;
}

int Remove(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto removed = RemoveKernel(name);
    if (!removed) {
      // Of a path it is the one that it was made of, which may be gone.
      const auto known = name.find('/') == std::string::npos ? CheckKernelName(name) : Status{};
      PrintError(known ? removed.error() : known.error());
      return known ? kExitOwnFailure : kExitUsage;
    }
    PrintNotice(fmt::format("brink: removed {}\n", fmt::join(*removed, ", ")));
  }
  return kExitMet;
}

/// What the user says of the guest of a shell. What is empty is the scenario's choice, or the usual.
struct ShellChoice {
  std::string file;
  std::string case_name;
  std::string kernel;
  std::string cgroup;
  std::optional<std::uint64_t> memory_bytes;
  std::string out = "brink-runs/shell";
};

/// The machine that the scenario's cases run in; explains itself and gives nothing when they have several.
tl::expected<GuestSpec, ExitCode> MachineOfScenario(const ShellChoice& choice) {
  RunChoice run;
  run.paths = {choice.file};
  run.case_name = choice.case_name;
  run.sandbox = "vm";
  run.dry_run = true;
  if (!choice.kernel.empty()) {
    run.kernels = {choice.kernel};
  }
  if (!choice.cgroup.empty()) {
    run.cgroups = {choice.cgroup};
  }
  const auto plans = MakePlans(run);
  if (!plans) {
    return tl::unexpected(plans.error());
  }
  const Plan& first = plans->front();
  for (const Plan& plan : *plans) {
    if (plan.not_applicable) {
      PrintError(Error{.message = *plan.not_applicable, .remedy = "leave out --cgroup"});
      return tl::unexpected(kExitUsage);
    }
    if (!(plan.guest == first.guest)) {
      PrintError(Error{.message = fmt::format("the cases {} and {} run in different machines",
                                              first.case_name, plan.case_name),
                       .remedy = "choose one with --case"});
      return tl::unexpected(kExitUsage);
    }
  }
  return first.guest;
}

tl::expected<GuestSpec, ExitCode> MachineOfShell(const ShellChoice& choice) {
  if (choice.file.empty() && !choice.case_name.empty()) {
    PrintError(Error{.message = "--case is a case of a scenario", .remedy = "name its FILE too"});
    return tl::unexpected(kExitUsage);
  }
  if (!choice.kernel.empty() && !AreKernels({choice.kernel})) {
    return tl::unexpected(kExitUsage);
  }
  auto spec = choice.file.empty() ? GuestSpec{} : MachineOfScenario(choice);
  if (spec && choice.file.empty()) {
    spec->kernel = choice.kernel.empty() ? spec->kernel : choice.kernel;
    spec->cgroup = choice.cgroup.empty() ? spec->cgroup : choice.cgroup;
  }
  if (spec) {
    spec->memory_bytes = choice.memory_bytes.value_or(spec->memory_bytes);
  }
  return spec;
}

/// How the scenario is run in there. The host's files are seen by their paths.
std::string HowToRun(const ShellChoice& choice) {
  if (choice.file.empty()) {
    return "";
  }
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  return fmt::format("brink: in it, run: {} run {}{}\n", program,
                     std::filesystem::absolute(choice.file).string(),
                     choice.case_name.empty() ? "" : " --case " + choice.case_name);
}

/// With input from a pipe or a file: the guest's shell reads it to its end, and its exit status is brink's.
int ShellWithoutTerminal(GuestOptions options, const UniqueFd& interrupted) {
  options.console_file = options.shared_dir + "/guest-console.log";
  options.cancel_fd = interrupted.Get();
  options.shell = true;
  const auto guest = Guest::Start(options);
  const auto status = guest ? (*guest)->RunShell(STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO)
                            : Result<int>(tl::unexpected(guest.error()));
  if (!status && IsReadable(interrupted.Get())) {
    PrintNotice("brink: interrupted; the guest is gone\n");
    return kExitInterrupted;
  }
  if (!status) {
    PrintError(status.error());
  }
  return status.value_or(kExitOwnFailure);
}

int Shell(const ShellChoice& choice) {
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  const auto spec = MachineOfShell(choice);
  if (!spec) {
    return spec.error();
  }
  const std::string folder = std::filesystem::absolute(choice.out).string();
  const auto options =
      MakeGuestOptions(*spec, folder, [](const std::string& line) { PrintNotice("brink: " + line + "\n"); });
  if (!options) {
    return PrintFailure(options.error());
  }
  PrintNotice(fmt::format("brink: a guest with {}, {}; {} is writable, everything else is thrown away{}\n{}",
                          spec->kernel, options->accelerator, folder,
                          terminal ? "; `exit` ends it, Ctrl-A X at once" : "",
                          terminal ? HowToRun(choice) : ""));
  if (!terminal) {
    return ShellWithoutTerminal(*options, CatchInterrupts());
  }
  PrintError(BecomeGuestShell(*options));
  return kExitOwnFailure;
}

void AddShellCommand(CLI::App& guest, int& status) {
  auto choice = std::make_shared<ShellChoice>();
  CLI::App* command =
      guest.add_subcommand("shell", "A shell in a guest, to try by hand what a scenario does");
  command->add_option("FILE", choice->file, "A scenario: the guest is the machine that its cases run in")
      ->type_name("");
  command->add_option("--case", choice->case_name, "The one of its cases whose machine it is")
      ->type_name("NAME");
  command
      ->add_option("--kernel", choice->kernel,
                   fmt::format("Its kernel, as `brink guest list` names it (default: the scenario's, or {})",
                               GuestSpec{}.kernel))
      ->type_name("NAME");
  command
      ->add_option("--cgroup", choice->cgroup,
                   fmt::format("The version of cgroups that has the memory controller (default: the "
                               "scenario's, or {})",
                               GuestSpec{}.cgroup))
      ->type_name("v1|v2")
      ->check(CLI::IsMember({"v1", "v2"}).description(""));
  command->add_option("--memory", choice->memory_bytes, "Its memory (default: the scenario's, or 2GiB)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false).description(""));
  command->add_option("--out", choice->out, "The host's folder that the guest may write to")
      ->type_name("DIR")
      ->capture_default_str();
  command->callback([choice, &status] { status = Shell(*choice); });
}

/// A subcommand that takes kernels.
void AddKernelCommand(CLI::App& guest, int& status, const std::string& name, const std::string& help,
                      int (*action)(const std::vector<std::string>&)) {
  auto kernels = std::make_shared<std::vector<std::string>>();
  CLI::App* command = guest.add_subcommand(name, help);
  command
      ->add_option("KERNEL", *kernels,
                   fmt::format("{}; or a kernel image's path, and after a colon that of its modules",
                               fmt::join(KnownKernelNames(), ", ")))
      ->type_name("")
      ->required();
  command->callback([kernels, action, &status] { status = action(*kernels); });
}

}  // namespace

void AddGuestCommand(CLI::App& app, int& status) {
  CLI::App* guest =
      app.add_subcommand("guest", "The machines that plans run in: their kernels, and a shell in one");
  guest->require_subcommand(1);
  CLI::App* list = guest->add_subcommand("list", "List the kernels that are there, and those to be had");
  list->callback([&status] { status = List(); });
  AddKernelCommand(*guest, status, "fetch",
                   "Fetch kernels from Debian, or prepare one of your own; nothing is installed", Fetch);
  AddKernelCommand(*guest, status, "remove", "Remove kernels from the cache, with their saved machines",
                   Remove);
  AddShellCommand(*guest, status);
}

}  // namespace brink
