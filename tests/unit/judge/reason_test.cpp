// SPDX-License-Identifier: MIT
// What the sentence says when the end and the failing calls are not the same story.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "judge/judge.h"
#include "judge/words.h"
#include "server_case.h"

namespace brink::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

/// It failed by a limit at `failed_s` and exited with 24 at 3 s.
Verdict FailedAt(double failed_s, std::uint64_t times = 1, std::uint64_t lost = 0) {
  Evidence evidence = ServerEvidence(24);
  evidence.duration_s = 4;
  evidence.processes.front().end_s = 3;
  evidence.processes.front().last_line = "socket: Too many open files";
  evidence.processes.front().log = "logs/server.log";
  evidence.failed_calls = {AddressSpaceFailure(failed_s)};
  evidence.failure_counts = {{.process = "server", .call = "mmap", .errno_name = "ENOMEM", .count = times}};
  evidence.events_lost = lost;
  return Judge(ServerPlan(), evidence);
}

TEST(Reason, AFailureJustBeforeTheEndIsTold) {
  const Verdict verdict = FailedAt(2.9);
  EXPECT_EQ(
      verdict.reason,
      "server: exited with 24 at 3.00 s; mmap failed with ENOMEM once at 2.90 s with 100 MiB of 100 MiB "
      "(RLIMIT_AS): mmap asked for 1 MiB more; the last line of logs/server.log: \"socket: Too many open "
      "files\"");
  EXPECT_THAT(verdict.binding_reason, Not(HasSubstr("earlier")));
}

TEST(Reason, AFailureThatWasSurvivedIsNoCause) {
  const Verdict verdict = FailedAt(0.2);
  EXPECT_THAT(verdict.reason,
              HasSubstr("exited with 24 at 3.00 s; it had survived an earlier failure for 2.80 "
                        "s, which need not be why: mmap failed with ENOMEM once at 0.20 s"));
  EXPECT_THAT(verdict.reason, HasSubstr("Too many open files"));
  EXPECT_THAT(verdict.binding_reason, HasSubstr("of an earlier failure, 2.80 s before the end"));
}

TEST(Reason, InASlowGuestThePauseBeforeTheEndMustBeLonger) {
  Evidence evidence = ServerEvidence(24);
  evidence.duration_s = evidence.processes.front().end_s.emplace(3);
  evidence.failed_calls = {AddressSpaceFailure(2)};
  evidence.guest.emplace().time_scale = 1;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, HasSubstr("survived an earlier failure for 1.00 s"));
  evidence.guest->time_scale = 4;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("survived")));
}

/// Killed at 100 s with its group at the limit since `full_s`, as sampled every second.
Verdict KilledAfterBeingFullSince(double full_s) {
  constexpr std::uint64_t kLimit = std::uint64_t{100} << 20;
  Evidence evidence = ServerEvidence(0);
  evidence.duration_s = evidence.processes.front().end_s.emplace(100);
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = SIGKILL;
  for (double t_s = 0; t_s < 100; t_s += 1) {
    const std::uint64_t use = t_s < full_s ? kLimit / 2 : kLimit / 100 * 99;
    evidence.timeline.push_back({.t_s = t_s, .subject = "server", .pid = 7, .memory_bytes = use});
    evidence.timeline.push_back({.t_s = t_s, .subject = "other", .pid = 8, .memory_bytes = kLimit / 2});
  }
  evidence.oom_kills.push_back({.process = "server",
                                .pid = 7,
                                .scope = "memcg",
                                .cgroup = "/server",
                                .limit_bytes = kLimit,
                                .use_bytes = kLimit,
                                .t_s = 100});
  return Judge(ServerPlan(), evidence);
}

TEST(Reason, AKillLongAfterTheLimitWasReachedTellsHowLong) {
  EXPECT_THAT(KilledAfterBeingFullSince(10).reason, HasSubstr(", after 90.00 s above 98% of it; it held"));
  EXPECT_THAT(KilledAfterBeingFullSince(97).reason, Not(HasSubstr("above 98%")));
}

