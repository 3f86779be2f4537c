// SPDX-License-Identifier: MIT
#include "run/machine_traces.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "kernel/files.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

/// The kernel changes these by itself: it counts with them, or adapts them to how slow the machine is.
constexpr std::array<std::string_view, 5> kChangeByThemselves{
    "ns_last_pid", "perf_event_max_sample_rate", "hung_task_warnings", "stat_refresh", "tainted"};

void AddFile(const std::string& path, MachineTraces& traces) {
  if (auto text = ReadSmallFile(path)) {
    traces.emplace(path, std::move(*text));
  }
}

void AddSysctls(const std::string& folder, MachineTraces& traces) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename();
    struct stat status = {};
    const bool value = ::stat(entry.path().c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
                       (status.st_mode & S_IWUSR) != 0 && (status.st_mode & S_IRUSR) != 0;
    if (value && std::find(kChangeByThemselves.begin(), kChangeByThemselves.end(), name) ==
                     kChangeByThemselves.end()) {
      AddFile(entry.path(), traces);
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

/// How much of it is in use varies.
void AddSwap(const std::string& path, MachineTraces& traces) {
  const auto text = ReadSmallFile(path);
  std::string areas;
  for (const std::string_view line :
       text ? Split(std::string_view(*text), '\n') : std::vector<std::string_view>{}) {
    areas += std::string(line.substr(0, line.find_first_of(" \t"))) + " ";
  }
  traces.emplace(path, std::move(areas));
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
  for (const char* folder : {"/sys/vm", "/sys/kernel", "/sys/fs"}) {
    AddSysctls(roots.proc + folder, traces);
  }
  for (const char* file : {"/self/mountinfo", "/sysvipc/shm", "/sysvipc/sem", "/sysvipc/msg"}) {
    AddFile(roots.proc + file, traces);
  }
  AddSwap(roots.proc + "/swaps", traces);
  for (const char* file : {"enabled", "defrag", "shmem_enabled"}) {
    AddFile(roots.sys + "/kernel/mm/transparent_hugepage/" + file, traces);
  }
  AddFolder("/dev/shm", traces);
  AddFolder("/dev/mqueue", traces);
  struct statvfs room = {};
  if (::statvfs(disk.c_str(), &room) == 0) {
    traces.emplace("the number of files outside of ${dir}", std::to_string(room.f_files - room.f_ffree));
  }
  return traces;
}

std::string DifferenceOf(const MachineTraces& before, const MachineTraces& after) {
  for (const auto& [name, text] : after) {
    const auto was = before.find(name);
    if (was == before.end() || was->second != text) {
      return fmt::format("{} was {}, and is {}", name, was == before.end() ? "not there" : Shown(was->second),
                         Shown(text));
    }
  }
  for (const auto& [name, text] : before) {
    if (!after.contains(name)) {
      return fmt::format("{} was {}, and is no more", name, Shown(text));
    }
  }
  return "";
}

}  // namespace brink
