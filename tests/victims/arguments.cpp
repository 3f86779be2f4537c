// SPDX-License-Identifier: MIT
#include <string.h>  // strerrorname_np
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "victim.h"

namespace victim {
namespace {

std::span<char> command_line;

std::size_t Multiplier(std::string_view unit, std::string_view value) {
  if (unit.empty()) {
    return 1;
  }
  if (unit == "K") {
    return std::size_t{1} << 10;
  }
  if (unit == "M") {
    return std::size_t{1} << 20;
  }
  if (unit == "G") {
    return std::size_t{1} << 30;
  }
  Misused("a size is a number with K, M, G or nothing behind it", value);
}

}  // namespace

Arguments::Arguments(int argc, char** argv) {
  for (const std::string_view word : std::span(argv, static_cast<std::size_t>(argc))) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) {
      Misused("an argument is KEY=VALUE", word);
    }
    values_.emplace(word.substr(0, equals), word.substr(equals + 1));
  }
}

std::string Arguments::Text(const std::string& key, const std::string& fallback) const {
  const auto found = values_.find(key);
  return found == values_.end() ? fallback : found->second;
}

long Arguments::Number(const std::string& key, long fallback) const {
  const std::string text = Text(key, std::to_string(fallback));
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    Misused("not a whole number", text);
  }
  return value;
}

std::size_t Arguments::Bytes(const std::string& key, std::size_t fallback) const {
  const std::string text = Text(key, std::to_string(fallback));
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) {
    Misused("not a size", text);
  }
  return value * Multiplier({end, text.data() + text.size()}, text);
}

bool Arguments::Only(std::string_view keys) const {
  const std::string padded = " " + std::string(keys) + " ";
  return std::ranges::all_of(values_, [&](const auto& entry) {
    const bool known = padded.find(" " + entry.first + " ") != std::string::npos;
    if (!known) {
      Say("unknown argument: %s", entry.first.c_str());
    }
    return known;
  });
}

void Say(const char* format, ...) {
  char line[512];
  va_list values;
  va_start(values, format);
  const int length = std::vsnprintf(line, sizeof(line) - 1, format, values);
  va_end(values);
  const auto end = std::min(static_cast<std::size_t>(std::max(length, 0)), sizeof(line) - 2);
  line[end] = '\n';
  // A reader that has gone must not change what the victim does next.
  [[maybe_unused]] const ssize_t ignored = ::write(STDOUT_FILENO, line, end + 1);
}

int Failed(const char* call, int error, std::uint64_t after) {
  Say("%s failed: %s after %llu", call, ErrnoName(error), static_cast<unsigned long long>(after));
  return kFailed;
}

int Worked(const char* call, std::uint64_t times) {
  Say("%s worked %llu times", call, static_cast<unsigned long long>(times));
  return kDone;
}

void Misused(const char* what, std::string_view value) {
  Say("victim: %s: %.*s", what, static_cast<int>(value.size()), value.data());
  ::_exit(kUsage);
}

const char* ErrnoName(int error) {
  const char* name = ::strerrorname_np(error);
  return name == nullptr ? "?" : name;
}

std::span<char> CommandLine() { return command_line; }

void RememberCommandLine(int argc, char** argv) {
  // The kernel lays the arguments out in one row, each with its terminating zero.
  char* last = argv[argc - 1];
  command_line = {argv[0], last + std::strlen(last) + 1};
}

std::size_t PageSize() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

char* Map(std::size_t bytes, int protection, int more_flags) {
  void* memory = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | more_flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

bool GrowHeap(std::size_t bytes) { return ::brk(static_cast<char*>(::sbrk(0)) + bytes) == 0; }

void Touch(char* memory, std::size_t bytes) {
  volatile char* page = memory;
  for (std::size_t at = 0; at < bytes; at += PageSize()) {
    page[at] = 1;
  }
}

void SleepForever() {
  while (true) {
    ::pause();
  }
}

}  // namespace victim