TEST(Reason, AKillTellsSharedMemoryAndFilesOfItsVictimThatCount) {
  Evidence evidence = ServerEvidence(0);
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = SIGKILL;
  evidence.oom_kills = {{.process = "server",
                         .pid = evidence.processes.front().pid,
                         .scope = "memcg",
                         .limit_bytes = std::uint64_t{80} << 20,
                         .use_bytes = std::uint64_t{80} << 20,
                         .anon_rss_bytes = std::uint64_t{22} << 20,
                         .file_rss_bytes = std::uint64_t{2} << 20,
                         .shmem_rss_bytes = std::uint64_t{48} << 20,
                         .t_s = 0.4}};
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason,
              HasSubstr("it held 22 MiB of anonymous memory, 48 MiB of shared memory at oom_score_adj 0"));
  evidence.oom_kills.front().anon_rss_bytes = 0;
  evidence.oom_kills.front().file_rss_bytes = std::uint64_t{48} << 20;
  evidence.oom_kills.front().shmem_rss_bytes = 0;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason,
              HasSubstr("it held 0 B of anonymous memory, 48 MiB of mapped files at oom_score_adj 0"));
}

TEST(Reason, WhoLacksMemoryWithoutAFailedCallIsToldThatNoLimitOfTheSystemIsToBlame) {
  const std::string told = "no memory call failed: no limit of the system is to blame";
  Evidence evidence = ServerEvidence(1);
  evidence.processes.front().last_line = "error(12) from put: Cannot allocate memory";
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, HasSubstr(told));
  evidence.events_lost = 1;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("to blame")));
  evidence.events_lost = 0;
  evidence.processes.front().last_line = "bad configuration";
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("to blame")));
  evidence.log_matches = {
      {.process = "server", .pattern = "memory", .count = 1, .first_line = "Out of memory"}};
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, HasSubstr(told));
  // The words may be those of a program that it started.
  for (const char* process : {"server", "server/worker"}) {
    evidence.failure_counts = {{.process = process, .call = "mmap", .errno_name = "ENOMEM", .count = 3}};
    EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("to blame")));
  }
  evidence.failure_counts.clear();
  evidence.oom_kills.emplace_back();
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("to blame")));
}

// Beside a process that fails without end, what was counted may not be known in detail.
TEST(Reason, FailuresWithoutDetailsAreNoAbsenceOfFailures) {
  for (const int exit_code : {0, 24}) {
    Evidence evidence = ServerEvidence(exit_code);
    evidence.failure_counts = {{.process = "server", .call = "mmap", .errno_name = "ENOMEM", .count = 3}};
    evidence.left_out.failed_calls = 3;
    const Verdict verdict = Judge(ServerPlan(), evidence);
    EXPECT_THAT(verdict.reason, HasSubstr("mmap failed with ENOMEM 3 times, but the details were lost"));
    EXPECT_THAT(verdict.reason, Not(HasSubstr("no memory call")));
    EXPECT_THAT(verdict.binding_reason, HasSubstr("details were lost"));
    EXPECT_FALSE(verdict.binding_limit);
    EXPECT_EQ(verdict.left_out.failed_calls, 3U);
  }
}

TEST(Reason, LostEventsAreToldWhereNoFailureIsKnown) {
  Evidence evidence = ServerEvidence(24);
  evidence.events_lost = 7;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason,
              HasSubstr("no memory call is known to have failed, but 7 of the kernel's events were lost"));
}

TEST(Reason, HowMuchOfAMachineOutOfMemoryWasInUseIsNotInvented) {
  Evidence evidence = ServerEvidence(0);
  evidence.host.memory_bytes = 256 << 20;
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = 9;
  OomKill kill;
  kill.process = "server";
  kill.pid = 7;
  kill.scope = "machine";
  kill.t_s = 0.5;
  evidence.oom_kills = {kill};
  const Verdict verdict = Judge(ServerPlan(), evidence);
  ASSERT_TRUE(verdict.binding_limit);
  EXPECT_EQ(verdict.binding_limit->name, "machine_memory");
  EXPECT_EQ(verdict.binding_limit->use, std::nullopt);
  EXPECT_THAT(verdict.reason, HasSubstr("with 256 MiB (machine_memory)"));
}

