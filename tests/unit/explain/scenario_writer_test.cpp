// SPDX-License-Identifier: MIT
#include "explain/scenario_writer.h"

#include <gmock/gmock.h>

#include "base/units.h"
#include "scenario/load.h"
#include "scenario/make_plan.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// The scenario, which must be one without a mistake.
Scenario Loaded(const std::string& text) {
  LoadResult loaded = ParseScenario(text, "made.yaml");
  EXPECT_TRUE(loaded.complaints.empty()) << FormatComplaint(loaded.complaints.front()) << "\n" << text;
  return std::move(loaded.scenario);
}

LivingProcess Sample() {
  LivingProcess process;
  process.pid = 40;
  process.comm = "server";
  process.exe = "/usr/sbin/server";
  process.command = {"/usr/sbin/server", "--all", "a \"quoted\" ${word}\nand a line \\ more", ""};
  process.cwd = "/var/lib/server files";
  process.uid = 1000;
  return process;
}

/// The words of its process's `run`, as the parser has them.
std::vector<std::string> RunOf(const Scenario& scenario) {
  const auto processes = EntriesOf(Find(scenario.cases.front().tree, "processes"));
  std::vector<std::string> words;
  for (const Node& word : ItemsOf(Find(processes.front().second, "run"))) {
    words.push_back(word.scalar);
  }
  return words;
}

TEST(ScenarioWriter, KeepsTheCommandLineWhateverItHolds) {
  const Scenario scenario = Loaded(ScenarioOf(Sample(), "mine", 1000));
  EXPECT_EQ(scenario.name, "mine");
  EXPECT_THAT(ScenarioOf(Sample(), "mine", 1000), HasSubstr("    # cwd: \"/var/lib/server files\"\n"))
      << "the living process's folder is not given to another one";
  EXPECT_THAT(RunOf(scenario), testing::ElementsAre("/usr/sbin/server", "--all",
                                                    "a \"quoted\" $${word}\nand a line \\ more", ""))
      << "$${ is the format's word for ${";
}

TEST(ScenarioWriter, HoldsEveryLimitThatIsSet) {
  LivingProcess process = Sample();
  process.oom_score_adj = 300;
  process.memory_groups = {{.path = "/a/b", .limit = 64 * kMiB, .high = 60 * kMiB, .swap_limit = 0},
                           {.path = "/a", .limit = 128 * kMiB},
                           {.path = "/"}};
  process.memory_groups[0].oom_group = true;
  process.pids_groups = {{.path = "/a/b"}, {.path = "/a", .limit = 50}};
  process.rlimits = {{"RLIMIT_NOFILE", {.soft = 100, .hard = 200}},
                     {"RLIMIT_MEMLOCK", {.soft = 8 * kMiB, .hard = 8 * kMiB}},
                     {"RLIMIT_STACK", {.soft = 8 * kMiB, .hard = kNoLimit}},
                     {"RLIMIT_AS", {}}};
  process.sysctls = {{"vm.max_map_count", "262144"},
                     {"vm.overcommit_memory", "2"},
                     {"vm.overcommit_kbytes", "4096"},
                     {"vm.swappiness", "60"}};
  const std::string text = ScenarioOf(process, "mine", 0);
  static_cast<void>(Loaded(text));
  EXPECT_THAT(text, AllOf(HasSubstr("memory.max: 67108864  # 64 MiB, of group /a/b"),
                          HasSubstr("memory.high: 62914560"), HasSubstr("memory.swap.max: 0"),
                          HasSubstr("memory.oom.group: 1"), HasSubstr("pids.max: 50  # of group /a\n"),
                          HasSubstr("oom_score_adj: 300"), HasSubstr("user: \"1000\"")));
  EXPECT_THAT(text, AllOf(HasSubstr("nofile: {soft: 100, hard: 200}"), HasSubstr("memlock: 8388608  # 8 MiB"),
                          HasSubstr("stack: {soft: 8388608, hard: unlimited}"),
                          HasSubstr("vm.max_map_count: 262144  # 65530 by default"),
                          HasSubstr("vm.overcommit_kbytes: 4096KiB"), Not(HasSubstr("vm.swappiness"))));
}

TEST(ScenarioWriter, OfVersionOneTellsSwapAsVersionTwoDoes) {
  LivingProcess process = Sample();
  process.memory_groups = {
      {.path = "/a", .limit = 64 * kMiB, .both_limit = 80 * kMiB, .oom_kill_disabled = true}};
  const std::string text = ScenarioOf(process, "mine", 1000);
  static_cast<void>(Loaded(text));
  EXPECT_THAT(text, AllOf(HasSubstr("memory.swap.max: 16777216"), HasSubstr("memory.oom_kill_disable: 1")));
}

TEST(ScenarioWriter, AProcessWithNothingSetGivesAShortValidFile) {
  const std::string text = ScenarioOf(Sample(), "mine", 1000);
  EXPECT_THAT(text, AllOf(Not(HasSubstr("cgroup:")), Not(HasSubstr("rlimits:")), Not(HasSubstr("machine:")),
                          Not(HasSubstr("user:")), HasSubstr("environment is not copied")));
}

