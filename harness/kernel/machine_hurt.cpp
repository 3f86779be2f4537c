// SPDX-License-Identifier: MIT
// Whether lower machine-wide limits would hurt a process that runs already.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/saturating.h"
#include "base/units.h"
#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_slots.h"
#include "kernel/pid_namespace.h"

namespace brink {
namespace {

constexpr std::uint64_t kSpareMappings = 100;
constexpr std::uint64_t kSpareCommit = std::uint64_t{64} << 20;

Status FindManyMappings(const Roots& roots, std::uint64_t limit, const MappingCounter& count,
                        std::vector<std::string>& hurt) {
  if (auto status = CheckPidNamespace(roots); !status) {
    return status;
  }
  const std::uint64_t most = limit > kSpareMappings ? limit - kSpareMappings : 0;
  const auto processes = count(roots, most + 1);
  if (!processes) {
    return tl::unexpected(processes.error());
  }
  for (const ProcessMappings& process : *processes) {
    hurt.push_back(
        fmt::format("process {} ({}) has {} mappings; vm.max_map_count={} leaves it fewer than {} more",
                    process.pid, process.comm, FormatCount(process.map_count), limit, kSpareMappings));
  }
  return {};
}

constexpr std::uint64_t kKibibyte = 1024;

/// KiB as bytes, UINT64_MAX when they don't fit.
std::uint64_t FromKibibytes(std::uint64_t kbytes) {
  return kbytes > UINT64_MAX / kKibibyte ? UINT64_MAX : kbytes * kKibibyte;
}

/// The settings that mode 2 looks at, as they will be.
struct Commitment {
  std::uint64_t mode = 0;
  std::uint64_t ratio = 0;
  std::uint64_t kbytes = 0;
  std::uint64_t admin_reserve = 0;  // bytes
  std::uint64_t user_reserve = 0;   // bytes
};

/// Takes over a setting; false when it has nothing to do with commitments.
bool Apply(const Setting& setting, Commitment& commitment) {
  const std::uint64_t value = ParseNumber(setting.value).value_or(0);
  if (setting.name == "vm.overcommit_memory") {
    commitment.mode = value;
  } else if (setting.name == "vm.overcommit_ratio") {
    commitment.ratio = value;
    commitment.kbytes = 0;
  } else if (setting.name == "vm.overcommit_kbytes") {
    commitment.kbytes = value;
  } else if (setting.name == "vm.admin_reserve_kbytes") {
    commitment.admin_reserve = FromKibibytes(value);
  } else if (setting.name == "vm.user_reserve_kbytes") {
    commitment.user_reserve = FromKibibytes(value);
  } else {
    return false;
  }
  return true;
}

/// What vm_commit_limit() in mm/util.c will return. Huge page pools are no memory of which a ratio is taken.
std::uint64_t CommitLimit(const Roots& roots, const MachineFigures& figures, const Commitment& commitment) {
  constexpr std::uint64_t kPercent = 100;
  const std::string memory = ReadSmallFile(roots.proc + "/meminfo").value_or("");
  const std::uint64_t pools = FromKibibytes(FindNumber(memory, "Hugetlb").value_or(0));
  const std::uint64_t rest = figures.memory_total_bytes - std::min(pools, figures.memory_total_bytes);
  const std::uint64_t base =
      commitment.kbytes != 0 ? FromKibibytes(commitment.kbytes) : rest / kPercent * commitment.ratio;
  return SaturatingSum(base, figures.swap_total_bytes);
}

/// The address space of the largest process in bytes.
std::uint64_t LargestAddressSpace(const Roots& roots) {
  std::uint64_t pages = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(roots.proc, error), end; !error && it != end;
       it.increment(error)) {
    if (ParseNumber(it->path().filename().string())) {
      const std::string sizes = ReadSmallFile(it->path().string() + "/statm").value_or("");
      const auto fields = Split(sizes, ' ');
      pages = std::max(pages, fields.empty() ? 0 : ParseNumber(fields[0]).value_or(0));
    }
  }
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// What __vm_enough_memory() in mm/util.c will keep back: the administrator's reserve from everybody who is
/// not root, and a 32nd of its address space, up to the user's reserve, from each process.
std::uint64_t KeptBack(const Roots& roots, const Commitment& commitment) {
  constexpr std::uint64_t kShare = 32;
  return SaturatingSum(commitment.admin_reserve,
                       std::min(LargestAddressSpace(roots) / kShare, commitment.user_reserve));
}

Status FindCommitment(const Roots& roots, const std::vector<Setting>& settings,
                      std::vector<std::string>& hurt) {
  const MachineFigures figures = ReadMachineFigures(roots);
  Commitment commitment{
      .mode = static_cast<std::uint64_t>(figures.overcommit_memory),
      .ratio = ReadNumber(MachineSettingPath(roots, "vm.overcommit_ratio")).value_or(0),
      .kbytes = ReadNumber(MachineSettingPath(roots, "vm.overcommit_kbytes")).value_or(0),
      .admin_reserve = figures.admin_reserve_bytes,
      .user_reserve = figures.user_reserve_bytes,
  };
  bool touched = false;
  for (const Setting& relative : settings) {
    const auto setting = Absolute(roots, relative);
    if (!setting) {
      return tl::unexpected(setting.error());
    }
    touched = Apply(*setting, commitment) || touched;
  }
  if (!touched || commitment.mode != 2) {
    return {};
  }
  const std::uint64_t limit = CommitLimit(roots, figures, commitment);
  const std::uint64_t kept_back = KeptBack(roots, commitment);
  if (limit < SaturatingSum(SaturatingSum(figures.committed_as_bytes, kept_back), kSpareCommit)) {
    hurt.push_back(
        "processes have been promised " + FormatBytes(figures.committed_as_bytes) +
        "; the commit limit would be " + FormatBytes(limit) + ", of which " + FormatBytes(kept_back) +
        " are kept back (vm.admin_reserve_kbytes, vm.user_reserve_kbytes), which leaves them less than " +
        FormatBytes(kSpareCommit) + " more");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> WhoWouldBeHurt(const Roots& roots, const std::vector<Setting>& settings,
                                                const MappingCounter& count) {
  std::vector<std::string> hurt;
  for (const Setting& setting : settings) {
    const auto value = ParseNumber(setting.value);
    if (setting.name == "vm.panic_on_oom" && value != 0) {
      hurt.emplace_back("vm.panic_on_oom=" + setting.value + " would take the whole machine down");
    }
    if (setting.name == "vm.max_map_count" && value) {
      const auto now = ReadNumber(MachineSettingPath(roots, setting.name));
      if (!now || *value < *now) {
        if (auto status = FindManyMappings(roots, *value, count, hurt); !status) {
          return tl::unexpected(status.error());
        }
      }
    }
  }
  if (auto status = FindCommitment(roots, settings, hurt); !status) {
    return tl::unexpected(status.error());
  }
  return hurt;
}

}  // namespace brink
