// SPDX-License-Identifier: MIT
// A brink that is killed, at any instant, leaves the machine as it was.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <random>

#include "base/clock.h"
#include "restore_fixture.h"

namespace brink::live {
namespace {

using namespace std::chrono_literals;

constexpr int kInstants = 200;
constexpr auto kGuardianTime = 20s;

class KilledBrink : public RestoreTest {};

/// Machine-wide values of three kinds, one of them changed on the way, and processes that make themselves
/// hard to find.
constexpr const char* kScenario = R"(
machine: {sysctl: {vm.max_map_count: 5000, vm.overcommit_ratio: 60}, thp: {enabled: always}}
processes:
  holder: {run: [VICTIM, touch, size=8M], env: {VICTIM_STAYS: "1"}, ready: {log: staying}, cgroup: {memory.max: 64MiB}}
  daemon: {run: [VICTIM, daemonise], cgroup: {pids.max: 20}}
  deaf: {run: [VICTIM, ignore-term], ready: {log: ignoring}, stop: {timeout: 30ms}}
steps:
  - {set: {machine: {sysctl: {vm.max_map_count: 6000}}}}
  - {run: [VICTIM, exit], expect: {exit: 0}}
  - {wait: {time: 30ms}}
cases: {case: {expect: {holder: {outcome: survived}, deaf: {outcome: survived}}}}
)";

TEST_F(KilledBrink, RestoresTheMachineAtEveryInstant) {
  const std::string scenario = Write("killed", kScenario);
  const auto start = Clock::now();
  {
    BrinkProcess whole(folder_, "whole", RunWords(scenario, "whole"));
    ASSERT_TRUE(whole.EndsWithin(60s));
    ASSERT_EQ(whole.ExitCode(), 0) << whole.Output() << whole.Errors();
    ASSERT_TRUE(AwaitGuardians(kGuardianTime));
    ExpectAsBefore(before_, {whole.Pid()});
  }
  auto whole_time = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  const unsigned seed = std::random_device{}();
  std::cout << fmt::format("an undisturbed run takes {} ms; seed {}\n", whole_time.count() / 1000, seed);
  std::mt19937 random(seed);
  int killed = 0;
  for (int run = 0; killed < kInstants && run < 3 * kInstants && !HasFailure(); ++run) {
    // One random instant in each of so many equal parts of the run.
    const double part = (killed + std::uniform_real_distribution<double>(0, 1)(random)) / kInstants;
    const std::chrono::microseconds instant(
        static_cast<std::int64_t>(part * static_cast<double>(whole_time.count())));
    SCOPED_TRACE(fmt::format("killed after {} us", instant.count()));
    BrinkProcess brink(folder_, "killed", RunWords(scenario, fmt::format("killed-{}", run)));
    if (brink.EndsWithin(instant)) {
      // Runs on a busy machine differ: this one was quicker than those before, so the parts become shorter.
      whole_time = std::min(whole_time, instant) * 19 / 20;
    } else {
      brink.Signal(SIGKILL);
      ++killed;
    }
    ASSERT_TRUE(brink.EndsWithin(10s));
    ASSERT_TRUE(AwaitGuardians(kGuardianTime)) << "the guardian still works";
    ExpectAsBefore(before_, {brink.Pid()});
  }
  EXPECT_EQ(killed, kInstants);
}

/// Tells that it has come so far, then goes on for a minute.
std::string Waiting(const std::string& fifo) {
  return fmt::format(R"(
machine: {{sysctl: {{vm.max_map_count: 5000, vm.overcommit_ratio: 60}}}}
processes:
  daemon: {{run: [VICTIM, daemonise], cgroup: {{memory.max: 64MiB}}}}
  target: {{run: [VICTIM, hang], ready: {{log: hanging}}}}
cases:
  quick:
    steps: [{{run: [VICTIM, exit]}}]
    expect: {{target: {{outcome: survived}}}}
  slow:
    steps: [{{run: [sh, -c, "echo > {}"]}}, {{wait: {{time: 60s}}}}]
    timeout: 90s
    expect: {{target: {{outcome: survived}}}}
)",
                     fifo);
}

TEST_F(KilledBrink, ByCtrlCRestoresAndReportsWhatHadFinished) {
  const Rendezvous there(folder_ / "there");
  BrinkProcess brink(folder_, "interrupted", RunWords(Write("interrupted", Waiting(there.Path())), "out"));
  ASSERT_TRUE(there.Meet(30s)) << brink.Errors();
  EXPECT_EQ(ReadMachineSetting(Roots{}, "vm.max_map_count").value_or("?"), "5000");
  brink.Signal(SIGINT);
  ASSERT_TRUE(brink.EndsWithin(20s)) << brink.Errors();
  EXPECT_EQ(brink.ExitCode(), 130) << brink.Errors();
  ASSERT_TRUE(AwaitGuardians(kGuardianTime));
  ExpectAsBefore(before_, {brink.Pid()});
  const auto report = nlohmann::json::parse(brink.Output(), nullptr, false);
  ASSERT_FALSE(report.is_discarded()) << brink.Output();
  ASSERT_EQ(report["results"].size(), 1U) << brink.Output();
  EXPECT_EQ(report["results"][0]["case"], "quick");
  EXPECT_EQ(report["results"][0]["expected_met"], true);
}

