// SPDX-License-Identifier: MIT
#include "runs.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "base/clock.h"

namespace brink::bench {
namespace {

constexpr WatchToken kToken = 1;
constexpr std::chrono::milliseconds kSampleEvery{25};  // as CaseLoop

double InSeconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Appends what waits in the pipe; false once it is closed.
bool Drain(int fd, std::string& text) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      return false;
    } else if (errno == EAGAIN) {
      return true;
    }
  }
}

/// One turn of a case's loop. True when `fd` is readable.
bool Turn(Watch* watch, int fd, Clock::time_point& next_sample) {
  std::array<pollfd, 2> fds{
      {{.fd = fd, .events = POLLIN, .revents = 0},
       {.fd = watch == nullptr ? -1 : watch->PollFd(), .events = POLLIN, .revents = 0}}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_sample - Clock::now()).count();
  ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
  if (watch != nullptr) {
    watch->Drain([](const WatchEvent&) {});
  }
  if (Clock::now() >= next_sample) {
    next_sample = Clock::now() + kSampleEvery;
    if (watch != nullptr) {
      (void)Must(watch->Sample());
    }
  }
  return fds[0].revents != 0;
}

}  // namespace

Finished RunQuietly(const std::vector<std::string>& argv) {
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (const std::string& part : argv) {
    pointers.push_back(const_cast<char*>(part.c_str()));  // execve(2) does not write to them
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const auto start = Clock::now();
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, pointers.front(), &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    Must(Status(FailErrno("start " + argv.front(), error)));
  }
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  constexpr std::uint64_t kKibibyte = 1024;
  return Finished{.wall_s = Seconds(Clock::now() - start).count(),
                  .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                  .cpu_s = InSeconds(usage.ru_utime) + InSeconds(usage.ru_stime),
                  .max_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * kKibibyte};
}

double RunMs(const std::vector<std::string>& argv) {
  const Finished run = RunQuietly(argv);
  if (run.exit_code != 0) {
    throw Failed(fmt::format("brink {} ended with {}", argv[1], run.exit_code));
  }
  return run.wall_s * 1e3;
}

std::string RunAsTarget(const std::vector<std::string>& argv, Watch* watch) {
  LaunchSpec spec;
  spec.argv = argv;
  Watch::Registration registration;
  if (watch != nullptr) {
    registration = watch->MakeRegistration(kToken);
    spec.register_self = &Watch::RegisterSelf;
    spec.register_context = &registration;
  }
  const Launched target = Must(Launch(spec));
  std::string text;
  auto next_sample = Clock::now();
  bool open = true;
  while (open) {
    Turn(watch, target.output.Get(), next_sample);
    open = Drain(target.output.Get(), text);
  }
  pollfd ended{.fd = target.pidfd.Get(), .events = POLLIN, .revents = 0};
  ::poll(&ended, 1, -1);
  const ExitStatus status = Must(Reap(target.pid));
  if (status.exit_code != 0) {
    throw Failed(argv.front() + " failed: " + text);
  }
  if (watch != nullptr) {
    watch->Forget({kToken});
  }
  return text;
}

void Observe(Watch& watch, int until_fd) {
  auto next_sample = Clock::now();
  while (!Turn(&watch, until_fd, next_sample)) {
  }
}

void End(const Launched& target) {
  ::kill(target.pid, SIGKILL);
  int status = 0;
  while (::waitpid(target.pid, &status, 0) < 0 && errno == EINTR) {
  }
}

std::string Filled(std::string text, const std::string& word, const std::string& value) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + value.size())) {
    text.replace(at, word.size(), value);
  }
  return text;
}

void Write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) {
    throw Failed("cannot write " + path);
  }
}

double NumberAfter(const std::string& text, const std::string& key) {
  const std::size_t at = text.find(key);
  if (at == std::string::npos) {
    throw Failed("no " + key + " in the output: " + text);
  }
  const std::size_t number = text.find_first_of("0123456789", at + key.size());
  return std::strtod(text.c_str() + number, nullptr);
}

}  // namespace brink::bench
