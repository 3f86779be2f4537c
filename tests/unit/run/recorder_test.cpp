// SPDX-License-Identifier: MIT
#include "run/recorder.h"

#include <gmock/gmock.h>

#include "recorder_fixture.h"

namespace brink {
namespace {

TEST_F(RecorderTest, GivesFailuresThePlansName) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.OnEvent(Failure(100));
  ASSERT_EQ(recorder.Record().failed_calls.size(), 1U);
  EXPECT_EQ(recorder.Record().failed_calls.front().process, "server");
  EXPECT_EQ(recorder.Record().processes.front().peak_map_count, 1234U);
}

TEST_F(RecorderTest, KeepsWhatZramTookAtMostUntilTheMachineRanOut) {
  const auto write = [&](const std::string& file, const std::string& text) {
    const std::filesystem::path path = roots_.proc + "/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  };
  write("swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 524284 0 -2\n");
  Recorder recorder(plan_, roots_);
  for (const char* stat : {"100 90 4096 0", "300 280 8192 0", "200 180 4096 0"}) {
    write("sys/block/zram0/mm_stat", stat);
    recorder.NoteZram();
  }
  ASSERT_TRUE(recorder.Record().zram);
  EXPECT_EQ(recorder.Record().zram->stored_bytes, 300U);
  OomKillSeen kill;
  kill.kill.scope = "machine";
  recorder.OnEvent(kill);
  write("sys/block/zram0/mm_stat", "900 900 90000 0");
  recorder.NoteZram();
  EXPECT_EQ(recorder.Record().zram->memory_bytes, 8192U);
}

// It came and went between two looks at /proc.
TEST_F(RecorderTest, NamesAChildByTheNameItDiedWith) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  recorder.OnEvent(Failure(101));
  SignalSeen kill;
  kill.token = kill.sender_token = 7;
  kill.sent.signal = 9;
  kill.sent.pid = 101;
  kill.sent.sender_pid = 100;
  recorder.OnEvent(kill);
  EndSnapshot(recorder);
  const Evidence& evidence = recorder.Record();
  ASSERT_EQ(evidence.processes.size(), 2U);
  EXPECT_EQ(evidence.processes.back().name, "snapshot");
  EXPECT_EQ(evidence.processes.back().signal, 9);
  EXPECT_EQ(evidence.failed_calls.front().process, "snapshot");
  EXPECT_EQ(evidence.signals.front().process, "snapshot");
  EXPECT_EQ(evidence.signals.front().sender, "server");
}

TEST_F(RecorderTest, RecognisesAChildByItsTitle) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  SetCommandLine(101, "server");
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  EXPECT_TRUE(recorder.IdentifyChildren().empty());
  EXPECT_TRUE(recorder.HasYoungDescendants());
  SetCommandLine(101, "redis-rdb-bgsave 127.0.0.1:1");
  const auto found = recorder.IdentifyChildren();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().name, "snapshot");
  EXPECT_EQ(found.front().rule->oom_score_adj, 800);
  EXPECT_THAT(recorder.LivingPids("snapshot"), testing::ElementsAre(101));
  recorder.OnEvent(Failure(101));
  EXPECT_EQ(recorder.Record().failed_calls.front().process, "snapshot");
}

// The caller imposes what the rule asks for on each child that it is given.
TEST_F(RecorderTest, GivesAChildThatAnEventMadeItRecognise) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  SetCommandLine(101, "redis-rdb-bgsave");
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  recorder.OnEvent(Failure(101));
  EXPECT_TRUE(recorder.HasRecognised());
  EXPECT_EQ(recorder.IdentifyChildren().size(), 1U);
  EXPECT_TRUE(recorder.IdentifyChildren().empty());
  EXPECT_TRUE(recorder.MissedRules(true).empty());
}

TEST_F(RecorderTest, AServerWithoutAnyDescendantMissesNoChild) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  EXPECT_TRUE(recorder.MissedRules(/*all_forks_seen=*/true).empty());
  EXPECT_EQ(recorder.MissedRules(/*all_forks_seen=*/false).size(), 1U);
}

TEST_F(RecorderTest, MissesAChildWhenADescendantEndedUnnamed) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  ExitSeen exit;
  exit.token = 7;
  exit.pid = 101;
  exit.comm = "server";
  recorder.OnEvent(exit);
  const auto missed = recorder.MissedRules(true);
  ASSERT_EQ(missed.size(), 1U);
  EXPECT_EQ(missed.front()->name, "snapshot");
}

TEST_F(RecorderTest, MissesAChildThatItKnowsOnlyByItsEnd) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  ExitSeen exit;
  exit.token = 7;
  exit.pid = 101;
  exit.comm = "rdb-bgsave";
  recorder.OnEvent(exit);
  EXPECT_EQ(recorder.MissedRules(true).size(), 1U);
}

