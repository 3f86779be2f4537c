// SPDX-License-Identifier: MIT
#include "scenario/schema.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "base/pattern.h"
#include "model/fault_table.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

using enum ValueType;
using enum Shape;

// kept in the order of the reference; -Wmissing-field-initializers is quiet, as every optional field has a
// default
Section ScenarioSection() {
  return {
      .name = "scenario",
      .doc = "The file itself.",
      .keys = {
          {.name = "name",
           .type = kName,
           .needed = true,
           .doc = "Names the incident in reports and folders."},
          {.name = "title", .doc = "The incident in one line."},
          {.name = "reference", .doc = "Where the incident is documented."},
          {.name = "tags", .type = kName, .shape = kList, .doc = "Words that `brink run --tag` selects by."},
          {.name = "timeout",
           .type = kDuration,
           .fallback = "60s",
           .doc = "How long a case may take; a process that still runs then counts as `hung`."},
          {.name = "parameters",
           .shape = kNamed,
           .section = "parameter",
           .doc = "Values written once, used as `${NAME}`, replaced by `--set NAME=VALUE`; each with its "
                  "default."},
          {.name = "machine",
           .type = kSection,
           .section = "machine",
           .doc = "Settings of the whole machine, restored afterwards."},
          {.name = "image",
           .type = kName,
           .fallback = "this machine's own root folder",
           .doc = "An image (`brink image list`) that is the root folder of every process and of every "
                  "step's command "
                  "that names none itself."},
          {.name = "groups",
           .type = kSection,
           .shape = kNamed,
           .section = "limits",
           .doc = "Control groups that several processes share, by name, with their limits."},
          {.name = "processes",
           .type = kSection,
           .shape = kNamed,
           .section = "process",
           .needed = true,
           .not_empty = true,
           .doc = "The targets by name. They start in this order, each once the one before it is ready."},
          {.name = "steps",
           .type = kSection,
           .shape = kList,
           .section = "step",
           .doc = "What is done, one after the other, once the processes are ready. Without steps the case "
                  "waits until "
                  "all processes have ended."},
          {.name = "expect",
           .type = kSection,
           .shape = kNamed,
           .section = "expectation",
           .machine = "machine_expectation",
           .doc = "What must have happened, by the name of a process, a child or a step's `as`; or to the "
                  "`machine`."},
          {.name = "cases",
           .type = kSection,
           .shape = kNamed,
           .section = "scenario",
           .not_empty = true,
           .fallback = "one case, `default`",
           .doc = "The scenario under different settings. A case may hold every key of the file but `name` "
                  "and `cases`, "
                  "and is laid over it: maps are merged, lists and scalars replaced, null removes."},
      }};
}

/// What can be written at any time.
std::vector<Key> SettingKeys() {
  return {{.name = "sysctl", .type = kSection, .section = "sysctl", .doc = "Kernel parameters by name."},
          {.name = "thp", .type = kSection, .section = "thp", .doc = "Transparent huge pages."}};
}

std::vector<Key> MachineKeys() {
  constexpr double kLeastMemory = 128.0 * 1024 * 1024;  // what a general kernel needs to boot
  constexpr double kMostCpus = 64;
  std::vector<Key> keys = SettingKeys();
  const std::vector<Key> of_guest{
      {.name = "memory",
       .type = kSize,
       .min = kLeastMemory,
       .fallback = "`2GiB`",
       .doc = "Its memory. vm sandbox."},
      {.name = "swap", .type = kSize, .fallback = "`0`: none", .doc = "Its swap, on a disk. vm sandbox."},
      {.name = "cpus",
       .type = kInteger,
       .min = 1,
       .max = kMostCpus,
       .fallback = "2",
       .doc = "Its processors. vm sandbox."},
      {.name = "cgroup",
       .type = kChoice,
       .choices = {"v1", "v2"},
       .fallback = "`v2`, or `v1` where a limit exists there alone",
       .doc = "The version of cgroups that has the memory controller. vm sandbox."},
      {.name = "kernel",
       .fallback = "`debian-12`",
       .doc =
           "A kernel by its name in `brink guest list`, or the path of an image. vm sandbox; `--kernel` goes "
           "before it."},
      {.name = "boot",
       .shape = kList,
       .pattern = R"(\S+)",
       .doc = "Words to add to the kernel's command line. vm sandbox."}};
  keys.insert(keys.end(), of_guest.begin(), of_guest.end());
  return keys;
}

