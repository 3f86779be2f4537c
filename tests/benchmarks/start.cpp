// SPDX-License-Identifier: MIT
// Starting one target under all faults, against the least that puts a program into a limited memory group.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "faults/faults.h"
#include "kernel/cgroup.h"
#include "kernel/files.h"
#include "row.h"
#include "runs.h"

namespace brink::bench {
namespace {

constexpr const char* kLimit = "67108864";
char kSleep[] = "/bin/sleep";
char kLong[] = "60";

/// The bare kernel interface: a directory, its limit, a process in it.
class BareGroup {
 public:
  explicit BareGroup(const CgroupHost& host, const std::string& path)
      : directory_(host.Directory("memory", path)) {
    if (::mkdir(directory_.c_str(), 0755) != 0) {
      throw Failed("mkdir " + directory_);
    }
    const bool v1 = host.MemoryVersion() == CgroupVersion::kV1;
    Must(WriteSmallFile(directory_ + (v1 ? "/memory.limit_in_bytes" : "/memory.max"), kLimit));
  }
  BareGroup(const BareGroup&) = delete;
  BareGroup& operator=(const BareGroup&) = delete;
  ~BareGroup() {
    if (pid_ > 0) {  // kill(2) takes -1 for every process there is
      ::kill(pid_, SIGKILL);
      while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    ::rmdir(directory_.c_str());
  }

  /// As posix_spawn does it (vfork, so it returns once exec has succeeded), with the join in between.
  void SpawnInside() {
    const UniqueFd procs(::open((directory_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    char* arguments[] = {kSleep, kLong, nullptr};
    // NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork): what posix_spawn uses
    const pid_t pid = ::vfork();
    if (pid == 0) {
      if (::write(procs.Get(), "0", 1) == 1) {
        ::execve(kSleep, arguments, environ);
      }
      ::_exit(127);
    }
    // NOLINTEND(clang-analyzer-security.insecureAPI.vfork)
    if (pid < 0) {
      throw Failed("vfork");
    }
    pid_ = pid;
  }
  /// posix_spawn itself, and the join by the parent: its first instructions run outside the group.
  void SpawnThenJoin() {
    char* arguments[] = {kSleep, kLong, nullptr};
    pid_t pid = 0;
    if (::posix_spawn(&pid, kSleep, nullptr, nullptr, arguments, environ) != 0) {
      throw Failed("posix_spawn /bin/sleep");
    }
    pid_ = pid;
    Must(WriteSmallFile(directory_ + "/cgroup.procs", std::to_string(pid_)));
  }

 private:
  std::string directory_;
  pid_t pid_ = 0;  // 0: nothing was started
};

double InMs(Clock::duration time) { return Seconds(time).count() * 1e3; }

/// What a case does for a target, with every fault that this kind of host grants, each read back.
double StartWithBrink(const CgroupHost& host, const std::string& path, Watch* watch) {
  const auto start = Clock::now();
  Cgroup group = Must(Cgroup::Create(host, path));
  for (const auto& [name, value] : {std::pair{"memory.max", kLimit}, std::pair{"pids.max", "100"}}) {
    const ImposedFault fault =
        ImposeOnGroup(group, "target", Setting{.name = name, .value = value, .mark = {}});
    if (!fault.in_force) {
      throw Failed(fault.name + ": " + fault.error);
    }
  }
  const auto joins = Must(group.JoinFds());
  LaunchSpec spec;
  spec.argv = {kSleep, kLong};
  for (const UniqueFd& fd : joins) {
    spec.join_fds.push_back(fd.Get());
  }
  for (const auto& [name, value] :
       {std::pair{"RLIMIT_MEMLOCK", "65536"}, std::pair{"RLIMIT_AS", "268435456"},
        std::pair{"RLIMIT_DATA", "67108864"}, std::pair{"RLIMIT_STACK", "4194304"},
        std::pair{"RLIMIT_NPROC", "1000"}}) {
    spec.rlimits.push_back(RlimitSetting{.name = name, .soft = value, .hard = ""});
  }
  spec.share_memory = MayShareMemory(Roots{}, group);
  spec.oom_score_adj = 100;
  spec.nice = 1;
  Watch::Registration registration;
  if (watch != nullptr) {
    registration = watch->MakeRegistration(1);
    spec.register_self = &Watch::RegisterSelf;
    spec.register_context = &registration;
  }
  const Launched target = Must(Launch(spec));
  const double took = InMs(Clock::now() - start);
  End(target);
  if (watch != nullptr) {
    watch->Drain([](const WatchEvent&) {});
  }
  Must(group.Remove());
  return took;
}

/// Longer than the kernel takes to forget that a process has just joined a group.
void Rest() { ::poll(nullptr, 0, 40); }

/// `rested`: each start comes after a pause, as in a run. cgroup v1 then waits for an RCU grace period at the
/// first join; starts in quick succession share one.
Row StartRow(const Options& options, const CgroupHost& host, const std::string& root, bool rested) {
  Watch watch = Must(Watch::Load());
  int number = 0;
  const auto next = [&] {
    if (rested) {
      Rest();
    }
    return fmt::format("{}/{}{}", root, rested ? "r" : "q", ++number);
  };
  const auto bare = [&](void (BareGroup::*spawn)()) {
    const std::string path = next();
    const auto start = Clock::now();
    BareGroup fresh(host, path);
    (fresh.*spawn)();
    return InMs(Clock::now() - start);
  };
  std::vector<double> literal;
  const Turns turns = InTurns(
      options.Rounds(rested ? 100 : 300), [&] { return bare(&BareGroup::SpawnInside); },
      [&] {
        literal.push_back(bare(&BareGroup::SpawnThenJoin));
        return StartWithBrink(host, next(), &watch);
      });
  const double baseline = Median(turns.baseline);
  const double brink = Median(turns.brink);
  return Row{.what = fmt::format("start one target under all faults, p50, {}",
                                 rested ? "after a pause" : "in quick succession"),
             .baseline = fmt::format("vfork, join, exec in a fresh limited group: {:.2f} ms", baseline),
             .brink = fmt::format("{:.2f} ms", brink),
             .figure = brink / baseline,
             .unit = "x",
             .goal = 1.5,
             .note = fmt::format("baseline {}; brink {}; posix_spawn and a join by the parent: {:.2f} ms",
                                 Spread(turns.baseline, 2), Spread(turns.brink, 2), Median(literal))};
}

}  // namespace

std::vector<Row> BenchStart(const Options& options) {
  const auto host = Must(CgroupHost::Discover(Roots{}));
  const std::string root = fmt::format("brink-bench-{}", ::getpid());
  Cgroup group = Must(Cgroup::Create(host, root));
  std::vector<Row> rows;
  for (const bool rested : {true, false}) {
    rows.push_back(StartRow(options, host, root, rested));
  }
  Must(group.Remove());
  return rows;
}

}  // namespace brink::bench