// What is imposed after the kernel has chosen its victim was not in force when it chose.
TEST_F(RecorderTest, MissesAChildThatWasRecognisedByItsOomKill) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  SetCommandLine(101, "redis-rdb-bgsave");
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  OomKillSeen killed;
  killed.token = 7;
  killed.kill.pid = 101;
  recorder.OnEvent(killed);
  EXPECT_EQ(recorder.Record().oom_kills.front().process, "snapshot");
  EXPECT_FALSE(recorder.HasRecognised());
  EXPECT_EQ(recorder.MissedRules(true).size(), 1U);
}

TEST_F(RecorderTest, ANewDescendantDoesNotInheritTheNameOfADeadOneOfItsNumber) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  SetCommandLine(101, "redis-rdb-bgsave");
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  EXPECT_EQ(recorder.IdentifyChildren().size(), 1U);
  ExitSeen exit;
  exit.token = 7;
  exit.pid = 101;
  exit.comm = "rdb-bgsave";
  exit.exit_code = 0;
  recorder.OnEvent(exit);
  SetCommandLine(101, "helper");
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  recorder.OnEvent(Failure(101));
  EXPECT_EQ(recorder.Record().failed_calls.front().process, "server");
  exit.exit_code = 1;
  exit.comm = "helper";
  recorder.OnEvent(exit);
  EXPECT_EQ(recorder.Record().processes.back().exit_code, 0);
}

// It takes its title only after it has failed and been signalled.
TEST_F(RecorderTest, ANameGivenByTitleReachesBackToWhatWasRecordedBefore) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  SetCommandLine(101, "server");
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  recorder.OnEvent(Failure(101));
  SignalSeen received;
  received.token = received.sender_token = 7;
  received.sent.signal = 15;
  received.sent.pid = 101;
  received.sent.sender_pid = 100;
  recorder.OnEvent(received);
  SignalSeen sent = received;
  sent.sent.pid = 100;
  sent.sent.sender_pid = 101;
  recorder.OnEvent(sent);
  EXPECT_EQ(recorder.Record().failed_calls.front().process, "server");
  SetCommandLine(101, "redis-rdb-bgsave");
  ASSERT_EQ(recorder.IdentifyChildren().size(), 1U);
  const Evidence& evidence = recorder.Record();
  EXPECT_EQ(evidence.failed_calls.front().process, "snapshot");
  ASSERT_EQ(evidence.signals.size(), 2U);
  EXPECT_EQ(evidence.signals[0].process, "snapshot");
  EXPECT_EQ(evidence.signals[0].sender, "server");
  EXPECT_EQ(evidence.signals[1].process, "server");
  EXPECT_EQ(evidence.signals[1].sender, "snapshot");
}

// A victim may end before it is marked: its OOM kill follows its exit.
TEST_F(RecorderTest, AVictimThatEndedBeforeItWasMarkedKeepsItsName) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 101, .at_ns = MonotonicNs()});
  ExitSeen exit;
  exit.token = 7;
  exit.pid = 101;
  exit.comm = "rdb-bgsave";
  exit.signal = 9;
  recorder.OnEvent(exit);
  OomKillSeen killed;
  killed.token = 7;
  killed.kill.pid = 101;
  killed.kill.comm = "rdb-bgsave";
  recorder.OnEvent(killed);
  EXPECT_EQ(recorder.Record().oom_kills.front().process, "snapshot");
  EXPECT_EQ(recorder.Record().processes.size(), 2U);
}

TEST_F(RecorderTest, AnUnnamedDescendantsOomKillIsNotTheRoots) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = 102, .at_ns = MonotonicNs()});
  OomKillSeen killed;
  killed.token = 7;
  killed.kill.pid = 102;
  killed.kill.comm = "worker";
  killed.at_ns = MonotonicNs();
  recorder.OnEvent(killed);
  ASSERT_EQ(recorder.Record().oom_kills.size(), 1U);
  EXPECT_EQ(recorder.Record().oom_kills.front().process, "server/worker");
  ASSERT_EQ(recorder.Record().processes.size(), 2U);
  EXPECT_EQ(recorder.Record().processes[1].parent, "server");
}

TEST_F(RecorderTest, NamesAnOomVictimThatIsNobodys) {
  Recorder recorder(plan_, roots_);
  OomKillSeen killed;
  killed.kill.pid = 9;
  recorder.OnEvent(killed);
  EXPECT_EQ(recorder.Record().oom_kills.front().process, "");
}

TEST_F(RecorderTest, KnowsItsOwnSignals) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  SignalSeen seen;
  seen.token = 7;
  seen.sent.pid = 100;
  seen.sent.signal = 15;
  seen.sent.sender_pid = ::getpid();
  recorder.OnEvent(seen);
  EXPECT_EQ(recorder.Record().signals.front().sender, "brink");
  EXPECT_EQ(recorder.Record().signals.front().process, "server");
}

