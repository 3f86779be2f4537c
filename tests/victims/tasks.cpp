// SPDX-License-Identifier: MIT
// Modes that use up tasks (pids.max, RLIMIT_NPROC) or fail to make one for want of memory.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <vector>

#include "victim.h"

namespace victim {
namespace {

void* ThreadThatWaits(void*) { SleepForever(); }

/// pthread_create says EAGAIN for every reason; the system call that failed below it is what matters.
int Threads(const Arguments& arguments) {
  const long count = arguments.Number("count", 10'000);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, arguments.Bytes("stack", std::size_t{64} << 10));
  for (long i = 0; i < count; ++i) {
    pthread_t thread = 0;
    if (const int error = ::pthread_create(&thread, &attributes, ThreadThatWaits, nullptr); error != 0) {
      const int code = Failed("pthread_create", error, static_cast<std::uint64_t>(i));
      ::_exit(code);
    }
  }
  ::_exit(Worked("pthread_create", static_cast<std::uint64_t>(count)));
}

[[noreturn]] void ChildThatWaits() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  SleepForever();
}

void EndAll(const std::vector<pid_t>& children) {
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
  }
  for (const pid_t child : children) {
    ::waitpid(child, nullptr, 0);
  }
}

int Forks(const Arguments& arguments) {
  const long count = arguments.Number("count", 1'000);
  std::vector<pid_t> children;
  children.reserve(static_cast<std::size_t>(count));
  for (long i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ChildThatWaits();
    }
    if (child < 0) {
      const int error = errno;
      EndAll(children);
      return Failed("fork", error, static_cast<std::uint64_t>(i));
    }
    children.push_back(child);
  }
  EndAll(children);
  return Worked("fork", static_cast<std::uint64_t>(count));
}

/// The child of a large process needs the parent's whole commitment again, though it would touch none of it.
int ForkLarge(const Arguments& arguments) {
  char* memory = Map(arguments.Bytes("size", std::size_t{256} << 20), PROT_READ | PROT_WRITE);
  if (memory == nullptr) {
    return Failed("mmap", errno, 0);
  }
  *memory = 1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(kDone);
  }
  if (child < 0) {
    return Failed("fork", errno, 0);
  }
  ::waitpid(child, nullptr, 0);
  return Worked("fork", 1);
}

/// Every process forks on; whoever is refused stays, so that the group remains full.
int ForkBomb(const Arguments&) {
  Say("forking without end");
  while (true) {
    if (::fork() < 0) {
      SleepForever();
    }
  }
}

constexpr auto kTaskModes = std::to_array<Mode>({
    {"threads", "count stack", Threads, "make threads"},
    {"forks", "count", Forks, "make children"},
    {"fork-large", "size", ForkLarge, "map much, then fork once"},
    {"fork-bomb", "", ForkBomb, "fork without end"},
});

}  // namespace

std::span<const Mode> TaskModes() { return kTaskModes; }

}  // namespace victim
