// SPDX-License-Identifier: MIT
#include "run/machine_traces.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "kernel/cgroup.h"
#include "kernel/files.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

/// The kernel changes these by itself: it counts with them, draws them at random, or adapts them to how slow
/// the machine is. `bitmap` is one bit for each page that is idle (admin-guide/mm/idle_page_tracking.rst).
constexpr std::array<std::string_view, 7> kChangeByThemselves{
    "ns_last_pid", "perf_event_max_sample_rate", "hung_task_warnings", "stat_refresh", "tainted",
    "bitmap",      "max_newidle_lb_cost"};

void AddFile(const std::string& path, MachineTraces& traces) {
  if (auto text = ReadSmallFile(path)) {
    traces.emplace(path, std::move(*text));
  }
}

/// As AddFile(), of a file of this name in an open folder. The kernel fills with zeros as much as it is asked
/// for before it writes a sysctl's value (proc_sys_call_handler() of fs/proc/proc_sysctl.c), so that asking
/// for a page takes five times as long.
void AddSetting(int folder, const char* name, const std::string& path, MachineTraces& traces) {
  const UniqueFd file(::openat(folder, name, O_RDONLY | O_CLOEXEC));
  std::array<char, 255> value;
  const ssize_t length = file.Valid() ? ::read(file.Get(), value.data(), value.size()) : -1;
  if (length == static_cast<ssize_t>(value.size())) {
    AddFile(path, traces);
  } else if (length >= 0) {
    traces.emplace(path, Trim(std::string_view(value.data(), static_cast<std::size_t>(length))));
  }
}

/// Whether it can be set and read again, and stays as it was set; what can only be read is the kernel's own
/// account.
bool IsSetting(int folder, const char* name) {
  struct stat status = {};
  return ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & S_IWUSR) != 0 && (status.st_mode & S_IRUSR) != 0 &&
         std::find(kChangeByThemselves.begin(), kChangeByThemselves.end(), name) == kChangeByThemselves.end();
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// All settings below the folder `name` of an open one, `path`. There are some 800, and an emulated guest is
/// slow to look up long paths, so each is opened from its own folder.
void AddSettings(int parent, const char* name, const std::string& path, MachineTraces& traces) {
  UniqueFd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const std::unique_ptr<DIR, CloseFolder> folder(fd.Valid() ? ::fdopendir(fd.Get()) : nullptr);
  if (!folder) {
    return;
  }
  const int place = fd.Release();  // the folder's now
  while (const dirent* entry = ::readdir(folder.get())) {
    const char* inner = entry->d_name;
    if (entry->d_type == DT_DIR && inner[0] != '.') {
      AddSettings(place, inner, path + "/" + inner, traces);
    } else if (entry->d_type == DT_REG && IsSetting(place, inner)) {
      AddSetting(place, inner, path + "/" + inner, traces);
    }
  }
}

/// What lies in a folder of a file system of memory, and how much that takes.
void AddFolder(const std::string& folder, MachineTraces& traces) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    traces.emplace(entry.path(), "there");
  }
  struct statvfs room = {};
  if (::statvfs(folder.c_str(), &room) == 0) {
    traces.emplace("what is used of " + folder, fmt::format("{} blocks", room.f_blocks - room.f_bfree));
  }
}

/// When the machine came up, by its clock: "btime" of /proc/stat is the difference of its two clocks, so it
/// differs by as many seconds as the clock was set (Documentation/filesystems/proc.rst).
void AddClock(const std::string& path, MachineTraces& traces) {
  if (const auto booted = FindNumber(ReadSmallFile(path).value_or(""), "btime")) {
    traces.emplace("the time of the boot by the clock", std::to_string(*booted));
  }
}

/// All but what is in use of it: file name, type, size, used and priority are the columns (proc_swaps(5)).
void AddSwaps(const std::string& path, MachineTraces& traces) {
  constexpr std::size_t kUsed = 3;
  const std::string text = ReadSmallFile(path).value_or("");
  std::string areas;
  for (const std::string_view line : Split(std::string_view(text), '\n')) {
    std::size_t column = 0;
    std::istringstream words{std::string(line)};
    for (std::string word; words >> word; ++column) {
      areas += column == kUsed ? "" : word + " ";
    }
  }
  traces.emplace(path, std::move(areas));
}