std::vector<Section> MachineSections() {
  return {{.name = "parameter",
           .doc = "A parameter with an explanation; a plain value is its default alone.",
           .keys = {{.name = "default", .needed = true, .doc = "The value when `--set` gives none."},
                    {.name = "doc", .doc = "What it is."}}},
          {.name = "machine",
           .doc = "The machine. Its values belong to everybody on it, so a case that has any runs in the vm "
                  "sandbox: a "
                  "virtual machine of its own, thrown away afterwards. With `--sandbox host` brink changes "
                  "`sysctl` and "
                  "`thp` of this machine and puts them back; everything else here needs the vm sandbox.",
           .keys = MachineKeys()},
          {.name = "machine_change",
           .doc = "What of the machine can change while the case runs.",
           .keys = SettingKeys(),
           .fixed_in = "machine"}};
}

std::vector<Section> ProcessSections() {
  return {
      {.name = "process",
       .doc = "One target.",
       .keys =
           {{.name = "run",
             .shape = kList,
             .needed = true,
             .not_empty = true,
             .doc = "Command and arguments. The command is looked for among brink's workloads, then on PATH; "
                    "with a '/' it "
                    "is relative to the scenario's folder."},
            {.name = "requires", .type = kSection, .section = "requires", .doc = "What must be installed."},
            {.name = "ready",
             .type = kSection,
             .section = "ready",
             .fallback = "as soon as it runs",
             .doc = "When it counts as started."},
            {.name = "cgroup",
             .type = kSection,
             .section = "cgroup",
             .fallback = "a group of its own, without limits",
             .doc = "Limits of its control group."},
            {.name = "oom_score_adj",
             .type = kInteger,
             .min = -1000,
             .max = 1000,
             .fallback = "brink's own",
             .doc = "Added to the OOM killer's score in thousandths of the memory: 1000 is killed first, "
                    "-1000 never."},
            {.name = "rlimits", .type = kSection, .section = "rlimits", .doc = "Its resource limits."},
            {.name = "env",
             .shape = kNamed,
             .variables = true,
             .fallback = "brink's own",
             .doc = "Environment variables to add."},
            {.name = "cwd",
             .fallback = "`${dir}`",
             .doc = "Working directory; a relative one is below `${dir}`."},
            {.name = "image",
             .type = kName,
             .fallback = "the scenario's",
             .doc = "An image (`brink image list`) that is its root folder, read-only; `host`: none. Of this "
                    "machine it "
                    "then sees `${dir}`, `${scenario_dir}` (read-only, unless the image has a folder of that "
                    "name), the "
                    "network, /dev and /sys; /run and /tmp are its own and empty. Commands, `ready: exec` "
                    "among them, "
                    "and users are the image's, and `requires` is not looked at."},
            {.name = "user", .fallback = "brink's own", .doc = "Name of the user it runs as."},
            {.name = "nice",
             .type = kInteger,
             .min = -20,
             .max = 19,
             .fallback = "0",
             .doc = "Scheduling niceness."},
            {.name = "children",
             .type = kSection,
             .shape = kNamed,
             .section = "child",
             .doc = "Names for its descendants, so that verdicts can tell them apart."},
            {.name = "start",
             .type = kChoice,
             .choices = {"auto", "manual"},
             .fallback = "auto",
             .doc = "`manual`: a `start` step starts it."},
            {.name = "stop", .type = kSection, .section = "stop", .doc = "How it is ended."}}},
      {.name = "requires",
       .doc = "Without it the case is inconclusive, with the command that installs it.",
       .keys = {{.name = "debian",
                 .shape = kOneOrList,
                 .pattern = "[a-z0-9][a-z0-9+.-]+",
                 .needed = true,
                 .doc = "Debian packages."}}},
      {.name = "ready",
       .doc = "At most one condition.",
       .keys = {{.name = "tcp",
                 .type = kInteger,
                 .min = 1,
                 .max = 65535,
                 .doc = "This port of the loopback interface accepts connections."},
                {.name = "log", .type = kPattern, .doc = "A line of its output matches."},
                {.name = "exec",
                 .shape = kList,
                 .not_empty = true,
                 .doc = "This command exits with 0; it is tried again until then."},
                {.name = "timeout", .type = kDuration, .fallback = "10s", .doc = "How long that may take."}},
       .choose = {"tcp", "log", "exec"},
       .choose_max = 1},
      {.name = "child",
       .doc = "How a descendant is recognised; any one condition suffices.",
       .keys = {{.name = "title",
                 .doc = "Part of its command line or name (a title set by the program counts)."},
                {.name = "exe", .doc = "File name of its executable."},
                {.name = "oom_score_adj",
                 .type = kInteger,
                 .min = -1000,
                 .max = 1000,
                 .fallback = "inherited",
                 .doc = "Imposed on it when it is first seen."}},
       .choose = {"title", "exe"},
       .choose_min = 1},
      {.name = "stop",
       .doc = "The end of a process when the case ends, or by a `stop` step.",
       .keys = {{.name = "signal", .type = kSignal, .fallback = "SIGTERM", .doc = "Sent first."},
                {.name = "timeout",
                 .type = kDuration,
                 .fallback = "5s",
                 .doc = "Then everything in its group is killed."}}}};
}

