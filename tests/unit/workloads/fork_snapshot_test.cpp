// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "program_runner.h"

namespace workload {
namespace {

using testing::HasSubstr;

std::vector<std::string> SmallServer(const TestFolder& folder) {
  return {"--heap",    "2MiB",        "--writes", "500", "--snapshot-file", folder / "snapshot",
          "--ack-log", folder / "log"};
}

TEST(ForkSnapshot, SnapshotsHoldTheStoreAsItWasAtTheFork) {
  const TestFolder folder;
  auto arguments = SmallServer(folder);
  arguments.insert(arguments.end(), {"--snapshots", "2"});
  const ProgramResult run = RunProgramToEnd("fork-snapshot", arguments);
  ASSERT_EQ(run.status, 0) << run.standard_error;
  EXPECT_EQ(run.Event("result").at("snapshots_done"), 2);
  EXPECT_EQ(run.Event("result").at("snapshots_failed"), 0);
  const ProgramResult verified = RunProgramToEnd("fork-snapshot", {"--verify", folder / "snapshot"});
  ASSERT_EQ(verified.status, 0) << verified.standard_error;
  EXPECT_EQ(verified.Event("result").at("checksum"), run.Event("snapshot_done").at("checksum"));
  EXPECT_EQ(verified.Event("result").at("records"), 2048);
}

TEST(ForkSnapshot, WhatTheChildWritesIsItsOwn) {
  const TestFolder folder;
  auto arguments = SmallServer(folder);
  arguments.emplace_back("--child-writes");
  const ProgramResult run = RunProgramToEnd("fork-snapshot", arguments);
  ASSERT_EQ(run.status, 0) << "the server checks its store at the end: " << run.standard_error;
  EXPECT_EQ(run.Event("result").at("snapshots_done"), 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "snapshot"));
}

TEST(ForkSnapshot, NoticesOneChangedByteInASnapshot) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("fork-snapshot", SmallServer(folder)).status, 0);
  FlipByte(folder / "snapshot", 1234567);
  const ProgramResult run = RunProgramToEnd("fork-snapshot", {"--verify", folder / "snapshot"});
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.standard_error, HasSubstr("corrupt: "));
}

TEST(ForkSnapshot, NoticesASnapshotThatEndsEarly) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("fork-snapshot", SmallServer(folder)).status, 0);
  std::filesystem::resize_file(folder / "snapshot", 1000000);
  EXPECT_EQ(RunProgramToEnd("fork-snapshot", {"--verify", folder / "snapshot"}).status, 3);
}

TEST(ForkSnapshot, ACleanShutdownLeavesEveryAcknowledgedWriteInAClosedLog) {
  const TestFolder folder;
  const ProgramResult run = RunProgramUntilSignal("fork-snapshot", SmallServer(folder), SIGTERM);
  ASSERT_EQ(run.status, 0) << run.standard_error;
  const ProgramResult verified = RunProgramToEnd("fork-snapshot", {"--verify-log", folder / "log"});
  EXPECT_EQ(verified.status, 0) << verified.standard_error;
  EXPECT_EQ(verified.Event("result").at("acknowledged"), run.Event("result").at("acknowledged"));
}

TEST(ForkSnapshot, AKilledServerLeavesEveryAcknowledgedWriteInAnOpenLog) {
  const TestFolder folder;
  const ProgramResult run = RunProgramUntilSignal("fork-snapshot", SmallServer(folder), SIGKILL);
  ASSERT_EQ(run.status, -1);
  const ProgramResult verified = RunProgramToEnd("fork-snapshot", {"--verify-log", folder / "log"});
  EXPECT_EQ(verified.status, 4);
  EXPECT_THAT(verified.standard_error, HasSubstr("did not shut down cleanly"));
  EXPECT_GE(verified.Event("result").at("writes"), verified.Event("result").at("acknowledged"));
}

TEST(ForkSnapshot, NoticesALostAcknowledgedWrite) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("fork-snapshot", SmallServer(folder)).status, 0);
  FlipByte(folder / "log", 40 * 100);
  const ProgramResult verified = RunProgramToEnd("fork-snapshot", {"--verify-log", folder / "log"});
  EXPECT_EQ(verified.status, 3);
  EXPECT_THAT(verified.standard_error, HasSubstr("holds 100 intact writes"));
}

TEST(ForkSnapshot, ASnapshotThatCannotBeWrittenIsCountedAndTheServerGoesOn) {
  const TestFolder folder;
  const ProgramResult run = RunProgramToEnd(
      "fork-snapshot", {"--heap", "1MiB", "--writes", "200", "--snapshot-file", folder / "missing/snapshot"});
  EXPECT_EQ(run.status, 0) << run.standard_error;
  EXPECT_EQ(run.Event("result").at("snapshots_failed"), 1);
  EXPECT_THAT(run.standard_error, HasSubstr("No such file or directory"));
}

TEST(ForkSnapshot, TheChildTakesTheGivenOomScoreAdj) {
  const TestFolder folder;
  auto arguments = SmallServer(folder);
  arguments.insert(arguments.end(), {"--child-oom-score-adj", "700"});
  const ProgramResult run = RunProgramToEnd("fork-snapshot", arguments);
  EXPECT_EQ(run.status, 0) << run.standard_error;
  EXPECT_EQ(run.Event("result").at("snapshots_done"), 1);
}

}  // namespace
}  // namespace workload