TEST(ScenarioWriter, ATitleIsNotTakenForACommandLine) {
  LivingProcess process = Sample();
  process.command = {"server: idle worker"};
  const std::string text = ScenarioOf(process, "mine", 1000);
  EXPECT_THAT(RunOf(Loaded(text)), testing::ElementsAre("/usr/sbin/server"));
  EXPECT_THAT(text, HasSubstr("add its options"));
}

TEST(ScenarioWriter, NamesMayBeAnything) {
  for (const char* comm : {"machine", "123", "a b", "\x1b[2J", "(sd-pam)", "", "-"}) {
    LivingProcess process = Sample();
    process.comm = comm;
    const std::string text = ScenarioOf(process, NameFrom(comm), 1000);
    static_cast<void>(Loaded(text));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  }
}

TEST(ScenarioWriter, ACommandGivesAValidSkeleton) {
  const Scenario scenario = Loaded(ScenarioOf({"redis-server", "--save", ""}, "mine"));
  EXPECT_THAT(RunOf(scenario), testing::ElementsAre("redis-server", "--save", ""));
}

TEST(ScenarioWriter, AnOomKillGivesItsLimitAndWhatIsKnownOfTheVictim) {
  LoggedOomKill kill{.pid = 7, .comm = "my (odd) name"};
  kill.of_group = true;
  kill.group = "/pg";
  kill.limit = 192 * kMiB;
  kill.anon_rss = 180 * kMiB;
  const std::string text = ScenarioOf(kill, "mine", 4096 * kMiB);
  static_cast<void>(Loaded(text));
  EXPECT_THAT(text, AllOf(HasSubstr("memory.max: 201326592  # 192 MiB, of group /pg"),
                          HasSubstr("180 MiB of anonymous memory"),
                          HasSubstr("{outcome: oom_killed, oom_scope: memcg, binding_limit: memory.max}")));
  kill.group.clear();
  kill.limit.reset();
  const std::string unknown = ScenarioOf(kill, "mine", 4096 * kMiB);
  static_cast<void>(Loaded(unknown));
  EXPECT_THAT(unknown, AllOf(HasSubstr("the memory cgroup whose name the log lacks had run out"),
                             HasSubstr("memory.max: 1GiB"), Not(HasSubstr("machine:"))));
  kill.of_group = false;
  const std::string machine = ScenarioOf(kill, "mine", 4096 * kMiB);
  static_cast<void>(Loaded(machine));
  EXPECT_THAT(machine, AllOf(HasSubstr("  memory: 2147483648"), HasSubstr("put in what the machine had"),
                             Not(HasSubstr("memory.max"))));
}

TEST(ScenarioWriter, AnOomKillOfTheMachineGivesItsSizeAsFarAsAGuestCanHaveIt) {
  LoggedOomKill kill{.pid = 7, .comm = "java", .constraint = "CONSTRAINT_NONE"};
  kill.memory = 8192 * kMiB;
  kill.swap = 1024 * kMiB;
  const auto text = [&](std::uint64_t here) {
    std::string made = ScenarioOf(kill, "mine", here);
    static_cast<void>(Loaded(made));
    return made;
  };
  EXPECT_THAT(text(16384 * kMiB),
              AllOf(HasSubstr("  memory: 8589934592  # 8 GiB: \"pages RAM\""),
                    HasSubstr("  swap: 1073741824"), Not(HasSubstr("Less than")),
                    HasSubstr("oom_killed, oom_scope: machine, binding_limit: machine_memory}")));
  EXPECT_THAT(text(1024 * kMiB),
              AllOf(HasSubstr("memory: 1073741824  # 1 GiB; it had 8 GiB"), HasSubstr("Less than it had")));
  EXPECT_THAT(text(0), HasSubstr("memory: 268435456")) << "no guest boots with less";
  kill.memory = 64 * kMiB;
  EXPECT_THAT(text(1024 * kMiB), HasSubstr("memory: 268435456  # 256 MiB; it had 64 MiB"));
  kill.constraint = "CONSTRAINT_CPUSET";
  EXPECT_THAT(text(0), AllOf(HasSubstr("the memory nodes that it may use (CONSTRAINT_CPUSET) had run out"),
                             HasSubstr("{outcome: oom_killed, oom_scope: machine}")));
  kill.scope_known = false;
  kill.memory.reset();
  kill.anon_rss = 4096 * kMiB;
  EXPECT_THAT(text(16384 * kMiB), HasSubstr("memory: 5368709120  # 5 GiB\n")) << "more than it held";
  EXPECT_THAT(text(0),
              AllOf(HasSubstr("{outcome: oom_killed}"), HasSubstr("the log does not tell, had run out"),
                    HasSubstr("If a control group did")));
}

}  // namespace
}  // namespace brink
