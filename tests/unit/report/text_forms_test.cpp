// SPDX-License-Identifier: MIT
// What people read: golden texts.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "report/report.h"
#include "report/text.h"
#include "sample_report.h"

namespace brink {
namespace {

using testing::MetVerdict;
using testing::SampleReport;
using testing::UnmetVerdict;

TEST(Table, ReadsWithoutTheManual) {
  EXPECT_EQ(FormatTable(SampleReport(), {.colour = false, .width = 120}),
            R"(INCIDENT       CASE      OUTCOME       FAILING CALL   BINDING LIMIT                 EXPECTED
munmap-enomem  reported  failed        munmap ENOMEM  vm.max_map_count 4,000/4,000  yes
               tuned     oom_killed    -              memory.max 190/190 MiB        NO
bgsave         reported  inconclusive  -              -                             unknown

munmap-enomem/tuned: oom_killed, NOT as expected
  server: was killed
  server outcome: expected survived, found oom_killed
  evidence: /run/1

bgsave/reported: inconclusive, expectation not judged
  redis-server is not installed (remedy: apt-get install redis-server)
  evidence: /run/3

3 cases in 2.2 s: 1 as expected, 1 NOT as expected, 1 inconclusive
)");
}

TEST(Table, PutsTheIncidentOnALineOfItsOwnWhereItIsNarrow) {
  const std::string table = FormatTable(SampleReport(), {.colour = false, .width = 90});
  EXPECT_TRUE(table.starts_with(
      R"(  CASE      OUTCOME       FAILING CALL   BINDING LIMIT                 EXPECTED
munmap-enomem
  reported  failed        munmap ENOMEM  vm.max_map_count 4,000/4,000  yes
  tuned     oom_killed    -              memory.max 190/190 MiB        NO
bgsave
  reported  inconclusive  -              -                             unknown
)")) << table;
}

TEST(Table, IsNotCutInAFile) {
  RunReport report = SampleReport();
  report.results[0].case_name = std::string(200, 'c');
  EXPECT_NE(
      FormatTable(report, {.colour = false, .width = 100, .cut_cells = false}).find(std::string(200, 'c')),
      std::string::npos);
  EXPECT_EQ(FormatTable(report, {.colour = false, .width = 100}).find(std::string(200, 'c')),
            std::string::npos);
}

TEST(Table, StaysWithinTheTerminal) {
  RunReport report = SampleReport();
  report.results[0].scenario = std::string(100, 's');
  report.results[0].case_name = std::string(60, 'c');
  report.results[0].reason = "word " + std::string(30, 'x') + " " + std::string(50, 'y') + " end";
  report.results[0].expected_met = false;
  report.results[0].expectations.clear();
  for (const int width : {80, 100, 120}) {
    std::istringstream lines(FormatTable(report, {.colour = false, .width = width}));
    for (std::string line; std::getline(lines, line);) {
      const bool names_case = line.find(std::string(60, 'c')) != std::string::npos;
      EXPECT_TRUE(names_case || Columns(line) <= static_cast<std::size_t>(width)) << width << ": " << line;
    }
  }
}

TEST(Table, ColoursOnlyWhenAsked) {
  EXPECT_EQ(FormatTable(SampleReport(), {.colour = false, .width = 100}).find('\x1b'), std::string::npos);
  EXPECT_NE(FormatTable(SampleReport(), {.colour = true, .width = 100}).find("\x1b[31mNO\x1b[0m"),
            std::string::npos);
}

TEST(Table, SaysThatTheRunWasInterrupted) {
  RunReport report;
  report.interrupted = true;
  EXPECT_EQ(FormatTable(report, {}), "0 cases in 0.0 s: 0 as expected; interrupted before all were run\n");
  report.interrupted = false;
  report.judged_again = true;
  EXPECT_EQ(FormatTable(report, {}), "0 cases: 0 as expected\n");
}

Verdict Cell(Verdict verdict, const std::string& kernel, const std::string& cgroup) {
  verdict.sandbox = "vm";
  verdict.case_name = "reported";
  verdict.guest_kernel = kernel;
  verdict.cgroup_version = cgroup;
  return verdict;
}

Verdict AbsentCell(const std::string& kernel) {
  Verdict verdict = Cell(UnmetVerdict(), kernel, "v1");
  verdict.outcome = Outcome::kNotApplicable;
  verdict.expected_met.reset();
  verdict.reason = kernel + " has no memory controller of cgroup v1";
  return verdict;
}

TEST(MatrixTable, ComparesMachinesAndPointsOutDifferences) {
  Verdict other = Cell(MetVerdict(), "sid", "v2");
  other.outcome = Outcome::kSurvived;
  other.expected_met = false;
  other.reason = "server survived";
  other.first_failure.reset();
  other.binding_limit.reset();
  other.expectations.clear();
  RunReport report;
  report.results = {Cell(MetVerdict(), "debian-11", "v1"), Cell(MetVerdict(), "debian-12", "v1"),
                    AbsentCell("sid"), Cell(MetVerdict(), "debian-12", "v2"), other};
  report.duration_s = 9;
  EXPECT_EQ(FormatTable(report, {.colour = false, .width = 100}),
            R"(CASE                    debian-11 v1                  debian-12 v1                  sid v1
munmap-enomem/reported  failed                        failed                        not applicable
                        munmap ENOMEM                 munmap ENOMEM
                        vm.max_map_count 4,000/4,000  vm.max_map_count 4,000/4,000

CASE                    debian-12 v2                  sid v2
munmap-enomem/reported  failed                        survived (!)
                        munmap ENOMEM
                        vm.max_map_count 4,000/4,000

Differences:
  munmap-enomem/reported: sid v2: survived where the others failed, NOT as expected
not applicable (1): sid has no memory controller of cgroup v1

munmap-enomem/reported (sid v2): survived, NOT as expected
  server survived
  evidence: /run/1

5 cases in 9.0 s: 3 as expected, 1 NOT as expected, 1 not applicable
)");
  EXPECT_EQ(ExitCodeOf(report), 1);
  report.results.pop_back();
  EXPECT_EQ(ExitCodeOf(report), 0);
  EXPECT_NE(FormatTable(report, {}).find("All machines agree."), std::string::npos);
}

TEST(MatrixTable, OneGuestIsNamedInTheTable) {
  RunReport report;
  report.results = {Cell(MetVerdict(), "debian-12", "v2")};
  EXPECT_TRUE(FormatTable(report, {.colour = false, .width = 120})
                  .starts_with("INCIDENT       CASE      WHERE         OUTCOME  FAILING CALL "));
}

TEST(VerdictText, TellsTheLastWordsOfALostGuestAndItsSlowness) {
  Verdict verdict = Cell(UnmetVerdict(), "debian-12", "v2");
  verdict.outcome = Outcome::kMachinePanicked;
  verdict.reason = "the machine panicked: out of memory";
  verdict.expectations.clear();
  verdict.guest = GuestRecord{.kernel = "debian-12",
                              .accelerator = "tcg",
                              .time_scale = 6.25,
                              .lost = "panicked",
                              .lost_detail = {},
                              .console = {}};
  for (int line = 1; line <= 10; ++line) {
    verdict.guest->console.push_back("line " + std::to_string(line) + std::string(line == 10 ? 90 : 0, '!'));
  }
  const std::string text = FormatVerdict(verdict, {.colour = false, .width = 60});
  EXPECT_TRUE(
      text.starts_with("munmap-enomem/reported (debian-12 v2): machine_panicked, NOT as expected\n"
                       "  the machine panicked: out of memory\n"
                       "  the last of its console:\n"
                       "    | line 3\n"))
      << text;
  EXPECT_NE(text.find("!\xE2\x80\xA6\n"), std::string::npos) << text;
  EXPECT_NE(text.find("6.2 times slower"), std::string::npos) << text;
}

TEST(VerdictText, OfAPanicTellsTheReasonAndTheCallsRatherThanRegisters) {
  Verdict verdict = UnmetVerdict();
  verdict.guest = GuestRecord{};
  verdict.guest->console = {"[    4.0] Mem-Info:",
                            "[    4.1] Kernel panic - not syncing: Out of memory: panic_on_oom is enabled",
                            "[    4.1] CPU: 0 PID: 99 Comm: hog Not tainted 6.1.0-1-amd64 #1",
                            "[    4.1] Hardware name: QEMU Standard PC",
                            "[    4.1] Call Trace:",
                            "[    4.1]  panic+0x118/0x2ed",
                            "[    4.1]  out_of_memory.cold+0x5d/0x7b"};
  for (int line = 0; line < 20; ++line) {
    verdict.guest->console.emplace_back("[    4.2] RAX: 0000000000000000 RBX: 0000000000000000 RCX: 00007f0");
  }
  verdict.guest->console.emplace_back("[    4.3] ---[ end Kernel panic - not syncing: Out of memory ]---");
  const std::string text = FormatVerdict(verdict, {.colour = false, .width = 120});
  EXPECT_NE(text.find("  the last of its console:\n"
                      "    | [    4.1] Kernel panic - not syncing: Out of memory: panic_on_oom is enabled\n"
                      "    | [    4.1] Call Trace:\n"
                      "    | [    4.1]  panic+0x118/0x2ed\n"
                      "    | [    4.1]  out_of_memory.cold+0x5d/0x7b\n"
                      "    | [    4.3] ---["),
            std::string::npos)
      << text;
}

TEST(VerdictText, IsShortWhenAllWentAsExpected) {
  EXPECT_EQ(FormatVerdict(MetVerdict(), {}), R"(munmap-enomem/reported: failed, as expected
  server: exited with 14 at 0.58 s
)");
}

TEST(VerdictText, TellsEveryExpectationThatIsNotMet) {
  Verdict verdict = UnmetVerdict();
  verdict.expectations.push_back(
      {.subject = "server", .what = "exit", .expected = "0", .found = "died of SIGKILL", .met = false});
  verdict.expectations.push_back({.subject = "server", .what = "log", .expected = "ready", .met = true});
  verdict.expectations.push_back(
      {.subject = "server", .what = "no_failures", .expected = "none", .found = "unknown", .met = {}});
  EXPECT_EQ(FormatVerdict(verdict, {}), R"(munmap-enomem/tuned: oom_killed, NOT as expected
  server: was killed
  server outcome: expected survived, found oom_killed
  server exit: expected 0, found died of SIGKILL
  server no_failures (cannot be judged): expected none, found unknown
  evidence: /run/1
)");
}

TEST(VerdictText, TellsWhyAnotherProcessEndedAsItDid) {
  Verdict verdict = UnmetVerdict();
  verdict.expectations[0].found = "failed: exited with 3";
  EXPECT_NE(FormatVerdict(verdict, {}).find("found failed: exited with 3"), std::string::npos);
}

TEST(VerdictText, TheHeadlineIsItsFirstLine) {
  EXPECT_EQ(FormatHeadline(UnmetVerdict(), {}), "munmap-enomem/tuned: oom_killed, NOT as expected\n");
}

TEST(VerdictText, UnmetNamesStrangersThatTheOomKillerTook) {
  Verdict verdict = UnmetVerdict();
  verdict.oom_kills[0].process.clear();
  verdict.oom_kills[0].comm = "cron";
  EXPECT_NE(FormatUnmet(verdict).find("cron, not of this case (pid 7) OOM-killed"), std::string::npos);
}

TEST(VerdictText, UnmetTellsHowMuchWasTooMuchToKeep) {
  Verdict verdict = UnmetVerdict();
  EXPECT_EQ(FormatUnmet(verdict).find("too many"), std::string::npos);
  verdict.left_out = {.failed_calls = 3000, .signals = 2, .oom_kills = 1};
  const std::string text = FormatUnmet(verdict);
  EXPECT_NE(text.find("too many to keep: 3,000 of failing calls, 2 of signals, 1 of OOM kills"),
            std::string::npos)
      << text;
}

TEST(LimitFigures, WhatNobodyReadIsNotShown) {
  BindingLimit limit{
      .name = "machine_memory", .limit = 256 << 20, .use = std::nullopt, .unit = "bytes", .detail = ""};
  EXPECT_EQ(LimitFigures(limit), "machine_memory 256 MiB");
  limit.use = 1 << 20;
  EXPECT_EQ(LimitFigures(limit), "machine_memory 1/256 MiB");
}

TEST(VerdictText, UnmetTellsExpectedFoundEvidenceAndWhere) {
  EXPECT_EQ(FormatUnmet(UnmetVerdict()), R"(munmap-enomem/tuned: oom_killed, NOT as expected
  a.yaml:9:3: server outcome
    expected: survived
    found:    oom_killed: was killed
  what happened: server: was killed
  evidence: grade kernel; server (pid 7) OOM-killed by memcg at 0.50 s
  run directory: /run/1
)");
}

TEST(VerdictText, AChainOfMoreThanCauseAndEndIsShown) {
  Verdict verdict = MetVerdict();
  verdict.chain = {{.t_s = 0.41,
                    .process = "server",
                    .kind = "call",
                    .what = "munmap failed",
                    .limit = "vm.max_map_count"},
                   {.t_s = 0.58, .process = "server", .kind = "end", .what = "exited with 14", .limit = {}}};
  EXPECT_EQ(FormatVerdict(verdict, {}).find("order of time"), std::string::npos);
  verdict.chain.insert(
      verdict.chain.begin() + 1,
      {.t_s = 0.5, .process = "server", .kind = "log", .what = "\"corrupted\"", .limit = {}});
  EXPECT_NE(FormatVerdict(verdict, {})
                .find("  in the order of time:\n"
                      "    0.41 s server: munmap failed\n"
                      "    0.50 s server: \"corrupted\"\n"
                      "    0.58 s server: exited with 14\n"),
            std::string::npos);
}

TEST(VerdictText, ASurvivorWhoseCallsFailedIsNoPlainSurvivor) {
  Verdict verdict = MetVerdict();
  verdict.outcome = Outcome::kSurvived;
  EXPECT_EQ(FormatHeadline(verdict, {}), "munmap-enomem/reported: survived with failures, as expected\n");
  verdict.first_failure.reset();
  EXPECT_EQ(FormatHeadline(verdict, {}), "munmap-enomem/reported: survived, as expected\n");
}

TEST(VerdictText, ASurvivorWhoseGroupWasHeldUpIsNoPlainSurvivor) {
  Verdict verdict = MetVerdict();
  verdict.outcome = Outcome::kSurvived;
  verdict.first_failure.reset();
  verdict.processes.begin()->second.stall = Stall{.stalled_s = 12.3, .of_s = 15};
  EXPECT_EQ(FormatHeadline(verdict, {}), "munmap-enomem/reported: survived, stalled, as expected\n");
}

TEST(VerdictJson, HasTheWordsOfTheTable) {
  Verdict verdict = MetVerdict();
  verdict.outcome = Outcome::kSurvived;
  verdict.processes.begin()->second.outcome = Outcome::kSurvived;
  verdict.processes.begin()->second.stall = Stall{};
  const std::string text = FormatJson({.brink_version = "0", .host = {}, .results = {verdict}});
  EXPECT_NE(text.find(R"("outcome": "stalled",
      "outcome_text": "survived with failures, stalled",)"),
            std::string::npos)
      << text;
  verdict.processes.begin()->second.first_failure.reset();
  EXPECT_EQ(OutcomeWords(verdict.processes.begin()->second), "survived, stalled");
}

TEST(VerdictText, ASurvivorThatWasSlowedDownIsNoPlainSurvivor) {
  Verdict verdict = MetVerdict();
  verdict.outcome = Outcome::kSurvived;
  verdict.first_failure.reset();
  verdict.slower = Slower{.times = 4.21, .sentence = "server took 3.00 s and 0.71 s in case tuned"};
  EXPECT_EQ(FormatHeadline(verdict, {}), "munmap-enomem/reported: survived, 4.2 times slower, as expected\n");
  EXPECT_NE(FormatVerdict(verdict, {}).find("\n  server took 3.00 s and 0.71 s in case tuned\n"),
            std::string::npos);
  RunReport report;
  report.results = {verdict};
  EXPECT_NE(
      FormatTable(report, {}).find("munmap-enomem/reported: server took 3.00 s and 0.71 s in case tuned\n"),
      std::string::npos)
      << FormatTable(report, {});
  verdict.processes.begin()->second.stall = Stall{};
  EXPECT_EQ(FormatHeadline(verdict, {}), "munmap-enomem/reported: survived, stalled, as expected\n");
}

TEST(Table, AFailureStandsBesideItsOwnLimitOnlyAndAHangIsNotHidden) {
  Verdict verdict = MetVerdict();  // the server's munmap failed
  verdict.outcome = Outcome::kOomKilled;
  verdict.processes["worker"].outcome = Outcome::kOomKilled;
  verdict.processes["server"].outcome = Outcome::kHung;
  verdict.binding_limit =
      BindingLimit{.name = "memory.max", .limit = 64U << 20, .use = 64U << 20, .unit = "bytes"};
  verdict.binding_process = "worker";
  RunReport report;
  report.results = {verdict};
  const std::string table = FormatTable(report, {.colour = false, .width = 140});
  EXPECT_NE(table.find("oom_killed: worker; hung: server  -             memory.max 64/64 MiB"),
            std::string::npos)
      << table;
}

TEST(Table, ASettingThatLedToAnothersLimitIsToldBelow) {
  RunReport report;
  report.results = {MetVerdict()};
  report.results[0].led_by =
      LedBy{.setting = "vm.overcommit_memory", .value = "2", .other_value = "", .other_case = "tuned"};
  EXPECT_NE(FormatTable(report, {})
                .find("munmap-enomem/reported: vm.max_map_count bound, and vm.overcommit_memory = 2 led "
                      "there: with its\n  default (case tuned) it survived"),
            std::string::npos)
      << FormatTable(report, {});
  report.results[0].led_by->setting = "vm.max_map_count";  // the limit itself: the cure, told by the table
  EXPECT_EQ(FormatTable(report, {}).find("led there"), std::string::npos);
}

TEST(VerdictText, ATargetsOutputCannotMoveTheCursor) {
  Verdict verdict = UnmetVerdict();
  verdict.expectations[0].found = "\x1b[2Jgone\r\nnext";
  EXPECT_EQ(FormatVerdict(verdict, {}).find_first_of("\x1b\r"), std::string::npos);
  EXPECT_EQ(FormatUnmet(verdict).find_first_of("\x1b\r"), std::string::npos);
}

TEST(Text, CutsAndPadsByCharactersNotBytes) {
  EXPECT_EQ(CutTo("abcdef", 4), "abc\xE2\x80\xA6");
  EXPECT_EQ(CutTo("abcd", 4), "abcd");
  EXPECT_EQ(Columns("\xC3\xA9\xE2\x80\xA6x"), 3U);
  EXPECT_EQ(PadTo("\xC3\xA9", 3), "\xC3\xA9  ");
}

TEST(Text, PrintableKeepsGoodUtf8AndNothingElse) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(Printable("a\xC3\xA9\xF0\x9F\x98\x80z"), "a\xC3\xA9\xF0\x9F\x98\x80z");
  EXPECT_EQ(Printable("\xC0\xAF"), r + r);          // overlong
  EXPECT_EQ(Printable("\xED\xA0\x80"), r + r + r);  // surrogate
  EXPECT_EQ(Printable("\xE2\x82"), r + r);          // cut short
  EXPECT_EQ(Printable("a\nb\tc"), "a b c");
  EXPECT_EQ(Printable("a\nb", true), "a\nb");
}

}  // namespace
}  // namespace brink