/// How much memory each zram may take. mem_limit itself can only be written; it is the fourth number of
/// mm_stat (Documentation/admin-guide/blockdev/zram.rst).
void AddZram(const std::string& block, MachineTraces& traces) {
  constexpr std::size_t kLimit = 3;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(block, code)) {
    if (!entry.path().filename().string().starts_with("zram")) {
      continue;
    }
    std::istringstream words(ReadSmallFile(entry.path() / "mm_stat").value_or(""));
    const std::vector<std::string> numbers{std::istream_iterator<std::string>(words), {}};
    traces.emplace(entry.path() / "mem_limit", numbers.size() > kLimit ? numbers[kLimit] : "not told");
  }
}

/// The first word of each line: how many use a module varies.
void AddNames(const std::string& path, MachineTraces& traces) {
  const auto text = ReadSmallFile(path);
  std::string names;
  for (const std::string_view line :
       text ? Split(std::string_view(*text), '\n') : std::vector<std::string_view>{}) {
    names += std::string(line.substr(0, line.find_first_of(" \t"))) + " ";
  }
  traces.emplace(path, std::move(names));
}

/// By the flags in a stat file of a process or thread (proc_pid_stat(5)).
bool Lives(const std::string& stat_file) {
  constexpr std::uint64_t kExiting = 0x4;            // PF_EXITING of include/linux/sched.h
  constexpr std::uint64_t kKernelThread = 0x200000;  // PF_KTHREAD
  constexpr std::size_t kFlags = 6;                  // field 9, where what follows the name is field 3
  const std::string text = ReadSmallFile(stat_file).value_or("");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) {
    return false;
  }
  const auto fields = Split(std::string_view(text).substr(name_end + 1), ' ');
  return fields.size() > kFlags &&
         (ParseNumber(fields[kFlags]).value_or(kExiting) & (kExiting | kKernelThread)) == 0;
}

/// The processes of programs. One whose last thread is ending is none any more, and one whose first thread
/// has ended may live on in others.
void AddProcesses(const Roots& roots, MachineTraces& traces) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(roots.proc, code)) {
    const std::string pid = entry.path().filename();
    if (!ParseNumber(pid)) {
      continue;
    }
    const std::string folder = entry.path();
    std::error_code gone;
    bool lives = Lives(folder + "/stat");
    for (fs::directory_iterator thread(folder + "/task", gone), end; !lives && !gone && thread != end;
         thread.increment(gone)) {
      lives = Lives(thread->path().string() + "/stat");
    }
    if (lives) {
      traces.emplace(fmt::format("process {} ({})", pid, ReadSmallFile(folder + "/comm").value_or("")),
                     "there");
    }
  }
}

/// A value of a control group that limits what is below it, or that groups made below it take over, and how
/// the kernel sets it in a new group. Empty: as in the hierarchy's root.
/// Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/{memory,cpusets}.rst,
/// scheduler/sched-bwc.rst.
struct GroupSetting {
  const char* file;
  std::string_view unset;
};
constexpr const char* kSubtreeControl = "cgroup.subtree_control";
constexpr std::array kGroupSettings = std::to_array<GroupSetting>({
    {kSubtreeControl, ""},
    {"cgroup.type", "domain"},
    {"cgroup.freeze", "0"},
    {"cgroup.max.depth", "max"},
    {"cgroup.max.descendants", "max"},
    {"memory.max", "max"},
    {"memory.high", "max"},
    {"memory.low", "0"},
    {"memory.min", "0"},
    {"memory.oom.group", "0"},
    {"memory.swap.max", "max"},
    {"memory.swap.high", "max"},
    {"memory.zswap.max", "max"},
    {"memory.limit_in_bytes", ""},
    {"memory.memsw.limit_in_bytes", ""},
    {"memory.soft_limit_in_bytes", ""},
    {"memory.kmem.limit_in_bytes", ""},
    {"memory.swappiness", ""},
    {"memory.oom_control", "oom_kill_disable 0"},
    {"pids.max", "max"},
    {"cpu.max", "max 100000"},
    {"cpu.weight", "100"},
    {"cpu.cfs_quota_us", "-1"},
    {"cpu.shares", "1024"},
    {"cpuset.cpus", ""},
    {"cpuset.mems", ""},
});

/// Nothing where there is no such file. What brink itself enables for groups below is left out, and so are
/// counts, in further lines (memory.oom_control).
std::optional<std::string> ReadGroupSetting(const std::string& group, const char* file) {
  const auto text = ReadSmallFile(group + "/" + file);
  if (!text) {
    return std::nullopt;
  }
  if (file != kSubtreeControl) {
    return text->substr(0, text->find('\n'));
  }
  constexpr std::array<std::string_view, 5> kOfBrink{"cpuset", "cpu", "memory", "hugetlb", "pids"};
  std::string others;
  for (const std::string_view controller : Split(std::string_view(*text), ' ')) {
    if (std::find(kOfBrink.begin(), kOfBrink.end(), controller) == kOfBrink.end()) {
      others += std::string(others.empty() ? "" : " ") + std::string(controller);
    }
  }
  return others;
}