TEST(Reason, WhatZramTookOfAMachineOutOfMemoryIsTold) {
  Evidence evidence = ServerEvidence(0);
  evidence.host.memory_bytes = 512 << 20;
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = 9;
  evidence.oom_kills = {{.process = "server",
                         .pid = 7,
                         .scope = "machine",
                         .anon_rss_bytes = 8 << 20,
                         .swapped_bytes = 380 << 20,
                         .t_s = 0.5}};
  evidence.zram = {
      .t_s = 0.4, .stored_bytes = 390 << 20, .memory_bytes = 392 << 20, .swap_free_bytes = 122 << 20};
  const Verdict verdict = Judge(ServerPlan(), evidence);
  ASSERT_TRUE(verdict.binding_limit);
  EXPECT_EQ(verdict.binding_limit->name, "machine_memory");
  const std::string told =
      "; at 0.40 s 392 MiB of the machine's memory held what had been swapped to zram, 390 MiB before it was "
      "compressed, "
      "with 122 MiB of swap still free";
  EXPECT_THAT(verdict.binding_limit->detail, HasSubstr(told));
  EXPECT_THAT(verdict.reason, HasSubstr(told));
  EXPECT_THAT(verdict.reason, HasSubstr("it held 8 MiB of anonymous memory, 380 MiB in swap"));
  evidence.zram->stored_bytes = 0;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("zram")));
  evidence.zram->stored_bytes = 1;
  evidence.oom_kills.front().scope = "memcg";
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("zram"))) << "a group's limit bound";
}

TEST(Reason, FailuresThatAreNotAllToldMayHaveGoneOnToTheEnd) {
  EXPECT_THAT(FailedAt(0.2, 1000).reason, Not(HasSubstr("survived")));
  EXPECT_THAT(FailedAt(0.2, 1, 1).reason, Not(HasSubstr("survived")));
}

TEST(Reason, APlainExitSaysThatNoMemoryCallFailedAndWhatItPrintedLast) {
  Evidence evidence = ServerEvidence(24);
  evidence.processes.front().last_line = "bad\x1b[2J config";
  evidence.processes.front().log = "logs/server.log";
  const Verdict verdict = Judge(ServerPlan(), evidence);
  EXPECT_EQ(verdict.reason,
            "server: exited with 24 at 0.50 s; no memory call failed; the last line of logs/server.log: \"bad"
            "\\x1b[2J config\"");
  EXPECT_EQ(verdict.processes.at("server").log, "logs/server.log");
}

TEST(Reason, OneThatTheOomKillerTookSaysWhatItPrintedLast) {
  Evidence evidence = ServerEvidence(0);
  ProcessRecord& server = evidence.processes.front();
  server.exit_code.reset();
  server.signal = 9;
  server.last_line = R"({"event":"since_warning","grown_bytes":64000000,"ms":3900.5})";
  server.log = "logs/server.log";
  evidence.oom_kills = {{.process = "server", .pid = server.pid, .scope = "memcg", .t_s = 0.5}};
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason,
              EndsWith("at oom_score_adj 0; the last line of logs/server.log: "
                       "\"{\"event\":\"since_warning\",\"grown_bytes\":64000000,\"ms\":3900.5}\""));
  server.last_line.clear();
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, EndsWith("at oom_score_adj 0"));
}

TEST(Reason, AProcessThatDidWellSaysWhatItLeftBehind) {
  Evidence evidence = ServerEvidence(0);
  evidence.processes.front().left_running = {{.pid = 12, .comm = "daemon"}, {.pid = 13, .comm = "worker"}};
  evidence.processes.front().left_running_count = 2;
  const Verdict verdict = Judge(ServerPlan(), evidence);
  EXPECT_EQ(verdict.outcome, Outcome::kSurvived);
  EXPECT_EQ(
      verdict.reason,
      "server survived; no memory call failed; server: 2 processes that it started (pid 12 daemon, pid 13 "
      "worker) were still running, and brink ended them: if one is the server, `run:` should start it in the "
      "foreground");
  EXPECT_EQ(verdict.processes.at("server").left_running_count, 2U);
}

