// SPDX-License-Identifier: MIT
// Whether lower machine-wide limits would hurt a process that runs already.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/units.h"
#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_slots.h"

namespace brink {
namespace {

constexpr std::uint64_t kSpareMappings = 100;
constexpr std::uint64_t kSpareCommit = std::uint64_t{64} << 20;

/// Mappings of a process; 0 when it is gone. Reading maps is dear, so a process too small to have `least` is
/// passed over: every mapping has at least one page.
std::uint64_t CountMappings(const std::string& process, std::uint64_t least) {
  const std::string sizes = ReadSmallFile(process + "/statm").value_or("");
  const auto fields = Split(sizes, ' ');
  const auto pages = fields.empty() ? std::nullopt : ParseNumber(fields[0]);
  if (pages.value_or(0) < least || pages.value_or(0) == 0) {
    return 0;
  }
  const std::string maps = ReadSmallFile(process + "/maps").value_or("");
  const auto lines = std::count(maps.begin(), maps.end(), '\n');
  return maps.empty() ? 0 : static_cast<std::uint64_t>(lines) + 1;
}

Status FindManyMappings(const Roots& roots, std::uint64_t limit, std::vector<std::string>& hurt) {
  const std::uint64_t most = limit > kSpareMappings ? limit - kSpareMappings : 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(roots.proc, error), end; !error && it != end;
       it.increment(error)) {
    const std::string pid = it->path().filename().string();
    if (!ParseNumber(pid)) {
      continue;
    }
    const std::uint64_t count = CountMappings(it->path().string(), most);
    if (count > most) {
      hurt.push_back("process " + pid + " (" + ReadSmallFile(it->path().string() + "/comm").value_or("?") +
                     ") has " + FormatCount(count) + " mappings; vm.max_map_count=" + std::to_string(limit) +
                     " leaves it fewer than " + std::to_string(kSpareMappings) + " more");
    }
  }
  return error ? FailErrno("read " + roots.proc, error.value()) : Status{};
}

constexpr std::uint64_t kKibibyte = 1024;

/// a + b, UINT64_MAX when it doesn't fit.
std::uint64_t Sum(std::uint64_t a, std::uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

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
  return Sum(base, figures.swap_total_bytes);
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
  return Sum(commitment.admin_reserve,
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
  if (limit < Sum(Sum(figures.committed_as_bytes, kept_back), kSpareCommit)) {
    hurt.push_back(
        "processes have been promised " + FormatBytes(figures.committed_as_bytes) +
        "; the commit limit would be " + FormatBytes(limit) + ", of which " + FormatBytes(kept_back) +
        " are kept back (vm.admin_reserve_kbytes, vm.user_reserve_kbytes), which leaves them less than " +
        FormatBytes(kSpareCommit) + " more");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> WhoWouldBeHurt(const Roots& roots, const std::vector<Setting>& settings) {
  std::vector<std::string> hurt;
  for (const Setting& setting : settings) {
    const auto value = ParseNumber(setting.value);
    if (setting.name == "vm.panic_on_oom" && value != 0) {
      hurt.emplace_back("vm.panic_on_oom=" + setting.value + " would take the whole machine down");
    }
    if (setting.name == "vm.max_map_count" && value) {
      const auto now = ReadNumber(MachineSettingPath(roots, setting.name));
      if (!now || *value < *now) {
        if (auto status = FindManyMappings(roots, *value, hurt); !status) {
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