/// Of brink's own group, which it makes for the first case that needs it: what is not as in a new one.
void AddOwnGroup(const std::string& root, const std::string& group, MachineTraces& traces) {
  for (const auto& [file, unset] : kGroupSettings) {
    const auto value = ReadGroupSetting(group, file);
    if (value && *value != unset && (!unset.empty() || value != ReadGroupSetting(root, file))) {
      traces.emplace(group + "/" + file, *value);
    }
  }
}

void AddGroups(const Roots& roots, MachineTraces& traces) {
  const auto host = CgroupHost::Discover(roots);
  for (const std::string& root : host ? host->Mounts() : std::vector<std::string>{}) {
    for (const auto& [file, unset] : kGroupSettings) {
      if (auto value = ReadGroupSetting(root, file)) {
        traces.emplace(root + "/" + file, std::move(*value));
      }
    }
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(root, code)) {
      std::error_code gone;
      if (!entry.is_directory(gone)) {
        continue;
      }
      if (entry.path().filename().string().starts_with("brink-")) {
        AddOwnGroup(root, entry.path(), traces);
      } else {
        traces.emplace(entry.path(), "there");
      }
    }
  }
}

/// Cut to what fits into a sentence.
std::string Shown(std::string text) {
  constexpr std::size_t kMost = 100;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() > kMost ? text.substr(0, kMost) + "..." : text;
}

}  // namespace

MachineTraces ReadTraces(const Roots& roots, const std::string& disk) {
  MachineTraces traces;
  for (const std::string& folder :
       {roots.proc + "/sys", roots.sys + "/kernel/mm", roots.sys + "/module/zswap/parameters"}) {
    AddSettings(AT_FDCWD, folder.c_str(), folder, traces);
  }
  // Addresses and routes of the loopback device are in fib_trie, while it is up.
  for (const char* file : {"/self/mountinfo", "/sysvipc/shm", "/sysvipc/sem", "/sysvipc/msg", "/net/fib_trie",
                           "/net/if_inet6"}) {
    AddFile(roots.proc + file, traces);
  }
  AddFile(roots.sys + "/devices/system/cpu/online", traces);
  AddSwaps(roots.proc + "/swaps", traces);
  AddZram(roots.sys + "/block", traces);
  AddNames(roots.proc + "/modules", traces);
  AddClock(roots.proc + "/stat", traces);
  AddProcesses(roots, traces);
  AddGroups(roots, traces);
  AddFolder("/dev/shm", traces);
  AddFolder("/dev/mqueue", traces);
  struct statvfs room = {};
  if (::statvfs(disk.c_str(), &room) == 0) {
    traces.emplace("the number of files outside of ${dir}", std::to_string(room.f_files - room.f_ffree));
  }
  return traces;
}

std::string DifferencesOf(const MachineTraces& before, const MachineTraces& after) {
  constexpr std::size_t kMost = 20;
  std::vector<std::string> found;
  for (const auto& [name, text] : after) {
    const auto was = before.find(name);
    if (was == before.end() || was->second != text) {
      found.push_back(fmt::format("{} was {}, and is {}", name,
                                  was == before.end() ? "not there" : Shown(was->second), Shown(text)));
    }
  }
  for (const auto& [name, text] : before) {
    if (!after.contains(name)) {
      found.push_back(fmt::format("{} was {}, and is no more", name, Shown(text)));
    }
  }
  if (found.size() > kMost) {
    const std::size_t more = found.size() - kMost;
    found.resize(kMost);
    found.push_back(fmt::format("and {} more", more));
  }
  return fmt::format("{}", fmt::join(found, "; "));
}

std::string Exhaustion(const Evidence& evidence, std::uint64_t oom_kills) {
  const bool machine_kill = std::any_of(evidence.oom_kills.begin(), evidence.oom_kills.end(),
                                        [](const OomKill& kill) { return kill.scope == "machine"; });
  if (machine_kill) {
    return "the machine ran out of memory";
  }
  const bool all_told = evidence.grade == EvidenceGrade::kKernel && evidence.events_lost == 0 &&
                        evidence.left_out.oom_kills == 0;
  return all_told || oom_kills == 0
             ? ""
             : fmt::format("the machine may have run out of memory: of its {} OOM kills not all are known",
                           oom_kills);
}

}  // namespace brink
