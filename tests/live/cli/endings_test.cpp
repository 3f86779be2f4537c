// SPDX-License-Identifier: MIT
// Runs that end early or lose what they write to: the machine is put back and what is known is reported.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "cli_fixture.h"
#include "kernel/machine_guard.h"
#include "restore/machine_state.h"

namespace brink::live {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::chrono::seconds kLongEnough{90};

class EndingsTest : public CliTest {
 protected:
  /// Three cases under a changed machine: the first ends at once; the others come to the FIFO and then stay,
  /// deaf to SIGTERM.
  std::string WriteStaying() {
    const std::string stays = "{processes: {target: {run: [/bin/sh, -c, \"trap '' TERM; echo >" +
                              Path("fifo") + "; while true; do sleep 1; done\"], stop: {timeout: 50ms}}}}\n";
    return Write("staying",
                 "machine: {sysctl: {vm.max_map_count: 70000}}\n"
                 "processes: {target: {run: [/bin/true]}}\n"
                 "cases:\n  a: {}\n  b: " +
                     stays + "  c: {processes: {target: {run: [/bin/true], nice: 1}}}\n");
  }
  [[nodiscard]] std::vector<std::string> HostRun(const std::string& file, const std::string& out) const {
    return {"run", file, "--sandbox", "host", "--format", "json", "--out", Path(out)};
  }
};

class InterruptTest : public EndingsTest, public testing::WithParamInterface<int> {};

TEST_P(InterruptTest, EndsWith130PutsEverythingBackAndReportsTheFinishedCases) {
  const Rendezvous fifo(Path("fifo"));
  BrinkProcess brink(folder_, "brink", HostRun(WriteStaying(), "out"));
  ASSERT_TRUE(fifo.Meet(kLongEnough)) << brink.Errors();
  EXPECT_EQ(ReadMachineSettings(Roots{}).at("vm.max_map_count"), "70000");
  brink.Signal(GetParam());
  ASSERT_TRUE(brink.EndsWithin(kLongEnough));
  EXPECT_EQ(brink.ExitCode(), 130);
  EXPECT_THAT(CasesOf(ExpectOneDocument(brink.Output())), ElementsAre("staying/a#1"));
  EXPECT_THAT(brink.Errors(), HasSubstr("interrupted: staying/b, which is not judged; what it left is in " +
                                        Path("out/staying/b")));
  ASSERT_TRUE(AwaitGuardians(kLongEnough));
  ExpectAsBefore(before_, {brink.Pid()});
}

INSTANTIATE_TEST_SUITE_P(Signals, InterruptTest, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST_F(EndingsTest, AnInterruptedLastCaseIsNoFinishedRun) {
  const Rendezvous fifo(Path("fifo"));
  auto words = HostRun(WriteStaying(), "out");
  words.insert(words.end(), {"--case", "b"});
  BrinkProcess brink(folder_, "brink", words);
  ASSERT_TRUE(fifo.Meet(kLongEnough)) << brink.Errors();
  brink.Signal(SIGINT);
  ASSERT_TRUE(brink.EndsWithin(kLongEnough));
  EXPECT_EQ(brink.ExitCode(), 130);
  EXPECT_THAT(CasesOf(ExpectOneDocument(brink.Output())), IsEmpty());
}

TEST_F(EndingsTest, InterruptedWhileItWaitsForAnotherBrink) {
  const Rendezvous fifo(Path("fifo"));
  BrinkProcess holder(folder_, "holder", HostRun(WriteStaying(), "held"));
  ASSERT_TRUE(fifo.Meet(kLongEnough)) << holder.Errors();
  const std::string other = Write("other",
                                  "machine: {sysctl: {vm.max_map_count: 80000}}\n"
                                  "processes: {target: {run: [/bin/true]}}\n");
  BrinkProcess waiting(folder_, "waiting", HostRun(other, "out"));
  // It cannot end before it is told to: the holder never does.
  EXPECT_FALSE(waiting.EndsWithin(std::chrono::milliseconds(600)));
  waiting.Signal(SIGINT);
  ASSERT_TRUE(waiting.EndsWithin(kLongEnough));
  EXPECT_EQ(waiting.ExitCode(), 130) << waiting.Errors();
  EXPECT_THAT(CasesOf(ExpectOneDocument(waiting.Output())), IsEmpty());
  EXPECT_EQ(ReadMachineSettings(Roots{}).at("vm.max_map_count"), "70000") << "the holder's value";
  holder.Signal(SIGINT);
  ASSERT_TRUE(holder.EndsWithin(kLongEnough));
  ASSERT_TRUE(AwaitGuardians(kLongEnough));
  ExpectAsBefore(before_, {holder.Pid(), waiting.Pid()});
}

TEST_F(EndingsTest, ReadersThatLeaveDisturbNothing) {
  static_cast<void>(WriteExit("good", "0"));
  static_cast<void>(WriteExit("bad", "1"));
  // The file tells the status; the pipe's other end is closed long before anything is printed.
  for (const char* jobs : {"1", "3"}) {
    const std::string run = std::string("$BRINK run good.yaml bad.yaml --repeat 4 --jobs ") + jobs;
    EXPECT_EQ(Shell("{ " + run + " --out out; echo $? >status; } | true; cat status").output, "1\n") << jobs;
    EXPECT_EQ(Shell("{ " + run + " --out both 2>&1; echo $? >status; } | true; cat status").output, "1\n")
        << jobs;
    EXPECT_TRUE(std::filesystem::exists(Path("both/good/default/4/verdict.json")));
  }
  EXPECT_EQ(Shell("{ $BRINK list; echo $? >status; } | true; cat status").output, "0\n");
  EXPECT_EQ(Shell("$BRINK run good.yaml bad.yaml --out closed 2>&- >&-").status, 1);
}

TEST_F(EndingsTest, AFullDiskCostsNoVerdict) {
  static_cast<void>(WriteExit("good", "0"));
  static_cast<void>(Write("loud",
                          "processes: {target: {run: [/bin/sh, -c, \"yes | head -c 400000\"]}}\n"
                          "expect: {target: {outcome: survived}}\n"));
  // The mount is private: it ends with the shell.
  const Ended ended = Shell(
      "mkdir disk\n"
      "exec unshare -m sh -c 'mount -t tmpfs -o size=64k none disk &&\n"
      "  exec \"$0\" run good.yaml loud.yaml --out disk/out --format json' $BRINK");
  const auto document = ExpectOneDocument(ended.output);
  EXPECT_THAT(CasesOf(document), ElementsAre("good/default#1", "loud/default#1"));
  EXPECT_EQ(document["results"][1]["outcome"], "survived") << ended.errors;
  EXPECT_THAT(ended.errors, HasSubstr("No space left on device"));
  EXPECT_EQ(ended.status, 4);  // the evidence is lost
}

/// A disk of 256 KiB at `disk`, seen by the script alone: it ends with the shell.
std::string OnSmallDisk(const std::string& script) {
  return "mkdir disk\nexec unshare -m sh -c 'mount -t tmpfs -o size=256k none disk && { " + script +
         "; }' $BRINK";
}

TEST_F(EndingsTest, WhatAFullDiskLeavesLooksLikeNoResultAndIsToldInOneSentence) {
  static_cast<void>(WriteExit("good", "0"));
  static_cast<void>(Write("loud",
                          "processes: {target: {run: [/bin/sh, -c, \"yes | head -c 400000\"]}}\n"
                          "expect: {target: {outcome: survived}}\n"));
  const Ended ended = Shell(OnSmallDisk(
      "\"$0\" run good.yaml loud.yaml --out disk/out; echo run: $?; find disk/out -name \"*.json*\" "
      "-size 0; find disk/out/loud -name \"*.json*\"; \"$0\" judge disk/out; echo judge: $?"));
  EXPECT_THAT(ended.output, AllOf(HasSubstr("run: 4\n"), HasSubstr("judge: 2\n"),
                                  HasSubstr("disk/out/loud/default/plan.json\n")))
      << ended.errors;
  EXPECT_THAT(ended.output, Not(HasSubstr("loud/default/evidence.json\n")));
  EXPECT_THAT(ended.output, Not(HasSubstr("loud/default/verdict.json")));
  EXPECT_THAT(ended.output, Not(HasSubstr(".part")));
  EXPECT_THAT(ended.output, Not(HasSubstr("good/default/plan.json\n"))) << "it is not empty";
  EXPECT_THAT(ended.errors,
              AllOf(HasSubstr("brink: the results of 1 case could not be saved: write "),
                    HasSubstr("No space left on device"), HasSubstr("are free in "),
                    HasSubstr("loud/default/evidence.json is not there: this case is incomplete")));
}

TEST_F(EndingsTest, ATargetThatFailsOnAFullDiskIsNotJudged) {
  static_cast<void>(Write("fills",
                          "processes: {target: {run: [/bin/sh, -c, \"yes > ${dir}/all\"]}}\n"
                          "expect: {target: {outcome: survived}}\n"));
  const Ended ended = Shell(OnSmallDisk("exec \"$0\" run fills.yaml --out disk/out --format json"));
  const auto document = ExpectOneDocument(ended.output);
  ASSERT_EQ(document["results"].size(), 1U) << ended.errors;
  EXPECT_EQ(document["results"][0]["outcome"], "inconclusive");
  EXPECT_THAT(document["results"][0]["reason"].get<std::string>(), HasSubstr("the disk ran full ("));
}

TEST_F(EndingsTest, ADiskThatIsFullFromTheStartIsBadUsageBeforeAnythingRuns) {
  const std::string touch = Write("touch", "processes: {target: {run: [/bin/touch, " + Path("ran") + "]}}\n");
  const Ended ended =
      Shell(OnSmallDisk("cat /dev/zero >disk/zeros 2>disk/null; exec \"$0\" run touch.yaml --out disk/out"));
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.errors, AllOf(HasSubstr("--out: "), HasSubstr("disk/out"), HasSubstr("remedy: make")));
  EXPECT_FALSE(std::filesystem::exists(Path("ran")));
}

TEST_F(EndingsTest, AnOutFolderThatCannotBeMadeIsBadUsageBeforeAnythingRuns) {
  const std::string good = WriteExit("good", "0");
  const Ended ended = Brink({"run", good, "--out", good, "--format", "json"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.output, IsEmpty());
  EXPECT_THAT(ended.errors, HasSubstr("--out: cannot write to " + good + ": Not a directory"));
}

}  // namespace
}  // namespace brink::live
