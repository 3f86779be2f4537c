// SPDX-License-Identifier: MIT
// brink explain: living processes of the test's own, with limits that it knows.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <future>
#include <latch>
#include <thread>

#include "cli_fixture.h"

namespace brink::live {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A child that has the victim's mappings and lives until the test ends.
class Target {
 public:
  /// A copy of sleep under a name of its own, so that no other process goes by it.
  explicit Target(const std::string& program, std::uint64_t descriptors = 512) {
    std::filesystem::copy_file("/bin/sleep", program, std::filesystem::copy_options::skip_existing);
    int ready[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const rlimit files{.rlim_cur = descriptors, .rlim_max = descriptors};
      ::setrlimit(RLIMIT_NOFILE, &files);
      ::execl(program.c_str(), program.c_str(), "1000", nullptr);
      ::_exit(127);
    }
    ::close(ready[1]);
    char none = 0;
    EXPECT_EQ(::read(ready[0], &none, 1), 0) << "exec closes the pipe";
    ::close(ready[0]);
  }
  ~Target() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  [[nodiscard]] std::string Pid() const { return std::to_string(pid_); }

 private:
  pid_t pid_ = -1;
};

class ExplainTest : public CliTest {
 protected:
  [[nodiscard]] nlohmann::json Explained(const std::string& what) {
    const Ended ended = Brink({"explain", "--pid", what, "--format", "json"});
    EXPECT_EQ(ended.status, 0) << ended.errors;
    return nlohmann::json::parse(ended.output, nullptr, false);
  }
  static nlohmann::json Row(const nlohmann::json& document, const std::string& limit) {
    for (const auto& row : document["limits"]) {
      if (row["limit"] == limit) {
        return row;
      }
    }
    return nullptr;
  }
  static std::size_t LinesOf(const std::string& file) {
    const std::string text = ReadText(file);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
};

TEST_F(ExplainTest, TellsUseAndLimitsOfAProcess) {
  const Target target(Path("napping-server"), 512);
  const auto document = Explained(target.Pid());
  EXPECT_EQ(document["process"]["name"], "napping-server");
  EXPECT_EQ(Row(document, "RLIMIT_NOFILE")["of"], 512);
  const auto mappings = Row(document, "vm.max_map_count");
  // The kernel's page for old system calls is no mapping of the process.
  const std::string maps = "/proc/" + target.Pid() + "/maps";
  const std::size_t vsyscall = ReadText(maps).find("[vsyscall]") == std::string::npos ? 0 : 1;
  EXPECT_EQ(mappings["use"], LinesOf(maps) - vsyscall);
  EXPECT_EQ(document["oom"].back()["group"], nullptr) << "the machine";
}

TEST_F(ExplainTest, TakesTheNameOfAProgramThatRunsOnce) {
  const Target target(Path("napping-once"));
  EXPECT_EQ(std::to_string(Explained("napping-once")["process"]["pid"].get<int>()), target.Pid());
  const Ended text = Brink({"explain", "--pid", "napping-once"});
  EXPECT_EQ(text.status, 0) << text.errors;
  EXPECT_THAT(text.output, AllOf(HasSubstr("WHEN IT IS REACHED"), HasSubstr("vm.max_map_count"),
                                 HasSubstr("The OOM killer of the machine would take")));
}

TEST_F(ExplainTest, ANameOfSeveralIsRefusedWithTheirNumbers) {
  const Target one(Path("napping-twice"));
  const Target two(Path("napping-twice"));
  const Ended ended = Brink({"explain", "--pid", "napping-twice"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.output, "");
  EXPECT_THAT(ended.errors, AllOf(HasSubstr(one.Pid()), HasSubstr(two.Pid()), HasSubstr("remedy")));
}

TEST_F(ExplainTest, IsOneWhereThereIsNoSuchProcess) {
  std::vector<std::pair<std::string, std::string>> each{{"no-such-program", "no process is named"},
                                                        {"4194304", "there is no process"}};
  if (ReadText("/proc/2/comm") == "kthreadd\n") {  // a container's PID namespace shows no such thread
    each.emplace_back("2", "thread of the kernel");
  }
  for (const auto& [what, said] : each) {
    const Ended ended = Brink({"explain", "--pid", what});
    EXPECT_EQ(ended.status, 1) << what;
    EXPECT_EQ(ended.output, "");
    EXPECT_THAT(ended.errors, HasSubstr(said));
  }
}

TEST_F(ExplainTest, WhatIsNoLivingProcessIsToldAsWhatItIs) {
  std::promise<pid_t> number;
  std::latch done(1);
  const std::jthread other([&] {
    number.set_value(::gettid());
    done.wait();
  });
  const std::string thread = std::to_string(number.get_future().get());
  const pid_t ended = ::fork();
  if (ended == 0) {
    ::_exit(0);
  }
  siginfo_t info{};
  EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(ended), &info, WEXITED | WNOWAIT), 0);
  const Ended of_thread = Brink({"explain", "--pid", thread});
  EXPECT_EQ(of_thread.status, 1);
  EXPECT_THAT(of_thread.errors,
              AllOf(HasSubstr("is a thread of process " + std::to_string(::getpid())), HasSubstr("remedy")));
  const Ended of_zombie = Brink({"explain", "--pid", std::to_string(ended)});
  EXPECT_EQ(of_zombie.status, 1);
  EXPECT_THAT(of_zombie.errors, HasSubstr("has ended"));
  ::waitpid(ended, nullptr, 0);
  done.count_down();
}

TEST_F(ExplainTest, IsTwoForBadUsage) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"explain"},
                                             {"explain", "--pid", "0"},
                                             {"explain", "--pid", ""},
                                             {"explain", "--pid", "1", "--format", "xml"}}) {
    const Ended ended = Brink(words);
    EXPECT_EQ(ended.status, 2) << words.back();
    EXPECT_EQ(ended.output, "");
  }
}

