// SPDX-License-Identifier: MIT
#include "evidence/living_groups.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <map>

#include "kernel/cgroup.h"
#include "kernel/cgroup_tree.h"
#include "kernel/files.h"
#include "kernel/group_place.h"

namespace brink {
namespace {

/// v1 shows LONG_MAX rounded down to pages where there is no limit.
constexpr std::uint64_t kV1NoLimit = 0x7fffffffffff0000;
constexpr std::string_view kInitialCgroupNamespace = "cgroup:[4026531835]";  // include/linux/proc_ns.h

std::uint64_t LimitIn(const std::string& path) {
  const auto number = ReadNumber(path);
  return !number || *number >= kV1NoLimit ? kNoLimit : *number;  // "max" is no number
}

void ReadMemoryV1(const std::string& folder, GroupLevel& level) {
  level.use = ReadNumber(folder + "memory.usage_in_bytes");
  level.limit = LimitIn(folder + "memory.limit_in_bytes");
  level.both_use = ReadNumber(folder + "memory.memsw.usage_in_bytes");
  if (level.both_use) {
    level.both_limit = LimitIn(folder + "memory.memsw.limit_in_bytes");
  }
  level.swappiness = ReadNumber(folder + "memory.swappiness");
  const std::string control = ReadSmallFile(folder + "memory.oom_control").value_or("");
  level.oom_kill_disabled = FindNumber(control, "oom_kill_disable") == 1;
  level.under_oom = FindNumber(control, "under_oom") == 1;
}

void ReadMemoryV2(const std::string& folder, GroupLevel& level) {
  level.use = ReadNumber(folder + "memory.current");
  level.limit = LimitIn(folder + "memory.max");
  level.high = LimitIn(folder + "memory.high");
  level.swap_use = ReadNumber(folder + "memory.swap.current");
  level.swap_limit = LimitIn(folder + "memory.swap.max");
  level.oom_group = ReadNumber(folder + "memory.oom.group") == 1;
}

/// Of "full avg10=12.34 avg60=... total=...", as a share; nothing where no account of waiting is kept.
std::optional<double> WaitingIn(const std::string& pressure) {
  constexpr std::string_view kAllTasks = "full avg10=";
  constexpr double kPercent = 100;
  const std::size_t at = pressure.find(kAllTasks);
  double percent = 0;
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const char* begin = pressure.data() + at + kAllTasks.size();
  const auto [end, error] = std::from_chars(begin, pressure.data() + pressure.size(), percent);
  return error == std::errc() ? std::optional(percent / kPercent) : std::nullopt;
}

/// memory.stat costs a sum over all processors, so it is read for levels with a limit alone.
void ReadOfLimited(const std::string& folder, bool v2, GroupLevel& level) {
  const std::string stat = ReadSmallFile(folder + "memory.stat").value_or("");
  const std::string prefix = v2 ? "" : "total_";
  const auto active = FindNumber(stat, prefix + "active_file");
  const auto inactive = FindNumber(stat, prefix + "inactive_file");
  if (active && inactive) {
    level.file_cache = *active + *inactive;
  }
  const auto files = FindNumber(stat, prefix + "workingset_refault_file");
  if (files) {  // since Linux 5.9
    level.refaulted = (*files + FindNumber(stat, prefix + "workingset_refault_anon").value_or(0)) *
                      static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  level.waiting = WaitingIn(ReadSmallFile(folder + "memory.pressure").value_or(""));
  level.pids = ProcessesBelow({folder.substr(0, folder.size() - 1)});
}

GroupLevel ReadMemoryLevel(const std::string& folder, const std::string& path, bool v2) {
  GroupLevel level{.path = path};
  v2 ? ReadMemoryV2(folder, level) : ReadMemoryV1(folder, level);
  if (level.limit != kNoLimit || level.high.value_or(kNoLimit) != kNoLimit) {
    ReadOfLimited(folder, v2, level);
  }
  return level;
}

GroupLevel ReadPidsLevel(const std::string& folder, const std::string& path) {
  return {.path = path, .use = ReadNumber(folder + "pids.current"), .limit = LimitIn(folder + "pids.max")};
}

/// From `path` up to the mount's root, which no limit can be set on.
template <typename ReadLevel>
std::vector<GroupLevel> LevelsFrom(const std::string& mount, std::string path, const ReadLevel& read) {
  std::vector<GroupLevel> levels;
  while (path.size() > 1) {
    levels.push_back(read(mount + path + "/", path));
    path.resize(path.rfind('/'));
  }
  levels.push_back(read(mount + "/", "/"));
  return levels;
}

/// Empty where it can't be seen. Notes which of it and those above have memory.oom.group.
std::string MemoryGroupOf(const Roots& roots, const CgroupHost& host, const std::string& cgroup_text,
                          std::set<std::string>& oom_groups) {
  const auto place = PlaceOfGroup(roots, host, "memory", cgroup_text);
  if (!place) {
    return "";
  }
  LevelsFrom(place->mount, place->path, [&](const std::string& folder, const std::string& path) {
    if (ReadNumber(folder + "memory.oom.group") == 1) {
      oom_groups.insert(path);
    }
    return GroupLevel{};
  });
  return place->path;
}

}  // namespace

void ReadGroupLevels(const Roots& roots, LivingProcess& process) {
  const auto text = ReadSmallFile(fmt::format("{}/{}/cgroup", roots.proc, process.pid));
  const auto host = CgroupHost::Discover(roots);
  if (!text || !host) {
    process.unread["cgroups"] = !text ? text.error() : host.error();
    return;
  }
  if (const auto place = PlaceOfGroup(roots, *host, "memory", *text); !place) {
    process.unread["memory.max"] = place.error();
  } else {
    process.cgroup_v2 = place->v2;
    process.memory_groups =
        LevelsFrom(place->mount, place->path, [&](const std::string& folder, const std::string& path) {
          return ReadMemoryLevel(folder, path, place->v2);
        });
  }
  if (const auto place = PlaceOfGroup(roots, *host, "pids", *text); !place) {
    process.unread["pids.max"] = place.error();
  } else {
    process.pids_groups = LevelsFrom(place->mount, place->path, ReadPidsLevel);
  }
  std::error_code error;
  const auto space = std::filesystem::read_symlink(roots.proc + "/self/ns/cgroup", error);
  if (!error && space != kInitialCgroupNamespace) {
    process.groups_note =
        "brink is in a cgroup namespace of its own: levels above it can't be seen from here and may be lower";
  }
}

void ReadOomGroups(const Roots& roots, LivingProcess& process) {
  const auto host = CgroupHost::Discover(roots);
  if (!host || !process.cgroup_v2) {
    return;  // v1 kills no groups
  }
  std::map<std::string, std::string> paths;  // by the file's text: many processes have one group
  for (MemoryHolder& holder : process.processes) {
    const std::string text = ReadSmallFile(fmt::format("{}/{}/cgroup", roots.proc, holder.pid)).value_or("");
    const auto [known, is_new] = paths.try_emplace(text);
    if (is_new) {
      known->second = MemoryGroupOf(roots, *host, text, process.oom_groups);
    }
    holder.group = known->second;
  }
}

}  // namespace brink
