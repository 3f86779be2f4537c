// SPDX-License-Identifier: MIT
// What brink says when it cannot keep a promise: wrong expectations are unmet, and what could not be imposed
// or proven is inconclusive with its remedy, never a pass.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/capability.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>

#include "kernel/machine_guard.h"
#include "live_case.h"

namespace brink::live {
namespace {

class WrongExpectation : public LiveCase,
                         public testing::WithParamInterface<std::pair<std::string, std::string>> {};

// The target fails by RLIMIT_AS; each parameter says something else of it.
TEST_P(WrongExpectation, IsReportedAsUnmet) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, grow, how=mmap-readonly, total=512M], rlimits: {as: 128MiB}}}
cases:
  case:
    expect: {target: {)" + GetParam().second +
                                  "}}\n");
  EXPECT_EQ(verdict.expected_met, std::optional(false)) << verdict.reason;
  ASSERT_THAT(verdict.expectations, testing::SizeIs(1));
  const ExpectationResult& result = verdict.expectations.front();
  EXPECT_EQ(result.met, std::optional(false));
  EXPECT_EQ(result.subject, "target");
  EXPECT_FALSE(result.expected.empty());
  EXPECT_FALSE(result.found.empty());
  EXPECT_THAT(result.mark.file, testing::EndsWith("live.yaml"));
  EXPECT_EQ(result.mark.line, 6);
}

INSTANTIATE_TEST_SUITE_P(
    Honesty, WrongExpectation,
    testing::Values(std::pair("Outcome", "outcome: survived"), std::pair("Oom", "outcome: oom_killed"),
                    std::pair("Call", "failure: {call: munmap}"),
                    std::pair("Errno", "failure: {errno: EAGAIN}"), std::pair("Count", "failure: {count: 7}"),
                    std::pair("NoFailures", "no_failures: true"),
                    std::pair("Limit", "binding_limit: vm.max_map_count"),
                    std::pair("NoLimit", "binding_limit: none"), std::pair("Exit", "exit: 0"),
                    std::pair("Signal", "signal: SIGKILL"), std::pair("Killer", "killed_by: self"),
                    std::pair("Log", "log: worked"), std::pair("LogAbsent", "log_absent: failed"),
                    std::pair("Scope", "oom_scope: memcg"), std::pair("Memory", "peak_memory: {min: 1GiB}"),
                    std::pair("Mappings", "peak_map_count: {min: 100000}")),
    [](const auto& test) { return test.param.first; });

class Impossible : public LiveCase {
 protected:
  /// Nothing was expected wrongly, and nothing was shown either.
  static void ExpectInconclusive(const Verdict& verdict, const std::string& reason) {
    EXPECT_EQ(verdict.expected_met, std::nullopt);
    EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
    EXPECT_THAT(verdict.reason, testing::HasSubstr(reason));
    EXPECT_FALSE(verdict.remedy.empty()) << verdict.reason;
  }
};

bool MayUseResources() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      return (std::stoull(line.substr(7), nullptr, 16) >> CAP_SYS_RESOURCE & 1U) != 0;
    }
  }
  return false;
}

TEST_F(Impossible, ScoreIsInconclusive) {
  if (MayUseResources()) {
    GTEST_SKIP()
        << "a negative oom_score_adj is possible here: this process has CAP_SYS_RESOURCE; to run this "
           "test, drop it (setpriv --bounding-set -sys_resource)";
  }
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, exit], oom_score_adj: -500}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectInconclusive(verdict, "oom_score_adj");
}

TEST_F(Impossible, ScoreOfAChildThatWasNeverRecognisedIsInconclusive) {
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [victim, descendant, size=1M]
    children: {worker: {title: a-name-it-never-takes, oom_score_adj: 500}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectInconclusive(verdict, "oom_score_adj=500 of worker is not in force: no such child was seen in time");
}

TEST_F(Impossible, RlimitIsInconclusive) {
  if (MayUseResources()) {
    GTEST_SKIP()
        << "raising a hard limit is possible here: this process has CAP_SYS_RESOURCE; to run this test, drop "
           "it (setpriv --bounding-set -sys_resource)";
  }
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, exit], rlimits: {nofile: 100000000}}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectInconclusive(verdict, "RLIMIT_NOFILE");
}

TEST_F(Impossible, LimitOfTheOtherCgroupVersionIsInconclusive) {
  const bool v1 = TheGround().session->Host().cgroup_version == "v1";
  const std::string limit = v1 ? "memory.high: 64MiB" : "memory.oom_kill_disable: 1";
  const Verdict verdict = RunCase("\nprocesses: {target: {run: [victim, exit], cgroup: {" + limit +
                                  "}}}\ncases: {case: {expect: {target: {outcome: survived}}}}\n");
  ExpectInconclusive(verdict, v1 ? "cgroup v2" : "cgroup v1");
}

TEST_F(Impossible, CommandIsInconclusive) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [no-such-command-anywhere]}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectInconclusive(verdict, "no-such-command-anywhere");
}

// That nobody may execute it says nothing about a limit.
TEST_F(Impossible, CommandOfAnotherUserIsInconclusive) {
  const auto program = TheGround().run_root / "roots-own-program";
  std::filesystem::copy_file(BRINK_VICTIM, program, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const Verdict verdict = RunCase(R"(
parameters: {program: ""}
processes: {target: {run: ["${program}", exit], user: nobody}}
cases: {case: {expect: {target: {outcome: survived}}}}
)",
                                  {{"program", program.string()}});
  ExpectInconclusive(verdict, "Permission denied");
  std::filesystem::remove(program);
}

TEST_F(Impossible, PanicIsRefused) {
  const Verdict verdict = RunCase(R"(
machine: {sysctl: {vm.panic_on_oom: 1}}
processes: {target: {run: [victim, exit]}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectInconclusive(verdict, "panic_on_oom");
}

/// A process that brink has nothing to do with and that a lower vm.max_map_count would hurt.
class Bystander {
 public:
  Bystander() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = BRINK_VICTIM;
    std::string mode = "map-many";
    std::string count = "count=3000";
    std::string stays = "VICTIM_STAYS=1";
    char* argv[] = {program.data(), mode.data(), count.data(), nullptr};
    char* env[] = {stays.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv, env), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::string said;
    std::array<char, 256> chunk{};
    while (said.find("staying") == std::string::npos) {
      const ssize_t got = ::read(ends[0], chunk.data(), chunk.size());
      if (got <= 0) {
        ADD_FAILURE() << "the bystander ended early: " << said;
        break;
      }
      said.append(chunk.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
  }
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  ~Bystander() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
};

TEST_F(Impossible, LimitThatWouldHurtABystanderIsRefused) {
  const std::string before = ReadMachineSetting(Roots{}, "vm.max_map_count").value_or("?");
  AllowVictimsOfTheTest();
  const Bystander bystander;
  const Verdict verdict = RunCase(R"(
machine: {sysctl: {vm.max_map_count: 2000}}
processes: {target: {run: [victim, exit]}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectInconclusive(verdict, "victim");
  EXPECT_EQ(ReadMachineSetting(Roots{}, "vm.max_map_count").value_or("?"), before);
}

}  // namespace
}  // namespace brink::live
