// SPDX-License-Identifier: MIT
// How a process ended and who did it. 137, 9 and SIGKILL look alike; nobody here ran out of memory.
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "kernel/files.h"
#include "live_case.h"

namespace brink::live {
namespace {

class Ending : public LiveCase {};

struct Exit {
  std::string name;
  std::string mode;
  std::string argument;
  int code;
};

class ExitStatus : public LiveCase, public testing::WithParamInterface<Exit> {};

// The group's limit is there, and it is not to blame.
TEST_P(ExitStatus, IsNoKill) {
  const Verdict verdict = RunCase(R"(
parameters: {mode: exit, argument: code=137}
processes: {target: {run: [victim, "${mode}", "${argument}"], cgroup: {memory.max: 64MiB}}}
cases: {case: {expect: {target: {outcome: failed, no_failures: true}}}}
)",
                                  {{"mode", GetParam().mode}, {"argument", GetParam().argument}});
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed", .binding = "none", .exit = GetParam().code, .killed_by = ""});
  EXPECT_FALSE(verdict.processes.at("target").signal.has_value());
  EXPECT_THAT(verdict.oom_kills, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Ending, ExitStatus,
                         testing::Values(Exit{"With137", "exit", "code=137", 137},
                                         Exit{"With9", "exit", "code=9", 9},
                                         Exit{"UnderAnotherName", "rename", "exit=5", 5}),
                         [](const auto& test) { return test.param.name; });

class OwnSignal : public LiveCase, public testing::WithParamInterface<std::pair<std::string, int>> {};

TEST_P(OwnSignal, IsItsOwnDoing) {
  const auto& [mode, signal] = GetParam();
  const Verdict verdict = RunCase(R"(
parameters: {mode: raise}
processes: {target: {run: [victim, "${mode}"], cgroup: {memory.max: 64MiB}}}
cases: {case: {expect: {target: {outcome: failed, killed_by: self}}}}
)",
                                  {{"mode", mode}});
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed", .binding = "none", .signal = signal, .killed_by = "self"});
}

INSTANTIATE_TEST_SUITE_P(Ending, OwnSignal,
                         testing::Values(std::pair("raise", SIGKILL), std::pair("abort", SIGABRT),
                                         std::pair("segfault", SIGSEGV)),
                         [](const auto& test) { return test.param.first; });

/// The target tells its pid in a file and hangs; somebody kills it.
constexpr const char* kHangingTarget = R"(
processes:
  target: {run: [victim, pid-file, "file=${dir}/pid"], ready: {log: ready, timeout: 10s}, cgroup: {memory.max: 64MiB}}
)";

TEST_F(Ending, ByAnotherProcessOfThePlanNamesIt) {
  const Verdict verdict = RunCase(std::string(kHangingTarget) + R"(
  killer: {run: [victim, kill, "file=${dir}/pid"], start: manual}
steps: [{start: killer}, {wait: {exit: target}}, {wait: {exit: killer}}]
cases: {case: {expect: {target: {outcome: failed, signal: SIGKILL, killed_by: "process killer"}, killer: {exit: 0}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed", .binding = "none", .signal = SIGKILL, .killed_by = "process killer"});
  EXPECT_THAT(verdict.oom_kills, testing::IsEmpty());
}

TEST_F(Ending, ByAStepsCommandNamesIt) {
  const Verdict verdict = RunCase(std::string(kHangingTarget) + R"(
steps: [{as: reaper, run: [victim, kill, "file=${dir}/pid"], expect: {exit: 0}}, {wait: {exit: target}}]
cases: {case: {expect: {target: {outcome: failed, signal: SIGKILL, killed_by: "step reaper"}}}}
)");
  ExpectMet(verdict);
}

/// A stranger to the run: started by the test, not by brink.
class Stranger {
 public:
  explicit Stranger(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() { ::waitpid(pid_, nullptr, 0); }
  [[nodiscard]] pid_t Pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST_F(Ending, ByAStrangerNamesItsPidAndComm) {
  // A FIFO in place of the file: whoever opens it first waits for the other.
  const std::string fifo = (TheGround().run_root / "pid-of-target").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  AllowVictimsOfTheTest();
  Verdict verdict;
  pid_t killer_pid = 0;
  {
    const Stranger killer({BRINK_VICTIM, "kill", "file=" + fifo});
    killer_pid = killer.Pid();
    verdict = RunCase(R"(
parameters: {fifo: ""}
processes: {target: {run: [victim, pid-file, "file=${fifo}"], cgroup: {memory.max: 64MiB}}}
cases: {case: {expect: {target: {outcome: failed, signal: SIGKILL, killed_by: "pid "}}}}
)",
                      {{"fifo", fifo}});
  }
  ::unlink(fifo.c_str());
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed",
              .signal = SIGKILL,
              .killed_by = "pid " + std::to_string(killer_pid) + " (victim)"});
}

TEST_F(Ending, OfAWorkerByItsSupervisorIsNoOutOfMemory) {
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [victim, supervisor], cgroup: {memory.max: 64MiB}, children: {worker: {title: worker}}}
cases:
  case:
    expect: {target: {outcome: failed, exit: 137}, worker: {outcome: failed, signal: SIGKILL, killed_by: "process target"}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "failed", .binding = "none", .exit = 137, .killed_by = ""});
  EXPECT_THAT(verdict.oom_kills, testing::IsEmpty());
}

TEST_F(Ending, OfASiblingNamesTheOther) {
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [victim, siblings]
    cgroup: {memory.max: 64MiB}
    children: {abel: {title: abel}, cain: {title: cain}}
cases:
  case:
    expect: {target: {outcome: survived, exit: 0}, abel: {outcome: failed, signal: SIGKILL, killed_by: "process cain"}}
)");
  ExpectMet(verdict);
}

