// SPDX-License-Identifier: MIT
// The exit statuses of the contract, and what is said with each.
#include <gmock/gmock.h>

#include "cli_fixture.h"

namespace brink::live {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class StatusTest : public CliTest {
 protected:
  /// Expects status 2, nothing on standard output, and all of these in the complaint.
  void ExpectBadUsage(const std::vector<std::string>& words, const std::vector<std::string>& said) {
    const Ended ended = Brink(words);
    EXPECT_EQ(ended.status, 2) << ended.errors;
    EXPECT_EQ(ended.output, "");
    for (const std::string& text : said) {
      EXPECT_THAT(ended.errors, HasSubstr(text));
    }
  }
};

TEST_F(StatusTest, IsZeroWhenAllExpectationsAreMet) {
  const Ended ended = Run({WriteExit("good", "0")});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ExpectOneDocument(ended.output)["results"][0]["expected_met"], true);
}

TEST_F(StatusTest, IsOneWhenAnExpectationIsUnmetAlsoBesideInconclusiveOnes) {
  const std::string wide = Write("wide",
                                 "machine: {memory: 1GiB}\n"
                                 "processes: {target: {run: [/bin/true]}}\n");
  const Ended ended = Run({WriteExit("good", "0"), wide, WriteExit("bad", "3"), "--sandbox", "host"});
  EXPECT_EQ(ended.status, 1) << ended.errors;
  EXPECT_THAT(ended.errors, HasSubstr("exited with 3"));
}

TEST_F(StatusTest, IsThreeForAMachineThatTheHostCannotBe) {
  const std::string wide = Write("wide",
                                 "machine: {memory: 1GiB}\n"
                                 "processes: {target: {run: [/bin/true]}}\n");
  const Ended ended = Run({wide, "--sandbox", "host"});
  EXPECT_EQ(ended.status, 3) << ended.errors;
  const auto document = ExpectOneDocument(ended.output);
  EXPECT_EQ(document["results"][0]["outcome"], "inconclusive");
  EXPECT_EQ(document["results"][0]["expected_met"], nullptr);
  EXPECT_THAT(document["results"][0]["reason"].get<std::string>(), HasSubstr("a machine of its own"));
  EXPECT_THAT(document["results"][0]["remedy"].get<std::string>(), HasSubstr("--sandbox vm"));
  EXPECT_THAT(ended.errors, HasSubstr("remedy: --sandbox vm"));
}

TEST_F(StatusTest, IsTwoForBadUsage) {
  const std::string good = WriteExit("good", "0");
  ExpectBadUsage({}, {"subcommand"});
  ExpectBadUsage({"rnu"}, {"rnu"});
  ExpectBadUsage({"run"}, {"PATH"});
  ExpectBadUsage({"judge"}, {"RUN_DIR"});
  ExpectBadUsage({"run", good, "--frob"}, {"brink: ", "--frob", "remedy: see `brink run --help`"});
  ExpectBadUsage({"run", good, "--shufle"}, {"brink: ", "--shufle", "did you mean '--shuffle'?"});
  ExpectBadUsage({"run", good, "--sandbx=vm"}, {"did you mean '--sandbox'?"});
  ExpectBadUsage({"guest", "shel"}, {"brink: ", "did you mean 'shell'?"});
  ExpectBadUsage({"guest", "shell", "--kernle", "sid"}, {"did you mean '--kernel'?"});
  ExpectBadUsage({"chekc", good}, {"there is no command 'chekc'", "did you mean 'check'?"});
  ExpectBadUsage({"run", good, "--seed", "red"}, {"--seed", "red"});
  ExpectBadUsage({"run", good, "--format", "xml"}, {"xml", "text", "json"});
  ExpectBadUsage({"run", good, "--sandbox", "jail"}, {"jail", "auto", "host", "vm"});
  ExpectBadUsage({"run", good, "--sandbox", "host", "--kernel", "debian-12"}, {"--kernel", "--sandbox host"});
  ExpectBadUsage({"run", good, "--cgroup", "v1,v3"}, {"v3", "v1,v2"});
  ExpectBadUsage({"run", good, "--kernel", "sid,sid"}, {"sid", "twice"});
  ExpectBadUsage({"run", good, "--jobs", "0"}, {"--jobs", "0"});
  ExpectBadUsage({"run", good, "--repeat", "-1"}, {"--repeat"});
  ExpectBadUsage({"run", good, "--timeout", "0"}, {"--timeout", "0"});
  ExpectBadUsage({"run", good, "--timeout", "soon"}, {"--timeout", "soon"});
  ExpectBadUsage({"run", good, "--timeout", "nan"}, {"--timeout", "nan"});
  ExpectBadUsage({"run", good, "--timeout", "5s"}, {"--timeout", "5s", "without a unit"});
}