TEST_F(ExplainTest, WhatMayNotBeReadIsUnknownAndTheRestIsShown) {
  const Target target(Path("napping-root"));
  const Ended ended = Shell("exec setpriv --reuid=65534 --regid=65534 --clear-groups $BRINK explain --pid " +
                            target.Pid() + " --format json");
  ASSERT_EQ(ended.status, 0) << ended.errors;
  const auto document = nlohmann::json::parse(ended.output);
  EXPECT_THAT(Row(document, "vm.max_map_count")["unknown"], HasSubstr("Permission denied"));
  EXPECT_THAT(Row(document, "vm.max_map_count")["remedy"], HasSubstr("root"));
  EXPECT_GT(Row(document, "RLIMIT_STACK")["use"], 0);
}

TEST_F(ExplainTest, WritesAScenarioThatRuns) {
  const Target target(Path("napping-model"), 300);
  const std::string file = Path("written.yaml");
  const Ended written = Brink({"explain", "--pid", target.Pid(), "--write", file});
  ASSERT_EQ(written.status, 0) << written.errors;
  EXPECT_THAT(written.errors, HasSubstr("brink run " + file));
  EXPECT_EQ(Brink({"check", file}).status, 0);
  EXPECT_THAT(ReadText(file), AllOf(HasSubstr("\"1000\"]"), HasSubstr("nofile: 300")));
  const Ended ran = Run({file, "--sandbox", "host"});
  EXPECT_EQ(ran.status, 0) << ran.errors << ran.output;
}

// As Debian's redis-server is a link to redis-check-rdb, and its first word is all that its title keeps.
TEST_F(ExplainTest, AProgramBehindALinkIsWrittenByTheNameThatItWasStartedBy) {
  std::filesystem::copy_file("/bin/sleep", Path("check-tool"));
  std::filesystem::create_symlink("check-tool", Path("linked-server"));
  const auto made = [&](const std::string& title) {
    const Ended ended =
        Shell("cd " + Path("") + "; export PATH=" + Path("") + ":$PATH; bash -c 'exec -a \"" + title +
              "\" linked-server 1000' & target=$!\n"
              "until [ $(readlink -f /proc/$target/exe) = " +
              Path("check-tool") +
              " ]; do sleep 0.02; done; rm -f mine.yaml; $BRINK new mine --from $target; kill $target");
    EXPECT_THAT(ended.errors, HasSubstr("wrote")) << title;
    return ReadText(Path("mine.yaml"));
  };
  const std::string by_name = "run: [\"" + Path("linked-server") + "\"";
  EXPECT_THAT(made("linked-server 127.0.0.1:6379"), HasSubstr(by_name));
  EXPECT_THAT(made("linked-server: worker"), HasSubstr(by_name));
  EXPECT_THAT(made("idle: worker"), HasSubstr(by_name)) << "by its name in the kernel";
  EXPECT_THAT(made("./linked-server"), HasSubstr(by_name + ", \"1000\"]"));
}

