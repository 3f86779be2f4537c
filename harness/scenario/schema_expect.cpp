// SPDX-License-Identifier: MIT
// Keys of what is expected.
#include "scenario/schema_sections.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

using enum ValueType;
using enum Shape;

}  // namespace

std::vector<Section> ExpectSections() {
  return {
      {.name = "expectation",
       .doc =
           "What must have happened to a process or child, or what a step must have done. A name that is "
           "both, as a snapshot that a step asks for, may have the keys of both. What only two cases "
           "together "
           "show (the setting that led there, how many times slower it was) stands in the table of the run, "
           "and can't be expected of one.",
       .keys =
           {{.name = "outcome",
             .type = kChoice,
             .shape = kOneOrList,
             .choices = {"survived", "stalled", "failed", "oom_killed", "hung"},
             .subject = "process",
             .doc = "How it went; any of these. `stalled`: it survived, with its group held up for long, as "
                    "`survived` and `stalled: true` say together."},
            {.name = "exit",
             .type = kInteger,
             .shape = kOneOrList,
             .min = 0,
             .max = 255,
             .not_empty = true,
             .doc = "Exit status; any of these."},
            {.name = "signal", .type = kSignal, .subject = "process", .doc = "The signal that ended it."},
            {.name = "killed_by",
             .subject = "process",
             .doc = "Who ended it: `oom:memcg`, `oom:machine`, `brink`, `self`, `kernel`, `process "
                    "NAME`, `step NAME` (its "
                    "command) or `pid N`; a kind alone (`oom`, `process`, `pid`) fits any of it."},
            {.name = "failure",
             .type = kSection,
             .section = "failure",
             .subject = "process",
             .doc = "A call that must have failed."},
            {.name = "no_failures",
             .type = kBoolean,
             .subject = "process",
             .fallback = "false",
             .doc = "No call may have failed."},
            {.name = "binding_limit",
             .type = kChoice,
             .choices = BindingLimitNames(),
             .subject = "process",
             .doc = "The limit that the verdict names for it; `none`: none may be named."},
            {.name = "log",
             .type = kPattern,
             .shape = kOneOrList,
             .subject = "process",
             .doc = "Each is found in its output."},
            {.name = "log_absent",
             .type = kPattern,
             .shape = kOneOrList,
             .subject = "process",
             .doc = "None is found in its output."},
            {.name = "oom_scope",
             .type = kChoice,
             .choices = {"memcg", "machine"},
             .subject = "process",
             .doc = "Which OOM killer killed it."},
            {.name = "stalled",
             .type = kBoolean,
             .shape = kOneOrList,
             .subject = "process",
             .fallback = "false where `outcome` is given, without `stalled`, and it survives",
             .doc = "Whether it survived or hung with its group held up for long, throttled or with what "
                    "it needs reclaimed again and again: it waited for a fifth of its life by the "
                    "kernel's account (PSI, cgroup v2), or with its OOM killer off (cgroup v1), or what had "
                    "been reclaimed and was needed again was four times the limit. `[true, false]`: "
                    "either."},
            {.name = "first_failure",
             .type = kSection,
             .section = "first_failure",
             .subject = "process",
             .doc = "The call of it that must have failed before any other: the first cause, where others "
                    "are what it led to."},
            {.name = "reason",
             .type = kPattern,
             .subject = "process",
             .doc = "Found in the sentence by which its verdict says why. For what no other key asks: its "
                    "words are for people and may change."},
            {.name = "left_charged",
             .type = kSection,
             .section = "sizes",
             .subject = "process",
             .doc = "What its group stayed charged with after all processes had ended: shared memory, "
                    "files of a tmpfs, page cache."},
            {.name = "peak_memory",
             .type = kSection,
             .section = "sizes",
             .subject = "process",
             .doc = "The most memory it had."},
            {.name = "peak_map_count",
             .type = kSection,
             .section = "counts",
             .subject = "process",
             .doc = "The most mappings it had."},
            {.name = "output",
             .type = kPattern,
             .subject = "command",
             .doc = "Found in the command's output."},
            {.name = "time", .type = kDuration, .subject = "step", .doc = "The step takes no longer."}}},
      {.name = "machine_expectation",
       .doc = "What must have become of the machine. Where it is lost, nothing is known of its processes, so "
              "expect "
              "nothing of them then. Without an `outcome` it must survive a panic or a hang; a guest that is "
              "lost in "
              "another "
              "way is inconclusive.",
       .keys =
           {{.name = "outcome",
             .type = kChoice,
             .shape = kOneOrList,
             .choices = {"survived", "machine_panicked", "hung", "failed"},
             .doc =
                 "Any of these. `machine_panicked`: its kernel gave up, as vm.panic_on_oom makes it; `hung`: "
                 "it stopped answering; `failed`: it was reset or powered off, ended or was cut off."},
            {.name = "predicted_victim",
             .type = kName,
             .shape = kOneOrList,
             .doc = "The process or child that had the highest oom_score before the machine's first OOM "
                    "kill; any of these."},
            {.name = "oom_victim",
             .type = kName,
             .shape = kOneOrList,
             .doc = "The process or child that the machine's OOM killer takes first; any of these. Where the "
                    "prediction holds, it is `predicted_victim`."}},
       .choose = {"outcome", "predicted_victim", "oom_victim"},
       .choose_min = 1},
      {.name = "failure",
       .doc = "A failing call; what is not given may be anything.",
       .keys = {{.name = "call",
                 .type = kChoice,
                 .shape = kOneOrList,
                 .choices = CallNames(),
                 .not_empty = true,
                 .doc = "System call, any of these; `clone` also stands for clone3, fork and vfork. "
                        "`page_fault`: the "
                        "stack was not "
                        "allowed to grow (SIGSEGV)."},
                {.name = "errno", .type = kErrno, .doc = "Its error."},
                {.name = "count",
                 .type = kInteger,
                 .section = "counts",
                 .min = 0,
                 .fallback = "at least 1",
                 .doc = "How often: exactly, or a range."},
                {.name = "binding_limit",
                 .type = kChoice,
                 .choices = BindingLimitNames(),
                 .doc =
                     "The limit that caused these failures, which need not be the one that decided; `none`: "
                     "none may be named."}}},
      {.name = "first_failure",
       .doc = "A failing call; what is not given may be anything.",
       .keys = {{.name = "call",
                 .type = kChoice,
                 .shape = kOneOrList,
                 .choices = CallNames(),
                 .not_empty = true,
                 .doc = "System call, as in `failure`."},
                {.name = "errno", .type = kErrno, .doc = "Its error."}},
       .choose = {"call", "errno"},
       .choose_min = 1},
      {.name = "counts",
       .doc = "A range of numbers, both ends included.",
       .keys = {{.name = "min", .type = kInteger, .min = 0, .doc = "At least."},
                {.name = "max", .type = kInteger, .min = 0, .doc = "At most."}},
       .choose = {"min", "max"},
       .choose_min = 1},
      {.name = "sizes",
       .doc = "A range of sizes, both ends included.",
       .keys = {{.name = "min", .type = kSize, .doc = "At least."},
                {.name = "max", .type = kSize, .doc = "At most."}},
       .choose = {"min", "max"},
       .choose_min = 1}};
}

}  // namespace brink