std::vector<Section> StepSections() {
  return {
      {.name = "step",
       .doc = "Exactly one action.",
       .keys =
           {{.name = "as", .type = kName, .doc = "A name for expectations and reports."},
            {.name = "timeout", .type = kDuration, .fallback = "60s", .doc = "How long the step may take."},
            {.name = "run",
             .shape = kList,
             .not_empty = true,
             .doc = "Runs a command, found as a process's is."},
            {.name = "requires",
             .type = kSection,
             .section = "requires",
             .only_with = "run",
             .doc = "What the command needs to be installed."},
            {.name = "env",
             .shape = kNamed,
             .variables = true,
             .only_with = "run",
             .doc = "Environment variables to add."},
            {.name = "image",
             .type = kName,
             .only_with = "run",
             .fallback = "the scenario's",
             .doc = "The command's root folder, as a process's."},
            {.name = "background",
             .type = kBoolean,
             .only_with = "run",
             .fallback = "false",
             .doc = "The next step starts at once; the case waits for the command before it ends."},
            {.name = "expect",
             .type = kSection,
             .section = "command",
             .only_with = "run",
             .doc = "What the command must do. One of which nothing is expected anywhere must exit with 0."},
            {.name = "set",
             .type = kSection,
             .shape = kNamed,
             .section = "change",
             .not_empty = true,
             .machine = "machine_change",
             .doc =
                 "Changes limits, by the name of a process, a child or a shared group; or of the `machine`."},
            {.name = "signal",
             .type = kSignal,
             .shape = kNamed,
             .not_empty = true,
             .doc = "Sends a signal to a process or child, as `NAME: SIGTERM`."},
            {.name = "start", .type = kName, .doc = "Starts a process, also one that has ended."},
            {.name = "stop", .type = kName, .doc = "Stops a process; one that has ended is left alone."},
            {.name = "wait", .type = kSection, .section = "wait", .doc = "Waits for a condition."},
            {.name = "squeeze",
             .type = kSection,
             .shape = kNamed,
             .section = "squeeze",
             .not_empty = true,
             .doc = "Lowers or raises the memory limit of a process's group gradually."}},
       .choose = {"run", "set", "signal", "start", "stop", "wait", "squeeze"},
       .choose_min = 1,
       .choose_max = 1},
      {.name = "command",
       .doc = "What a step's command must do.",
       .keys = {{.name = "exit", .type = kInteger, .min = 0, .max = 255, .doc = "Its exit status."},
                {.name = "output", .type = kPattern, .doc = "Found in its output."},
                {.name = "time", .type = kDuration, .doc = "It takes no longer."}}},
      {.name = "change",
       .doc = "New limits of a running process, a child (no `cgroup`) or a shared group (`cgroup` alone).",
       .keys = {{.name = "cgroup", .type = kSection, .section = "limits", .doc = "Limits of its group."},
                {.name = "rlimits", .type = kSection, .section = "rlimits", .doc = "Its resource limits."},
                {.name = "oom_score_adj",
                 .type = kInteger,
                 .min = -1000,
                 .max = 1000,
                 .doc = "As for a process."},
                {.name = "nice", .type = kInteger, .min = -20, .max = 19, .doc = "As for a process."}},
       .choose = {"cgroup", "rlimits", "oom_score_adj", "nice"},
       .choose_min = 1},
      {.name = "wait",
       .doc = "Exactly one condition.",
       .keys =
           {{.name = "log", .type = kSection, .section = "wait_log", .doc = "A line in a process's output."},
            {.name = "tcp",
             .type = kInteger,
             .min = 1,
             .max = 65535,
             .doc = "This port of the loopback interface accepts connections."},
            {.name = "exit", .type = kName, .doc = "This process has ended."},
            {.name = "mappings",
             .type = kSection,
             .section = "wait_mappings",
             .doc = "A process's mappings."},
            {.name = "memory",
             .type = kSection,
             .section = "wait_memory",
             .doc = "Memory of a process's group."},
            {.name = "time",
             .type = kDuration,
             .doc = "Plain time has passed: for a soak. To wait for something, name it instead."}},
       .choose = {"log", "tcp", "exit", "mappings", "memory", "time"},
       .choose_min = 1,
       .choose_max = 1},
      {.name = "wait_log",
       .doc = "A line that came before the step counts too, unless an earlier `wait` for the same pattern "
              "has used it.",
       .keys = {{.name = "process", .type = kName, .needed = true, .doc = "Whose output."},
                {.name = "pattern", .type = kPattern, .needed = true, .doc = "What a line must match."}}},
      {.name = "wait_mappings",
       .doc = "More mappings than a number.",
       .keys = {{.name = "process", .type = kName, .needed = true, .doc = "Whose mappings."},
                {.name = "above", .type = kInteger, .min = 0, .needed = true, .doc = "How many."}}},
      {.name = "wait_memory",
       .doc = "More memory than a size or share.",
       .keys = {{.name = "process", .type = kName, .needed = true, .doc = "Whose group."},
                {.name = "above",
                 .type = kShare,
                 .needed = true,
                 .doc = "How much; a share is of the group's memory.max in the scenario."}}},
      {.name = "squeeze",
       .doc = "What is changed gradually.",
       .keys = {{.name = "memory.max",
                 .type = kSection,
                 .section = "ramp",
                 .needed = true,
                 .doc = "Its limit."}}},
      {.name = "ramp",
       .doc = "From the limit in force towards another.",
       .keys = {{.name = "to", .type = kSize, .needed = true, .doc = "The limit at the end."},
                {.name = "by", .type = kSize, .min = 1, .needed = true, .doc = "The change at a time."},
                {.name = "every",
                 .type = kDuration,
                 .min = 1,
                 .fallback = "100ms",
                 .doc = "The time between two."}}}};
}

