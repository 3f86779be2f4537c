// SPDX-License-Identifier: MIT
#include "explain/scenario_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/units.h"
#include "model/plan.h"
#include "report/text.h"

namespace brink {
namespace {

/// A comment's text: a name of the target must not end it.
std::string Comment(const std::string& text) { return Printable(text); }

std::string ListOf(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) {
    list += (list.empty() ? "" : ", ") + QuotedScalar(word);
  }
  return "[" + list + "]";
}

std::string Head(const std::string& name, const std::string& title, const std::string& origin) {
  return fmt::format(
      "# {}\n"
      "# `brink check` names every mistake in this file, `brink run` runs it; scenarios/FORMAT.md has all "
      "keys.\n"
      "# Letters, digits, '.', '_' and '-'; tables and folders of results are called by it.\n"
      "name: {}\n"
      "# What `brink list` and the verdict say of it.\n"
      "title: {}\n"
      "# How long a case may take. A process that still runs then counts as hung.\n"
      "timeout: 60s\n",
      Comment(origin), name, QuotedScalar(title));
}

/// A program that set itself a title wrote over its command line: its words are lost.
bool HasTitle(const LivingProcess& process) {
  const std::string& first = process.command.front();
  return first.find(' ') != std::string::npos || first.find(':') != std::string::npos ||
         first.starts_with('-');
}

std::string RunText(const LivingProcess& process) {
  if (process.command.empty() || HasTitle(process)) {
    const std::string program = process.exe.empty() ? process.comm : process.exe;
    return fmt::format(
        "    # It shows a title instead of its command line: add its options, as its unit file has them.\n"
        "    run: {}\n",
        ListOf({program}));
  }
  std::vector<std::string> words = process.command;
  const bool relative = words.front().find('/') != std::string::npos && !words.front().starts_with('/');
  if (relative && !process.exe.empty()) {
    words.front() = process.exe;
  }
  return fmt::format(
      "    # Its command line. It must stay in the foreground: the case ends when this process does.\n"
      "    # Folders and ports named in it are in use: name others, such as ${{dir}} and ${{port}}.\n"
      "    run: {}\n",
      ListOf(words));
}

std::string SizeText(std::uint64_t value) { return value == kNoLimit ? "unlimited" : std::to_string(value); }

struct RlimitWords {
  const char* name;
  const char* key;
  bool bytes;
};
constexpr auto kRlimits = std::to_array<RlimitWords>({{"RLIMIT_AS", "as", true},
                                                      {"RLIMIT_DATA", "data", true},
                                                      {"RLIMIT_MEMLOCK", "memlock", true},
                                                      {"RLIMIT_STACK", "stack", true},
                                                      {"RLIMIT_NPROC", "nproc", false},
                                                      {"RLIMIT_NOFILE", "nofile", false}});

std::string RlimitsText(const LivingProcess& process) {
  std::string text;
  for (const RlimitWords& words : kRlimits) {
    const auto found = process.rlimits.find(words.name);
    if (found == process.rlimits.end() || found->second == RlimitPair{}) {
      continue;
    }
    const RlimitPair& pair = found->second;
    const std::string value = pair.soft == pair.hard ? SizeText(pair.soft)
                                                     : fmt::format("{{soft: {}, hard: {}}}",
                                                                   SizeText(pair.soft), SizeText(pair.hard));
    text += fmt::format("      {}: {}{}\n", words.key, value,
                        words.bytes && pair.soft != kNoLimit ? "  # " + FormatBytes(pair.soft) : "");
  }
  return text.empty() ? ""
                      : "    # Its resource limits (getrlimit(2)); those that are not here are unlimited.\n"
                        "    rlimits:\n" +
                            text;
}

/// The level that binds first; null where none has such a limit.
template <typename LimitOf>
const GroupLevel* Lowest(const std::vector<GroupLevel>& levels, const LimitOf& limit_of) {
  const auto lowest =
      std::min_element(levels.begin(), levels.end(),
                       [&](const GroupLevel& a, const GroupLevel& b) { return limit_of(a) < limit_of(b); });
  return lowest == levels.end() || limit_of(*lowest) == kNoLimit ? nullptr : &*lowest;
}

std::string GroupLine(const char* key, std::uint64_t value, const GroupLevel& level, bool bytes) {
  return fmt::format("      {}: {}  # {}of group {}\n", key, value, bytes ? FormatBytes(value) + ", " : "",
                     Comment(level.path));
}

std::string SwapLine(const GroupLevel& level) {
  if (level.swap_limit.value_or(kNoLimit) != kNoLimit) {
    return GroupLine("memory.swap.max", *level.swap_limit, level, true);
  }
  const bool together = level.both_limit.value_or(kNoLimit) != kNoLimit && *level.both_limit >= level.limit;
  return together ? GroupLine("memory.swap.max", *level.both_limit - level.limit, level, true) : "";
}

std::string GroupsText(const LivingProcess& process) {
  std::string text;
  if (const auto* level = Lowest(process.memory_groups, [](const GroupLevel& each) { return each.limit; })) {
    text += GroupLine("memory.max", level->limit, *level, true) + SwapLine(*level);
    text += level->oom_group ? "      memory.oom.group: 1  # all of the group die together\n" : "";
    text +=
        level->oom_kill_disabled ? "      memory.oom_kill_disable: 1  # at the limit processes wait\n" : "";
  }
  if (const auto* level = Lowest(process.memory_groups,
                                 [](const GroupLevel& each) { return each.high.value_or(kNoLimit); })) {
    text += GroupLine("memory.high", *level->high, *level, true);
  }
  if (const auto* level = Lowest(process.pids_groups, [](const GroupLevel& each) { return each.limit; })) {
    text += GroupLine("pids.max", level->limit, *level, false);
  }
  return text.empty() ? ""
                      : "    # The lowest limits of the control groups above it; what else was in them is "
                        "not here.\n    cgroup:\n" +
                            text;
}

/// Values that Linux does not have by itself; overcommit's share matters under mode 2 alone.
std::string MachineText(const LivingProcess& process) {
  std::string text;
  const auto value_of = [&](const std::string& name) {
    const auto found = process.sysctls.find(name);
    return found == process.sysctls.end() ? std::string() : found->second;
  };
  const auto add = [&](const std::string& name, const std::string& usual, const char* unit = "") {
    const std::string value = value_of(name);
    if (!value.empty() && value != usual) {
      text += fmt::format("    {}: {}{}  # {} by default\n", name, value, unit, usual);
    }
  };
  add("vm.max_map_count", "65530");
  add("vm.overcommit_memory", "0");
  if (value_of("vm.overcommit_memory") == "2") {
    const bool by_size = value_of("vm.overcommit_kbytes") != "0";
    by_size ? add("vm.overcommit_kbytes", "0", "KiB") : add("vm.overcommit_ratio", "50");
  }
  add("vm.swappiness", "60");
  add("vm.oom_kill_allocating_task", "0");
  add("vm.panic_on_oom", "0");
  return text.empty() ? ""
                      : "# What this machine has otherwise than Linux by itself. It belongs to the whole "
                        "machine, so the case runs\n# in a guest, unless you say --sandbox host.\nmachine:\n"
                        "  sysctl:\n" +
                            text;
}

constexpr const char* kSteps =
    "steps:\n"
    "  # A server does not end by itself. Put here what brings the failure about: a client's command\n"
    "  # (`run: [...]`), a lower limit (`set: ...`), a signal. When the last step is done the case ends.\n"
    "  - wait: {time: 10s}\n";

std::string ExpectText(const std::string& process, const std::string& outcome) {
  return fmt::format(
      "# What must come of it. brink run says whether it did, and names the limit that bound.\n"
      "expect:\n  {}: {{outcome: {}}}\n",
      process, outcome);
}

/// Whether some of the machine's memory nodes ran out: what a guest of so much memory does not show.
bool OfSomeNodes(const LoggedOomKill& kill) {
  return !kill.of_group && !kill.constraint.empty() && kill.constraint != "CONSTRAINT_NONE";
}

std::string OomExpectation(const LoggedOomKill& kill) {
  if (!kill.scope_known) {
    return "oom_killed";
  }
  if (kill.of_group) {
    return "oom_killed, oom_scope: memcg, binding_limit: memory.max";
  }
  return std::string("oom_killed, oom_scope: machine") +
         (OfSomeNodes(kill) ? "" : ", binding_limit: machine_memory");
}

std::string WhatRanOut(const LoggedOomKill& kill) {
  if (!kill.scope_known) {
    return "the machine, or a control group: the log does not tell,";
  }
  if (kill.of_group) {
    return "the memory cgroup " + (kill.group.empty() ? "whose name the log lacks" : kill.group);
  }
  return OfSomeNodes(kill) ? fmt::format("the memory nodes that it may use ({})", kill.constraint)
                           : "the machine";
}

/// The machine that ran out, as far as a guest here can have its size.
std::string GuestText(const LoggedOomKill& kill, std::uint64_t memory_here) {
  // Where the log does not tell, more than the victim held.
  const std::uint64_t held = kill.anon_rss + kill.file_rss + kill.shmem_rss;
  const std::uint64_t had =
      kill.memory.value_or(std::max(GuestSpec{}.memory_bytes, (held + held / 4) / kMiB * kMiB));
  const std::uint64_t memory = std::clamp(had, kLeastGuestMemory, std::max(memory_here, kLeastGuestMemory));
  std::string text = kill.scope_known ? "# The machine ran out: the case needs a guest of that size.\n"
                                      : "# If the machine ran out, the case needs a guest of its size. If a "
                                        "control group did, leave this out\n"
                                        "# and give the process its limit: `cgroup: {memory.max: 1GiB}`.\n";
  text += "machine:\n";
  if (!kill.memory) {
    text += "  # The log lacks the line \"... pages RAM\": put in what the machine had.\n";
  } else if (memory < had) {
    text +=
        "  # Less than it had, as this machine has no more for a guest now: make what its processes need "
        "smaller\n  # by as much, or use a larger machine.\n";
  }
  const std::string had_text = memory == had ? "" : "; it had " + FormatBytes(had);
  text += fmt::format("  memory: {}  # {}{}{}\n", memory, FormatBytes(memory), kill.memory ? had_text : "",
                      kill.memory ? ": \"pages RAM\" of the kernel's report" : "");
  if (kill.swap.value_or(0) > 0) {
    text += fmt::format("  swap: {}  # {}: \"Total swap\" of the kernel's report\n", *kill.swap,
                        FormatBytes(*kill.swap));
  }
  return text;
}

/// A name of letters; one of digits alone would be read as a number.
std::string ProcessName(std::string_view comm) {
  const std::string name = NameFrom(comm);
  return name == "machine" || std::isalpha(static_cast<unsigned char>(name.front())) == 0 ? "target-" + name
                                                                                          : name;
}

}  // namespace

