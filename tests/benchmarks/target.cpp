// SPDX-License-Identifier: MIT
// What the benchmarks run: each mode is one simple thing whose speed or death is measured.
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kPage = 4096;

std::uint64_t NowNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

void PrintRate(std::uint64_t count, std::uint64_t start_ns) {
  std::printf("per_s=%.3f\n", static_cast<double>(count) * 1e9 / static_cast<double>(NowNs() - start_ns));
}

void* MapPages(std::size_t pages) {
  void* memory = ::mmap(nullptr, pages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("mmap");
    std::exit(1);
  }
  return memory;
}

/// Pairs of mmap and munmap, nothing else.
int Pairs(std::uint64_t count) {
  const std::uint64_t start = NowNs();
  for (std::uint64_t at = 0; at < count; ++at) {
    ::munmap(MapPages(1), kPage);
  }
  PrintRate(count, start);
  return 0;
}

/// The calls of mlock-churn's pattern every-other over 8 MiB, and nothing else.
int Locks(std::uint64_t count) {
  constexpr std::size_t kPages = 2048;
  auto* memory = static_cast<char*>(MapPages(kPages));
  std::memset(memory, 1, kPages * kPage);
  const std::uint64_t start = NowNs();
  std::uint64_t done = 0;
  while (done < count) {
    for (const bool lock : {true, false}) {
      for (const std::size_t parity : {0U, 1U}) {
        for (std::size_t page = parity; page < kPages; page += 2, ++done) {
          char* address = memory + page * kPage;
          if ((lock ? ::mlock(address, kPage) : ::munlock(address, kPage)) != 0) {
            std::perror("mlock");
            return 1;
          }
        }
      }
    }
  }
  PrintRate(done, start);
  return 0;
}

/// Every other page gets another protection, so neighbours cannot be one mapping.
void MakeMappings(std::uint64_t count) {
  auto* memory = static_cast<char*>(MapPages(count));
  for (std::uint64_t page = 1; page < count; page += 2) {
    if (::mprotect(memory + page * kPage, kPage, PROT_READ) != 0) {
      break;  // vm.max_map_count is reached: as many as a process can have
    }
  }
  std::puts("ready");
  std::fflush(stdout);
}

/// As many mappings as are asked for, then silence until it is killed.
int Mappings(std::uint64_t count) {
  MakeMappings(count);
  for (;;) {
    ::pause();
  }
}

volatile std::sig_atomic_t asked = 0;

/// With so many mappings, pairs of mmap and munmap until it is killed. Each SIGUSR1 has it print the longest
/// that a pair took since the last one.
int Stalls(std::uint64_t count) {
  struct sigaction action {};
  action.sa_handler = [](int) { asked = 1; };
  ::sigaction(SIGUSR1, &action, nullptr);
  MakeMappings(count);
  std::uint64_t longest_ns = 0;
  for (;;) {
    const std::uint64_t start = NowNs();
    ::munmap(MapPages(1), kPage);
    const std::uint64_t took = NowNs() - start;
    longest_ns = took > longest_ns ? took : longest_ns;
    if (asked != 0) {
      asked = 0;
      std::printf("longest_us=%.1f\n", static_cast<double>(longest_ns) / 1e3);
      std::fflush(stdout);
      longest_ns = 0;
    }
  }
}

void LimitAddressSpace() {
  constexpr rlim_t kRoom = 64U << 20U;
  const rlimit limit{.rlim_cur = kRoom, .rlim_max = kRoom};
  ::setrlimit(RLIMIT_AS, &limit);
}

bool FailsToMap() {
  constexpr std::size_t kTooMuch = 1U << 30U;
  return ::mmap(nullptr, kTooMuch, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

/// A call fails for memory; says when it dies, and dies.
int FailAndDie() {
  LimitAddressSpace();
  if (!FailsToMap()) {
    return 2;
  }
  char text[32];
  const int length =
      std::snprintf(text, sizeof(text), "died_ns=%llu\n", static_cast<unsigned long long>(NowNs()));
  (void)!::write(STDOUT_FILENO, text, static_cast<std::size_t>(length));
  ::_exit(1);
}

/// Prints `bytes` in lines, and lets `failures` calls fail.
int Flood(std::uint64_t bytes, std::uint64_t failures) {
  LimitAddressSpace();
  std::string lines;
  while (lines.size() < 65536 - 64) {
    lines += "a line like those that servers print when they have much to say\n";
  }
  for (std::uint64_t printed = 0; printed < bytes; printed += lines.size()) {
    if (::write(STDOUT_FILENO, lines.data(), lines.size()) < 0) {
      return 1;
    }
  }
  for (std::uint64_t at = 0; at < failures; ++at) {
    if (!FailsToMap()) {
      return 2;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const auto number = [&](int at) { return argc > at ? std::strtoull(argv[at], nullptr, 10) : 0; };
  if (mode == "pairs") {
    return Pairs(number(2));
  }
  if (mode == "locks") {
    return Locks(number(2));
  }
  if (mode == "mappings") {
    return Mappings(number(2));
  }
  if (mode == "fail-and-die") {
    return FailAndDie();
  }
  if (mode == "stalls") {
    return Stalls(number(2));
  }
  if (mode == "flood") {
    return Flood(number(2), number(3));
  }
  std::fputs("usage: pairs N | locks N | mappings N | stalls N | fail-and-die | flood BYTES FAILURES\n",
             stderr);
  return 2;
}
