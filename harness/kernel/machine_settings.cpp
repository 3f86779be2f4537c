// SPDX-License-Identifier: MIT
// Reading the machine: sysctls, transparent huge pages, /proc/meminfo.
// Sources: Documentation/admin-guide/sysctl/vm.rst, admin-guide/mm/transhuge.rst, filesystems/proc.rst.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kernel/files.h"
#include "kernel/journal.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_slots.h"
#include "model/fault_table.h"
#include "model/setting_values.h"

namespace brink {
namespace {

constexpr std::string_view kThp = "thp.";

}  // namespace

std::string MachineSettingPath(const Roots& roots, std::string_view name) {
  if (name.starts_with(kThp)) {
    return roots.sys + "/kernel/mm/transparent_hugepage/" + std::string(name.substr(kThp.size()));
  }
  std::string path(name);
  std::replace(path.begin(), path.end(), '.', '/');
  return roots.proc + "/sys/" + path;
}

namespace {

/// A sysctl of several numbers separates them by tabs; people, and the plan, by single blanks.
std::string WithSingleBlanks(const std::string& text) {
  std::string single;
  for (const char c : text) {
    const bool blank = c == '\t' || c == ' ';
    if (!blank) {
      single += c;
    } else if (!single.empty() && single.back() != ' ') {
      single += ' ';
    }
  }
  return single;
}

}  // namespace

Result<std::string> ReadMachineSetting(const Roots& roots, std::string_view name) {
  if (!IsMachineSetting(name)) {
    return Fail(std::string(name) + " is not a machine-wide setting");
  }
  auto text = ReadSmallFile(MachineSettingPath(roots, name));
  if (!text && text.error().code == ENOENT) {
    return Fail("this kernel has no " + std::string(name),
                "check its name, or take another kernel: --kernel");
  }
  if (!text) {
    return text;
  }
  if (!name.starts_with(kThp)) {
    return WithSingleBlanks(*text);
  }
  // "always [madvise] never"
  const std::size_t begin = text->find('[');
  const std::size_t end = text->find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    return Fail(std::string(name) + ": no choice in brackets in \"" + *text + "\"");
  }
  return text->substr(begin + 1, end - begin - 1);
}

std::map<std::string, std::string> ReadMachineSettings(const Roots& roots) {
  std::map<std::string, std::string> settings;
  for (const FaultInfo& fault : FaultTable()) {
    if (fault.scope == FaultScope::kMachine) {
      if (auto value = ReadMachineSetting(roots, fault.name)) {
        settings.emplace(fault.name, std::move(*value));
      }
    }
  }
  return settings;
}

namespace {

/// What is journalled as the value to put back, setting by setting.
std::map<std::string, std::string> Saved(const Roots& roots) {
  std::map<std::string, std::string> saved;
  const auto journal = ReadMachineJournal(roots);
  if (!journal || !*journal) {
    return saved;
  }
  for (const JournalSlot& slot : (*journal)->slots) {
    const auto parts = Split(slot.old_value, ' ');
    const CoupledSysctls* pair = FindCoupled(slot.slot);
    if (pair != nullptr && parts.size() == 2) {
      saved[std::string(pair->first)] = parts[0];
      saved[std::string(pair->second)] = parts[1];
    } else {
      saved[slot.slot] = slot.old_value;
    }
  }
  return saved;
}

}  // namespace

std::map<std::string, std::string> ReadMachineSettingsAtRest(const Roots& roots) {
  // The journal is there before a value changes, and until all are put back: with the same one before and
  // after, what it does not hold was at rest. Another brink changes it twice a case; reading takes far less.
  constexpr int kAttempts = 10;
  std::map<std::string, std::string> settings;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto saved = Saved(roots);
    settings = ReadMachineSettings(roots);
    for (const auto& [name, value] : saved) {
      settings[name] = value;
    }
    if (Saved(roots) == saved) {
      break;
    }
  }
  return settings;
}

namespace {

/// A sysctl in KiB as bytes; what does not fit is the most that does (the kernel takes any unsigned long).
void ReadKibibytes(const std::string& path, std::uint64_t& bytes) {
  constexpr std::uint64_t kKibibyte = 1024;
  if (const auto value = ReadNumber(path)) {
    bytes = *value > UINT64_MAX / kKibibyte ? UINT64_MAX : *value * kKibibyte;
  }
}

}  // namespace

MachineFigures ReadMachineFigures(const Roots& roots) {
  constexpr std::uint64_t kKibibyte = 1024;
  const std::string memory = ReadSmallFile(roots.proc + "/meminfo").value_or("");
  const auto of_memory = [&](std::string_view key) { return FindNumber(memory, key).value_or(0); };
  const auto sysctl = [&](const char* file) { return ReadNumber(roots.proc + "/sys/" + file).value_or(0); };
  MachineFigures figures;
  figures.max_map_count = sysctl("vm/max_map_count");
  figures.overcommit_memory = static_cast<int>(sysctl("vm/overcommit_memory"));
  figures.commit_limit_bytes = of_memory("CommitLimit") * kKibibyte;
  figures.committed_as_bytes = of_memory("Committed_AS") * kKibibyte;
  figures.memory_total_bytes = of_memory("MemTotal") * kKibibyte;
  figures.memory_available_bytes = of_memory("MemAvailable") * kKibibyte;
  figures.swap_total_bytes = of_memory("SwapTotal") * kKibibyte;
  figures.pid_max = sysctl("kernel/pid_max");
  figures.threads_max = sysctl("kernel/threads-max");
  ReadKibibytes(roots.proc + "/sys/vm/admin_reserve_kbytes", figures.admin_reserve_bytes);
  ReadKibibytes(roots.proc + "/sys/vm/user_reserve_kbytes", figures.user_reserve_bytes);
  figures.hugepages_total = of_memory("HugePages_Total");
  figures.hugepages_free = of_memory("HugePages_Free");
  figures.hugepages_reserved = of_memory("HugePages_Rsvd");
  figures.hugepage_size_bytes = of_memory("Hugepagesize") * kKibibyte;
  // "0.20 0.18 0.12 1/80 11206": running and existing threads
  const std::string load = ReadSmallFile(roots.proc + "/loadavg").value_or("");
  if (const auto fields = Split(load, ' '); fields.size() >= 4) {
    const auto tasks = Split(fields[3], '/');
    figures.threads = tasks.size() == 2 ? ParseNumber(tasks[1]).value_or(0) : 0;
  }
  return figures;
}

}  // namespace brink
