// SPDX-License-Identifier: MIT
// What brink can say where BPF does not work: endings by wait status and the groups' counters. What only the
// kernel's own evidence shows is not judged, and is never a pass nor an unmet expectation.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "live_case.h"
#include "model/json.h"

namespace brink::live {
namespace {

class WithoutBpf : public LiveCase {
 protected:
  static void ExpectNotJudged(const Verdict& verdict) {
    EXPECT_EQ(verdict.grade, EvidenceGrade::kCounters);
    EXPECT_EQ(verdict.expected_met, std::nullopt) << verdict.reason;
  }
  static std::optional<bool> MetOf(const Verdict& verdict, const std::string& subject,
                                   const std::string& what) {
    const auto found = std::ranges::find_if(verdict.expectations, [&](const ExpectationResult& each) {
      return each.subject == subject && each.what == what;
    });
    EXPECT_NE(found, verdict.expectations.end()) << subject << " " << what;
    return found == verdict.expectations.end() ? std::nullopt : found->met;
  }
};

std::vector<TimelineSample> TimelineOf(const Verdict& verdict) {
  std::ifstream file(verdict.run_dir + "/evidence.json");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto evidence = EvidenceFromJson(text);
  EXPECT_TRUE(evidence) << evidence.error().message;
  return evidence ? evidence->timeline : std::vector<TimelineSample>{};
}

TEST_F(WithoutBpf, TheGroupsCounterTellsAnOomKill) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, touch, size=96M], cgroup: {memory.max: 64MiB}}}
cases: {case: {expect: {target: {outcome: oom_killed, signal: SIGKILL, killed_by: "oom:memcg"}}}}
)");
  EXPECT_EQ(verdict.grade, EvidenceGrade::kCounters);
  ExpectMet(verdict);
  const auto timeline = TimelineOf(verdict);
  ASSERT_FALSE(timeline.empty());
  EXPECT_EQ(timeline.front().subject, "target");
}

TEST_F(WithoutBpf, TheGroupsMemoryIsSampled) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, touch, size=32M], env: {VICTIM_STAYS: "1"}, ready: {log: staying}}}
cases:
  case:
    steps: [{wait: {memory: {process: target, above: 16MiB}}}, {wait: {time: 200ms}}]
    expect: {target: {outcome: survived}}
)");
  ExpectMet(verdict);
  EXPECT_THAT(TimelineOf(verdict),
              testing::Contains(testing::Field(&TimelineSample::memory_bytes, testing::Ge(32U << 20U))));
}

TEST_F(WithoutBpf, ExitStatusIsJudged) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, exit, code=3]}}
cases: {case: {expect: {target: {outcome: failed, exit: 3}}}}
)");
  EXPECT_EQ(verdict.grade, EvidenceGrade::kCounters);
  ExpectMet(verdict);
}

TEST_F(WithoutBpf, FailingCallsAreNotJudged) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, grow, how=mmap-readonly, total=512M], rlimits: {as: 128MiB}}}
cases: {case: {expect: {target: {outcome: failed, failure: {call: mmap}, binding_limit: RLIMIT_AS}}}}
)");
  ExpectNotJudged(verdict);
  EXPECT_EQ(MetOf(verdict, "target", "outcome"), std::optional(true));
  EXPECT_EQ(MetOf(verdict, "target", "failure"), std::nullopt);
  EXPECT_EQ(MetOf(verdict, "target", "binding_limit"), std::nullopt);
}

TEST_F(WithoutBpf, ChildrenAreNotJudged) {
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [victim, descendant, size=1M], children: {worker: {title: descendant}}}
cases: {case: {expect: {target: {outcome: survived}, worker: {outcome: survived}}}}
)");
  ExpectNotJudged(verdict);
  EXPECT_EQ(verdict.outcome, Outcome::kSurvived);
  EXPECT_EQ(MetOf(verdict, "worker", "process"), std::nullopt);
}

TEST_F(WithoutBpf, AScoreForAChildIsInconclusive) {
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [victim, descendant, size=1M]
    children: {worker: {title: descendant, oom_score_adj: 500}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  ExpectNotJudged(verdict);
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("oom_score_adj=500 of worker is not in force"));
}

TEST_F(WithoutBpf, AWaitForMappingsIsInconclusiveAtOnce) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, exit], env: {VICTIM_STAYS: "1"}, ready: {log: staying}}}
cases:
  case:
    steps: [{wait: {mappings: {process: target, above: 1000}}, timeout: 50s}]
    expect: {target: {outcome: failed}}
)");
  ExpectNotJudged(verdict);
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("kernel evidence only"));
}

}  // namespace
}  // namespace brink::live
