// SPDX-License-Identifier: MIT
// The table of the format as scenarios/FORMAT.md.
#include <fmt/format.h>

#include <algorithm>

#include "scenario/load.h"
#include "scenario/schema.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

constexpr std::string_view kIntroduction = R"md(<!-- SPDX-License-Identifier: MIT -->
<!-- Generated from the table of the format (harness/scenario/) by the target format_docs: do not edit. -->
# The format of scenario files

A scenario is one incident in one YAML file: which processes run, under which limits, what is done to them, and what must
come of it. `brink check FILE` reports every mistake in a file at once, with its place and what to do.
Editors that know YAML schemas complete and check it with `scenario.schema.json`: put
`# yaml-language-server: $schema=PATH/scenario.schema.json` in the first line.

```yaml
name: redis-bgsave-overcommit
title: A snapshot cannot fork when the kernel refuses to overcommit
reference: where the incident is documented
tags: [redis, fork, overcommit]
machine: {sysctl: {vm.overcommit_memory: 2, vm.overcommit_ratio: 10}}
processes:
  server:
    run: [redis-server, --port, "${port}", --dir, "${dir}", --save, "", --enable-debug-command, "yes"]
    requires: {debian: redis-server}
    ready: {tcp: "${port}"}            # or log: PATTERN, or exec: [CMD], each with a timeout
    cgroup: {memory.max: 1GiB}         # cgroup v2 names and units; mapped on v1
    oom_score_adj: 200
    rlimits: {memlock: 64MiB}
    env: {MALLOC_ARENA_MAX: "2"}
    children:                          # names for children, so that verdicts can tell them apart
      snapshot: {title: "redis-rdb-bgsave"}
steps:
  - {as: load, run: [redis-cli, -p, "${port}", debug, populate, "200000", key, "1000"], expect: {exit: 0}}
  - {as: snapshot, run: [redis-cli, -p, "${port}", bgsave]}
  - {set: {server: {cgroup: {memory.max: 300MiB}}}}
  - {wait: {log: {process: server, pattern: "Background saving"}}, timeout: 10s}
cases:
  reported:
    expect:
      server: {outcome: survived, failure: {call: clone, errno: ENOMEM}, binding_limit: commit_limit,
               log: "Can't save in background: fork: Cannot allocate memory"}
      snapshot: {output: "ERR"}
  tuned:
    machine: {sysctl: {vm.overcommit_memory: 1}}
    expect: {server: {outcome: survived, no_failures: true}, snapshot: {output: "Background saving started"}}
```

## Cases

A case is the file with the case's own keys laid over it: maps are merged key by key, lists and single values replaced, and
an explicit null removes what stands above. Two cases that differ only in `title` or `expect` are refused: they do the same.
A file without `cases` has one case, `default`.

## Values

| kind | written as |
| --- | --- |
| size | a number with `B`, `KiB`, `MiB`, `GiB`, `pages` or `%` (of the machine's memory); without a unit it is bytes |
| duration | a number with `ms`, `s` or `min`; `0` needs no unit |
| text | anything on one line; quotes are needed where YAML wants them, and for empty text (`""`) |
| pattern | a regular expression (RE2), searched in each line; put a backslash before `( ) [ ] { } . * + ? ^ $` and the vertical bar where they are meant literally |
| name | up to 64 letters, digits, `.`, `_` and `-`, beginning with a letter or digit |
| signal | `SIGTERM` or its number |

YAML's anchors, aliases and tags are not supported, duplicate keys are mistakes, and so is a number with a leading zero,
which YAML's versions read differently.

## References

| written | stands for |
| --- | --- |
| `${port}` | a free port of the loopback interface, the same throughout the case |
| `${port.NAME}` | another one, by name |
| `${dir}` | an empty folder for the case's files |
| `${scenario_dir}` | the folder of the scenario file |
| `${NAME}` | the parameter NAME: its default, the case's own value, or that of `--set NAME=VALUE` |
| `$${` | a literal `${` |

They work in every value, numbers included (`oom_score_adj: "${score}"`), but not in keys.

## Keys
)md";

