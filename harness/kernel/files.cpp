// SPDX-License-Identifier: MIT
#include "kernel/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/unique_fd.h"

namespace brink {

Result<std::string> ReadSmallFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.Valid()) {
    return FailErrno("read " + path);
  }
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::read(fd.Get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("read " + path);
    }
    if (got == 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

Status WriteSmallFile(const std::string& path, std::string_view value) {
  const std::string what = "write " + std::string(value) + " to " + path;
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.Valid()) {
    return FailErrno(what);
  }
  ssize_t written = 0;
  do {
    written = ::write(fd.Get(), value.data(), value.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) {
    return FailErrno(what);
  }
  if (static_cast<std::size_t>(written) != value.size()) {
    return Fail(what + ": only " + std::to_string(written) + " bytes were taken");
  }
  return {};
}

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::uint64_t> ReadNumber(const std::string& path) {
  const auto text = ReadSmallFile(path);
  return text ? ParseNumber(*text) : std::nullopt;
}

std::optional<std::uint64_t> FindNumber(std::string_view text, std::string_view key) {
  for (std::string_view line : Split(text, '\n')) {
    if (!line.starts_with(key)) {
      continue;
    }
    line.remove_prefix(key.size());
    if (line.starts_with(':')) {
      line.remove_prefix(1);
    } else if (!line.starts_with(' ')) {
      continue;  // a longer key with the same beginning
    }
    line = Trim(line);
    return ParseNumber(line.substr(0, line.find(' ')));
  }
  return std::nullopt;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    if (end != 0) {
      parts.push_back(text.substr(0, end));
    }
    if (end == std::string_view::npos) {
      break;
    }
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace brink
