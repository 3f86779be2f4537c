// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "scenario/decode.h"
#include "scenario/schema.h"
#include "scenario/vocabulary.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

Range DecodeRange(const Node& map, Decoding& decoding) {
  const auto min = MaybeCount(map, "min");
  const auto max = MaybeCount(map, "max");
  if (min && max && *min > *max) {
    decoding.Complain(map.mark, fmt::format("the least ({}) is more than the most ({})", *min, *max),
                      "exchange them");
  }
  Range range;
  if (min) {
    range.min = static_cast<double>(*min);
  }
  if (max) {
    range.max = static_cast<double>(*max);
  }
  return range;
}

std::optional<Range> MaybeRange(const Node& map, std::string_view key, Decoding& decoding) {
  const Node* range = Find(map, key);
  return range == nullptr ? std::nullopt : std::optional(DecodeRange(*range, decoding));
}

FailureExpect DecodeFailure(const Node& map, Decoding& decoding) {
  FailureExpect failure{.call = TextsAt(map, "call"),
                        .errno_name = TextAt(map, "errno"),
                        .min_count = {},
                        .max_count = {},
                        .binding_limit = TextAt(map, "binding_limit")};
  const Node* count = Find(map, "count");
  if (count != nullptr && count->kind == Node::Kind::kMap) {
    (void)DecodeRange(*count, decoding);
    failure.min_count = MaybeCount(*count, "min");
    failure.max_count = MaybeCount(*count, "max");
  } else if (count != nullptr) {
    failure.min_count = failure.max_count = MaybeCount(map, "count");
  }
  return failure;
}

/// "process NAME" and "step NAME" must be names of the file; the other forms are words.
void CheckKiller(const Node& value, Decoding& decoding) {
  const NameTable& names = decoding.names;
  std::vector<std::string> processes = names.processes;
  processes.insert(processes.end(), names.children.begin(), names.children.end());
  const auto names_known = [&](std::string_view prefix, std::string_view what,
                               const std::vector<std::string>& known) {
    if (!value.scalar.starts_with(prefix)) {
      return false;
    }
    if (const std::string name = value.scalar.substr(prefix.size()); !Contains(known, name)) {
      decoding.Complain(value.mark, fmt::format("no {} is called '{}'", what, name),
                        SuggestFrom(name, known));
    }
    return true;
  };
  if (names_known("process ", "process or child", processes) || names_known("step ", "step", names.steps)) {
    return;
  }
  static const std::vector<std::string> kWords{"oom",    "oom:memcg", "oom:machine", "brink", "self",
                                               "kernel", "process",   "step",        "pid"};
  if (!Contains(kWords, value.scalar) && !value.scalar.starts_with("pid ")) {
    decoding.Complain(value.mark, fmt::format("'{}' is no killed_by", value.scalar),
                      "use oom:memcg, oom:machine, brink, self, kernel, process NAME, step NAME or pid N");
  }
}

/// Victims must be names of the file.
void CheckVictims(const Node& map, Decoding& decoding) {
  std::vector<std::string> known = decoding.names.processes;
  known.insert(known.end(), decoding.names.children.begin(), decoding.names.children.end());
  const auto check = [&](const Node& name) {
    if (!Contains(known, name.scalar)) {
      decoding.Complain(name.mark, fmt::format("no process or child is called '{}'", name.scalar),
                        SuggestFrom(name.scalar, known));
    }
  };
  for (const char* key : {"predicted_victim", "oom_victim"}) {
    const Node* value = Find(map, key);
    if (value != nullptr && value->kind == Node::Kind::kScalar) {
      check(*value);
    } else if (value != nullptr) {
      std::for_each(value->items.begin(), value->items.end(), check);
    }
  }
}