// Somebody else sets a value while brink holds it: it is theirs, and whoever runs brink must hear of it.
TEST_F(KilledBrink, LeavesAForeignValueAndFails) {
  BrinkProcess brink(folder_, "foreign",
                     RunWords(Write("foreign", R"(
machine: {sysctl: {vm.max_map_count: 60000}}
processes: {target: {run: [VICTIM, hang], ready: {log: hanging}}}
steps: [{run: [sh, -c, "echo 64000 > /proc/sys/vm/max_map_count"], expect: {exit: 0}}]
cases: {case: {expect: {target: {outcome: survived}}}}
)"),
                              "out"));
  const bool ended = brink.EndsWithin(60s);
  const std::string left = ReadMachineSetting(Roots{}, "vm.max_map_count").value_or("?");
  std::ofstream("/proc/sys/vm/max_map_count") << before_.settings["vm.max_map_count"];
  ASSERT_TRUE(ended) << brink.Errors();
  EXPECT_EQ(left, "64000");
  EXPECT_EQ(brink.ExitCode(), 4) << brink.Errors();
  EXPECT_THAT(brink.Errors(), testing::HasSubstr("vm.max_map_count is 64000: somebody else changed it"));
  ASSERT_TRUE(AwaitGuardians(kGuardianTime));
  ExpectAsBefore(before_, {brink.Pid()});
}

/// Kills the guardian too, as an OOM killer or an administrator in haste might.
class KilledGuardian : public RestoreTest {
 protected:
  /// A brink killed in the middle of a run with nobody to clean up after it; gives its pid.
  pid_t LeaveEverythingBehind() {
    const Rendezvous there(folder_ / "there");
    BrinkProcess brink(folder_, "killed", RunWords(Write("killed", Waiting(there.Path())), "out"));
    EXPECT_TRUE(there.Meet(30s)) << brink.Errors();
    // The guardian first: it must not see its brink die.
    for (const pid_t pid : ProcessesOf(BRINK_PROGRAM)) {
      if (pid != brink.Pid()) {
        ::kill(pid, SIGKILL);
      }
    }
    brink.Signal(SIGKILL);
    EXPECT_TRUE(brink.EndsWithin(10s));
    EXPECT_TRUE(AwaitGuardians(kGuardianTime));
    // The control: there is something to restore.
    EXPECT_EQ(ReadMachineSetting(Roots{}, "vm.max_map_count").value_or("?"), "5000");
    EXPECT_THAT(GroupsOf({brink.Pid()}), testing::Not(testing::IsEmpty()));
    EXPECT_THAT(ProcessesOf(BRINK_VICTIM), testing::Not(testing::IsEmpty()));
    return brink.Pid();
  }
};

TEST_F(KilledGuardian, IsMadeGoodByRestore) {
  const pid_t dead = LeaveEverythingBehind();
  BrinkProcess restore(folder_, "restore", {"restore"});
  ASSERT_TRUE(restore.EndsWithin(30s));
  EXPECT_EQ(restore.ExitCode(), 0) << restore.Errors();
  EXPECT_THAT(restore.Output(), testing::HasSubstr("vm.max_map_count"));
  ExpectAsBefore(before_, {dead});

  BrinkProcess again(folder_, "again", {"restore"});
  ASSERT_TRUE(again.EndsWithin(30s));
  EXPECT_EQ(again.ExitCode(), 0) << again.Errors();
  EXPECT_THAT(again.Output(), testing::HasSubstr("nothing to restore"));
}

TEST_F(KilledGuardian, IsMadeGoodByTheNextRun) {
  const pid_t dead = LeaveEverythingBehind();
  const std::string harmless = Write("harmless", R"(
processes: {target: {run: [VICTIM, exit]}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  BrinkProcess next(folder_, "next", RunWords(harmless, "next"));
  ASSERT_TRUE(next.EndsWithin(30s));
  EXPECT_EQ(next.ExitCode(), 0) << next.Errors();
  ASSERT_TRUE(AwaitGuardians(kGuardianTime));
  ExpectAsBefore(before_, {dead, next.Pid()});
}

}  // namespace
}  // namespace brink::live
