// SPDX-License-Identifier: MIT
#include "machine_state.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "kernel/cgroup.h"
#include "kernel/machine_guard.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;

/// What the journal still says: old machine-wide values, and entries of these brinks. (Locks lie there too,
/// and stay.)
std::vector<std::string> JournalEntries(const std::vector<pid_t>& brinks) {
  std::vector<std::string> entries;
  const fs::path folder = Roots{}.run;
  if (fs::exists(folder / "machine.json")) {
    entries.push_back((folder / "machine.json").string());
  }
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder / "runs", missing)) {
    for (const pid_t pid : brinks) {
      if (entry.path().filename().string().starts_with(fmt::format("{}-", pid))) {
        entries.push_back(entry.path().string());
      }
    }
  }
  return entries;
}

}  // namespace

MachineState MachineNow() {
  MachineState now{.settings = ReadMachineSettings(Roots{}), .mounts = {}};
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    now.mounts.push_back(std::move(line));
  }
  std::sort(now.mounts.begin(), now.mounts.end());
  return now;
}

std::vector<pid_t> ProcessesOf(const std::string& executable) {
  std::vector<pid_t> pids;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    std::error_code gone;  // a process may end while we look
    if (error == std::errc{} && fs::read_symlink(entry.path() / "exe", gone) == executable) {
      pids.push_back(pid);
    }
  }
  return pids;
}

bool AwaitGuardians(std::chrono::seconds time) {
  const auto deadline = Clock::now() + time;
  while (true) {
    const std::vector<pid_t> guardians = ProcessesOf(BRINK_PROGRAM);
    if (guardians.empty()) {
      return true;
    }
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, guardians.front(), 0)));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      return false;
    }
    pollfd ended{.fd = pidfd.Get(), .events = POLLIN, .revents = 0};
    if (pidfd.Valid()) {
      ::poll(&ended, 1, static_cast<int>(left.count()));
    }
  }
}

std::vector<std::string> GroupsOf(const std::vector<pid_t>& brinks) {
  std::vector<std::string> groups;
  const auto host = CgroupHost::Discover(Roots{});
  if (!host) {
    return {host.error().message};
  }
  for (const std::string& mount : host->Mounts()) {
    for (const auto& entry : fs::directory_iterator(mount)) {
      const std::string name = entry.path().filename().string();
      for (const pid_t pid : brinks) {
        if (name.starts_with(fmt::format("brink-{}-", pid))) {
          groups.push_back(entry.path().string());
        }
      }
    }
  }
  return groups;
}

QuietMachine::QuietMachine() {
  auto locks = MachineLocks::Open(Roots{});
  if (!locks) {
    return;  // no brink has ever run here
  }
  constexpr double kOthersTimeS = 120;
  Patience patience(kOthersTimeS, -1);
  while (!(locks->gate.TryExclusive() && locks->users.TryExclusive())) {
    locks->gate.Unlock();
    if (!patience.Wait()) {
      ADD_FAILURE() << "other brinks have held the machine for " << kOthersTimeS << " s";
      return;
    }
  }
  locks_ = std::move(*locks);
}

void ExpectAsBefore(const MachineState& before, const std::vector<pid_t>& brinks) {
  const QuietMachine quiet;
  const MachineState now = MachineNow();
  EXPECT_EQ(now.settings, before.settings);
  EXPECT_EQ(now.mounts, before.mounts);
  EXPECT_THAT(GroupsOf(brinks), ::testing::IsEmpty());
  EXPECT_THAT(ProcessesOf(BRINK_PROGRAM), ::testing::IsEmpty());
  EXPECT_THAT(ProcessesOf(BRINK_VICTIM), ::testing::IsEmpty());
  EXPECT_THAT(JournalEntries(brinks), ::testing::IsEmpty());
}

}  // namespace brink::live
