// SPDX-License-Identifier: MIT
#include "scenario/schema.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include "base/pattern.h"
#include "model/plan.h"
#include "scenario/schema_sections.h"
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
          {.name = "reference", .shape = kOneOrList, .doc = "Where the incident is documented."},
          {.name = "incident",
           .type = kSection,
           .section = "incident",
           .doc = "What is known of the incident, for `brink list` and `brink search`."},
          {.name = "tags", .type = kName, .shape = kList, .doc = "Words that `brink run --tag` selects by."},
          {.name = "timeout",
           .type = kDuration,
           .fallback = "60s",
           .doc = "How long a case may take; a process that still runs then counts as `hung`."},
          {.name = "parameters",
           .shape = kNamed,
           .section = "parameter",
           .doc = "Values written once, used as `${NAME}`, replaced by `--set NAME=VALUE`; each with its "
                  "default. One that is used nowhere is a mistake."},
          {.name = "machine",
           .type = kSection,
           .section = "machine",
           .doc = "Settings of the whole machine, restored afterwards."},
          {.name = "image",
           .type = kName,
           .names = Named::kImage,
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
           .doc = "The scenario under different settings. A case may hold every key of the file but "
                  "`name`, `incident` and `cases`, and is laid over it: maps are merged, lists and scalars "
                  "replaced, null removes."},
      }};
}

/// What can be written at any time.
std::vector<Key> SettingKeys() {
  return {{.name = "sysctl", .type = kSection, .section = "sysctl", .doc = "Kernel parameters by name."},
          {.name = "thp", .type = kSection, .section = "thp", .doc = "Transparent huge pages."}};
}

std::vector<Key> MachineKeys() {
  constexpr double kMostCpus = 64;
  std::vector<Key> keys = SettingKeys();
  const std::vector<Key> of_guest{
      {.name = "memory",
       .type = kSize,
       .min = static_cast<double>(kLeastGuestMemory),
       .fallback = "`2GiB`",
       .doc = "Its memory. vm sandbox."},
      {.name = "swap", .type = kSize, .fallback = "`0`: none", .doc = "Its swap, on a disk. vm sandbox."},
      {.name = "zram",
       .type = kSize,
       .fallback = "`0`: none",
       .doc = "Its swap in compressed memory: so much, as it was before it was compressed, goes there before "
              "any goes to the disk. What it takes is the machine's memory. vm sandbox."},
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
       .names = Named::kKernel,
       .fallback = "`debian-12`",
       .doc = "A kernel by its name in `brink guest list`, or the path of an image. vm sandbox; `--kernel` "
              "goes "
              "before it."},
      {.name = "boot",
       .shape = kList,
       .pattern = R"(\S+)",
       .pattern_words = "one word without blanks; several are several entries of the list",
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

std::vector<Section> MakeSections() {
  std::vector<Section> sections{ScenarioSection()};
  for (auto make :
       {IncidentSections, MachineSections, ProcessSections, StepSections, ExpectSections, FaultSections}) {
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

bool IsOnlyOfScenario(std::string_view key) { return key == "name" || key == "incident" || key == "cases"; }

}  // namespace brink
