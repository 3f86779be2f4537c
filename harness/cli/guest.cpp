// SPDX-License-Identifier: MIT
#include "sandbox/guest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "run/guest_pool.h"
#include "sandbox/kernels.h"
#include "sandbox/saved_machine.h"

namespace brink {
namespace {

std::string DescribeKernel(const GuestKernel& kernel) {
  std::string text = fmt::format(
      "{}\n  Linux {}   cgroup {}\n  {}\n", kernel.name, kernel.release, kernel.cgroup_v1 ? "v1, v2" : "v2",
      kernel.packages.empty() ? "your own" : fmt::format("{}", fmt::join(kernel.packages, ", ")));
  if (const SavedMachines saved = SavedMachinesOf(kernel.image); saved.count > 0) {
    text += fmt::format("  saved machines: {}, {}\n", saved.count, FormatBytes(saved.bytes));
  }
  return text;
}

int List() {
  const auto kernels = ListKernels();
  if (!kernels) {
    PrintError(kernels.error());
    return kExitOwnFailure;
  }
  std::string text;
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

int Fetch(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto kernel =
        FetchKernel(name, [](const std::string& line) { PrintNotice("brink: " + line + "\n"); });
    if (!kernel) {
      PrintError(kernel.error());
      return kExitOwnFailure;
    }
    if (const int status = PrintResults(DescribeKernel(*kernel), kExitMet); status != kExitMet) {
      return status;
    }
  }
  return kExitMet;
}

int Remove(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (const auto removed = RemoveKernel(name); !removed) {
      PrintError(removed.error());
      return kExitOwnFailure;
    }
  }
  return kExitMet;
}

int Shell(const GuestSpec& spec, const std::string& out) {
  const std::string folder = std::filesystem::absolute(out).string();
  const auto options =
      MakeGuestOptions(spec, folder, [](const std::string& line) { PrintNotice("brink: " + line + "\n"); });
  if (!options) {
    PrintError(options.error());
    return kExitOwnFailure;
  }
  PrintNotice(fmt::format(
      "brink: a guest with {}, {}; {} is writable, everything else is thrown away; `exit` ends it, "
      "Ctrl-A X at once\n",
      spec.kernel, options->accelerator, folder));
  PrintError(BecomeGuestShell(*options));
  return kExitOwnFailure;
}

void AddShellCommand(CLI::App& guest, int& status) {
  struct Choice {
    GuestSpec spec;
    std::string out = "brink-runs/shell";
  };
  auto choice = std::make_shared<Choice>();
  CLI::App* command =
      guest.add_subcommand("shell", "A shell in a guest, to try by hand what a scenario does");
  command->add_option("--kernel", choice->spec.kernel, "Its kernel, as `brink guest list` names it")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--cgroup", choice->spec.cgroup, "The version of cgroups that has the memory controller")
      ->type_name("v1|v2")
      ->check(CLI::IsMember({"v1", "v2"}).description(""))
      ->capture_default_str();
  command->add_option("--memory", choice->spec.memory_bytes, "Its memory (default: 2GiB)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->default_str("");
  command->add_option("--out", choice->out, "The host's folder that the guest may write to")
      ->type_name("DIR")
      ->capture_default_str();
  command->callback([choice, &status] { status = Shell(choice->spec, choice->out); });
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