TEST_F(Ending, ByASignalStepIsBrinksOwn) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, hang], ready: {log: hanging, timeout: 10s}}}
steps: [{signal: {target: SIGKILL}}, {wait: {exit: target}}]
cases: {case: {expect: {target: {outcome: failed, signal: SIGKILL, killed_by: brink}}}}
)");
  ExpectMet(verdict);
}

// It was alive and wanted until the steps were done; that brink ends it then is no failure of its.
TEST_F(Ending, ByBrinkAfterTheStepsIsSurvivalThoughSigtermIsIgnored) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, ignore-term], ready: {log: ignoring, timeout: 10s}, stop: {timeout: 300ms}}}
steps: [{wait: {time: 50ms}}]
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "survived", .call = "none", .signal = SIGKILL, .killed_by = "brink"});
}

TEST_F(Ending, NeverIsHanging) {
  const Verdict verdict = RunCase(R"(
timeout: 1s
processes: {target: {run: [victim, hang]}}
cases: {case: {expect: {target: {outcome: hung}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "hung", .call = "none", .binding = "none"});
}

// The process that brink started is gone at once; the one it left behind is found and ended.
TEST_F(Ending, OfADaemonLeavesNothingBehind) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, daemonise], children: {daemon: {title: daemon}}}}
steps: [{wait: {exit: target}}, {wait: {time: 50ms}}]
cases: {case: {expect: {target: {outcome: survived, exit: 0}}}}
)");
  ExpectMet(verdict);
  const ProcessVerdict& target = verdict.processes.at("target");
  ASSERT_EQ(target.left_running_count, 1U) << verdict.reason;
  EXPECT_EQ(target.left_running.front().comm, "daemon");
  EXPECT_THAT(verdict.reason,
              testing::HasSubstr("if one is the server, `run:` should start it in the foreground"));
}

// Two processes in one group: only what the target itself started is its own.
TEST_F(Ending, OfADaemonInASharedGroupIsToldOfItsParentAlone) {
  const Verdict verdict = RunCase(R"(
groups: {both: {memory.max: 64MiB}}
processes:
  target: {run: [victim, daemonise], cgroup: {group: both}}
  other: {run: [victim, exit, code=0], cgroup: {group: both}}
  witness: {run: [victim, hang], ready: {log: hanging}, cgroup: {group: both}}
steps: [{wait: {exit: target}}, {wait: {exit: other}}]
cases: {case: {expect: {target: {outcome: survived, exit: 0}, other: {exit: 0}}}}
)");
  ExpectMet(verdict);
  EXPECT_EQ(verdict.processes.at("target").left_running_count, 1U) << verdict.reason;
  EXPECT_EQ(verdict.processes.at("other").left_running_count, 0U) << verdict.reason;
  EXPECT_EQ(verdict.processes.at("witness").left_running_count, 0U) << verdict.reason;
}

TEST_F(Ending, ByAnOrdinaryErrorShowsItsLastWords) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [sh, -c, "echo starting; echo 'socket: Too many open files' >&2; exit 24"]}}
cases: {case: {expect: {target: {outcome: failed, exit: 24, no_failures: true}}}}
)");
  ExpectMet(verdict);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("no memory call failed; the last line of logs/target.log: "
                                                 "\"socket: Too many open files\""));
}

