// SPDX-License-Identifier: MIT
// The contract's options are in --help, in the man page and in both completions, and nothing else is.
#include <gmock/gmock.h>

#include <regex>
#include <set>
#include <sstream>

#include "cli_fixture.h"

namespace brink::live {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Options = std::set<std::string>;

const Options kCommon{"--help", "--version"};
const std::map<std::string, Options> kContract{
    {"run",
     {"--case", "--tag", "--sandbox", "--kernel", "--cgroup", "--jobs", "--repeat", "--shuffle", "--seed",
      "--shard", "--set", "--timeout", "--out", "--junit", "--format", "--install", "--dry-run"}},
    {"check", {}},
    {"list", {"--by", "--format"}},
    {"search", {"--all", "--in", "--format"}},
    {"explain", {"--pid", "--write", "--format"}},
    {"new", {"--from"}},
    {"judge", {"--format"}},
    {"doctor", {}},
    {"guest", {}},
    {"image", {}},
    {"restore", {}},
};

/// Commands of a command. What they take beside kCommon.
const std::map<std::string, Options> kBelow{
    {"guest list", {}},   {"guest fetch", {}},
    {"guest remove", {}}, {"guest shell", {"--case", "--kernel", "--cgroup", "--memory", "--out"}},
    {"image list", {}},   {"image build", {}},
    {"image remove", {}},
};

Options WithCommon(Options options) {
  options.insert(kCommon.begin(), kCommon.end());
  return options;
}

Options OfAllCommands() {
  Options all = kCommon;
  for (const auto& commands : {kContract, kBelow}) {
    for (const auto& [command, options] : commands) {
      all.insert(options.begin(), options.end());
    }
  }
  return all;
}

/// All words of the text that begin with two hyphens.
Options OptionsIn(const std::string& text) {
  const std::regex option("--[a-z][a-z-]*");
  Options found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), option); at != std::sregex_iterator(); ++at) {
    found.insert(at->str());
  }
  return found;
}

/// The man page's text: without troff's fonts and escapes.
std::string ManPage() {
  std::string text = ReadText(BRINK_CLI_FILES "/brink.1");
  text = std::regex_replace(text, std::regex(R"(\\f[BIRP])"), "");
  return std::regex_replace(text, std::regex(R"(\\(.))"), "$1");
}

/// What bash offers when `words` are typed and the last of them is completed.
Options Offered(const std::string& output) {
  std::istringstream lines(output);
  Options offered;
  for (std::string line; std::getline(lines, line);) {
    offered.insert(line);
  }
  return offered;
}

class OptionsTest : public CliTest {
 protected:
  Options BashOffers(const std::string& words) {
    const Ended ended = Shell("exec bash -c '. " BRINK_CLI_FILES
                              "/completions/brink.bash\n"
                              "COMP_WORDS=(" +
                              words +
                              ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_brink\n"
                              "printf \"%s\\n\" \"${COMPREPLY[@]}\"'");
    EXPECT_EQ(ended.status, 0) << ended.errors;
    EXPECT_EQ(ended.errors, "");
    return Offered(ended.output);
  }
};

TEST_F(OptionsTest, HelpOfEachCommandNamesItsOptionsAndNoOthers) {
  for (const auto& [command, options] : kContract) {
    const Ended ended = Brink({command, "--help"});
    EXPECT_EQ(ended.status, 0);
    EXPECT_EQ(ended.errors, "");
    EXPECT_THAT(ended.output, HasSubstr("Usage: brink " + command));
    EXPECT_EQ(OptionsIn(ended.output), WithCommon(options)) << command;
  }
}

TEST_F(OptionsTest, CommandsBelowACommandAreToldEverywhere) {
  const std::string page = std::regex_replace(ManPage(), std::regex("\\n\\.[A-Z]+ "), " ");
  for (const auto& [words, options] : kBelow) {
    const std::string command = words.substr(0, words.find(' '));
    const std::string below = words.substr(words.find(' ') + 1);
    EXPECT_EQ(OptionsIn(Shell("exec $BRINK " + words + " --help").output), WithCommon(options)) << words;
    EXPECT_THAT(Shell("exec $BRINK " + words + " --version").output, StartsWith("brink ")) << words;
    EXPECT_TRUE(BashOffers("brink " + command + " \"\"").contains(below)) << words;
    EXPECT_EQ(BashOffers("brink " + words + " --"), WithCommon(options)) << words;
    EXPECT_THAT(page, HasSubstr(words)) << words;
    EXPECT_THAT(ReadText(BRINK_CLI_FILES "/completions/_brink"),
                testing::ContainsRegex("command:\\([a-z ]*" + below));
  }
}