std::vector<Section> ExpectSections() {
  return {
      {.name = "expectation",
       .doc = "What must have happened to a process or child, or what a step must have done. A name that is "
              "both, as a "
              "snapshot that a step asks for, may have the keys of both.",
       .keys = {{.name = "outcome",
                 .type = kChoice,
                 .shape = kOneOrList,
                 .choices = {"survived", "failed", "oom_killed", "hung"},
                 .subject = "process",
                 .doc = "How it went; any of these."},
                {.name = "exit", .type = kInteger, .min = 0, .max = 255, .doc = "Exit status."},
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
                 .doc = "The limit that caused the failure; `none`: none may be named."},
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
              "nothing of them then. Without this it must survive a panic or a hang; a guest that is lost in "
              "another "
              "way is inconclusive.",
       .keys =
           {{.name = "outcome",
             .type = kChoice,
             .shape = kOneOrList,
             .choices = {"survived", "machine_panicked", "hung", "failed"},
             .needed = true,
             .doc =
                 "Any of these. `machine_panicked`: its kernel gave up, as vm.panic_on_oom makes it; `hung`: "
                 "it stopped answering; `failed`: it was reset, ended or was cut off."}}},
      {.name = "failure",
       .doc = "A failing call; what is not given may be anything.",
       .keys = {{.name = "call",
                 .type = kChoice,
                 .choices = CallNames(),
                 .doc = "System call; `clone` also stands for clone3, fork and vfork. `page_fault`: the "
                        "stack was not "
                        "allowed to grow (SIGSEGV)."},
                {.name = "errno", .type = kErrno, .doc = "Its error."},
                {.name = "count",
                 .type = kInteger,
                 .section = "counts",
                 .min = 0,
                 .fallback = "at least 1",
                 .doc = "How often: exactly, or a range."}}},
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

std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, blank));
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return words;
}

