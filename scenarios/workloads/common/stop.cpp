// SPDX-License-Identifier: MIT
#include "common/stop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "common/failure.h"

namespace workload {
namespace {

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

/// Becomes readable for good at the first signal, so that every pause ends.
std::array<int, 2> wake_pipe{-1, -1};

void OnStopSignal(int /*signal*/) {
  const int saved = errno;
  stop_requested.store(true);
  const char byte = 1;
  [[maybe_unused]] const ssize_t ignored =
      ::write(wake_pipe[1], &byte, 1);  // a full pipe is readable already
  errno = saved;
}

timespec ToTimespec(std::chrono::nanoseconds duration) {
  constexpr long kNsPerSecond = 1'000'000'000;
  return {.tv_sec = duration.count() / kNsPerSecond, .tv_nsec = duration.count() % kNsPerSecond};
}

}  // namespace

void InstallStopSignals() {
  if (::pipe2(wake_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    FailErrno("pipe2");
  }
  struct sigaction action {};
  action.sa_handler = OnStopSignal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT}) {
    if (::sigaction(signal, &action, nullptr) != 0) {
      FailErrno("sigaction");
    }
  }
}

bool StopRequested() { return stop_requested.load(std::memory_order_relaxed); }

bool PauseFor(std::optional<std::chrono::nanoseconds> duration) {
  pollfd wake{.fd = wake_pipe[0], .events = POLLIN, .revents = 0};
  const timespec timeout = ToTimespec(duration.value_or(std::chrono::nanoseconds(0)));
  // A signal handled just before the wait has filled the pipe: no wake-up is lost, and EINTR means another
  // look.
  while (!StopRequested()) {
    const int ready = ::ppoll(&wake, 1, duration ? &timeout : nullptr, nullptr);
    if (ready == 0) {
      break;
    }
    if (ready < 0 && errno != EINTR) {
      FailErrno("ppoll");
    }
  }
  return StopRequested();
}

}  // namespace workload