TEST_F(StatusTest, IsTwoForAKernelOrAnImageThatThereIsNone) {
  for (const char* command : {"fetch", "remove"}) {
    ExpectBadUsage({"guest", command, "debain-12"},
                   {"there is no kernel named 'debain-12'", "did you mean 'debian-12'?"});
  }
  ExpectBadUsage({"guest", "fetch", "debian-12", "sdi"}, {"there is no kernel named 'sdi'"});
  ExpectBadUsage({"guest", "shell", "--kernel", "debain-12"}, {"did you mean 'debian-12'?"});
  for (const char* command : {"build", "remove"}) {
    ExpectBadUsage({"image", command, "rediss"}, {"there is no image 'rediss'", "did you mean 'redis'?"});
  }
  const std::string bad = Write("named",
                                "image: postgres\n"
                                "machine: {kernel: debain-12}\n"
                                "processes: {target: {run: [/bin/true]}}\n");
  for (const char* command : {"run", "check"}) {
    ExpectBadUsage({command, bad},
                   {bad + ":2:8: there is no image 'postgres' (did you mean 'postgresql'?)",
                    bad + ":3:19: there is no kernel named 'debain-12' (did you mean 'debian-12'?)"});
  }
  const std::string good = WriteExit("good", "0");
  ExpectBadUsage({"run", good, "--kernel", "debain-12"}, {"--kernel: ", "did you mean 'debian-12'?"});
  const std::string asked = Write("asked",
                                  "parameters: {k: debian-12}\nmachine: {kernel: \"${k}\"}\n"
                                  "processes: {target: {run: [/bin/true]}}\n");
  ExpectBadUsage({"run", asked, "--set", "k=sdi"}, {asked + ":3:19: there is no kernel named 'sdi'"});
}

TEST_F(StatusTest, AnEmptyNameBetweenCommasIsNoneOnEitherAxis) {
  const std::string good = WriteExit("good", "0");
  const auto plans = [&](const std::vector<std::string>& axis) {
    std::vector<std::string> words{"run", good, "--dry-run", "--out", Path("out")};
    words.insert(words.end(), axis.begin(), axis.end());
    const Ended ended = Brink(words);
    EXPECT_EQ(ended.status, 0) << ended.errors;
    return ended.output;
  };
  EXPECT_EQ(plans({"--kernel", "debian-12,sid,"}), plans({"--kernel", "debian-12,sid"}));
  EXPECT_EQ(plans({"--cgroup", ",v1,,v2,"}), plans({"--cgroup", "v1,v2"}));
  for (const char* axis : {"--kernel", "--cgroup"}) {
    ExpectBadUsage({"run", good, axis, ""}, {axis});
    ExpectBadUsage({"run", good, axis, ","}, {axis});
  }
}

TEST_F(StatusTest, IsTwoForAChoiceThatFitsNothing) {
  const std::string good = WriteExit("good", "0");
  const std::string tagged = Write("tagged", "tags: [red, late]\nprocesses: {p: {run: [/bin/true]}}\n");
  const std::string other = Write("other", "tags: [blue]\nprocesses: {p: {run: [/bin/true]}}\n");
  ExpectBadUsage({"run", good, "--case", "tuned"}, {"--case tuned", "their cases are default"});
  ExpectBadUsage({"run", good, "--case", "tuned", "--shard", "1/2"}, {"--case tuned"});
  ExpectBadUsage({"run", good, "--tag", "demo"}, {"--tag demo", "they have none"});
  ExpectBadUsage({"run", tagged, other, "--tag", "demo"}, {"--tag demo", "their tags are blue, late, red"});
  ExpectBadUsage({"run", tagged, other, "--tag", "red", "--tag", "blue"},
                 {"--tag red --tag blue", "brink list"});
  ExpectBadUsage({"run", good, "--set", "size=1"}, {"size", "declare"});
  ExpectBadUsage({"run", good, "--set", "size"}, {"KEY=VALUE"});
  const std::string asked =
      Write("asked", "parameters: {word: a}\nprocesses: {p: {run: [/bin/echo, \"${word}\"]}}\n");
  ExpectBadUsage({"run", asked, "--set", "word=b", "--set", "word=c"}, {"word=c", "set twice", "keep one"});
  for (const char* shard : {"0/3", "4/3", "1", "1/", "/2", "a/b", "-1/2", "1/2/3"}) {
    ExpectBadUsage({"run", good, "--shard", shard}, {"--shard", "I/N"});
  }
}

