// SPDX-License-Identifier: MIT
// How slow a guest is, and what follows for timeouts.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "sandbox/guest.h"

namespace brink {
namespace {

/// What memory tests spend their time on, in equal parts as measured on a host: mappings and page faults,
/// small system calls, arithmetic.
double WorkOnce() {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  constexpr std::size_t kPage = 4096;
  const auto start = Clock::now();
  for (int round = 0; round < 2; ++round) {
    void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) {
      for (std::size_t at = 0; at < kBytes; at += kPage) {
        static_cast<volatile char*>(memory)[at] = 1;
      }
      ::munmap(memory, kBytes);
    }
  }
  for (int call = 0; call < 2000; ++call) {
    ::syscall(SYS_getppid);
  }
  volatile std::uint64_t sum = 1;
  for (std::uint64_t number = 0; number < 250'000; ++number) {
    sum = sum * 6364136223846793005ULL + number;
  }
  return Seconds(Clock::now() - start).count();
}

}  // namespace

double MeasureWork() {
  double best = WorkOnce();
  for (int run = 0; run < 2; ++run) {
    best = std::min(best, WorkOnce());
  }
  return std::max(best, 1e-6);
}

Plan WithScaledTimeouts(Plan plan, double scale) {
  plan.timeout_s *= scale;
  for (ProcessPlan& process : plan.processes) {
    process.stop_timeout_s *= scale;
    if (process.ready) {
      process.ready->timeout_s *= scale;
    }
  }
  for (StepPlan& step : plan.steps) {
    step.timeout_s *= scale;
  }
  return plan;
}

}  // namespace brink