std::string NumberOf(const Key& key) {
  const std::string end = key.no_limit.empty() ? "" : fmt::format(", or `{}`", key.no_limit);
  if (key.min && key.max) {
    return fmt::format("number from {} to {}{}", *key.min, *key.max, end);
  }
  return (key.min && *key.min != 0 ? fmt::format("number from {}", *key.min) : "number") + end;
}

std::string Link(const std::string& section) { return fmt::format("[{}](#{})", section, section); }

std::string ChoicesOf(const Key& key) {
  std::vector<std::string> words;
  std::transform(key.choices.begin(), key.choices.end(), std::back_inserter(words),
                 [](const std::string& word) { return "`" + word + "`"; });
  return JoinWords(words);
}

std::string ScalarOf(const Key& key) {
  const std::string no_limit = key.no_limit.empty() ? "" : fmt::format(", or `{}`", key.no_limit);
  switch (key.type) {
    case ValueType::kText:
      return key.pattern.empty() ? "text" : fmt::format("text like `{}`", key.pattern);
    case ValueType::kName:
      return "name";
    case ValueType::kPattern:
      return "pattern";
    case ValueType::kInteger:
      return NumberOf(key);
    case ValueType::kBoolean:
      return "`true` or `false`";
    case ValueType::kFlag:
      return "`0` or `1`";
    case ValueType::kSize:
      return "size" + no_limit;
    case ValueType::kKibibytes:
      return std::string("size with its unit") + (key.plus ? ", or `+`size" : "");
    case ValueType::kPercent:
      return "percentage";
    case ValueType::kShare:
      return "size, or share (`80%`)";
    case ValueType::kDuration:
      return "duration";
    case ValueType::kSignal:
      return "signal";
    case ValueType::kErrno:
      return "errno, such as `ENOMEM`";
    case ValueType::kChoice:
      return ChoicesOf(key);
    case ValueType::kSection:
      return Link(key.section);
  }
  return "";
}

std::string ValueOf(const Key& key) {
  std::string one = ScalarOf(key);
  if (key.name == "cases") {
    one = "keys of this section";
  } else if (key.type != ValueType::kSection && !key.section.empty()) {
    one += ", or " + Link(key.section);
  }
  switch (key.shape) {
    case Shape::kOne:
      return one;
    case Shape::kList:
      return "list of " + one;
    case Shape::kOneOrList:
      return one + ", or a list";
    case Shape::kNamed:
      return "map: name to " + one;
  }
  return one;
}

std::string Meaning(const Key& key) {
  std::string text = key.doc;
  if (!key.only_with.empty()) {
    text += fmt::format(" Only with `{}`.", key.only_with);
  }
  if (key.subject == "process") {
    text += " Of a process or child.";
  } else if (key.subject == "step") {
    text += " Of a step.";
  } else if (key.subject == "command") {
    text += " Of a `run` step.";
  }
  return text;
}

std::string InTable(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
    text.insert(at, 1, '\\');
  }
  return text;
}

std::string Describe(const Section& section) {
  std::string text =
      fmt::format("\n### {}\n\n{}\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n",
                  section.name, section.doc);
  for (const Key& key : section.keys) {
    const std::string fallback = key.needed ? "required" : key.fallback;
    text += fmt::format("| `{}` | {} | {} | {} |\n", key.name, InTable(ValueOf(key)), fallback,
                        InTable(Meaning(key)));
  }
  if (!section.more_names.empty()) {
    text += fmt::format("| like `{}` | text |  | {} |\n", InTable(section.more_names), section.more_doc);
  }
  return text;
}

}  // namespace

std::string FormatReferenceMarkdown() {
  std::string text(kIntroduction);
  for (const Section& section : FormatSections()) {
    text += Describe(section);
  }
  return text;
}

}  // namespace brink