TEST_F(StatusTest, IsTwoForAPathWithoutScenarios) {
  for (const char* command : {"run", "check", "list"}) {
    ExpectBadUsage({command, Path("missing.yaml")}, {Path("missing.yaml"), "No such file"});
    std::filesystem::create_directory(Path("empty"));
    ExpectBadUsage({command, Path("empty")}, {Path("empty"), "no scenario files"});
  }
}

TEST_F(StatusTest, IsTwoForABadScenarioAndAllMistakesHaveTheirPlace) {
  const std::string bad = Write("bad",
                                "processes:\n"
                                "  target:\n"
                                "    run: [/bin/true]\n"
                                "    cgroup: {memory.maximum: 1GiB}\n"
                                "expect: {targte: {outcome: survived}}\n");
  for (const char* command : {"run", "check", "list"}) {
    ExpectBadUsage({command, bad}, {bad + ":5:14: ", "memory.maximum", bad + ":6:10: ", "targte"});
  }
}

TEST_F(StatusTest, IsTwoForTwoScenariosOfOneName) {
  const std::string one = WriteExit("one", "0");
  std::filesystem::copy_file(one, Path("other.yaml"));
  ExpectBadUsage({"run", one, Path("other.yaml")}, {"one.yaml", "other.yaml", "another name"});
}

TEST_F(StatusTest, IsTwoWhenTheJunitReportCannotBeWrittenAndNothingRuns) {
  const std::string touch = Write("touch", "processes: {target: {run: [/bin/touch, " + Path("ran") + "]}}\n");
  const Ended ended = Run({touch, "--junit", Path("missing/report.xml")});
  EXPECT_EQ(ended.status, 2) << ended.errors;
  EXPECT_THAT(ended.errors, AllOf(HasSubstr(Path("missing/report.xml")), HasSubstr("remedy")));
  EXPECT_FALSE(std::filesystem::exists(Path("ran")));
}

TEST_F(StatusTest, IsFourWhenStandardOutputIsFull) {
  const std::string good = WriteExit("good", "0");
  const std::vector<std::string> commands{
      "list", "doctor", "check " + good, "run --out out " + good, "run --dry-run " + good, "judge out"};
  for (const std::string& words : commands) {
    const Ended ended = Shell("$BRINK " + words + " >/dev/full");
    EXPECT_EQ(ended.status, 4) << words;
    EXPECT_THAT(ended.errors, HasSubstr("No space left on device")) << words;
  }
}

TEST_F(StatusTest, IsFourWithoutRootAndSaysSo) {
  std::filesystem::permissions(folder_, std::filesystem::perms(0777));
  static_cast<void>(WriteExit("good", "0"));
  const Ended ended = Shell(
      "cp $BRINK ./brink && chmod 755 brink\n"
      "exec setpriv --reuid 65534 --regid 65534 --clear-groups ./brink run good.yaml --out out --format "
      "json --sandbox host");
  EXPECT_EQ(ended.status, 4) << ended.errors;
  EXPECT_EQ(ended.output, "");
  EXPECT_THAT(ended.errors, AllOf(HasSubstr("remedy"), HasSubstr("root")));
}

TEST_F(StatusTest, CommandsThatRunNothingNeedNoRoot) {
  std::filesystem::permissions(folder_, std::filesystem::perms(0777));
  static_cast<void>(WriteExit("good", "0"));
  const Ended ended = Shell(
      "cp $BRINK ./brink && chmod 755 brink\n"
      "as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups ./brink \"$@\"; }\n"
      "as_nobody check good.yaml && as_nobody list good.yaml && as_nobody run good.yaml --dry-run &&\n"
      "  as_nobody --version && as_nobody doctor");
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr("run brink as root"));
}

}  // namespace
}  // namespace brink::live