// A file of a tmpfs outlives the process that wrote it, and its group stays charged with it.
TEST_F(Ending, WithAFileInATmpfsLeavesMemoryThatNobodyHolds) {
  const std::string file = "/dev/shm/brink-left-" + std::to_string(::getpid());
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [sh, -c, "head -c 8388608 /dev/zero > )" +
                                  file + R"("]}
  other: {run: [victim, exit, code=0]}
cases: {case: {expect: {target: {outcome: survived}, other: {outcome: survived}}}}
)");
  std::filesystem::remove(file);
  ExpectMet(verdict);
  ASSERT_EQ(verdict.held_by_nobody.size(), 1U) << verdict.reason;
  EXPECT_EQ(verdict.held_by_nobody.front().group, "target");
  EXPECT_GE(verdict.held_by_nobody.front().bytes,
            7U << 20);  // the kernel counts in batches for each processor
  EXPECT_LE(verdict.held_by_nobody.front().bytes, 9U << 20);
}

// Nothing fails and nothing is killed, but what the target reads is always what was just reclaimed.
TEST_F(Ending, OfATargetThatItsLimitHeldUpIsNoPlainSurvival) {
  auto verdicts = RunCases(R"(
processes:
  target:
    run: [sh, -c, "head -c 33554432 /dev/zero > file; sync file; for i in 1 2 3 4 5 6; do cat file > /dev/null; done; sleep 0.6"]
cases:
  fault:
    processes: {target: {cgroup: {memory.max: 16MiB}}}
    expect: {target: {outcome: survived, no_failures: true, stalled: true, binding_limit: memory.max}}
  control:
    processes: {target: {cgroup: {memory.max: 256MiB}}}
    expect: {target: {outcome: survived, no_failures: true, stalled: false, binding_limit: none}}
)");
  ExpectMet(verdicts["fault"]);
  EXPECT_THAT(verdicts["fault"].reason, testing::HasSubstr("its group was held up: "));
  ExpectMet(verdicts["control"]);
}

// The victim holds half of what fills the group; its death does not give the other half back.
TEST_F(Ending, OfATargetKilledForAFileInATmpfsTellsOfTheFile) {
  const std::string file = "/dev/shm/brink-killed-" + std::to_string(::getpid());
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [sh, -c, "head -c 33554432 /dev/zero > )" +
                                  file + R"( && exec victim touch size=64M"]
    cgroup: {memory.max: 64MiB}
cases: {case: {expect: {target: {outcome: oom_killed, binding_limit: memory.max}}}}
)");
  std::filesystem::remove(file);
  ExpectMet(verdict);
  EXPECT_THAT(verdict.reason,
              testing::ContainsRegex("its death left 3[0-9.]* MiB of shared memory or tmpfs files charged"));
}

TEST_F(Ending, OfARenamedTargetLeavesNothingBehind) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, rename, title=innocent], env: {VICTIM_STAYS: "1"}, ready: {log: staying}}}
steps: [{wait: {time: 50ms}}]
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectMet(verdict);
}

// Neither the disk nor brink's memory may follow the flood.
TEST_F(Ending, OfAFloodOfOutputCostsLittle) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, print]}}
steps: [{wait: {time: 1s}}]
cases: {case: {expect: {target: {outcome: survived, log: "^x+$"}}}}
)");
  ExpectMet(verdict);
  std::uintmax_t on_disk = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(verdict.run_dir)) {
    on_disk += entry.is_regular_file() ? entry.file_size() : 0;
  }
  EXPECT_LT(on_disk, 64U << 20);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 64 * 1024) << "KiB, of this whole test program";
}

/// Files of /dev/shm and segments of System V are the case's own: its steps see them, the machine never does.
TEST_F(Ending, SharedMemoryThatIsLeftBehindGoesWithTheCase) {
  const auto segments = [] { return ReadSmallFile("/proc/sysvipc/shm").value_or("cannot be read"); };
  const std::string before = segments();
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [sh, -c, "ls -A /dev/shm; echo left >/dev/shm/brink-live-left && ipcmk --shmem 8192"]}
steps:
  - {wait: {exit: target}}
  - {as: file, run: [cat, /dev/shm/brink-live-left]}
  - {as: segments, run: [ipcs, --shmems]}
cases:
  case:
    expect:
      target: {outcome: survived, log: "^Shared memory id", log_absent: brink-live-left}
      file: {exit: 0, output: left}
      segments: {exit: 0, output: " 8192 "}
)");
  ExpectMet(verdict);
  EXPECT_FALSE(std::filesystem::exists("/dev/shm/brink-live-left"));
  EXPECT_EQ(segments(), before);
}

}  // namespace
}  // namespace brink::live
