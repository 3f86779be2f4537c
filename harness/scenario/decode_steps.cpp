// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"
#include "scenario/decode.h"
#include "scenario/vocabulary.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

using Action = std::optional<decltype(StepPlan::action)>;

std::vector<std::string> Together(std::vector<std::string> names, const std::vector<std::string>& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

void MustBe(const std::vector<std::string>& known, std::string_view what, const std::string& name,
            const SourceMark& mark, Decoding& decoding) {
  if (!Contains(known, name)) {
    decoding.Complain(mark, fmt::format("no {} is called '{}'", what, name), SuggestFrom(name, known));
  }
}

void MustBeProcess(const Node& name, Decoding& decoding) {
  MustBe(decoding.names.processes, "process", name.scalar, name.mark, decoding);
}

void MustBeProcessOrChild(const Node& name, Decoding& decoding) {
  MustBe(Together(decoding.names.processes, decoding.names.children), "process or child", name.scalar,
         name.mark, decoding);
}

CommandExpect DecodeCommandExpect(const Node& map) {
  return {.exit = IntsAt(map, "exit"),
          .output = MaybeText(map, "output"),
          .max_duration_s = MaybeSeconds(map, "time")};
}

Action DecodeRun(const Node& step, Decoding& decoding) {
  std::string image = DecodeImage(step, decoding);
  if (image.empty()) {
    DecodeRequires(step, decoding);
  }
  return RunStep{.argv = TextsAt(step, "run"),
                 .env = TextMapAt(step, "env"),
                 .image = std::move(image),
                 .background = FlagAt(step, "background")};
}

/// A child lives in its process's group, and a group is no process: neither can have everything.
void CheckChange(const Node& name, const Node& change, Decoding& decoding) {
  const NameTable& names = decoding.names;
  MustBe(Together(Together(names.processes, names.children), names.groups), "process, child or group",
         name.scalar, name.mark, decoding);
  for (const auto& [key, value] : change.entries) {
    const bool of_group = key.scalar == "cgroup";
    if (of_group && Contains(names.children, name.scalar)) {
      decoding.Complain(key.mark, fmt::format("the child '{}' has no group of its own", name.scalar),
                        "set its process's group");
    }
    if (!of_group && Contains(names.groups, name.scalar)) {
      decoding.Complain(key.mark, fmt::format("'{}' is a group and has no {}", name.scalar, key.scalar),
                        "set its processes one by one");
    }
  }
}

Action DecodeSet(const Node& map, Decoding& decoding) {
  SetStep set;
  for (const auto& [name, change] : map.entries) {
    if (name.scalar == "machine") {
      set.machine = DecodeMachine(change, decoding);
      continue;
    }
    CheckChange(name, change, decoding);
    SetStep::Target target{.name = name.scalar, .cgroup = {}, .rlimits = {}, .oom_score_adj = {}, .nice = {}};
    if (const Node* cgroup = Find(change, "cgroup")) {
      target.cgroup = DecodeSettings(*cgroup);
    }
    if (const Node* rlimits = Find(change, "rlimits")) {
      target.rlimits = DecodeRlimits(*rlimits, decoding);
    }
    target.oom_score_adj = MaybeInt(change, "oom_score_adj");
    target.nice = MaybeInt(change, "nice");
    set.targets.push_back(std::move(target));
  }
  return set;
}

/// The only entry of a map that an action takes one of.
const NodeEntry* OnlyEntry(const Node& map, std::string_view what, Decoding& decoding) {
  if (map.entries.size() > 1) {
    decoding.Complain(map.entries[1].first.mark, fmt::format("'{}' has more than one name", what),
                      "write a step for each");
  }
  return map.entries.empty() ? nullptr : &map.entries.front();
}

Action DecodeSignal(const Node& map, Decoding& decoding) {
  const auto* entry = OnlyEntry(map, "signal", decoding);
  if (entry == nullptr) {
    return std::nullopt;
  }
  MustBeProcessOrChild(entry->first, decoding);
  return SignalStep{.process = entry->first.scalar, .signal = std::atoi(entry->second.scalar.c_str())};
}

/// memory.max of the group of `process` as the plan has it, in bytes; nothing when it has none.
std::optional<std::uint64_t> PlannedMemoryMax(const std::string& process, const Plan& plan) {
  const auto owner = std::find_if(plan.processes.begin(), plan.processes.end(),
                                  [&](const ProcessPlan& candidate) { return candidate.name == process; });
  if (owner == plan.processes.end()) {
    return std::nullopt;
  }
  for (const GroupPlan& group : plan.groups) {
    for (const Setting& setting : group.settings) {
      if (group.name == owner->group && setting.name == "memory.max" && setting.value != "max") {
        return std::strtoull(setting.value.c_str(), nullptr, 10);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> DecodeShare(const Node& above, const Node& process, Decoding& decoding) {
  if (!above.scalar.ends_with('%')) {
    return std::strtoull(above.scalar.c_str(), nullptr, 10);
  }
  const auto whole = PlannedMemoryMax(process.scalar, decoding.plan);
  if (!whole && Contains(decoding.names.processes, process.scalar)) {
    decoding.Complain(above.mark,
                      fmt::format("'{}' is a share of the memory.max of '{}', which has none", above.scalar,
                                  process.scalar),
                      "give its group memory.max, or write a size");
  }
  const auto bytes =
      ParseSize(above.scalar, {.page_size = decoding.context.page_size, .whole = whole.value_or(1)});
  return bytes ? std::optional(bytes->value) : std::nullopt;
}

Action DecodeWaitForFigure(const Node& condition, bool memory, Decoding& decoding) {
  const Node* process = Find(condition, "process");
  const Node* above = Find(condition, "above");
  if (process == nullptr || above == nullptr) {
    return std::nullopt;
  }
  WaitStep wait;
  wait.process = process->scalar;
  if (memory) {
    MustBeProcess(*process, decoding);
    wait.memory_above = DecodeShare(*above, *process, decoding);
  } else {
    MustBeProcessOrChild(*process, decoding);
    wait.map_count_above = MaybeCount(condition, "above");
  }
  return wait;
}

Action DecodeWait(const Node& map, Decoding& decoding) {
  if (const Node* mappings = Find(map, "mappings")) {
    return DecodeWaitForFigure(*mappings, false, decoding);
  }
  if (const Node* memory = Find(map, "memory")) {
    return DecodeWaitForFigure(*memory, true, decoding);
  }
  WaitStep wait;
  if (const Node* log = Find(map, "log")) {
    const Node* process = Find(*log, "process");
    wait.log_pattern = MaybeText(*log, "pattern");
    if (process != nullptr) {
      MustBeProcess(*process, decoding);
    }
    if (process == nullptr || !wait.log_pattern) {
      return std::nullopt;
    }
    wait.process = process->scalar;
  }
  if (const Node* process = Find(map, "exit")) {
    MustBeProcessOrChild(*process, decoding);
    wait.exit = true;
    wait.process = process->scalar;
  }
  wait.tcp = MaybeInt(map, "tcp");
  wait.duration_s = MaybeSeconds(map, "time");
  return wait;
}

Action DecodeSqueeze(const Node& map, Decoding& decoding) {
  const auto* entry = OnlyEntry(map, "squeeze", decoding);
  const Node* ramp = entry == nullptr ? nullptr : Find(entry->second, "memory.max");
  if (ramp == nullptr) {
    return std::nullopt;
  }
  MustBeProcess(entry->first, decoding);
  SqueezeStep squeeze;
  squeeze.process = entry->first.scalar;
  squeeze.to_bytes = MaybeCount(*ramp, "to").value_or(0);
  squeeze.by_bytes = MaybeCount(*ramp, "by").value_or(0);
  squeeze.every_s = MaybeSeconds(*ramp, "every").value_or(squeeze.every_s);
  return squeeze;
}

Action DecodeAction(const Node& step, Decoding& decoding) {
  if (Find(step, "run") != nullptr) {
    return DecodeRun(step, decoding);
  }
  if (const Node* set = Find(step, "set")) {
    return DecodeSet(*set, decoding);
  }
  if (const Node* signal = Find(step, "signal")) {
    return DecodeSignal(*signal, decoding);
  }
  if (const Node* start = Find(step, "start")) {
    MustBeProcess(*start, decoding);
    return StartStep{.process = start->scalar};
  }
  if (const Node* stop = Find(step, "stop")) {
    MustBeProcess(*stop, decoding);
    return StopStep{.process = stop->scalar};
  }
  if (const Node* wait = Find(step, "wait")) {
    return DecodeWait(*wait, decoding);
  }
  const Node* squeeze = Find(step, "squeeze");
  return squeeze == nullptr ? std::nullopt : DecodeSqueeze(*squeeze, decoding);
}

/// A step may be called as a child (the snapshot that it asks for), but not as a process or another step.
void DecodeName(const Node& step, StepPlan& plan, Decoding& decoding) {
  const Node* as = Find(step, "as");
  if (as == nullptr) {
    return;
  }
  plan.as = as->scalar;
  NameTable& names = decoding.names;
  const bool of_process = Contains(names.processes, plan.as);
  if (of_process || Contains(names.steps, plan.as)) {
    decoding.Complain(
        as->mark, fmt::format("'{}' is the name of {} already", plan.as, of_process ? "a process" : "a step"),
        "choose another name");
  }
  names.steps.push_back(plan.as);
  if (Find(step, "run") != nullptr) {
    names.command_steps.push_back(plan.as);
  }
}

}  // namespace

void DecodeSteps(Decoding& decoding) {
  for (const Node& step : ItemsOf(Find(decoding.tree, "steps"))) {
    StepPlan plan;
    plan.mark = step.mark;
    DecodeName(step, plan, decoding);
    plan.timeout_s = MaybeSeconds(step, "timeout").value_or(plan.timeout_s);
    if (const Node* expect = Find(step, "expect")) {
      plan.expect = DecodeCommandExpect(*expect);
    }
    if (auto action = DecodeAction(step, decoding)) {
      plan.action = *std::move(action);
      decoding.plan.steps.push_back(std::move(plan));
    }
  }
}

}  // namespace brink
