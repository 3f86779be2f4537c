// SPDX-License-Identifier: MIT
// What brink writes for other programs: JSON on standard output, JUnit in a file, evidence in the run folder.
#include <gmock/gmock.h>
#include <tinyxml2.h>

#include <filesystem>
#include <fstream>

#include "cli_fixture.h"

namespace brink::live {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class DocumentsTest : public CliTest {};

/// The document without what differs from one judging to the next.
nlohmann::json Lasting(nlohmann::json document) {
  document.erase("duration_s");
  for (auto& result : document["results"]) {
    result.erase("duration_s");
  }
  return document;
}

TEST_F(DocumentsTest, OneDocumentAlthoughTargetsPrintGarbage) {
  const std::string noisy =
      Write("noisy",
            "processes: {target: {run: [/bin/sh, -c, \"head -c 300000 /dev/urandom; printf '{}\\\\n{}'; "
            "head -c 300000 /dev/urandom >&2; exit 7\"]}}\n"
            "steps: [{as: step, run: [/bin/sh, -c, \"head -c 30000 /dev/urandom\"]}]\n"
            "expect: {target: {log: \"never printed\"}}\n");
  const Ended ended = Run({noisy});
  EXPECT_EQ(ended.status, 1) << ended.errors;
  EXPECT_THAT(CasesOf(ExpectOneDocument(ended.output)), UnorderedElementsAre("noisy/default#1"));
}

TEST_F(DocumentsTest, TheDocumentHasTheKeysOfTheContract) {
  const Ended ended = Run({WriteExit("good", "0")});
  const auto document = ExpectOneDocument(ended.output);
  EXPECT_TRUE(document.contains("brink_version"));
  for (const char* key : {"kernel", "cgroup_version", "memory_bytes", "sysctls"}) {
    EXPECT_TRUE(document["host"].contains(key)) << key;
  }
  const auto& result = document["results"][0];
  for (const char* key : {"scenario", "case", "repeat", "sandbox", "expected_met", "outcome", "reason",
                          "evidence_grade", "duration_s", "run_dir", "processes", "first_failure", "failures",
                          "binding_limit", "oom_kills", "faults"}) {
    EXPECT_TRUE(result.contains(key)) << key;
  }
  EXPECT_GT(result["duration_s"].get<double>(), 0.0);
  EXPECT_EQ(result["processes"]["target"]["exit_code"], 0);
}

TEST_F(DocumentsTest, TheDryRunPrintsOneDocumentToo) {
  const Ended ended = Run({WriteExit("one", "0"), WriteExit("two", "0"), "--dry-run"});
  EXPECT_EQ(ended.status, 0);
  const auto document = nlohmann::json::parse(ended.output, nullptr, false);
  ASSERT_FALSE(document.is_discarded()) << ended.output;
  EXPECT_EQ(document["plans"].size(), 2U);
}

TEST_F(DocumentsTest, JudgingAgainGivesTheSameVerdictAndStatus) {
  const std::string memory = Write("memory", "processes: {hog: {run: [" BRINK_VICTIM
                                             ", touch, size=80M], cgroup: {memory.max: 40MiB}}}\n"
                                             "expect: {hog: {outcome: oom_killed}}\n");
  const std::vector<std::string> files{memory, WriteExit("bad", "3"), WriteExit("good", "0")};
  for (const std::string& file : files) {
    const Ended ran = Run({file});
    const std::string folder = Path("out-" + std::to_string(commands_));
    const Ended judged = Brink({"judge", folder, "--format", "json"});
    EXPECT_EQ(judged.status, ran.status) << judged.errors;
    EXPECT_EQ(judged.errors, "");
    EXPECT_EQ(Lasting(ExpectOneDocument(judged.output)), Lasting(ExpectOneDocument(ran.output)));
  }
}

TEST_F(DocumentsTest, JudgeNeedsTheFilesOfARunAndNamesTheOneItMisses) {
  EXPECT_EQ(Run({WriteExit("good", "0")}).status, 0);
  const std::string folder = Path("out-1/good/default");
  EXPECT_EQ(Brink({"judge", folder}).status, 0);
  for (const char* name : {"evidence.json", "plan.json"}) {
    const std::string file = folder + "/" + name;
    std::filesystem::copy_file(file, Path("whole"), std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(file, 100);
    const Ended cut = Brink({"judge", folder});
    EXPECT_EQ(cut.status, 2);
    EXPECT_EQ(cut.output, "");
    EXPECT_THAT(cut.errors, HasSubstr(file));
    std::filesystem::remove(file);
    const Ended missing = Brink({"judge", folder});
    EXPECT_EQ(missing.status, 2);
    EXPECT_THAT(missing.errors, HasSubstr(file));
    std::filesystem::copy_file(Path("whole"), file);
  }
  const Ended nowhere = Brink({"judge", Path("nowhere")});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.errors, HasSubstr("name the folder of a run"));
}

TEST_F(DocumentsTest, TheSavedVerdictOfACaseTellsWhatTheComparisonOfAllHasShown) {
  const std::string pair = Write("pair",
                                 "processes: {target: {run: [/bin/true]}}\n"
                                 "cases:\n"
                                 "  reported: {processes: {target: {run: [/bin/sh, -c, \"exit 3\"]}}, "
                                 "expect: {target: {outcome: failed}}}\n"
                                 "  tuned: {expect: {target: {outcome: survived}}}\n");
  EXPECT_EQ(Run({pair}).status, 0);
  const auto saved = ExpectOneDocument(ReadText(Path("out-1/pair/reported/verdict.json")));
  EXPECT_EQ(saved["results"][0]["led_by"]["setting"], "the command of target");
  EXPECT_EQ(saved["results"][0]["led_by"]["other_case"], "tuned");
}

TEST_F(DocumentsTest, OneCaseThatCannotBeJudgedLeavesTheOthersTheirVerdicts) {
  EXPECT_EQ(Run({WriteExit("good", "0"), WriteExit("other", "0")}).status, 0);
  const std::string spoilt = Path("out-1/good/default/evidence.json");
  std::filesystem::resize_file(spoilt, 0);
  const Ended judged = Brink({"judge", Path("out-1"), "--format", "json"});
  EXPECT_EQ(judged.status, 2);
  EXPECT_THAT(judged.errors, HasSubstr(spoilt));
  EXPECT_THAT(CasesOf(ExpectOneDocument(judged.output)), ElementsAre("other/default#1"));
}

TEST_F(DocumentsTest, JudgeFindsRepeatsBelowAnEarlierRunOfTheCaseAndNoFilesOfOthers) {
  const std::string good = WriteExit("good", "0");
  for (const char* repeat : {"1", "2"}) {
    const Ended ran = Brink({"run", good, "--sandbox", "host", "--out", Path("runs"), "--repeat", repeat});
    EXPECT_EQ(ran.status, 0) << ran.errors;
  }
  const std::string folder = Path("runs/good/default");
  // What looks like a case among a target's files, and what does not among anybody's.
  std::filesystem::copy(folder + "/1/plan.json", folder + "/1/data/plan.json");
  std::filesystem::create_directories(Path("runs/theirs/data"));
  std::filesystem::create_directories(Path("runs/theirs/logs"));
  std::ofstream(Path("runs/theirs/plan.json")) << "{}\n";
  for (const std::string& from : {Path("runs"), folder}) {
    const Ended judged = Brink({"judge", from, "--format", "json"});
    EXPECT_EQ(judged.status, 0);
    EXPECT_EQ(judged.errors, "");
    EXPECT_THAT(CasesOf(ExpectOneDocument(judged.output)),
                ElementsAre("good/default#1", "good/default#1", "good/default#2"));
  }
}

TEST_F(DocumentsTest, JunitIsWellFormedWhateverTargetsPrint) {
  const std::string wide = Write("wide",
                                 "machine: {memory: 1GiB}\n"
                                 "processes: {target: {run: [/bin/true]}}\n");
  const std::string markup =
      Write("markup",
            "title: \"a < b & c > 'd' ]]>\"\n"
            "processes: {target: {run: [/bin/sh, -c, \"printf '<&]]>\\\\001\\\\377\\\\n'; exit 2\"]}}\n"
            "expect: {target: {outcome: survived, log: \"<never> & ]]>\"}}\n");
  const Ended ended =
      Run({WriteExit("good", "0"), markup, wide, "--sandbox", "host", "--junit", Path("report.xml")});
  EXPECT_EQ(ended.status, 1) << ended.errors;
  tinyxml2::XMLDocument report;
  ASSERT_EQ(report.LoadFile(Path("report.xml").c_str()), tinyxml2::XML_SUCCESS) << report.ErrorStr();
  std::map<std::string, int> cases;
  for (const auto* suite = report.RootElement()->FirstChildElement("testsuite"); suite != nullptr;
       suite = suite->NextSiblingElement("testsuite")) {
    for (const auto* one = suite->FirstChildElement("testcase"); one != nullptr;
         one = one->NextSiblingElement("testcase")) {
      ++cases["all"];
      cases["failed"] += one->FirstChildElement("failure") != nullptr ? 1 : 0;
      cases["inconclusive"] +=
          one->FirstChildElement("skipped") != nullptr || one->FirstChildElement("error") != nullptr ? 1 : 0;
    }
  }
  EXPECT_EQ(cases, (std::map<std::string, int>{{"all", 3}, {"failed", 1}, {"inconclusive", 1}}));
}

TEST_F(DocumentsTest, AFolderUsedAgainHoldsNothingOfTheRunBefore) {
  const std::string once = Write("once",
                                 "processes: {target: {run: [/bin/sh, -c, \"ls -A; mkdir store\"]}}\n"
                                 "expect: {target: {outcome: survived}}\n");
  for (int run = 0; run < 2; ++run) {
    const Ended ended = Brink({"run", once, "--out", Path("same"), "--format", "json"});
    EXPECT_EQ(ended.status, 0) << ended.output;
    EXPECT_EQ(ReadText(Path("same/once/default/logs/target.log")), "");
  }
}

}  // namespace
}  // namespace brink::live