TEST_F(RecorderTest, TheTimelineCountsAllFailures) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.SetFailureTotals(
      {{.token = 7, .pid = 100, .call = "mmap", .errno_name = "ENOMEM", .count = 3000},
       {.token = 7, .pid = 100, .call = "mprotect", .errno_name = "ENOMEM", .count = 4}});
  TaskFigures figures;
  figures.token = 7;
  figures.pid = 100;
  recorder.OnSample({figures}, {});
  EXPECT_EQ(recorder.Record().timeline.front().failures, 3004U);
}

TEST_F(RecorderTest, NotesOomScoresWithEachSample) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  TaskFigures figures;
  figures.token = 7;
  figures.pid = 100;
  recorder.OnSample({figures}, {});
  std::ofstream(roots_.proc + "/100/oom_score") << "850\n";
  std::ofstream(roots_.proc + "/100/oom_score_adj") << "-17\n";
  recorder.OnSample({figures}, {});
  const auto& timeline = recorder.Record().timeline;
  ASSERT_EQ(timeline.size(), 2U);
  EXPECT_EQ(timeline[0].oom_score, std::nullopt) << "what cannot be read is not 0";
  EXPECT_EQ(timeline[1].pid, 100);
  EXPECT_EQ(timeline[1].oom_score, 850);
  EXPECT_EQ(timeline[1].oom_score_adj, -17);
}

TEST_F(RecorderTest, KnowsWhoOfAProcessStillLives) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  SetCommandLine(103, "rdb-bgsave");
  for (const int pid : {102, 103, 104}) {
    recorder.OnEvent(ForkSeen{.token = 7, .parent_pid = 100, .pid = pid, .at_ns = 0});
  }
  (void)recorder.IdentifyChildren();
  ExitSeen ended;
  ended.token = 7;
  ended.pid = 104;
  recorder.OnEvent(ended);
  EXPECT_EQ(recorder.LivingDescendants(7), (std::vector<int>{102, 103}));
  EXPECT_TRUE(recorder.LivingDescendants(8).empty());
}

TEST_F(RecorderTest, TellsNamesOfTheLivingOnly) {
  const Recorder recorder(plan_, roots_);
  const auto set_stat = [&](int pid, const std::string& text) {
    SetCommandLine(pid, "x");
    std::ofstream(roots_.proc + "/" + std::to_string(pid) + "/stat") << text;
  };
  set_stat(7, "7 (a (b) c) S 1 7 7");
  set_stat(8, "8 (gone) Z 1 8 8");
  EXPECT_EQ(recorder.CommOf(7), "a (b) c");
  EXPECT_EQ(recorder.CommOf(8), "");
  EXPECT_EQ(recorder.CommOf(9), "");
}

TEST_F(RecorderTest, RecordsCommitmentsWhereALimitIsRelativeToThem) {
  std::filesystem::create_directories(roots_.proc);
  std::ofstream(roots_.proc + "/meminfo") << "Committed_AS:   2048 kB\n";
  EXPECT_FALSE(Recorder(plan_, roots_).Committed());

  plan_.machine.push_back(Setting{.name = "vm.overcommit_kbytes", .value = "+600", .mark = {}});
  Recorder recorder(plan_, roots_);
  EXPECT_EQ(recorder.Committed(), 2048U * 1024);
  TaskFigures server;
  server.pid = 7;
  server.total_vm_bytes = 9;
  server.data_vm_bytes = 5;
  TaskFigures child = server;
  child.pid = 8;
  recorder.OnCommitments(1024, {server, child}, {child, server});
  recorder.OnCommitments(1024, {server}, {server, child});
  const auto& samples = recorder.Record().commitments;
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples.front().committed_bytes, 1024U);
  EXPECT_EQ(samples.front().targets_bytes, 10U);
  EXPECT_EQ(samples.front().targets_mapped_bytes, 18U);
  EXPECT_TRUE(samples.front().steady);
  EXPECT_FALSE(samples.back().steady);
}

TEST_F(RecorderTest, SumsFailuresByName) {
  Recorder recorder(plan_, roots_);
  StartServer(recorder);
  recorder.SetFailureTotals({{.token = 7, .pid = 100, .call = "mmap", .errno_name = "ENOMEM", .count = 3},
                             {.token = 7, .pid = 555, .call = "mmap", .errno_name = "ENOMEM", .count = 4},
                             {.token = 99, .pid = 1, .call = "mmap", .errno_name = "ENOMEM", .count = 50}});
  ASSERT_EQ(recorder.Record().failure_counts.size(), 1U);
  EXPECT_EQ(recorder.Record().failure_counts.front().count, 7U);
}

}  // namespace
}  // namespace brink
