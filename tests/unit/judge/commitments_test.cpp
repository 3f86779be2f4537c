// SPDX-License-Identifier: MIT
// "+600MiB" is off when the commitments of others change: whether that matters.
#include "judge/commitments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "judge/judge.h"
#include "server_case.h"

namespace brink::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kBase = 1000 * kMiB;
constexpr std::uint64_t kTargets = 500 * kMiB;

/// 600 MiB above the 1000 MiB that were committed; later the case's processes hold 500 MiB of it, and others
/// `drift` MiB more or less than before.
Evidence Drifted(std::int64_t drift) {
  Evidence evidence = ServerEvidence(0);
  evidence.faults = {{.name = "vm.overcommit_kbytes",
                      .target = "machine",
                      .requested = "+614400",
                      .read_back = "1638400",
                      .in_force = true}};
  const auto committed = static_cast<std::uint64_t>(static_cast<std::int64_t>(kBase + kTargets) +
                                                    drift * static_cast<std::int64_t>(kMiB));
  evidence.commitments = {
      {.t_s = 0, .committed_before_bytes = kBase, .committed_after_bytes = kBase, .targets_bytes = 0},
      {.t_s = 0.3,
       .committed_before_bytes = committed,
       .committed_after_bytes = committed,
       .targets_bytes = kTargets}};
  return evidence;
}

/// The commit limit refused at 0.4 s.
Evidence Refused(Evidence evidence) {
  FailedCall call = AddressSpaceFailure(0.4);
  call.limits.as = kNoLimit;
  call.overcommit_refused = true;
  call.machine.overcommit_memory = 2;
  call.machine.commit_limit_bytes = 1600 * kMiB;
  call.machine.committed_as_bytes = 1600 * kMiB;
  evidence.failed_calls = {call};
  return evidence;
}

TEST(CommitDrift, UpToATenthOfTheRoomIsNone) {
  EXPECT_FALSE(CommitDriftOf(Drifted(60)));
  EXPECT_FALSE(CommitDriftOf(Drifted(-60)));
  EXPECT_FALSE(CommitDriftOf(Refused(Drifted(60))));
}

TEST(CommitDrift, MakesARefusalWithLessRoomInconclusive) {
  const Verdict verdict = Judge(ServerPlan(), Refused(Drifted(120)));
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.expected_met, std::nullopt);
  EXPECT_THAT(verdict.reason, HasSubstr("600 MiB above what was committed"));
  EXPECT_THAT(verdict.reason, HasSubstr("had grown by 120 MiB (20% of that) at 0.40 s: there was less room"));
  EXPECT_FALSE(verdict.remedy.empty());
}

TEST(CommitDrift, MakesSurvivalWithMoreRoomInconclusive) {
  const Verdict verdict = Judge(ServerPlan(), Drifted(-120));
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_THAT(verdict.reason, HasSubstr("had shrunk by 120 MiB"));
}

TEST(CommitDrift, IsOnlyToldWhereItProvesAllTheMore) {
  const Verdict survived = Judge(ServerPlan(), Drifted(120));
  EXPECT_EQ(survived.outcome, Outcome::kSurvived);
  EXPECT_THAT(survived.reason, HasSubstr("had grown by 120 MiB"));
  const Verdict refused = Judge(ServerPlan(), Refused(Drifted(-120)));
  EXPECT_EQ(refused.outcome, Outcome::kSurvived);
  EXPECT_THAT(refused.reason, HasSubstr("had shrunk by 120 MiB"));
}

TEST(CommitDrift, OfTheCasesOwnProcessesBetweenTwoReadingsIsNotBlamedOnOthers) {
  Evidence evidence = Refused(Drifted(0));
  evidence.commitments.back().committed_after_bytes += 200 * kMiB;
  EXPECT_FALSE(CommitDriftOf(evidence));
  evidence = Drifted(0);
  evidence.commitments.back().committed_before_bytes -= 200 * kMiB;
  EXPECT_FALSE(CommitDriftOf(evidence));
}

TEST(CommitDrift, CountsSwapAsThePartOfTheLimitThatItIs) {
  Evidence evidence = Drifted(0);
  evidence.host.swap_bytes = 100 * kMiB;
  evidence.faults.front().read_back = "1536000";
  EXPECT_FALSE(CommitDriftOf(evidence));
}

TEST(CommitDrift, IsNoMatterOfAnAbsoluteLimit) {
  Evidence evidence = Refused(Drifted(400));
  evidence.faults.front().requested = "1638400";
  EXPECT_FALSE(CommitDriftOf(evidence));
}

}  // namespace
}  // namespace brink::testing
