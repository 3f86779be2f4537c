// SPDX-License-Identifier: MIT
// "+600MiB" is off when the commitments of others change: whether that matters.
#include "judge/commitments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/units.h"
#include "judge/judge.h"
#include "server_case.h"

namespace brink::testing {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kBase = 1000 * kMiB;
constexpr std::uint64_t kTargets = 500 * kMiB;

/// The case's processes have asked for 500 MiB, and others for `drift` MiB more or less than before.
CommitSample Sample(double t_s, std::int64_t drift) {
  return {.t_s = t_s,
          .committed_bytes = static_cast<std::uint64_t>(static_cast<std::int64_t>(kBase + kTargets) +
                                                        drift * static_cast<std::int64_t>(kMiB)),
          .targets_bytes = kTargets,
          .targets_mapped_bytes = kTargets,
          .steady = true};
}

/// 600 MiB above the 1000 MiB that were committed; later as Sample() says.
Evidence Drifted(std::int64_t drift) {
  Evidence evidence = ServerEvidence(0);
  evidence.faults = {{.name = "vm.overcommit_kbytes",
                      .target = "machine",
                      .requested = "+614400",
                      .read_back = "1638400",
                      .in_force = true}};
  evidence.commitments = {{.t_s = 0, .committed_bytes = kBase, .steady = true}};
  for (const double t_s : {0.3, 0.35, 0.45, 0.5}) {
    evidence.commitments.push_back(Sample(t_s, drift));
  }
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

TEST(CommitDrift, IsNotReadFromFiguresOfDifferentInstants) {
  Evidence evidence = Drifted(0);
  // A child of 700 MiB was counted, and had ended when Committed_AS was read.
  evidence.commitments[2] = Sample(0.35, -700);
  evidence.commitments[2].steady = false;
  evidence.commitments[2].targets_bytes += 700 * kMiB;
  EXPECT_FALSE(CommitDriftOf(evidence));
  for (CommitSample& sample : evidence.commitments) {
    sample = Sample(sample.t_s, -400);
    sample.steady = false;
  }
  EXPECT_FALSE(CommitDriftOf(evidence)) << "no figures to go by";
}

TEST(CommitDrift, IsOnlyWhatTwoSteadySamplesInARowShow) {
  Evidence evidence = Refused(Drifted(0));
  evidence.commitments[2] = Sample(0.35, 400);  // a child that is just coming
  EXPECT_FALSE(CommitDriftOf(evidence));
  evidence.commitments[3] = Sample(0.45, -400);
  EXPECT_FALSE(CommitDriftOf(evidence));
  evidence = Refused(Drifted(400));
  evidence.commitments[1].steady = false;
  EXPECT_TRUE(CommitDriftOf(evidence)) << "those after it were steady";
}

TEST(CommitDrift, IsNotWhatMayBeSharedMemoryOfTheCasesProcesses) {
  Evidence evidence = Refused(Drifted(400));
  for (CommitSample& sample : evidence.commitments) {
    sample.targets_mapped_bytes += 400 * kMiB;
  }
  EXPECT_FALSE(CommitDriftOf(evidence));
}

TEST(CommitDrift, IsNobodysInAGuest) {
  Evidence evidence = Drifted(-400);
  EXPECT_TRUE(CommitDriftOf(evidence));
  evidence.guest = GuestRecord{};
  EXPECT_FALSE(CommitDriftOf(evidence));
}

TEST(CommitDrift, IsNoMatterWhereTheKernelKeepsToNoCommitLimit) {
  Evidence evidence = Drifted(-400);
  evidence.host.sysctls["vm.overcommit_memory"] = "0";
  EXPECT_FALSE(CommitDriftOf(evidence));
  evidence.faults.push_back({.name = "vm.overcommit_memory", .read_back = "2", .in_force = true});
  EXPECT_TRUE(CommitDriftOf(evidence));
  evidence.faults.back().read_back = "1";
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
