// SPDX-License-Identifier: MIT
// What brink explain says inside a guest, where cgroup v2 has the memory controller and the whole machine may
// run out of memory, against what its kernel does next.
#include <gmock/gmock.h>

#include <regex>

#include "guest_fixture.h"

namespace brink::live {
namespace {

using nlohmann::json;

/// The helper is small, and is preferred by its oom_score_adj; the grower fills the group, or the machine.
/// In the last case it fills the machine as the last that would be taken: the others' own points decide, and
/// both die.
constexpr const char* kScenario = R"(
machine: {memory: 512MiB, swap: 64MiB, cgroup: v2}
processes:
  important:
    run: [)" BRINK_VICTIM R"(, touch, size=60M, title=important]
    env: {VICTIM_STAYS: "1"}
    ready: {log: staying, timeout: 30s}
  helper:
    run: [)" BRINK_VICTIM R"(, touch, size=20M, title=helper]
    env: {VICTIM_STAYS: "1"}
    oom_score_adj: 900
    ready: {log: staying, timeout: 30s}
  grower: {run: [)" BRINK_VICTIM R"(, touch, size=1G], start: manual}
steps:
  - {as: explained, run: [)" BRINK_PROGRAM R"(, explain, --pid, important], expect: {exit: 0}}
  - {start: grower}
  - {wait: {exit: helper}}
expect:
  helper: {outcome: oom_killed}
  grower: {outcome: [survived, oom_killed], stalled: [true, false]}  # where it swaps, it waits
cases:
  group:
    groups: {pod: {memory.max: 160MiB}}
    processes:
      important: {cgroup: {group: pod}}
      helper: {cgroup: {group: pod}}
      grower: {cgroup: {group: pod}}
    expect: {helper: {oom_scope: memcg}}
  machine:
    expect: {helper: {oom_scope: machine}}
  machine-group:
    groups: {pod: {memory.oom.group: 1}}
    processes:
      important:
        run: [)" BRINK_VICTIM R"(, touch, size=120M, title=important]
        oom_score_adj: -500
        cgroup: {group: pod}
      helper: {run: [)" BRINK_VICTIM
                                  R"(, touch, size=60M, title=helper], oom_score_adj: 0, cgroup: {group: pod}}
      grower: {run: [)" BRINK_VICTIM R"(, touch, size=380M], oom_score_adj: -998}
    expect: {helper: {oom_scope: machine}, important: {outcome: oom_killed, oom_scope: machine}}
)";

/// The comparison with real kills, where oom_score_adj may be lowered and memory may be swapped out.
constexpr const char* kKills = R"(
machine: {memory: 512MiB, swap: 64MiB, cgroup: v2}
timeout: 600s
processes: {kills: {run: [)" BRINK_LIVE_EXPLAIN R"(, "--gtest_filter=-*Forty*"]}}
expect: {kills: {exit: 0, log: "PASSED  . 3 tests"}}
)";

struct Predicted {
  std::string where;  // "the machine", "group /a/b"
  int pid = 0;
};

/// Whom each OOM killer of the text would take first, in the text's order.
std::vector<Predicted> PredictionsOf(const std::string& text) {
  static const std::regex kPattern(
      "The OOM killer of (.*) would take, most points first:\n  1\\. \\S+ \\((\\d+)");
  std::vector<Predicted> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), kPattern); at != std::sregex_iterator();
       ++at) {
    found.push_back({.where = (*at)[1], .pid = std::stoi((*at)[2])});
  }
  return found;
}

std::string ExplainedIn(const json& result) {
  const json evidence = json::parse(ReadText(result["run_dir"].get<std::string>() + "/evidence.json"));
  return evidence["steps"][0]["output"].get<std::string>();
}

class ExplainInAGuest : public GuestTest {};

TEST_F(ExplainInAGuest, PredictsTheVictimOfGroupsOfCgroupV2AndOfTheMachine) {
  const Ended ended = RunInGuest({Write("kills", kKills), Write("explained", kScenario)});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  json results = ExpectOneDocument(ended.output)["results"];
  ASSERT_EQ(results.size(), 4U);
  results.erase(std::remove_if(results.begin(), results.end(),
                               [](const json& each) { return each["scenario"] == "kills"; }),
                results.end());
  for (const json& result : results) {
    const std::string text = ExplainedIn(result);
    SCOPED_TRACE(result["case"].get<std::string>() + ":\n" + text);
    const bool of_group = result["case"] == "group";
    const auto predicted = PredictionsOf(text);
    ASSERT_EQ(predicted.size(), of_group ? 2U : 1U);
    EXPECT_EQ(predicted.back().where, "the machine");
    ASSERT_FALSE(result["oom_kills"].empty());
    EXPECT_EQ(predicted.front().pid, result["oom_kills"][0]["pid"]);
    if (of_group) {
      EXPECT_THAT(predicted.front().where, testing::EndsWith("/t-pod"));
      EXPECT_THAT(text, testing::ContainsRegex("memory.max +[0-9.]+ MiB +160 MiB"));
    }
    if (result["case"] == "machine-group") {
      EXPECT_THAT(text, testing::ContainsRegex("memory.oom.group of [^ ]*/t-pod: all of its"));
    }
  }
}

}  // namespace
}  // namespace brink::live