ValueType TypeOf(FaultUnit unit) {
  switch (unit) {
    case FaultUnit::kCount:
      return kInteger;
    case FaultUnit::kBytes:
      return kSize;
    case FaultUnit::kKibibytes:
      return kKibibytes;
    case FaultUnit::kPercent:
      return kPercent;
    case FaultUnit::kFlag:
      return kFlag;
    case FaultUnit::kChoice:
      return kChoice;
    case FaultUnit::kText:
      return kText;
  }
  return kText;
}

/// A row of the fault table as a key. `prefix` is what the key leaves out of the row's name.
Key KeyOfFault(const FaultInfo& fault, std::string_view prefix) {
  Key key{.name = std::string(fault.name.substr(prefix.size())),
          .type = TypeOf(fault.unit),
          .doc = std::string(fault.doc)};
  key.choices = SplitWords(fault.choices);
  key.min = fault.min;
  if (fault.max != 0) {
    key.max = fault.max;
  }
  const bool limit = fault.max == 0 && (fault.unit == FaultUnit::kBytes || fault.unit == FaultUnit::kCount);
  if (fault.scope == FaultScope::kGroup && limit) {
    key.no_limit = "max";
  }
  key.plus = fault.name == "vm.overcommit_kbytes";
  if (fault.name == "cpu.max") {
    key.pattern = "(max|[1-9][0-9]*)( [1-9][0-9]*)?";
  } else if (fault.name == "cpuset.cpus") {
    key.pattern = "[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*";
  }
  return key;
}

