// SPDX-License-Identifier: MIT
// Which cases run, how often, in which order, with which values.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "cli_fixture.h"

namespace brink::live {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

class SelectionTest : public CliTest {
 protected:
  /// Seven cases in two scenarios; each writes its name into the file "ran".
  std::vector<std::string> WriteSeven() {
    const std::string text =
        "processes: {target: {run: [/bin/sh, -c, \"echo $WHO >>" + Path("ran") + "\"], env: {WHO: none}}}\n";
    const auto one = [](const std::string& who) {
      return "  " + who + ": {processes: {target: {env: {WHO: " + who + "}}}}\n";
    };
    return {
        Write("letters", "tags: [early]\n" + text + "cases:\n" + one("a") + one("b") + one("c") + one("d")),
        Write("more", "tags: [late]\n" + text + "cases:\n" + one("a") + one("x") + one("y"))};
  }
  std::vector<std::string> CasesRun(std::vector<std::string> options) {
    std::vector<std::string> words = files_;
    words.insert(words.end(), options.begin(), options.end());
    const Ended ended = Run(words);
    EXPECT_EQ(ended.status, 0) << ended.errors;
    return CasesOf(ExpectOneDocument(ended.output));
  }
  void SetUp() override {
    CliTest::SetUp();
    if (!IsSkipped()) {
      files_ = WriteSeven();
    }
  }

  const std::vector<std::string> all_{"letters/a#1", "letters/b#1", "letters/c#1", "letters/d#1",
                                      "more/a#1",    "more/x#1",    "more/y#1"};
  std::vector<std::string> files_;
};

TEST_F(SelectionTest, AFolderStandsForTheFilesBelowIt) {
  const Ended ended = Run({folder_.string()});
  EXPECT_EQ(CasesOf(ExpectOneDocument(ended.output)), all_);
}

TEST_F(SelectionTest, ByCaseByTagAndByBoth) {
  EXPECT_THAT(CasesRun({"--case", "a"}), ElementsAre("letters/a#1", "more/a#1"));
  EXPECT_THAT(CasesRun({"--tag", "late"}), ElementsAre("more/a#1", "more/x#1", "more/y#1"));
  EXPECT_THAT(CasesRun({"--tag", "late", "--case", "a"}), ElementsAre("more/a#1"));
  EXPECT_THAT(CasesRun({"--tag", "late", "--tag", "late", "--case", "a"}), ElementsAre("more/a#1"));
}

TEST_F(SelectionTest, ByTheLimitThatBinds) {
  const std::string file =
      Write("bound", "processes: {p: {run: [\"true\"]}}\nexpect: {p: {binding_limit: RLIMIT_AS}}\n");
  const Ended ended = Shell("exec $BRINK run " + file + " " + files_[1] + " --tag RLIMIT_AS --dry-run");
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output,
              testing::AllOf(testing::HasSubstr("bound default"), testing::Not(testing::HasSubstr("more "))));
}

TEST_F(SelectionTest, RepeatsHaveFoldersOfTheirOwn) {
  const Ended ended = Run({files_[1], "--case", "a", "--repeat", "3"});
  const auto document = ExpectOneDocument(ended.output);
  EXPECT_THAT(CasesOf(document), ElementsAre("more/a#1", "more/a#2", "more/a#3"));
  std::set<std::string> folders;
  for (const auto& result : document["results"]) {
    folders.insert(result["run_dir"].get<std::string>());
    EXPECT_TRUE(std::filesystem::exists(result["run_dir"].get<std::string>() + "/evidence.json"));
  }
  EXPECT_THAT(folders, SizeIs(3));
}

TEST_F(SelectionTest, ShardsAreDisjointAndComplete) {
  std::vector<std::string> together;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    for (const std::string& one : CasesRun({"--shard", shard})) {
      together.push_back(one);
    }
  }
  EXPECT_THAT(together, UnorderedElementsAreArray(all_));
}

TEST_F(SelectionTest, ShardsOfShuffledRunsStillFitTogether) {
  std::vector<std::string> together = CasesRun({"--shard", "1/2", "--shuffle"});
  const std::vector<std::string> rest = CasesRun({"--shuffle", "--shard", "2/2"});
  together.insert(together.end(), rest.begin(), rest.end());
  EXPECT_THAT(together, UnorderedElementsAreArray(all_));
}

TEST_F(SelectionTest, AShardWithoutCasesRunsNothingAndIsNoMistake) {
  EXPECT_THAT(CasesRun({"--shard", "9/9"}), IsEmpty());
}

