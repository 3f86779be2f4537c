// SPDX-License-Identifier: MIT
// Whom the kernel's account follows: children, their children, and what they become.
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "evidence/mappings.h"
#include "watch_fixture.h"

namespace brink {
namespace {

class Processes : public WatchTest {};

TEST_F(Processes, AGrandchildInheritsTheToken) {
  const int pid = RunToEnd(5, [] {
    const int child = ::fork();
    if (child == 0) {
      const int grandchild = ::fork();
      if (grandchild == 0) {
        ::_exit(3);
      }
      ::waitpid(grandchild, nullptr, 0);
      ::_exit(4);
    }
    ::waitpid(child, nullptr, 0);
    return 5;
  });
  const auto forks = Seen<ForkSeen>();
  ASSERT_EQ(forks.size(), 2U);
  EXPECT_EQ(forks[0].parent_pid, pid);
  EXPECT_EQ(forks[1].parent_pid, forks[0].pid);
  EXPECT_EQ(forks[1].token, 5U);
  EXPECT_EQ(ExitOf(forks[1].pid)->exit_code, 3);
  EXPECT_EQ(ExitOf(forks[0].pid)->exit_code, 4);
  EXPECT_EQ(ExitOf(pid)->exit_code, 5);
}

TEST_F(Processes, AProcessThatForksTwiceAndLosesItsParentStaysTracked) {
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe(gate.data()), 0);
  const int pid = RunToEnd(5, [&] {
    ::close(gate[1]);
    const int child = ::fork();
    if (child == 0) {
      ::setsid();
      if (::fork() == 0) {
        char byte = 0;
        ::_exit(::read(gate[0], &byte, 1) == 0 ? 6 : 1);  // until the test lets it go
      }
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    return 0;
  });
  const auto forks = Seen<ForkSeen>();
  ASSERT_EQ(forks.size(), 2U);
  EXPECT_FALSE(ExitOf(forks[1].pid));
  EXPECT_TRUE(ExitOf(pid));
  ::close(gate[1]);
  DrainUntil([&] { return ExitOf(forks[1].pid).has_value(); });
  EXPECT_EQ(ExitOf(forks[1].pid)->exit_code, 6);
  EXPECT_EQ(ExitOf(forks[1].pid)->token, 5U);
  ::close(gate[0]);
}

TEST_F(Processes, ExecTellsTheNewName) {
  const int pid = RunToEnd(5, [] {
    ::execl("/bin/true", "true", nullptr);
    return 1;
  });
  const auto execs = Seen<ExecSeen>();
  ASSERT_EQ(execs.size(), 1U);
  EXPECT_EQ(execs[0].pid, pid);
  EXPECT_EQ(execs[0].comm, "true");
  EXPECT_EQ(ExitOf(pid)->exit_code, 0);
  EXPECT_EQ(ExitOf(pid)->comm, "true");
  EXPECT_GT(ExitOf(pid)->peak_rss_bytes, 0U);
}

TEST_F(Processes, ThreadsAreNoProcesses) {
  const int pid = RunToEnd(5, [] {
    std::thread([] {}).join();
    return 0;
  });
  EXPECT_TRUE(Seen<ForkSeen>().empty());
  EXPECT_EQ(Seen<ExitSeen>().size(), 1U);
  EXPECT_EQ(ExitOf(pid)->exit_code, 0);
}

TEST_F(Processes, AProcessEndsWithItsLastThreadNotWithItsFirst) {
  const int pid = RunToEnd(5, [] {
    static const int main_thread = ::gettid();
    std::thread([] {
      while (::syscall(SYS_tgkill, ::getpid(), main_thread, 0) == 0 &&
             std::ifstream("/proc/self/task/" + std::to_string(main_thread) + "/stat").good()) {
        std::string state;
        std::ifstream stat("/proc/self/task/" + std::to_string(main_thread) + "/stat");
        stat >> state >> state >> state;
        if (state == "Z") {
          break;
        }
        std::this_thread::yield();
      }
      ::_exit(21);
    }).detach();
    ::syscall(SYS_exit, 0);  // this thread alone
    return 1;
  });
  EXPECT_EQ(Seen<ExitSeen>().size(), 1U);
  EXPECT_EQ(ExitOf(pid)->exit_code, 21);
}

TEST_F(Processes, StrangersAreNotSeen) {
  const int stranger = ::fork();
  if (stranger == 0) {
    ::mmap(nullptr, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ::_exit(0);
  }
  ::waitpid(stranger, nullptr, 0);
  RunToEnd(5, [] { return 0; });
  EXPECT_EQ(events_.size(), 1U);  // the exit of the tracked one
}

TEST_F(Processes, SampleTellsTheMappingsOfTheLiving) {
  constexpr int kMappings = 2000;
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const int pid = Start(9, [&] {
    char* area = static_cast<char*>(
        ::mmap(nullptr, 4096UL * kMappings, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    for (int page = 0; page < kMappings; page += 2) {
      ::mprotect(area + 4096L * page, 4096, PROT_READ);
    }
    if (::write(ready[1], "r", 1) != 1) {
      return 1;
    }
    return ::pause();
  });
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  const auto sample = watch_->Sample();
  ASSERT_TRUE(sample.has_value()) << sample.error().message;
  ASSERT_EQ(sample->size(), 1U);
  EXPECT_EQ(sample->front().pid, pid);
  EXPECT_EQ(sample->front().parent_pid, ::getpid());
  EXPECT_EQ(sample->front().token, 9U);
  EXPECT_GE(sample->front().map_count, static_cast<std::uint64_t>(kMappings));

  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  const auto lines = std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
  // [vsyscall] is a line there, but no mapping.
  EXPECT_NEAR(static_cast<double>(sample->front().map_count), static_cast<double>(lines), 1);

  const auto all = CountProcessMappingsByKernel();
  ASSERT_TRUE(all.has_value()) << all.error().message;
  const auto found = std::find_if(all->begin(), all->end(), [&](const auto& p) { return p.pid == pid; });
  ASSERT_NE(found, all->end());
  EXPECT_EQ(found->map_count, sample->front().map_count);
  ::kill(pid, SIGKILL);
  AwaitExit(pid);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_TRUE(watch_->Sample()->empty());
}

TEST(CountProcessMappings, AsksTheKernelWhereReadingIsRefused) {
  const auto proc = std::filesystem::temp_directory_path() / ("brink-proc-" + std::to_string(::getpid()));
  std::filesystem::create_directories(proc / "12" / "maps");  // can't be read: EISDIR
  std::ofstream(proc / "12" / "statm") << "9 1 1 1 0 1 0\n";
  const auto all = CountProcessMappings({.proc = proc}, 1);
  std::filesystem::remove_all(proc);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_TRUE(std::any_of(all->begin(), all->end(), [](const auto& p) { return p.pid == ::getpid(); }));
}

TEST(CountProcessMappings, ReadsThoseThatTheKernelsListLeavesOut) {
  const auto proc = std::filesystem::temp_directory_path() / ("brink-left-" + std::to_string(::getpid()));
  const auto write = [&](const std::string& pid, const std::string& maps, const std::string& pages) {
    std::filesystem::create_directories(proc / pid);
    std::ofstream(proc / pid / "maps") << maps;
    std::ofstream(proc / pid / "statm") << pages << " 1 1 1 0 1 0\n";
  };
  write("1", "a\nb\nc\n", "9");
  write("2", "a\nb\nc\n", "9");                              // was counted
  write("3", "a\n", "2");                                    // too small to have three
  std::filesystem::create_directories(proc / "4" / "maps");  // can't be read, and may have as many
  std::ofstream(proc / "4" / "statm") << "3 1 1 1 0 1 0\n";
  std::filesystem::create_directories(proc / "5" / "maps");  // can't be read, and can't have as many
  std::ofstream(proc / "5" / "statm") << "2 1 1 1 0 1 0\n";
  std::vector<std::string> untold;
  const auto all = AddLeftOut({.proc = proc}, 3, {{.pid = 2, .comm = "x", .map_count = 8}}, untold);
  std::filesystem::remove_all(proc);
  ASSERT_TRUE(all) << all.error().message;
  std::map<int, std::uint64_t> counts;
  for (const auto& process : *all) {
    counts[process.pid] = process.map_count;
  }
  EXPECT_EQ(counts, (std::map<int, std::uint64_t>{{1, 3}, {2, 8}}));
  ASSERT_EQ(untold.size(), 1U);
  EXPECT_NE(untold.front().find("process 4: "), std::string::npos) << untold.front();
}

/// Who is in a sample, by its process number.
std::map<int, TaskFigures> ByPid(const Result<std::vector<TaskFigures>>& sample) {
  std::map<int, TaskFigures> tasks;
  for (const TaskFigures& task : sample.value()) {
    EXPECT_TRUE(tasks.emplace(task.pid, task).second) << "twice: process " << task.pid;
  }
  return tasks;
}

/// Forks so many children that end with their parent; each tells when that is so.
int HaveChildren(int count, int ready) {
  for (int child = 0; child < count; ++child) {
    if (::fork() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      return ::write(ready, "r", 1) == 1 ? ::pause() : 1;
    }
  }
  return ::pause();
}

TEST_F(Processes, ASampleIsTheSameWithAndWithoutTheWalkOverAllTasks) {
  // More processes than can be known; then few again.
  for (const int children : {3, 300, 3}) {
    std::array<int, 2> ready{};
    ASSERT_EQ(::pipe(ready.data()), 0);
    const int pid = Start(9, [&] { return HaveChildren(children, ready[1]); });
    char byte = 0;
    for (int child = 0; child < children; ++child) {
      ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    }
    for (int look = 0; look < 3; ++look) {  // the first makes the process known, which had no exec
      const auto sampled = ByPid(watch_->Sample());
      const auto walked = ByPid(watch_->SampleByWalk());
      EXPECT_EQ(sampled.size(), static_cast<std::size_t>(children) + 1);
      ASSERT_EQ(walked.size(), sampled.size());
      for (const auto& [number, task] : walked) {
        ASSERT_TRUE(sampled.contains(number)) << number;
        EXPECT_EQ(sampled.at(number).token, 9U);
        EXPECT_EQ(sampled.at(number).parent_pid, number == pid ? ::getpid() : pid);
        EXPECT_EQ(sampled.at(number).comm, task.comm);
        EXPECT_GT(sampled.at(number).map_count, 0U);
      }
    }
    ::kill(pid, SIGKILL);
    AwaitExit(pid);
    DrainUntil([&] { return Seen<ExitSeen>().size() == static_cast<std::size_t>(children) + 1; });
    events_.clear();
    ::close(ready[0]);
    ::close(ready[1]);
    EXPECT_TRUE(watch_->Sample()->empty());
  }
}

TEST_F(Processes, AThreadThatCallsExecIsSampledAsItsProcess) {
  const int pid = Start(9, [] {
    std::thread([] { ::execl("/bin/sleep", "sleep", "60", nullptr); }).join();
    return 1;
  });
  DrainUntil([&] { return !Seen<ExecSeen>().empty(); });
  const auto sampled = ByPid(watch_->Sample());
  EXPECT_TRUE(sampled.contains(pid));
  EXPECT_EQ(sampled.begin()->second.comm, "sleep");
  ::kill(pid, SIGKILL);
  AwaitExit(pid);
  EXPECT_TRUE(watch_->Sample()->empty());
}

TEST_F(Processes, TheForgottenAreNotSampled) {
  const int pid = Start(9, [] { return ::pause(); });
  const auto is_sampled = [&] { return ByPid(watch_->Sample()).contains(pid); };
  EXPECT_TRUE(is_sampled());
  watch_->Forget({9});
  EXPECT_FALSE(is_sampled());
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);  // of the forgotten no event tells
}

}  // namespace
}  // namespace brink