std::string NameFrom(std::string_view text) {
  constexpr std::size_t kLongest = 48;
  std::string name;
  for (const char c : text.substr(0, kLongest)) {
    const bool allowed = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
    name += allowed ? c : '-';
  }
  while (!name.empty() && std::isalnum(static_cast<unsigned char>(name.front())) == 0) {
    name.erase(name.begin());
  }
  return name.empty() ? "program" : name;
}

std::string QuotedScalar(std::string_view text) {
  std::string quoted = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      quoted += std::string("\\") + c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else if (c == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      quoted += "$$";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string ScenarioOf(const LivingProcess& process, const std::string& name, std::uint64_t own_uid) {
  const std::string target = ProcessName(process.comm);
  std::string text =
      Head(name, fmt::format("{} under the limits that it lived with", Printable(process.comm)),
           fmt::format("Made from the living process {} ({}).", process.pid, process.comm));
  text += MachineText(process);
  text += fmt::format("processes:\n  {}:\n", target) + RunText(process);
  if (process.cwd == "/") {
    text += "    cwd: /\n";
  } else if (!process.cwd.empty()) {
    text += fmt::format(
        "    # It works in the folder below, which is its own as long as it lives: two of it there spoil "
        "each\n"
        "    # other's data. It is given an empty folder; where it needs what is there, make a copy for it.\n"
        "    # cwd: {}\n",
        QuotedScalar(process.cwd));
  }
  text +=
      "    # Its environment is not copied, as it may hold passwords. Put here what it needs:\n"
      "    # env: {NAME: \"value\"}\n";
  if (process.uid != own_uid) {
    text += fmt::format("    # The user that it runs as: only root may start it so.\n    user: \"{}\"\n",
                        process.uid);
  }
  if (process.oom_score_adj != 0) {
    text += fmt::format(
        "    # Thousandths of the memory that the OOM killer adds to its points.\n    oom_score_adj: {}\n",
        process.oom_score_adj);
  }
  return text + GroupsText(process) + RlimitsText(process) + kSteps + ExpectText(target, "survived");
}

std::string ScenarioOf(const std::vector<std::string>& command, const std::string& name) {
  const std::string target = ProcessName(NameFrom(command.front().substr(command.front().rfind('/') + 1)));
  return Head(name, "What goes wrong, in one line",
              "Made from a command: choose the limits it lives under.") +
         fmt::format(
             "processes:\n  {0}:\n"
             "    # The command, in the foreground: the case ends when this process does.\n"
             "    run: {1}\n"
             "    # env: {{NAME: \"value\"}}   # added to brink's own environment\n"
             "    # cwd: /srv              # an empty folder of the case by default\n"
             "    # oom_score_adj: 200     # as its unit file or container has it\n"
             "    # rlimits: {{memlock: 8MiB, nofile: 1024}}\n"
             "    # Its control group. `max` is no limit: put in what the container or unit file has.\n"
             "    cgroup:\n      memory.max: max\n      pids.max: max\n"
             "# Limits of the whole machine; with them the case runs in a guest:\n"
             "# machine: {{sysctl: {{vm.max_map_count: 65530, vm.overcommit_memory: 0}}}}\n"
             "# Once a case shows the fault, a second one shows the cure:\n"
             "# cases:\n#   reported: {{}}\n#   tuned: {{processes: {{{0}: {{cgroup: {{memory.max: "
             "1GiB}}}}}}}}\n",
             target, ListOf(command)) +
         ExpectText(target, "survived");
}

std::string ScenarioOf(const LoggedOomKill& kill, const std::string& name, std::uint64_t memory_here) {
  const std::string target = ProcessName(kill.comm);
  std::string text =
      Head(name, fmt::format("{} is killed by the OOM killer", Printable(kill.comm)),
           fmt::format("Made from the kernel's log: process {} ({}) was killed; {} had run out.", kill.pid,
                       kill.comm, WhatRanOut(kill)));
  text += kill.of_group ? "" : GuestText(kill, memory_here);
  text += fmt::format(
      "processes:\n  {}:\n"
      "    # The log has its name alone: put in the command line, in the foreground.\n"
      "    run: {}\n"
      "    # When it was killed it held {} of anonymous memory, {} of files and {} shared.\n",
      target, ListOf({kill.comm}), FormatBytes(kill.anon_rss), FormatBytes(kill.file_rss),
      FormatBytes(kill.shmem_rss));
  if (kill.oom_score_adj != 0) {
    text += fmt::format("    oom_score_adj: {}\n", kill.oom_score_adj);
  }
  if (kill.limit) {
    text += fmt::format("    cgroup:\n      memory.max: {}  # {}, of group {}\n", *kill.limit,
                        FormatBytes(*kill.limit),
                        kill.group.empty() ? "whose name the log lacks" : Comment(kill.group));
  } else if (kill.of_group) {
    text +=
        "    # Its group's limit, which the log lacks: put in what the container or unit file has.\n"
        "    cgroup:\n      memory.max: 1GiB\n";
  }
  return text + ExpectText(target, OomExpectation(kill));
}

}  // namespace brink