/// Whether a key can say something of this subject; complains when it cannot.
void CheckFit(const Node& key, const std::string& subject, Decoding& decoding) {
  const NameTable& names = decoding.names;
  const std::string& needs = FindKey(SectionNamed("expectation"), key.scalar)->subject;
  const bool process = Contains(names.processes, subject) || Contains(names.children, subject);
  const bool step = Contains(names.steps, subject);
  const bool command = Contains(names.command_steps, subject);
  const bool fits = needs == "process"   ? process
                    : needs == "step"    ? step
                    : needs == "command" ? command
                                         : process || command;
  if (fits) {
    return;
  }
  const std::string_view is = process   ? "a process or child"
                              : command ? "a command"
                                        : "a step without a command";
  const std::string_view wants = needs == "process" ? "a process or child"
                                 : needs == "step"  ? "a step"
                                                    : "a step that runs a command";
  decoding.Complain(key.mark,
                    fmt::format("'{}' can't be expected of '{}', which is {}", key.scalar, subject, is),
                    fmt::format("expect it of {}", wants));
}

Expectation DecodeExpectation(const Node& subject, const Node& map, Decoding& decoding) {
  Expectation expect;
  expect.subject = subject.scalar;
  expect.mark = subject.mark;
  expect.outcome = TextsAt(map, "outcome");
  expect.exit = IntsAt(map, "exit");
  expect.signal = MaybeInt(map, "signal");
  expect.killed_by = MaybeText(map, "killed_by");
  expect.no_failures = FlagAt(map, "no_failures");
  expect.binding_limit = MaybeText(map, "binding_limit");
  expect.log = TextsAt(map, "log");
  expect.log_absent = TextsAt(map, "log_absent");
  expect.oom_scope = MaybeText(map, "oom_scope");
  expect.peak_memory_bytes = MaybeRange(map, "peak_memory", decoding);
  expect.peak_map_count = MaybeRange(map, "peak_map_count", decoding);
  const std::vector<std::string> stalled = TextsAt(map, "stalled");
  expect.may_stall = Contains(stalled, "0") && Contains(stalled, "1");
  if (!stalled.empty() && !expect.may_stall) {
    expect.stalled = Contains(stalled, "1");
  }
  if (const Node* first = Find(map, "first_failure")) {
    expect.first_failure = DecodeFailure(*first, decoding);
  }
  expect.reason = MaybeText(map, "reason");
  expect.left_charged_bytes = MaybeRange(map, "left_charged", decoding);
  expect.output = MaybeText(map, "output");
  expect.max_duration_s = MaybeSeconds(map, "time");
  expect.predicted_victim = TextsAt(map, "predicted_victim");
  expect.oom_victim = TextsAt(map, "oom_victim");
  if (const Node* failure = Find(map, "failure")) {
    expect.failure = DecodeFailure(*failure, decoding);
    if (expect.no_failures) {
      decoding.Complain(failure->mark, "'failure' and 'no_failures' contradict each other",
                        "keep one of them (in a case, null removes what stands above)");
    }
  }
  return expect;
}

}  // namespace

void DecodeExpectations(Decoding& decoding) {
  const NameTable& names = decoding.names;
  std::vector<std::string> known = names.processes;
  known.insert(known.end(), names.children.begin(), names.children.end());
  known.insert(known.end(), names.steps.begin(), names.steps.end());
  for (const auto& [subject, map] : EntriesOf(Find(decoding.tree, "expect"))) {
    if (subject.scalar == "machine") {
      CheckVictims(map, decoding);
      decoding.plan.expect.push_back(DecodeExpectation(subject, map, decoding));
      continue;
    }
    if (!Contains(known, subject.scalar)) {
      decoding.Complain(subject.mark, fmt::format("no process, child or step is called '{}'", subject.scalar),
                        SuggestFrom(subject.scalar, known));
      continue;
    }
    for (const auto& [key, value] : map.entries) {
      CheckFit(key, subject.scalar, decoding);
    }
    if (const Node* killer = Find(map, "killed_by")) {
      CheckKiller(*killer, decoding);
    }
    decoding.plan.expect.push_back(DecodeExpectation(subject, map, decoding));
  }
}

}  // namespace brink