TEST(Reason, WhatItLeftBehindIsToldOnce) {
  Evidence evidence = ServerEvidence(1);
  evidence.processes.front().left_running = {{.pid = 12, .comm = "daemon"}};
  evidence.processes.front().left_running_count = 1;
  const std::string reason = Judge(ServerPlan(), evidence).reason;
  EXPECT_THAT(reason,
              HasSubstr("a process that it started (pid 12 daemon) was still running, and brink ended it"));
  EXPECT_EQ(reason.find("daemon"), reason.rfind("daemon"));
  EXPECT_THAT(reason, Not(HasSubstr("foreground")));  // it failed: nothing says that it meant to be a daemon
}

TEST(Reason, WhatALimitDidNotStopFromStartingIsInconclusive) {
  Evidence evidence = ServerEvidence(0);
  ProcessRecord& server = evidence.processes.front();
  server.started = false;
  server.exit_code.reset();
  server.end_s.reset();
  server.start_error = "start /s: exec /s: Permission denied";
  EXPECT_EQ(Judge(ServerPlan(), evidence).outcome, Outcome::kFailed);
  server.start_remedy = "chmod +x";
  const Verdict verdict = Judge(ServerPlan(), evidence);
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.expected_met, std::nullopt);
  EXPECT_EQ(verdict.remedy, "chmod +x");
  EXPECT_EQ(verdict.reason, "server: did not start: start /s: exec /s: Permission denied");
}

TEST(Reason, AShellsStatusIsTracedToTheSignalOfWhatItRan) {
  Evidence evidence = ServerEvidence(128 + SIGKILL);
  evidence.signals = {{.signal = SIGKILL,
                       .sender_pid = 90,
                       .sender = "watchdog",
                       .process = "server",
                       .pid = 12,
                       .t_s = 0.4}};
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason,
              HasSubstr("exited with 137 at 0.50 s (pid 12, which it started, was sent SIGKILL by process "
                        "watchdog at 0.40 s)"));
  evidence.signals.front().sender = "server";
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason,
              HasSubstr("was sent SIGKILL by one of its own at 0.40 s"));
  evidence.signals.front().signal = SIGTERM;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, HasSubstr("it called exit itself; no signal ended it"));
  evidence.processes.front().exit_code = 128 + SIGTERM;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, HasSubstr("was sent SIGTERM by one of its own"));
  evidence.signals.front().sender = "brink";
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, Not(HasSubstr("was sent")));
  // What the kernel sends names whoever ran just then.
  evidence.signals.front().sender = "server";
  evidence.signals.front().signal = SIGSEGV;
  evidence.signals.front().code = 1;
  evidence.processes.front().exit_code = 128 + SIGSEGV;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, HasSubstr("was sent SIGSEGV for a fault of its own"));
  evidence.signals.front().signal = SIGKILL;
  evidence.signals.front().code = 128;
  evidence.processes.front().exit_code = 128 + SIGKILL;
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason, HasSubstr("was sent SIGKILL by the kernel"));
  evidence.oom_kills = {{.process = "server", .pid = 12, .comm = "child", .scope = "memcg", .t_s = 0.4}};
  EXPECT_THAT(Judge(ServerPlan(), evidence).reason,
              HasSubstr("pid 12 (child), which it started, was killed by the OOM killer at 0.40 s"));
}

TEST(Reason, WhatAProgramPrintedIsQuotedOnOneShortLine) {
  EXPECT_EQ(Quoted("a\tb\nc"), R"("a\x09b\x0ac")");
  EXPECT_EQ(Quoted(std::string(199, 'x') + "\xC3\xA9y"), "\"" + std::string(199, 'x') + "...\"");
}

}  // namespace
}  // namespace brink::testing
