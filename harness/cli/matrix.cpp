// SPDX-License-Identifier: MIT
#include "cli/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "run/plan_queue.h"
#include "sandbox/kernels.h"

namespace brink {
namespace {

/// The value given twice, if any.
const std::string* Doubled(const std::vector<std::string>& values) {
  for (auto at = values.begin(); at != values.end(); ++at) {
    if (std::find(values.begin(), at, *at) != at) {
      return &*at;
    }
  }
  return nullptr;
}

/// A folder's name for each kernel: its own, or its file's; told apart by a number where two files are
/// called the same.
std::vector<std::string> FoldersOf(const std::vector<std::string>& kernels) {
  std::vector<std::string> folders;
  for (const std::string& kernel : kernels) {
    const std::string name = std::filesystem::path(kernel.substr(0, kernel.find(':'))).filename().string();
    std::string folder = name;
    for (int number = 2; std::find(folders.begin(), folders.end(), folder) != folders.end(); ++number) {
      folder = fmt::format("{}.{}", name, number);
    }
    folders.push_back(std::move(folder));
  }
  return folders;
}

Status CheckAxis(const char* option, const std::vector<std::string>& values) {
  if (std::find(values.begin(), values.end(), "") != values.end()) {
    return Fail(fmt::format("{}: an empty name", option), "separate names by single commas");
  }
  if (const std::string* doubled = Doubled(values)) {
    return Fail(fmt::format("{}: {} is given twice", option, *doubled), "name it once");
  }
  return {};
}

}  // namespace

Result<std::vector<Cell>> MakeCells(const std::vector<std::string>& kernels,
                                    const std::vector<std::string>& cgroups) {
  auto checked = CheckAxis("--kernel", kernels);
  checked = checked ? CheckAxis("--cgroup", cgroups) : checked;
  if (!checked) {
    return tl::unexpected(checked.error());
  }
  for (const std::string& kernel : kernels) {
    if (auto known = CheckKernelName(kernel); !known) {
      return Within("--kernel", known.error());
    }
  }
  for (const std::string& version : cgroups) {
    if (version != "v1" && version != "v2") {
      return Fail("--cgroup: " + version + " is no version of cgroups", "write v1, v2 or v1,v2");
    }
  }
  const std::vector<std::string> folders = FoldersOf(kernels);
  std::vector<Cell> cells;
  for (std::size_t row = 0; row < std::max<std::size_t>(kernels.size(), 1); ++row) {
    for (std::size_t column = 0; column < std::max<std::size_t>(cgroups.size(), 1); ++column) {
      Cell cell;
      cell.kernel =
          kernels.empty() ? "" : KernelSeenFrom(kernels[row], std::filesystem::current_path().string());
      cell.cgroup = cgroups.empty() ? "" : cgroups[column];
      cell.folder = kernels.size() > 1 ? folders[row] : "";
      if (cgroups.size() > 1) {
        cell.folder += (cell.folder.empty() ? "" : "-") + cell.cgroup;
      }
      cells.push_back(std::move(cell));
    }
  }
  return cells;
}

std::string ChooseSandbox(const Plan& plan, const SandboxChoice& choice) {
  if (choice.matrix) {
    return "vm";
  }
  if (choice.sandbox != "auto") {
    return choice.sandbox;
  }
  if (choice.in_guest) {
    return "host";
  }
  return plan.needs_guest || ChangesMachine(plan) || !choice.groups ? "vm" : "host";
}

void FitToCell(Plan& plan, const CgroupDemand& demand, const Cell& cell, const SandboxChoice& choice) {
  plan.sandbox = ChooseSandbox(plan, choice);
  if (plan.sandbox == "host") {
    if (plan.needs_guest && !choice.in_guest && !plan.not_runnable) {
      const auto reason = std::find_if(plan.machine.begin(), plan.machine.end(), NeedsGuest);
      plan.not_runnable = reason == plan.machine.end()
                              ? "it needs a machine of its own"
                              : fmt::format("{}={} needs a machine of its own", reason->name, reason->value);
      plan.not_runnable_remedy = "--sandbox vm";
    }
    return;
  }
  GuestSpec& guest = plan.guest;
  guest.kernel = cell.kernel.empty() ? guest.kernel : cell.kernel;
  guest.cgroup = cell.cgroup.empty() ? guest.cgroup : cell.cgroup;
  if (!demand.version.empty() && demand.version != guest.cgroup) {
    plan.not_applicable = demand.reason;
  }
}

}  // namespace brink
