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

}  // namespace

std::optional<LoggedOomKill> LastOomKillIn(std::string_view log) {
  constexpr std::string_view kOfGroup = "Memory cgroup out of memory";
  std::optional<LoggedOomKill> last;
  std::optional<std::uint64_t> limit;
  std::string group;
  bool of_group = false;
  while (!log.empty()) {
    const std::size_t end = log.find('\n');
    const std::string_view line = log.substr(0, end);
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    if (line.find(" invoked oom-killer:") != std::string_view::npos) {
      limit.reset();
      group.clear();
      of_group = false;
    } else if (line.find("memory: usage ") != std::string_view::npos) {
      const auto kibibytes = NumberAfter<std::uint64_t>(line, "limit ");
      limit = kibibytes ? std::optional(*kibibytes * kKiB) : std::nullopt;
    } else if (line.find("oom-kill:constraint=") != std::string_view::npos ||
               line.find(" killed as a result of limit of ") != std::string_view::npos) {
      group = GroupIn(line);
    } else if (auto kill = KillIn(line)) {
      kill->of_group = of_group || !group.empty() || line.find(kOfGroup) != std::string_view::npos;
      kill->group = group;
      kill->limit = kill->of_group ? limit : std::nullopt;
      last = std::move(kill);
    } else if (line.find(kOfGroup) != std::string_view::npos) {
      of_group = true;  // before Linux 5.3 a line of its own: "...: Kill process 12 (name) score 900 ..."
    }
  }
  return last;
}

}  // namespace brink
