// SPDX-License-Identifier: MIT
// Guests that are lost in part: one processor of two stands still, or the channel ends while both sides of it
// live. Nobody in the guest can report either.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include "base/unique_fd.h"
#include "guest_fixture.h"

namespace brink::live {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Stops one thread of another process, which SIGSTOP cannot, until that thread has ended (ptrace(2)). Only
/// the thread that traces it can wait for it.
class StoppedThread {
 public:
  explicit StoppedThread(pid_t thread)
      : stopped_(promise_.get_future()), tracer_([this, thread] { Hold(thread); }) {}
  ~StoppedThread() { tracer_.join(); }
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;
  [[nodiscard]] bool Stopped() { return stopped_.get(); }

 private:
  void Hold(pid_t thread) {
    int status = 0;
    const bool stopped = ::ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) == 0 &&
                         ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0 &&
                         ::waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);
    promise_.set_value(stopped);
    while (stopped && ::waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status)) {
    }
  }

  std::promise<bool> promise_;
  std::future<bool> stopped_;
  std::thread tracer_;
};

/// Clock ticks that each thread of a process has had (fields 14 and 15 of proc_pid_stat(5)).
std::map<pid_t, long> TicksOfThreads(pid_t process) {
  std::map<pid_t, long> ticks;
  std::error_code code;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task", code)) {
    const std::string text = ReadText(task.path() / "stat");
    std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
    std::string skipped;
    for (int field = 3; field < 14; ++field) {
      fields >> skipped;
    }
    long user = 0;
    long system = 0;
    fields >> user >> system;
    ticks[static_cast<pid_t>(std::stol(task.path().filename().string()))] = user + system;
  }
  return ticks;
}

/// The one that had the most of the last two seconds.
pid_t BusiestThread(pid_t process) {
  const auto before = TicksOfThreads(process);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  pid_t busiest = 0;
  long most = 0;
  for (const auto& [thread, ticks] : TicksOfThreads(process)) {
    const auto was = before.find(thread);
    if (was != before.end() && ticks - was->second > most) {
      most = ticks - was->second;
      busiest = thread;
    }
  }
  return busiest;
}

/// Shuts the socket down that QEMU was given for its channel, as its command line names it. Errno's word, or
/// empty.
std::string CutChannelOf(pid_t qemu) {
  const std::string words = ReadText("/proc/" + std::to_string(qemu) + "/cmdline");
  constexpr std::string_view kBefore = "socket,id=channel,fd=";
  const std::size_t at = words.find(kBefore);
  if (at == std::string::npos) {
    return "no channel";
  }
  const int number = std::stoi(words.substr(at + kBefore.size()));
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, qemu, 0)));
  const UniqueFd channel(static_cast<int>(::syscall(SYS_pidfd_getfd, process.Get(), number, 0)));
  const bool cut = channel.Valid() && ::shutdown(channel.Get(), SHUT_RDWR) == 0;
  return cut ? "" : std::generic_category().message(errno);
}

class LostGuest : public GuestTest {
 protected:
  /// The guest of a run that has come to where its target says "here".
  [[nodiscard]] pid_t GuestOf(const BrinkProcess& brink) const {
    EXPECT_TRUE(AwaitTarget(Path("out"))) << brink.Errors();
    const auto guests = GuestsOf(Path("out"));
    EXPECT_EQ(guests.size(), 1U);
    return guests.empty() ? 0 : guests[0];
  }
  [[nodiscard]] std::vector<std::string> Words(const std::string& file) const {
    return {"run", file, "--sandbox", "vm", "--out", Path("out"), "--format", "json"};
  }
  [[nodiscard]] json ResultOf(BrinkProcess& brink) {
    EXPECT_TRUE(brink.EndsWithin(patience_));
    return Result(
        {.status = brink.ExitCode().value_or(-1), .output = brink.Output(), .errors = brink.Errors()});
  }
};

/// The agent runs on the second processor alone, and so does a loop, by which its thread in QEMU is known.
TEST_F(LostGuest, OneDeadProcessorOfTwoIsToldAndTheGuestEnded) {
  const std::string file = Write("half-dead", R"(
machine: {cpus: 2}
processes:
  target:
    run:
      - sh
      - -c
      - |
        until [ -e /dev/shm/alone ]; do sleep 0.1; done
        taskset -p -c 1 $$
        echo here
        while :; do :; done
steps:
  - run: [sh, -ec, 'taskset -a -p -c 1 $PPID; echo >/dev/shm/alone; sleep 1000']
timeout: 300s
)");
  std::optional<StoppedThread> processor;  // waits for the end of QEMU, which is that of brink
  BrinkProcess brink(folder_, "brink", Words(file));
  const pid_t guest = GuestOf(brink);
  ASSERT_GT(guest, 0);
  const pid_t thread = BusiestThread(guest);
  ASSERT_NE(thread, 0);
  EXPECT_NE(thread, guest) << "that is QEMU's main loop";
  processor.emplace(thread);
  ASSERT_TRUE(processor->Stopped());
  const json result = ResultOf(brink);
  EXPECT_EQ(result["guest"]["lost"], "hung") << result.dump(1);
  EXPECT_EQ(result["outcome"], "hung");
  EXPECT_THAT(result["reason"].get<std::string>(), HasSubstr("did not answer"));
  EXPECT_TRUE(AwaitNoGuest(Path("out")));
}

TEST_F(LostGuest, AChannelThatIsCutIsToldThoughNobodyInTheGuestReportsIt) {
  BrinkProcess brink(folder_, "brink", Words(WriteStaying("cut-off")));
  const pid_t guest = GuestOf(brink);
  ASSERT_GT(guest, 0);
  ASSERT_EQ(CutChannelOf(guest), "");
  const json result = ResultOf(brink);
  EXPECT_EQ(result["guest"]["lost"], "cut") << result.dump(1);
  EXPECT_EQ(result["outcome"], "inconclusive");
  EXPECT_THAT(result["reason"].get<std::string>(), HasSubstr("the guest's agent is gone"));
  EXPECT_TRUE(AwaitNoGuest(Path("out")));
}

}  // namespace
}  // namespace brink::live