Key KeyOfRlimit(const FaultInfo& fault) {
  constexpr std::string_view kPrefix = "RLIMIT_";
  Key key = KeyOfFault(fault, kPrefix);
  std::transform(key.name.begin(), key.name.end(), key.name.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  key.no_limit = "unlimited";
  key.section = key.type == kSize ? "size_pair" : "count_pair";
  return key;
}

Section Pair(std::string name, ValueType type) {
  return {.name = std::move(name),
          .doc = "Both sides of a resource limit; a plain value sets both.",
          .keys = {{.name = "soft",
                    .type = type,
                    .no_limit = "unlimited",
                    .needed = true,
                    .doc = "What the kernel enforces."},
                   {.name = "hard",
                    .type = type,
                    .no_limit = "unlimited",
                    .needed = true,
                    .doc = "How far the process may raise it."}}};
}

std::vector<Section> FaultSections() {
  Section sysctl{
      .name = "sysctl",
      .doc = "Kernel parameters. Sizes of those listed are given as sizes whatever the kernel counts in.",
      .keys = {},
      .more_names = std::string(kSysctlPattern),
      .more_doc =
          "Any other sysctl, as the kernel reads it. vm sandbox; a kernel that lacks it makes the "
          "case inconclusive."};
  Section thp{.name = "thp", .doc = "Transparent huge pages.", .keys = {}};
  Section limits{.name = "limits",
                 .doc = "Limits of a control group, in the words of cgroup v2; mapped on v1.",
                 .keys = {}};
  Section rlimits{
      .name = "rlimits", .doc = "Resource limits, by getrlimit(2)'s names in lower case.", .keys = {}};
  for (const FaultInfo& fault : FaultTable()) {
    if (fault.name.starts_with("vm.")) {
      sysctl.keys.push_back(KeyOfFault(fault, ""));
    } else if (fault.name.starts_with("thp.")) {
      thp.keys.push_back(KeyOfFault(fault, "thp."));
    } else if (fault.scope == FaultScope::kGroup) {
      limits.keys.push_back(KeyOfFault(fault, ""));
    } else if (fault.name.starts_with("RLIMIT_")) {
      rlimits.keys.push_back(KeyOfRlimit(fault));
    }
  }
  Section cgroup = limits;
  cgroup.name = "cgroup";
  cgroup.doc = "Limits of a process's own control group, or the name of a shared one.";
  cgroup.keys.insert(
      cgroup.keys.begin(),
      {.name = "group", .type = kName, .doc = "A group of `groups`, which then has the limits; alone."});
  return {std::move(sysctl),  std::move(thp),           std::move(limits),           std::move(cgroup),
          std::move(rlimits), Pair("size_pair", kSize), Pair("count_pair", kInteger)};
}

std::vector<Section> MakeSections() {
  std::vector<Section> sections{ScenarioSection()};
  for (auto make : {MachineSections, ProcessSections, StepSections, ExpectSections, FaultSections}) {
    std::vector<Section> more = make();
    std::move(more.begin(), more.end(), std::back_inserter(sections));
  }
  return sections;
}

}  // namespace

const std::vector<Section>& FormatSections() {
  static const std::vector<Section> kSections = MakeSections();
  return kSections;
}

const Section& SectionNamed(std::string_view name) {
  const auto& sections = FormatSections();
  const auto section = std::find_if(sections.begin(), sections.end(),
                                    [&](const Section& candidate) { return candidate.name == name; });
  if (section == sections.end()) {
    throw std::logic_error("no section of the scenario format is called " + std::string(name));
  }
  return *section;
}

namespace {

bool IsMoreName(const Section& section, std::string_view name) {
  constexpr std::size_t kSlip = 3;  // letters
  if (section.more_names.empty() || !Nearest(name, KeyNames(section), kSlip).empty()) {
    return false;
  }
  const auto names = Pattern::Compile("^(?:" + section.more_names + ")$");
  return names && names->FoundIn(name);
}

}  // namespace

const Key* FindKey(const Section& section, std::string_view name) {
  static const Key kText{.name = "", .doc = ""};
  const auto key = std::find_if(section.keys.begin(), section.keys.end(),
                                [&](const Key& candidate) { return candidate.name == name; });
  if (key != section.keys.end()) {
    return &*key;
  }
  return IsMoreName(section, name) ? &kText : nullptr;
}

std::vector<std::string> KeyNames(const Section& section) {
  std::vector<std::string> names;
  for (const Key& key : section.keys) {
    names.push_back(key.name);
  }
  return names;
}

bool IsOnlyOfScenario(std::string_view key) { return key == "name" || key == "cases"; }

}  // namespace brink
