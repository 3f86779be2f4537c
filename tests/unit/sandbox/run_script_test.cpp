// SPDX-License-Identifier: MIT
#include "sandbox/run_script.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

using testing::ElementsAre;

/// No script of these may take so long.
constexpr auto kBound = std::chrono::seconds(20);

class RunScriptTest : public FakeTree {
 protected:
  void WriteScript(const std::string& path, const std::string& text) const {
    Write(path, "#!/bin/sh\n" + text);
    std::filesystem::permissions(base_ + "/" + path, std::filesystem::perms::owner_all);
  }
  /// Of one that takes a minute, and clears up when it is ended; a SIGTERM comes once it has begun.
  [[nodiscard]] Status RunUntilTold() const {
    WriteScript("slow",
                "trap 'echo yes >" + base_ + "/cleared; exit 143' TERM\n(echo begun >&2; exec sleep 60)\n");
    return RunScript(base_ + "/slow", {}, [](const std::string&) { ::kill(::getpid(), SIGTERM); });
  }
};

TEST_F(RunScriptTest, EachLineIsProgressAlsoOneThatDoesNotEnd) {
  WriteScript("talks", "printf 'one\\ntwo\\n\\nlast' >&2\n");
  std::vector<std::string> said;
  const auto ran = RunScript(base_ + "/talks", {}, [&](const std::string& line) { said.push_back(line); });
  EXPECT_TRUE(ran) << ran.error().message;
  EXPECT_THAT(said, ElementsAre("one", "two", "", "last"));
}

TEST_F(RunScriptTest, ASignalEndsTheScriptAndNotTheCaller) {
  const auto begun = std::chrono::steady_clock::now();
  const auto ran = RunUntilTold();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, EINTR);
  EXPECT_EQ(Read("cleared"), "yes\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kBound);
}

TEST_F(RunScriptTest, OneThatTheCallerHasBlockedDoesTooAndStaysPending) {
  sigset_t term;
  ::sigemptyset(&term);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    ::sigaddset(&term, signal);
  }
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto begun = std::chrono::steady_clock::now();
  Status ran;
  std::thread([&] { ran = RunUntilTold(); }).join();  // the signal is the whole process's
  const timespec none{};
  EXPECT_EQ(::sigtimedwait(&term, nullptr, &none), SIGTERM);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, EINTR);
  EXPECT_EQ(Read("cleared"), "yes\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kBound);
}

/// As when brink itself is killed: the signal is for that process alone.
TEST_F(RunScriptTest, MakeKernelHeedsASignalWhileACommandOfItsRuns) {
  WriteScript("bin/sort", "kill -TERM $(cat " + base_ + "/make-kernel)\nexec sleep 60\n");
  WriteScript("start", "echo $$ >" + base_ + "/make-kernel\nPATH=" + base_ +
                           "/bin:$PATH exec " BRINK_MAKE_KERNEL " --names\n");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(RunScript(base_ + "/start", {}, {}));  // it returns when all that was run is gone
  EXPECT_LT(std::chrono::steady_clock::now() - begun, kBound);
}

}  // namespace
}  // namespace brink