TEST_F(ExplainTest, OverwritesNoFile) {
  const std::string file = WriteExit("mine", "0");
  const std::string before = ReadText(file);
  const std::string self = std::to_string(::getpid());
  for (const Ended& ended :
       {Brink({"explain", "--pid", self, "--write", file}), Shell("exec $BRINK new mine --from 'sleep 1'")}) {
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.errors, AllOf(HasSubstr("File exists"), HasSubstr("remedy")));
  }
  EXPECT_EQ(ReadText(file), before);
}

TEST_F(ExplainTest, NewStartsAFileFromAProcessACommandOrALog) {
  const Target target(Path("napping-start"));
  const std::string log =
      "memory: usage 65536kB, limit 65536kB, failcnt 3\n"
      "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/app,task_memcg=/app,task=app,pid=9,uid=0\n"
      "Memory cgroup out of memory: Killed process 9 (app) total-vm:9kB, anon-rss:4096kB, file-rss:0kB, "
      "shmem-rss:0kB, UID:0 pgtables:8kB oom_score_adj:0\n";
  const Ended ended = Shell("$BRINK new one --from " + target.Pid() +
                            " && $BRINK new two --from \"sh -c 'exit 0'\" && printf '" + log +
                            "' > kernel.log && $BRINK new three --from - < kernel.log"
                            " && $BRINK new four --from kernel.log"
                            " && $BRINK check one.yaml two.yaml three.yaml four.yaml");
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ReadText(Path("two.yaml")), HasSubstr(R"(["sh", "-c", "exit 0"])"));
  for (const char* file : {"three.yaml", "four.yaml"}) {
    EXPECT_THAT(ReadText(Path(file)), HasSubstr("memory.max: 67108864"));
  }
  EXPECT_EQ(Run({Path("two.yaml")}).status, 0);
}

TEST_F(ExplainTest, NewLeavesToAShellWhatMeansMoreThanWords) {
  const auto run_of = [&](const std::string& quoted) {
    const Ended ended = Shell("rm -f mine.yaml; exec $BRINK new mine --from " + quoted);
    EXPECT_EQ(ended.status, 0) << ended.errors;
    const std::string text = ReadText(Path("mine.yaml"));
    const auto begin = text.find("run: ");
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  EXPECT_EQ(run_of("'FOO=bar sleep 0'"), R"(run: ["sh", "-c", "FOO=bar sleep 0"])");
  EXPECT_EQ(Run({Path("mine.yaml")}).status, 0);
  EXPECT_EQ(run_of("'true && echo \"$HOME\" > out'"), R"(run: ["sh", "-c", "true && echo \"$HOME\" > out"])");
  EXPECT_EQ(Run({Path("mine.yaml")}).status, 0);
  EXPECT_EQ(run_of("\"grep 'a|b*' file --only=one\""), R"(run: ["grep", "a|b*", "file", "--only=one"])");
  EXPECT_EQ(run_of("'echo --name=\"two words\"'"), R"(run: ["sh", "-c", "echo --name=\"two words\""])");
  EXPECT_EQ(run_of("'/opt/a=b/server \"two words\"'"), R"(run: ["/opt/a=b/server", "two words"])");
}

TEST_F(ExplainTest, NewTellsWhatIsWrong) {
  for (const auto& [words, status] :
       std::vector<std::pair<std::string, int>>{{"new", 2},
                                                {"new a/b --from true", 2},
                                                {"new mine", 2},
                                                {"new mine --from ''", 2},
                                                {"new mine --from - </dev/null", 2},
                                                {"new mine --from 4194304", 1},
                                                {"new mine --from 99999999999999", 1}}) {
    EXPECT_EQ(Shell("$BRINK " + words).status, status) << words;
    EXPECT_FALSE(std::filesystem::exists(Path("mine.yaml"))) << words;
  }
}

}  // namespace
}  // namespace brink::live