TEST_F(SelectionTest, ShufflingChangesTheOrderAndNothingElse) {
  // 21 cases stay in order by chance once in 5e19 runs.
  const Ended plain = Run({files_[0], files_[1], "--repeat", "3", "--dry-run"});
  const Ended mixed = Run({files_[0], files_[1], "--repeat", "3", "--dry-run", "--shuffle"});
  const auto order = [](const Ended& ended) {
    std::vector<std::string> names;
    const auto document = nlohmann::json::parse(ended.output);
    for (const auto& plan : document.at("plans")) {
      names.push_back(plan["scenario"].get<std::string>() + "/" + plan["case_name"].get<std::string>());
    }
    return names;
  };
  EXPECT_NE(order(mixed), order(plain));
  const std::string::size_type seed = mixed.errors.find("--seed ");
  ASSERT_NE(seed, std::string::npos) << mixed.errors;
  const std::string number = mixed.errors.substr(seed + 7, mixed.errors.find(' ', seed + 7) - seed - 7);
  const Ended again = Run({files_[0], files_[1], "--repeat", "3", "--dry-run", "--seed", number});
  EXPECT_EQ(order(again), order(mixed));
  EXPECT_THAT(order(mixed), UnorderedElementsAreArray(order(plain)));
}

TEST_F(SelectionTest, JobsRunAllCasesOnceAndKeepTheirOrderInTheReport) {
  EXPECT_EQ(CasesRun({"--jobs", "2"}), all_);
  const std::string ran = ReadText(Path("ran"));
  EXPECT_EQ(std::count(ran.begin(), ran.end(), '\n'), 7);
}

TEST_F(SelectionTest, TwoJobsRunTwoCasesAtTheSameTime) {
  // Each waits for the other: one after the other they would hang.
  const auto meet = [&](const std::string& mine, const std::string& other) {
    return "{processes: {target: {run: [/bin/sh, -c, \": >" + Path(mine) + "; until test -e " + Path(other) +
           "; do sleep 0.01; done\"]}}}";
  };
  const std::string both = Write("both",
                                 "processes: {target: {run: [/bin/false]}}\n"
                                 "expect: {target: {outcome: survived}}\ntimeout: 30s\n"
                                 "cases:\n  left: " +
                                     meet("l", "r") + "\n  right: " + meet("r", "l") + "\n");
  const Ended ended = Run({both, "--jobs", "2"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
}

TEST_F(SelectionTest, DryRunSaysWhatItWouldDoAndDoesNothing) {
  const std::string wide =
      Write("wide",
            "machine: {sysctl: {vm.max_map_count: 70000}}\n"
            "processes: {target: {run: [/bin/touch, " +
                Path("ran") +
                "], cgroup: {memory.max: 64MiB}, rlimits: {memlock: 1MiB}, oom_score_adj: 300}}\n"
                "steps: [{run: [/bin/echo, hello]}]\n");
  const Ended ended = Brink({"run", wide, "--sandbox", "host", "--dry-run", "--out", Path("out")});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  for (const char* text : {"vm.max_map_count = 70000", "memory.max = 67108864", "/bin/touch", "1048576",
                           "oom_score_adj = 300", "/bin/echo hello"}) {
    EXPECT_THAT(ended.output, HasSubstr(text));
  }
  EXPECT_FALSE(std::filesystem::exists(Path("ran")));
  EXPECT_FALSE(std::filesystem::exists(Path("out")));
}

TEST_F(SelectionTest, SetReplacesADeclaredParameterForThoseThatDeclareIt) {
  const std::string asked =
      Write("asked",
            "parameters: {status: \"0\", word: plain}\n"
            "processes: {target: {run: [/bin/sh, -c, \"echo ${word}; exit ${status}\"]}}\n"
            "expect: {target: {outcome: survived, log: plain}}\n");
  EXPECT_EQ(Run({asked}).status, 0);
  EXPECT_EQ(Run({asked, "--set", "status=5"}).status, 1);
  EXPECT_EQ(Run({asked, "--set", "word=a=plain b", "--set", "status=0"}).status, 0);
  EXPECT_EQ(Run({asked, files_[1], "--set", "word=other"}).status, 1);
}

TEST_F(SelectionTest, TimeoutReplacesTheScenariosAndGivesHung) {
  const std::string slow = Write("slow",
                                 "processes: {target: {run: [/bin/sleep, \"1000\"]}}\n"
                                 "expect: {target: {outcome: hung}}\n");
  const Ended ended = Run({slow, "--timeout", "0.5"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  const auto document = ExpectOneDocument(ended.output);
  EXPECT_EQ(document["results"][0]["outcome"], "hung");
  EXPECT_EQ(document["results"][0]["processes"]["target"]["outcome"], "hung");
}

}  // namespace
}  // namespace brink::live
