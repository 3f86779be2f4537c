// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/common.h"
#include "sandbox/kernels.h"

namespace brink {
namespace {

std::string DescribeKernel(const GuestKernel& kernel) {
  return fmt::format(
      "{}\n  Linux {}   cgroup {}\n  {}\n", kernel.name, kernel.release, kernel.cgroup_v1 ? "v1, v2" : "v2",
      kernel.packages.empty() ? "your own" : fmt::format("{}", fmt::join(kernel.packages, ", ")));
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
  CLI::App* guest = app.add_subcommand("guest", "Manage the kernels of the guests that plans run in");
  guest->require_subcommand(1);
  CLI::App* list = guest->add_subcommand("list", "List the kernels that are there, and those to be had");
  list->callback([&status] { status = List(); });
  AddKernelCommand(*guest, status, "fetch",
                   "Fetch kernels from Debian, or prepare one of your own; nothing is installed", Fetch);
  AddKernelCommand(*guest, status, "remove", "Remove kernels from the cache", Remove);
}

}  // namespace brink
