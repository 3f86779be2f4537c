// SPDX-License-Identifier: MIT
// What the evidence does not show is neither met nor unmet.
#include <gtest/gtest.h>

#include <optional>

#include "base/units.h"
#include "judge/judge.h"
#include "server_case.h"

namespace brink::testing {
namespace {

std::optional<bool> Met(const Expectation& expect, const Evidence& evidence) {
  Plan plan = ServerPlan();
  plan.expect = {expect};
  return Judge(plan, evidence).expected_met;
}

TEST(Unknown, IsWhatAReasonWouldSayWithKernelEvidence) {
  Evidence evidence = ServerEvidence(1);
  const Expectation expect{.subject = "server", .reason = "munmap failed"};
  EXPECT_EQ(Met(expect, evidence), false);
  evidence.grade = EvidenceGrade::kCounters;
  EXPECT_EQ(Met(expect, evidence), std::nullopt);
  EXPECT_EQ(Met({.subject = "server", .reason = "exited with 1"}, evidence), true);
}

TEST(Unknown, IsTheStallOfAChildWhoseGroupIsItsParents) {
  Evidence evidence = ServerEvidence(0);
  ProcessRecord child = evidence.processes.front();
  child.name = "worker";
  child.kind = ProcessRecord::Kind::kChild;
  child.parent = "server";
  child.pid = 8;
  evidence.processes.push_back(child);
  GroupRecord group;
  group.name = "server";
  evidence.groups = {group};
  for (const bool stalled : {true, false}) {
    EXPECT_EQ(Met({.subject = "worker", .stalled = stalled}, evidence), std::nullopt) << stalled;
    EXPECT_EQ(Met({.subject = "server", .stalled = stalled}, evidence), !stalled);
  }
}

TEST(Unknown, IsTheFirstFailureWhereSomeAreCountedOnlyOrLost) {
  Evidence evidence = ServerEvidence(1);
  const Expectation expect{.subject = "server",
                           .first_failure = FailureExpect{.call = {"mmap"}, .errno_name = "ENOMEM"}};
  evidence.failed_calls = {AddressSpaceFailure(0.1)};
  evidence.failure_counts = {{.process = "server", .call = "mmap", .errno_name = "ENOMEM", .count = 1}};
  EXPECT_EQ(Met(expect, evidence), true);
  evidence.failure_counts.push_back(
      {.process = "server", .call = "munmap", .errno_name = "ENOMEM", .count = 3});
  EXPECT_EQ(Met(expect, evidence), std::nullopt)
      << "of munmap's no details are known: it may have come first";
  evidence.failure_counts.pop_back();
  evidence.events_lost = 1;
  EXPECT_EQ(Met(expect, evidence), std::nullopt);
  evidence.events_lost = 0;
  evidence.grade = EvidenceGrade::kCounters;
  EXPECT_EQ(Met(expect, evidence), std::nullopt);
}

TEST(Unknown, IsWhatStaysChargedToAGroupThatNobodyCouldRead) {
  Evidence evidence = ServerEvidence(0);
  GroupRecord group;
  group.name = "server";
  evidence.groups = {group};
  const Expectation expect{.subject = "server", .left_charged_bytes = Range{.max = kMiB}};
  EXPECT_EQ(Met(expect, evidence), std::nullopt);
  evidence.groups.front().left_shmem_bytes = 0;
  EXPECT_EQ(Met(expect, evidence), std::nullopt);
  evidence.groups.front().left_file_bytes = 0;
  EXPECT_EQ(Met(expect, evidence), true);
  evidence.groups.front().left_shmem_bytes = 2 * kMiB;
  EXPECT_EQ(Met(expect, evidence), false);
}

}  // namespace
}  // namespace brink::testing
