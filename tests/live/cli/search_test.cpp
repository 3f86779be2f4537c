// SPDX-License-Identifier: MIT
// brink search: words, logs, standard input; its exit statuses.
#include <gmock/gmock.h>

#include <fstream>

#include "cli_fixture.h"

namespace brink::live {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class SearchTest : public CliTest {
 protected:
  [[nodiscard]] std::string WriteLog(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
};

constexpr const char* kFork = "Can't save in background: fork: Cannot allocate memory";

TEST_F(SearchTest, NamesTheIncidentOfAMessageAndWhatReproducesIt) {
  const Ended ended = Brink({"search", kFork});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ended.errors, "");
  EXPECT_THAT(ended.output, AllOf(HasSubstr("redis-bgsave-overcommit: "), HasSubstr("confirm: "),
                                  HasSubstr("exclude: "), HasSubstr("reproduce: brink run ")));
  const Ended words =
      Brink({"search", "Can't", "save", "in", "background:", "fork:", "Cannot allocate memory"});
  EXPECT_EQ(words.output, ended.output);
}

TEST_F(SearchTest, APastedLineMayBeginLikeAnOption) {
  const Ended ended = Brink({"search", "-bash: fork: Cannot allocate memory", "--format", "json"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  const auto document = nlohmann::json::parse(ended.output);
  EXPECT_EQ(document["matches"][0]["symptom"], "fork: Cannot allocate memory");
  EXPECT_EQ(Brink({"search", "-bash:", "fork:", "Cannot", "allocate", "memory", "--format", "json"}).output,
            ended.output);
}

TEST_F(SearchTest, ReadsLogsAndStandardInput) {
  const std::string log = WriteLog("app.log", "one\ntwo\n7:M # " + std::string(kFork) + "\n");
  const Ended file = Brink({"search", log});
  EXPECT_EQ(file.status, 0) << file.errors;
  EXPECT_THAT(file.output, HasSubstr("line 3: 7:M # Can't save"));
  // The shell has a working folder of its own, by which paths are told.
  const std::string here = Shell("exec $BRINK search " + log).output;
  EXPECT_EQ(Shell("exec $BRINK search - < " + log).output, here);
  EXPECT_EQ(Shell("cat " + log + " | $BRINK search -").output, here);
}

TEST_F(SearchTest, AnErrnoAloneGivesCandidates) {
  const Ended ended = Brink({"search", "cannot allocate memory"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr(" incidents show this errno, which many failures have: candidates, not "
                                      "findings:\n"));
  EXPECT_THAT(ended.output, Not(HasSubstr("confirm: ")));
  EXPECT_THAT(ended.output, HasSubstr("--all tells of each in full."));
  const auto matches = nlohmann::json::parse(
      Brink({"search", "cannot allocate memory", "--format", "json"}).output)["matches"];
  const std::string all = Brink({"search", "cannot allocate memory", "--all"}).output;
  EXPECT_THAT(all, Not(HasSubstr("--all")));
  for (const auto& match : matches) {
    const std::string name = "\n  " + match["name"].get<std::string>() + ": ";
    EXPECT_THAT(ended.output, HasSubstr(name));
    EXPECT_THAT(all, HasSubstr(name));
    EXPECT_THAT(all, HasSubstr("reproduce: " + match["command"].get<std::string>()));
  }
}

TEST_F(SearchTest, IsOneWhereNothingMatches) {
  for (const std::string& what : {std::string("too many open files"), WriteLog("other.log", "GET / 200\n"),
                                  WriteLog("empty.log", "")}) {
    const Ended ended = Brink({"search", what});
    EXPECT_EQ(ended.status, 1) << ended.errors;
    EXPECT_THAT(ended.output, StartsWith("nothing in the catalogue matches"));
  }
  const Ended json = Brink({"search", "too many open files", "--format", "json"});
  EXPECT_EQ(json.status, 1);
  EXPECT_EQ(nlohmann::json::parse(json.output)["matches"], nlohmann::json::array());
}

TEST_F(SearchTest, IsTwoForBadUsage) {
  for (const auto& [words, said] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"search"}, "WHAT"},
           {{"search", ""}, "could be of any message"},
           {{"search", "it", "failed"}, "could be of any message"},
           {{"search", Path("missing.log")}, "there is no such file"},
           {{"search", "redis-server.log.1"}, "there is no such file"},
           {{"search", "/etc"}, "a folder is no log"},
           {{"search", "fork", "--formt", "json"}, "did you mean '--format'?"},
           {{"search", "fork", "--in", Path("missing")}, "missing"},
           {{"search", "fork", "--format", "xml"}, "xml"}}) {
    const Ended ended = Brink(words);
    EXPECT_EQ(ended.status, 2) << said;
    EXPECT_EQ(ended.output, "");
    EXPECT_THAT(ended.errors, HasSubstr(said));
  }
}

TEST_F(SearchTest, SearchesScenariosOfTheUsersOwn) {
  const std::string own =
      Write("own",
            "title: Ours\n"
            "incident: {class: fork, systems: [ours], symptom: ['frobnicator lost <n> widgets'],\n"
            "  cause: c, cure: c, cost: c, confirm: count them}\n"
            "processes: {target: {run: [/bin/true]}}\n");
  const Ended ended = Brink({"search", "E17 frobnicator lost 12 widgets", "--in", own, "--format", "json"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  const auto document = nlohmann::json::parse(ended.output);
  EXPECT_EQ(document["searched"], 1);
  EXPECT_EQ(document["matches"][0]["name"], "own");
  EXPECT_EQ(document["matches"][0]["kind"], "message");
  EXPECT_EQ(Brink({"search", "frobnicator widgets"}).status, 1) << "the shipped catalogue does not have it";
}

TEST_F(SearchTest, HoldsNoMoreOfALongLogThanItsBestLines) {
  // 128 MiB, half of them one line, in 98 MiB of address space.
  const Ended ended = Shell(
      "ulimit -v 100000; { yes 'worker 12 accepted a connection from 10.0.0.7:51234' | head -c 64M; "
      "head -c 64M /dev/zero | tr '\\0' x; printf '\\n%s\\n' \"" +
      std::string(kFork) + "\"; } | $BRINK search -");
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr("redis-bgsave-overcommit"));
}

}  // namespace
}  // namespace brink::live
