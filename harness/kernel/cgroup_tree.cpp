// SPDX-License-Identifier: MIT
#include "kernel/cgroup_tree.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/clock.h"
#include "base/slowness.h"
#include "base/unique_fd.h"
#include "kernel/files.h"

namespace brink {
namespace {

constexpr std::size_t kKilledPerRound = 512;  // bounds the pidfds open at once

/// The kernel offers no event for what is waited for here, so the caller looks again after this bounded
/// pause.
void PauseBriefly() { ::poll(nullptr, 0, 1); }

bool Expired(Clock::time_point deadline) { return Clock::now() >= deadline; }

/// True when the process is (still) in this group: between reading cgroup.procs and killing, a pid may have
/// been reused.
bool IsMember(int pid, std::string_view path) {
  const auto groups = ReadSmallFile("/proc/" + std::to_string(pid) + "/cgroup");
  if (!groups) {
    return false;
  }
  const std::string needle = "/" + std::string(path);
  for (const std::string_view line : Split(*groups, '\n')) {
    const std::size_t at = line.find(needle);
    if (at != std::string_view::npos &&
        (at + needle.size() == line.size() || line[at + needle.size()] == '/')) {
      return true;
    }
  }
  return false;
}

/// Kills the members among `pids` and returns their pidfds. The pidfd is opened before the membership is
/// checked, so the signal goes to the process that was checked.
std::vector<UniqueFd> KillMembers(const std::vector<int>& pids, std::string_view path) {
  std::vector<UniqueFd> killed;
  for (const int pid : pids) {
    if (killed.size() == kKilledPerRound) {
      break;
    }
    UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd.Valid() && IsMember(pid, path)) {
      ::syscall(SYS_pidfd_send_signal, pidfd.Get(), SIGKILL, nullptr, 0);
      killed.push_back(std::move(pidfd));
    }
  }
  return killed;
}

/// Waits until one of the killed has ended; the others are looked at in the next round.
void AwaitAnEnd(const std::vector<UniqueFd>& killed) {
  constexpr int kLongestRoundMs = 20;
  if (killed.empty()) {
    PauseBriefly();
    return;
  }
  pollfd last{.fd = killed.back().Get(), .events = POLLIN, .revents = 0};
  ::poll(&last, 1, kLongestRoundMs);
}

/// So that a fork bomb loses.
void StopGrowth(const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    // Absent where the hierarchy has no such controller; then there is nothing to stop in it.
    static_cast<void>(WriteSmallFile(directory + "/pids.max", "0"));
  }
}

/// So that nobody waits for an OOM that is never resolved. Only once all have been killed: the kernel would
/// take one as its victim first, and the verdict would say so.
void LetOomKillerAct(const std::vector<std::string>& directories) {
  for (const std::string& directory : directories) {
    for (const std::string& group : Descendants(directory)) {
      const auto oom = ReadSmallFile(group + "/memory.oom_control");
      if (oom && FindNumber(*oom, "oom_kill_disable") == 1) {
        static_cast<void>(WriteSmallFile(group + "/memory.oom_control", "0"));
      }
    }
  }
}

std::string NameSurvivors(const std::vector<int>& pids) {
  constexpr std::size_t kNamed = 5;
  std::string names;
  for (std::size_t i = 0; i < pids.size() && i < kNamed; ++i) {
    const std::string pid = std::to_string(pids[i]);
    names += (i == 0 ? "" : ", ") + pid + " (" + ReadSmallFile("/proc/" + pid + "/comm").value_or("?") + ")";
  }
  if (pids.size() > kNamed) {
    names += " and " + std::to_string(pids.size() - kNamed) + " more";
  }
  return names;
}

/// rmdir, again while the kernel still counts an exiting process as a member.
Status RemoveDirectory(const std::string& directory, Clock::time_point deadline) {
  // Not libcgroup's cgroup_delete_cgroup: it moves survivors into the parent group instead of reporting them.
  for (;;) {
    if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) {
      return {};
    }
    if (errno != EBUSY || Expired(deadline)) {
      return FailErrno("remove group " + directory);
    }
    PauseBriefly();
  }
}

}  // namespace

Status CheckOwnPath(std::string_view path) {
  bool own = path.starts_with("brink-") && !path.ends_with('/') && path.find("//") == std::string_view::npos;
  for (const std::string_view part : Split(path, '/')) {
    own = own && part != "." && part != "..";
  }
  if (!own) {
    return Fail("group " + std::string(path) + " is not one that brink makes",
                "brink's groups begin with brink-");
  }
  return {};
}

std::vector<std::string> GroupDirectories(const CgroupHost& host, std::string_view path) {
  std::vector<std::string> directories;
  for (const std::string& mount : host.Mounts()) {
    std::string directory = mount + "/" + std::string(path);
    if (::access(directory.c_str(), F_OK) == 0) {
      directories.push_back(std::move(directory));
    }
  }
  return directories;
}

std::vector<std::string> Descendants(const std::string& directory) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code type_error;
    if (it->is_directory(type_error)) {
      for (std::string& below : Descendants(it->path().string())) {
        found.push_back(std::move(below));
      }
    }
  }
  found.push_back(directory);
  return found;
}

std::vector<int> ProcessesBelow(const std::vector<std::string>& directories) {
  std::vector<int> pids;
  for (const std::string& directory : directories) {
    for (const std::string& group : Descendants(directory)) {
      const std::string text = ReadSmallFile(group + "/cgroup.procs").value_or("");
      for (const std::string_view line : Split(text, '\n')) {
        // 0 stands for a process of another pid namespace: it cannot be named from here.
        if (const auto pid = ParseNumber(line); pid && *pid != 0) {
          pids.push_back(static_cast<int>(*pid));
        }
      }
    }
  }
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

Status KillGroup(const CgroupHost& host, std::string_view path, double timeout_s) {
  if (auto status = CheckOwnPath(path); !status) {
    return status;
  }
  const auto directories = GroupDirectories(host, path);
  const auto deadline = Clock::now() + Stretched(Seconds(timeout_s));
  bool growth_stopped = false;
  for (;;) {
    const std::vector<int> pids = ProcessesBelow(directories);
    if (pids.empty()) {
      return {};
    }
    if (Expired(deadline)) {
      return Fail(
          "group " + std::string(path) + ": still alive after SIGKILL: " + NameSurvivors(pids),
          "a process in state D ends when its device or file system answers; then run `brink restore`");
    }
    if (!growth_stopped) {
      StopGrowth(directories);
      growth_stopped = true;
    }
    for (const std::string& directory : directories) {
      if (const std::string kill = directory + "/cgroup.kill"; ::access(kill.c_str(), W_OK) == 0) {
        static_cast<void>(WriteSmallFile(kill, "1"));  // v2 from 5.14 on; the signals below do the rest
      }
    }
    const std::vector<UniqueFd> killed = KillMembers(pids, path);
    LetOomKillerAct(directories);
    AwaitAnEnd(killed);
  }
}

Status RemoveGroupTree(const CgroupHost& host, std::string_view path, double timeout_s) {
  if (auto status = KillGroup(host, path, timeout_s); !status) {
    return status;
  }
  const auto deadline = Clock::now() + Stretched(Seconds(timeout_s));
  for (const std::string& top : GroupDirectories(host, path)) {
    for (const std::string& directory : Descendants(top)) {
      if (auto status = RemoveDirectory(directory, deadline); !status) {
        return status;
      }
    }
  }
  return {};
}

}  // namespace brink
