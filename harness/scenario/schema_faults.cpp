// SPDX-License-Identifier: MIT
// Keys of what the fault table lists.
#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "model/fault_table.h"
#include "scenario/schema_sections.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

using enum ValueType;

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
    key.pattern_words = "QUOTA PERIOD in microseconds, or max: 50000 100000 is half a processor";
  } else if (fault.name == "cpuset.cpus") {
    key.pattern = "[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*";
    key.pattern_words = "numbers and ranges of processors, separated by commas: 0-1,3";
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

}  // namespace

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

}  // namespace brink
