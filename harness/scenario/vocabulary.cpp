// SPDX-License-Identifier: MIT
#include "scenario/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>

#include "base/units.h"

namespace brink {
namespace {

constexpr int kLastErrno = 133;  // EHWPOISON, include/uapi/asm-generic/errno.h
constexpr int kLastSignal = 64;  // SIGRTMAX
constexpr int kLastNamedSignal = 31;

std::vector<std::string> MakeSignalNames() {
  std::vector<std::string> names;
  for (int signal = 1; signal <= kLastNamedSignal; ++signal) {
    if (const char* name = sigabbrev_np(signal)) {
      names.push_back(fmt::format("SIG{}", name));
    }
  }
  return names;
}

std::vector<std::string> MakeErrnoNames() {
  std::vector<std::string> names;
  for (int code = 1; code <= kLastErrno; ++code) {
    if (const char* name = strerrorname_np(code)) {
      names.emplace_back(name);
    }
  }
  return names;
}

}  // namespace

std::optional<int> SignalNumber(std::string_view text) {
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code == std::errc() && end == text.data() + text.size()) {
    return number >= 1 && number <= kLastSignal ? std::optional(number) : std::nullopt;
  }
  for (int signal = 1; signal <= kLastNamedSignal; ++signal) {
    const char* name = sigabbrev_np(signal);
    if (name != nullptr && text == fmt::format("SIG{}", name)) {
      return signal;
    }
  }
  return std::nullopt;
}

const std::vector<std::string>& SignalNames() {
  static const std::vector<std::string> kNames = MakeSignalNames();
  return kNames;
}

const std::vector<std::string>& ErrnoNames() {
  static const std::vector<std::string> kNames = MakeErrnoNames();
  return kNames;
}

const std::vector<std::string>& CallNames() {
  static const std::vector<std::string> kNames{
      "mmap",         "munmap",         "mprotect",  "pkey_mprotect",   "mremap", "mlock", "mlock2",
      "mlockall",     "munlock",        "madvise",   "process_madvise", "brk",    "clone", "clone3",
      "fork",         "vfork",          "execve",    "execveat",        "shmget", "shmat", "remap_file_pages",
      "memfd_create", "io_uring_setup", "page_fault"};
  return kNames;
}

const std::vector<std::string>& BindingLimitNames() {
  static const std::vector<std::string> kNames{
      "vm.max_map_count", "commit_limit",   "RLIMIT_MEMLOCK",     "RLIMIT_AS",   "RLIMIT_DATA",
      "RLIMIT_STACK",     "RLIMIT_NPROC",   "memory.max",         "memory.high", "machine_memory",
      "pids.max",         "kernel.pid_max", "kernel.threads-max", "hugepages",   "none"};
  return kNames;
}

const std::vector<std::string>& IncidentClassNames() {
  static const std::vector<std::string> kNames{
      "mapping_count", "fork",   "locked_memory", "fragmentation", "victims", "runtimes",
      "reservations",  "stalls", "shared_memory", "huge_pages",    "swap",    "look_alike"};
  return kNames;
}

std::string Nearest(std::string_view word, const std::vector<std::string>& known,
                    std::optional<std::size_t> most) {
  std::string nearest;
  std::size_t best = most.value_or(std::max<std::size_t>(2, word.size() / 3)) + 1;
  for (const std::string& name : known) {
    const std::size_t apart = std::max(name.size(), word.size()) - std::min(name.size(), word.size());
    if (apart >= best) {
      continue;  // also keeps the cost of monstrous words down
    }
    // A word that has to be written anew altogether is no slip of the finger.
    const std::size_t distance = EditDistance(word, name);
    if (distance < best && distance < std::max(name.size(), word.size())) {
      best = distance;
      nearest = name;
    }
  }
  return nearest;
}

std::string JoinWords(const std::vector<std::string>& words, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) {
      text += i + 1 == words.size() ? fmt::format(" {} ", last) : ", ";
    }
    text += words[i];
  }
  return text;
}

std::string SuggestFrom(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kMostListed = 12;
  if (const std::string nearest = Nearest(word, known); !nearest.empty()) {
    return fmt::format("did you mean '{}'?", nearest);
  }
  if (known.empty()) {
    return "";
  }
  if (known.size() > kMostListed) {
    const std::vector<std::string> first(known.begin(), known.begin() + kMostListed);
    return fmt::format("use {} ...", fmt::join(first, ", "));
  }
  return "use " + JoinWords(known);
}

}  // namespace brink
