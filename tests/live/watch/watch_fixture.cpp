// SPDX-License-Identifier: MIT
#include "watch_fixture.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "evidence/group_paths.h"

namespace brink {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

}  // namespace

void Limit(__rlimit_resource resource, std::uint64_t value) {
  const rlimit limit{.rlim_cur = value, .rlim_max = value};
  ::setrlimit(resource, &limit);
}

void WatchTest::SetUp() {
  auto watch = Watch::Load();
  ASSERT_TRUE(watch.has_value()) << watch.error().message << "\n  " << watch.error().remedy;
  watch_.emplace(std::move(*watch));
}

int WatchTest::Start(WatchToken token, const std::function<int()>& body) {
  auto registration = watch_->MakeRegistration(token);
  std::array<int, 2> registered{};
  EXPECT_EQ(::pipe(registered.data()), 0);
  const int pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (Watch::RegisterSelf(::getpid(), &registration) != 0) {
      ::_exit(99);
    }
    ::close(registered[0]);
    ::close(registered[1]);
    ::_exit(body());
  }
  if (pid < 0) {
    std::perror("fork");
    std::abort();  // tests send signals to it, and kill(2) takes -1 for all processes of the machine
  }
  ::close(registered[1]);
  char byte = 0;
  EXPECT_EQ(::read(registered[0], &byte, 1), 0);  // the end of the pipe: the child is registered, or dead
  ::close(registered[0]);
  return pid;
}

void WatchTest::DrainUntil(const std::function<bool()>& enough) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    watch_->Drain([&](const WatchEvent& event) { events_.push_back(event); });
    if (enough()) {
      return;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
    pollfd waiting{.fd = watch_->PollFd(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) {
      FAIL() << "what was waited for did not come within 20 s; " << events_.size() << " events did";
    }
  }
}

void WatchTest::AwaitExit(int pid) {
  DrainUntil([&] { return ExitOf(pid).has_value(); });
  ::waitpid(pid, nullptr, 0);
}

int WatchTest::RunToEnd(WatchToken token, const std::function<int()>& body) {
  const int pid = Start(token, body);
  AwaitExit(pid);
  return pid;
}

FailedCall WatchTest::FirstFailure(const std::string& call) const {
  for (const auto& seen : Seen<FailureSeen>()) {
    if (seen.call.call == call) {
      return seen.call;
    }
  }
  ADD_FAILURE() << "no failure of " << call << " was seen";
  return {};
}

std::optional<ExitSeen> WatchTest::ExitOf(int pid) const {
  for (const auto& exit : Seen<ExitSeen>()) {
    if (exit.pid == pid) {
      return exit;
    }
  }
  return std::nullopt;
}

TestGroup::TestGroup(const std::string& controller, const std::string& name, std::uint64_t limit)
    : path_("brink-test-" + name + "-" + std::to_string(::getpid())) {
  std::ifstream mountinfo("/proc/self/mountinfo");
  const std::string mount =
      GroupPaths(controller, std::string(std::istreambuf_iterator<char>(mountinfo), {})).Mount();
  if (mount.empty()) {
    problem_ = "no " + controller + " cgroup controller is mounted";
    return;
  }
  const bool v2 = std::filesystem::exists(mount + "/cgroup.subtree_control");
  if (v2 && !Write(mount + "/cgroup.subtree_control", "+" + controller)) {
    problem_ = "cgroup v2 does not let " + controller + " be enabled at " + mount;
    return;
  }
  directory_ = mount + "/" + path_;
  std::error_code error;
  std::filesystem::create_directory(directory_, error);
  const std::string file = controller == "pids" ? "pids.max" : v2 ? "memory.max" : "memory.limit_in_bytes";
  if (error || !Write(directory_ + "/" + file, std::to_string(limit))) {
    problem_ = "cannot make " + directory_ + " with " + file + "; run as root";
  }
}

TestGroup::~TestGroup() {
  if (!directory_.empty()) {
    ::rmdir(directory_.c_str());
  }
}

bool TestGroup::Join() const { return Write(directory_ + "/cgroup.procs", "0"); }

}  // namespace brink