TEST_F(OptionsTest, HelpNamesTheCommandsAndNoOthers) {
  const Ended ended = Brink({"--help"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(OptionsIn(ended.output), kCommon);
  const std::string list = ended.output.substr(ended.output.find("Subcommands:"));
  const std::regex command("\n  ([a-z]+) ");
  Options commands;
  for (auto at = std::sregex_iterator(list.begin(), list.end(), command); at != std::sregex_iterator();
       ++at) {
    commands.insert(at->str(1));
  }
  Options expected;
  for (const auto& [name, options] : kContract) {
    expected.insert(name);
  }
  EXPECT_EQ(commands, expected);
}

TEST_F(OptionsTest, HelpShowsWhatEachValueLooksLike) {
  const Ended ended = Brink({"run", "--help"});
  for (const char* option :
       {"--case NAME ", "--tag TAG ", "--sandbox auto|host", "--jobs N", "--repeat N", "--shard I/N ",
        "--set KEY=VALUE ", "--timeout S ", "--out DIR ", "--junit FILE ", "--format text|json"}) {
    EXPECT_THAT(ended.output, HasSubstr(option));
  }
}

TEST_F(OptionsTest, EveryCommandTellsTheVersion) {
  const Ended plain = Brink({"--version"});
  EXPECT_EQ(plain.status, 0);
  EXPECT_THAT(plain.output, StartsWith("brink "));
  for (const auto& [command, options] : kContract) {
    const Ended ended = Brink({command, "--version"});
    EXPECT_EQ(ended.status, 0) << command;
    EXPECT_EQ(ended.output, plain.output) << command;
  }
}

TEST_F(OptionsTest, ManPageNamesAllOptionsAndCommandsAndNoOtherOptions) {
  const std::string page = ManPage();
  EXPECT_EQ(OptionsIn(page), OfAllCommands());
  for (const auto& [command, options] : kContract) {
    EXPECT_THAT(page, HasSubstr(".B brink " + command + "\n"));
  }
  const std::string version = Brink({"--version"}).output;
  EXPECT_THAT(page, HasSubstr("\"" + version.substr(0, version.find('\n')) + "\""));
  EXPECT_THAT(page, HasSubstr("EXIT STATUS"));
}

TEST_F(OptionsTest, ManPageIsWellFormed) {
  const Ended ended = Shell("if command -v man >/dev/null; then man --warnings -l " BRINK_CLI_FILES
                            "/brink.1 >/dev/null; else echo without man: not checked; fi");
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.errors, "");
  std::cout << ended.output;
}

TEST_F(OptionsTest, BashOffersEachCommandItsOptionsAndNoOthers) {
  for (const auto& [command, options] : kContract) {
    EXPECT_EQ(BashOffers("brink " + command + " --"), WithCommon(options)) << command;
  }
  EXPECT_EQ(BashOffers("brink --"), kCommon);
}

TEST_F(OptionsTest, BashOffersCommandsValuesAndScenarios) {
  EXPECT_EQ(BashOffers("brink re"), (Options{"restore"}));
  EXPECT_EQ(BashOffers("brink run x.yaml --sandbox \"\""), (Options{"auto", "host", "vm"}));
  EXPECT_EQ(BashOffers("brink run x.yaml --format = j"), (Options{"json"}));
  EXPECT_EQ(BashOffers("brink judge --format \"\""), (Options{"text", "json"}));
  EXPECT_EQ(BashOffers("brink explain --format \"\""), (Options{"text", "json"}));
  EXPECT_EQ(BashOffers("brink list --format \"\""), (Options{"text", "json", "markdown"}));
  EXPECT_EQ(BashOffers("brink list --by \"\""), (Options{"system", "limit", "class"}));
  static_cast<void>(WriteExit("good", "0"));
  EXPECT_EQ(BashOffers("brink run goo"), (Options{"good.yaml"}));
}

TEST_F(OptionsTest, ZshNamesAllOptionsAndCommandsAndNoOthers) {
  // Its completion system works on a terminal only; the text is what can be compared.
  const std::string text = ReadText(BRINK_CLI_FILES "/completions/_brink");
  EXPECT_EQ(OptionsIn(text), OfAllCommands());
  const std::size_t begin = text.find("_brink_run_options=(");
  const std::string of_run = text.substr(begin, text.find("\n)", begin) - begin);
  EXPECT_EQ(OptionsIn(of_run), kContract.at("run"));
  for (const auto& [command, options] : kContract) {
    EXPECT_THAT(text, HasSubstr("'" + command + ":"));
  }
}

}  // namespace
}  // namespace brink::live
