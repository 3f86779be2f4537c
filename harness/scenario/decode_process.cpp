// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "scenario/decode.h"
#include "scenario/schema.h"
#include "scenario/vocabulary.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

/// A process, child or group must not be taken for another, nor for the `machine` of a `set` step.
bool NameIsFree(const Node& name, Decoding& decoding) {
  const NameTable& names = decoding.names;
  std::string taken;
  if (name.scalar == "machine") {
    taken = "the machine";
  } else if (Contains(names.processes, name.scalar)) {
    taken = "a process";
  } else if (Contains(names.children, name.scalar)) {
    taken = "a child";
  } else if (Contains(names.groups, name.scalar)) {
    taken = "a group";
  }
  if (!taken.empty()) {
    decoding.Complain(name.mark, fmt::format("'{}' is the name of {} already", name.scalar, taken),
                      "choose another name");
  }
  return taken.empty();
}

Ready DecodeReady(const Node& map) {
  Ready ready;
  ready.tcp = MaybeInt(map, "tcp");
  ready.log = MaybeText(map, "log");
  ready.exec = TextsAt(map, "exec");
  ready.timeout_s = MaybeSeconds(map, "timeout").value_or(ready.timeout_s);
  return ready;
}

std::vector<ChildRule> DecodeChildren(const Node& children, Decoding& decoding) {
  std::vector<ChildRule> rules;
  for (const auto& [name, value] : children.entries) {
    if (NameIsFree(name, decoding)) {
      decoding.names.children.push_back(name.scalar);
      rules.push_back({.name = name.scalar,
                       .title = MaybeText(value, "title"),
                       .exe = MaybeText(value, "exe"),
                       .oom_score_adj = MaybeInt(value, "oom_score_adj")});
    }
  }
  return rules;
}

/// Gives the process its group: a shared one by name, or one of its own.
void DecodeCgroup(const Node& process, ProcessPlan& plan, Decoding& decoding) {
  const Node* cgroup = Find(process, "cgroup");
  const Node* shared = cgroup == nullptr ? nullptr : Find(*cgroup, "group");
  if (shared == nullptr) {
    plan.group = plan.name;
    decoding.plan.groups.push_back(
        {.name = plan.name,
         .settings = cgroup == nullptr ? std::vector<Setting>() : DecodeSettings(*cgroup)});
    return;
  }
  plan.group = shared->scalar;
  if (!Contains(decoding.names.groups, shared->scalar)) {
    decoding.Complain(shared->mark, fmt::format("no group is called '{}'", shared->scalar),
                      decoding.names.groups.empty() ? "declare it under groups"
                                                    : SuggestFrom(shared->scalar, decoding.names.groups));
  }
  if (cgroup->entries.size() > 1) {
    decoding.Complain(shared->mark, fmt::format("the shared group '{}' is given limits here", shared->scalar),
                      "write its limits under groups");
  }
}

/// Absolute; a relative one is below the case's data folder.
std::string DecodeCwd(const Node& process, const Plan& plan) {
  const std::filesystem::path below = TextAt(process, "cwd", ".");
  std::string path = (std::filesystem::path(plan.data_dir) / below).lexically_normal().string();
  if (path.size() > 1 && path.ends_with('/')) {
    path.pop_back();
  }
  return path;
}

ProcessPlan DecodeProcess(const std::string& name, const Node& map, Decoding& decoding) {
  ProcessPlan process;
  process.name = name;
  process.argv = TextsAt(map, "run");
  process.env = TextMapAt(map, "env");
  process.cwd = DecodeCwd(map, decoding.plan);
  process.user = TextAt(map, "user");
  process.oom_score_adj = MaybeInt(map, "oom_score_adj");
  process.nice = MaybeInt(map, "nice");
  process.autostart = TextAt(map, "start") != "manual";
  if (const Node* rlimits = Find(map, "rlimits")) {
    process.rlimits = DecodeRlimits(*rlimits, decoding);
  }
  if (const Node* ready = Find(map, "ready")) {
    process.ready = DecodeReady(*ready);
  }
  if (const Node* stop = Find(map, "stop")) {
    process.stop_signal = MaybeInt(*stop, "signal").value_or(process.stop_signal);
    process.stop_timeout_s = MaybeSeconds(*stop, "timeout").value_or(process.stop_timeout_s);
  }
  DecodeCgroup(map, process, decoding);
  process.image = DecodeImage(map, decoding);
  if (process.image.empty()) {
    DecodeRequires(map, decoding);
  }
  return process;
}

}  // namespace

void DecodeGroups(Decoding& decoding) {
  for (const auto& [name, value] : EntriesOf(Find(decoding.tree, "groups"))) {
    if (NameIsFree(name, decoding)) {
      decoding.names.groups.push_back(name.scalar);
      decoding.plan.groups.push_back({.name = name.scalar, .settings = DecodeSettings(value)});
    }
  }
}

void DecodeProcesses(Decoding& decoding) {
  const auto& entries = EntriesOf(Find(decoding.tree, "processes"));
  std::vector<const Node*> maps;
  for (const auto& [name, value] : entries) {
    if (NameIsFree(name, decoding)) {
      decoding.names.processes.push_back(name.scalar);
      decoding.plan.processes.push_back(DecodeProcess(name.scalar, value, decoding));
      maps.push_back(&value);
    }
  }
  // Children last: a child's name is compared with those of all processes.
  for (std::size_t i = 0; i < maps.size(); ++i) {
    if (const Node* children = Find(*maps[i], "children")) {
      decoding.plan.processes[i].children = DecodeChildren(*children, decoding);
    }
  }
}

std::vector<RlimitSetting> DecodeRlimits(const Node& map, Decoding& decoding) {
  std::vector<RlimitSetting> rlimits;
  for (const auto& [key, value] : map.entries) {
    RlimitSetting rlimit{.name = "RLIMIT_", .soft = value.scalar, .hard = value.scalar};
    for (const char letter : key.scalar) {
      rlimit.name += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    }
    if (value.kind == Node::Kind::kMap) {
      const auto soft = MaybeText(value, "soft");
      const auto hard = MaybeText(value, "hard");
      if (!soft || !hard) {
        continue;  // the checker has complained
      }
      rlimit.soft = *soft;
      rlimit.hard = *hard;
      const auto low = MaybeCount(value, "soft");
      const auto high = MaybeCount(value, "hard");
      if (high && (!low || *low > *high)) {
        decoding.Complain(value.mark, fmt::format("the soft limit of {} is above the hard one", key.scalar),
                          "lower it or raise the hard one");
      }
    }
    rlimits.push_back(std::move(rlimit));
  }
  return rlimits;
}

std::string DecodeImage(const Node& owner, const Decoding& decoding) {
  const std::string image = TextAt(owner, "image", TextAt(decoding.tree, "image"));
  return image == kNoImage ? "" : image;
}

void DecodeRequires(const Node& owner, Decoding& decoding) {
  const Node* requirements = Find(owner, "requires");
  if (requirements == nullptr) {
    return;
  }
  for (const std::string& package : TextsAt(*requirements, "debian")) {
    if (!Contains(decoding.packages, package)) {
      decoding.packages.push_back(package);
    }
  }
}

}  // namespace brink
