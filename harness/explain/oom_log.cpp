// SPDX-License-Identifier: MIT
#include "explain/oom_log.h"

#include <charconv>

#include "base/units.h"

namespace brink {
namespace {

/// The number that follows `key` in the line.
template <typename Number>
std::optional<Number> NumberAfter(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  line.remove_prefix(at + key.size());
  Number number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  return error == std::errc() && end != line.data() ? std::optional(number) : std::nullopt;
}

std::uint64_t KibibytesAfter(std::string_view line, std::string_view key) {
  return NumberAfter<std::uint64_t>(line, key).value_or(0) * kKiB;
}

/// "... Killed process 12 (name) total-vm:..., anon-rss:...". The name may hold any character.
std::optional<LoggedOomKill> KillIn(std::string_view line) {
  constexpr std::string_view kKilled = "Killed process ";
  const auto pid = NumberAfter<int>(line, kKilled);
  const std::size_t name = line.find(" (", line.find(kKilled));
  const std::size_t name_end = line.rfind(") total-vm:");
  if (!pid || name == std::string_view::npos || name_end == std::string_view::npos || name_end < name + 2) {
    return std::nullopt;
  }
  return LoggedOomKill{.pid = *pid,
                       .comm = std::string(line.substr(name + 2, name_end - name - 2)),
                       .anon_rss = KibibytesAfter(line, "anon-rss:"),
                       .file_rss = KibibytesAfter(line, "file-rss:"),
                       .shmem_rss = KibibytesAfter(line, "shmem-rss:"),
                       .oom_score_adj = NumberAfter<int>(line, "oom_score_adj:").value_or(0)};
}

/// "oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a/b,task_memcg=...".
/// Before Linux 5.0: "Task in /a/b/c killed as a result of limit of /a/b".
std::string GroupIn(std::string_view line) {
  constexpr std::string_view kGroup = "oom_memcg=";
  constexpr std::string_view kOldGroup = " killed as a result of limit of ";
  const std::size_t at = line.find(kGroup);
  if (const std::size_t old = line.find(kOldGroup); old != std::string_view::npos) {
    return std::string(line.substr(old + kOldGroup.size()));
  }
  if (at == std::string_view::npos) {
    return "";
  }
  const std::string_view rest = line.substr(at + kGroup.size());
  return std::string(rest.substr(0, rest.find(",task_memcg=")));
}

/// The word after "constraint=".
std::string ConstraintIn(std::string_view line) {
  constexpr std::string_view kKey = "constraint=";
  const std::string_view rest = line.substr(line.find(kKey) + kKey.size());
  return std::string(rest.substr(0, rest.find(',')));
}

/// "2097152 pages RAM", with or without a time before it. Pages are of 4 KiB where brink runs.
std::optional<std::uint64_t> MemoryIn(std::string_view line) {
  constexpr std::string_view kPages = " pages RAM";
  constexpr std::uint64_t kPage = 4 * kKiB;
  const std::size_t end = line.find(kPages);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  line = line.substr(0, end);
  const auto pages = NumberAfter<std::uint64_t>(line.substr(line.find_last_not_of("0123456789") + 1), "");
  return pages ? std::optional(*pages * kPage) : std::nullopt;
}

std::optional<std::uint64_t> BytesAfter(std::string_view line, std::string_view key) {
  const auto kibibytes = NumberAfter<std::uint64_t>(line, key);
  return kibibytes ? std::optional(*kibibytes * kKiB) : std::nullopt;
}

void NoteScope(bool of_group, LoggedOomKill& report) {
  report.of_group = of_group;
  report.scope_known = true;
}

/// The words before "Killed process"; before Linux 5.3 they have a line of their own, before that one.
void ReadScope(std::string_view line, LoggedOomKill& report) {
  if (line.find("Memory cgroup out of memory") != std::string_view::npos) {
    NoteScope(true, report);
  } else if (line.find("Out of memory") != std::string_view::npos) {
    NoteScope(false, report);
  }
}

/// Takes in what one line of a kernel's report says before the kill itself.
void ReadBeforeKill(std::string_view line, LoggedOomKill& report) {
  if (line.find("memory: usage ") != std::string_view::npos) {
    report.limit = BytesAfter(line, "limit ");
  } else if (line.find("oom-kill:constraint=") != std::string_view::npos) {
    report.constraint = ConstraintIn(line);
    report.group = GroupIn(line);
    NoteScope(!report.group.empty(), report);
  } else if (line.find(" killed as a result of limit of ") != std::string_view::npos) {
    report.group = GroupIn(line);
    NoteScope(true, report);
  } else if (auto memory = MemoryIn(line)) {
    report.memory = memory;
  } else if (auto swap = BytesAfter(line, "Total swap = ")) {
    report.swap = swap;
  }
  ReadScope(line, report);
}

}  // namespace

std::optional<LoggedOomKill> LastOomKillIn(std::string_view log) {
  std::optional<LoggedOomKill> last;
  LoggedOomKill nothing;
  nothing.scope_known = false;
  LoggedOomKill report = nothing;
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    if (line.find(" invoked oom-killer:") != std::string_view::npos) {
      report = nothing;
      continue;
    }
    ReadBeforeKill(line, report);
    if (auto kill = KillIn(line)) {
      kill->of_group = report.of_group;
      kill->group = kill->of_group ? report.group : "";
      kill->limit = kill->of_group ? report.limit : std::nullopt;
      kill->constraint = report.constraint;
      kill->scope_known = report.scope_known;
      kill->memory = report.memory;
      kill->swap = report.swap;
      last = std::move(kill);
    }
  }
  return last;
}

}  // namespace brink
