// SPDX-License-Identifier: MIT
// Two brinks at once: different machine-wide values never overlap, equal ones share the machine.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "model/json.h"
#include "restore_fixture.h"

namespace brink::live {
namespace {

using namespace std::chrono_literals;

class TwoBrinks : public RestoreTest {
 protected:
  /// A run that looks at vm.max_map_count again and again while it has the machine: it must be its own all
  /// the time.
  [[nodiscard]] std::string Looking(const std::string& name, int max_map_count) const {
    return Write(name, fmt::format(R"(
machine: {{sysctl: {{vm.max_map_count: {0}}}}}
processes: {{target: {{run: [VICTIM, hang], ready: {{log: hanging}}}}}}
steps:
  - run: [sh, -c, "for i in $(seq 100); do [ $(cat /proc/sys/vm/max_map_count) = {0} ] || exit 1; done"]
    expect: {{exit: 0}}
cases: {{case: {{expect: {{target: {{outcome: survived}}}}}}}}
)",
                                   max_map_count));
  }
};

TEST_F(TwoBrinks, WithDifferentValuesTakeTurns) {
  BrinkProcess one(folder_, "one", RunWords(Looking("one", 5000), "one"));
  BrinkProcess two(folder_, "two", RunWords(Looking("two", 7000), "two"));
  std::vector<std::string> seen;  // every value that the machine had, in order
  while (!one.EndsWithin(200us) || !two.EndsWithin(200us)) {
    const std::string now = ReadMachineSetting(Roots{}, "vm.max_map_count").value_or("?");
    if (seen.empty() || seen.back() != now) {
      seen.push_back(now);
    }
    ASSERT_LT(seen.size(), 100U) << "the two fight over the value";
  }
  EXPECT_EQ(one.ExitCode(), 0) << one.Output() << one.Errors();
  EXPECT_EQ(two.ExitCode(), 0) << two.Output() << two.Errors();
  EXPECT_EQ(std::ranges::count(seen, "5000"), 1) << testing::PrintToString(seen);
  EXPECT_EQ(std::ranges::count(seen, "7000"), 1) << testing::PrintToString(seen);
  ASSERT_TRUE(AwaitGuardians(20s));
  ExpectAsBefore(before_, {one.Pid(), two.Pid()});
}

TEST_F(TwoBrinks, TheOneThatWaitsSaysForWhomAndKnowsTheValuesAtRest) {
  const Rendezvous there(folder_ / "there");
  const Rendezvous back(folder_ / "back");
  const std::string first = Write("first", fmt::format(R"(
machine: {{sysctl: {{vm.max_map_count: 5000}}}}
processes: {{target: {{run: [VICTIM, hang], ready: {{log: hanging}}}}}}
steps: [{{run: [sh, -c, "echo >{}; cat {}"], timeout: 30s, expect: {{exit: 0}}}}]
cases: {{case: {{expect: {{target: {{outcome: survived}}}}}}}}
)",
                                                       there.Path(), back.Path()));
  BrinkProcess one(folder_, "one", RunWords(first, "one"));
  ASSERT_TRUE(there.Meet(30s)) << one.Errors();
  BrinkProcess two(folder_, "two", RunWords(Looking("two", 7000), "two"));
  while (two.Errors().find("under other machine-wide values") == std::string::npos) {
    ASSERT_FALSE(two.EndsWithin(10ms)) << two.Errors();
  }
  EXPECT_THAT(two.Errors(),
              testing::ContainsRegex(fmt::format("waiting for brink ([0-9]+, )*{}", one.Pid())));
  std::ofstream(back.Path()) << "go on\n";
  ASSERT_TRUE(one.EndsWithin(60s) && two.EndsWithin(60s));
  EXPECT_EQ(one.ExitCode(), 0) << one.Errors();
  EXPECT_EQ(two.ExitCode(), 0) << two.Errors();
  const auto evidence = EvidenceFromJson(ReadText(folder_ / "two" / "two" / "case" / "evidence.json"));
  ASSERT_TRUE(evidence);
  ASSERT_TRUE(AwaitGuardians(20s));
  ExpectAsBefore(before_, {one.Pid(), two.Pid()});
  EXPECT_EQ(evidence->host.sysctls.at("vm.max_map_count"),
            ReadMachineSetting(Roots{}, "vm.max_map_count").value_or("?"));
}

class OneBrink : public TwoBrinks {};

// The first case holds the machine until the second has changed a value on the way, or a second has passed:
// did they run side by side, the change would be refused, for the machine is shared.
TEST_F(OneBrink, RunsACaseThatChangesTheMachineOnTheWayAlone) {
  const std::string changed = (folder_ / "changed").string();
  const std::string holder = Write("holder", fmt::format(R"(
processes: {{target: {{run: [sh, -c, "for i in $(seq 100); do [ -e {} ] && exit; sleep 0.01; done"]}}}}
cases: {{case: {{expect: {{target: {{outcome: survived}}}}}}}}
)",
                                                         changed));
  const std::string changer = Write("changer", fmt::format(R"(
processes: {{target: {{run: [VICTIM, hang], ready: {{log: hanging}}}}}}
steps:
  - {{set: {{machine: {{sysctl: {{vm.max_map_count: 6000}}}}}}}}
  - {{run: [touch, {}]}}
cases: {{case: {{expect: {{target: {{outcome: survived}}}}}}}}
)",
                                                           changed));
  std::vector<std::string> words = RunWords(changer, "out");
  words.insert(words.begin() + 1, {holder, "--jobs", "2"});
  BrinkProcess brink(folder_, "brink", words);
  ASSERT_TRUE(brink.EndsWithin(60s));
  EXPECT_EQ(brink.ExitCode(), 0) << brink.Output() << brink.Errors();
  ASSERT_TRUE(AwaitGuardians(20s));
  ExpectAsBefore(before_, {brink.Pid()});
}

// Each waits for the other in the middle of its case: only at the same time can both get through.
TEST_F(TwoBrinks, WithEqualValuesShareTheMachine) {
  const Rendezvous there(folder_ / "there");
  const Rendezvous back(folder_ / "back");
  const auto scenario = [&](const std::string& name, const std::string& meeting) {
    return Write(name, fmt::format(R"(
machine: {{sysctl: {{vm.max_map_count: 5000}}}}
processes: {{target: {{run: [VICTIM, hang], ready: {{log: hanging}}}}}}
steps: [{{run: [sh, -c, "{}"], timeout: 30s, expect: {{exit: 0}}}}]
cases: {{case: {{expect: {{target: {{outcome: survived}}}}}}}}
)",
                                   meeting));
  };
  const std::string first = scenario("first", fmt::format("echo > {}; cat {}", there.Path(), back.Path()));
  const std::string second = scenario("second", fmt::format("cat {}; echo > {}", there.Path(), back.Path()));
  BrinkProcess one(folder_, "one", RunWords(first, "one"));
  BrinkProcess two(folder_, "two", RunWords(second, "two"));
  EXPECT_TRUE(one.EndsWithin(60s));
  EXPECT_TRUE(two.EndsWithin(60s));
  EXPECT_EQ(one.ExitCode(), 0) << one.Output() << one.Errors();
  EXPECT_EQ(two.ExitCode(), 0) << two.Output() << two.Errors();
  ASSERT_TRUE(AwaitGuardians(20s));
  ExpectAsBefore(before_, {one.Pid(), two.Pid()});
}

}  // namespace
}  // namespace brink::live
