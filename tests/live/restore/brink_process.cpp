// SPDX-License-Identifier: MIT
#include "brink_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

namespace brink::live {
namespace {

timespec ToTimespec(std::chrono::nanoseconds time) {
  return {.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
}

bool ReadableWithin(int fd, std::chrono::nanoseconds time) {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  const timespec limit = ToTimespec(time);
  return ::ppoll(&wanted, 1, &limit, nullptr) == 1;
}

}  // namespace

BrinkProcess::BrinkProcess(const std::filesystem::path& folder, const std::string& name,
                           std::vector<std::string> arguments)
    : output_(folder / (name + ".out")), errors_(folder / (name + ".err")) {
  arguments.insert(arguments.begin(), BRINK_PROGRAM);
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_.c_str(), kFlags, 0600);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors_.c_str(), kFlags, 0600);
  EXPECT_EQ(::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
}

BrinkProcess::~BrinkProcess() {
  if (!ended_) {
    Signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

bool BrinkProcess::EndsWithin(std::chrono::microseconds time) {
  if (ended_) {
    return true;
  }
  if (!ReadableWithin(pidfd_.Get(), time)) {
    return false;
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  ended_ = true;
  if (WIFEXITED(status)) {
    exit_code_ = WEXITSTATUS(status);
  }
  return true;
}

void BrinkProcess::Signal(int signal) const { ::kill(pid_, signal); }

std::string BrinkProcess::Output() const { return ReadText(output_); }
std::string BrinkProcess::Errors() const { return ReadText(errors_); }

Rendezvous::Rendezvous(std::filesystem::path fifo) : path_(fifo.string()) {
  EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0) << path_;
}

bool Rendezvous::Meet(std::chrono::milliseconds time) const {
  // Opened without blocking; becomes readable when the step writes.
  const UniqueFd fifo(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!ReadableWithin(fifo.Get(), time)) {
    return false;
  }
  char byte = 0;
  return ::read(fifo.Get(), &byte, 1) == 1;
}

std::string ReadText(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace brink::live
