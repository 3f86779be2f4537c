// SPDX-License-Identifier: MIT
#include "cli/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <system_error>

#include "catalogue/entry.h"
#include "cli/common.h"

namespace brink {
namespace {

struct Shard {
  std::size_t index = 1;
  std::size_t count = 1;
};

Result<Shard> ParseShard(const std::string& text) {
  Shard shard;
  if (text.empty()) {
    return shard;
  }
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  if (first == std::errc() && slash != end && *slash == '/') {
    const auto [rest, second] = std::from_chars(slash + 1, end, shard.count);
    if (second == std::errc() && rest == end && shard.index >= 1 && shard.index <= shard.count) {
      return shard;
    }
  }
  return Fail("--shard " + text + " is not I/N with 1 <= I <= N",
              "for the second of four parts write --shard 2/4");
}

/// What --tag knows a scenario by: its tags, and the limits that its cases expect to bind.
std::set<std::string> TagsOf(const Scenario& scenario) {
  std::set<std::string> tags(scenario.tags.begin(), scenario.tags.end());
  const CatalogueEntry entry = EntryOf(scenario);
  tags.insert(entry.binding_limits.begin(), entry.binding_limits.end());
  return tags;
}

/// All that --case and --tag let through, each in every cell as often as --repeat says.
std::vector<Chosen> Choose(const std::vector<Scenario>& scenarios, const std::vector<Cell>& cells,
                           const RunChoice& choice) {
  std::vector<const Scenario*> tagged;
  for (const Scenario& scenario : scenarios) {
    const auto tags = choice.tags.empty() ? std::set<std::string>() : TagsOf(scenario);
    if (std::all_of(choice.tags.begin(), choice.tags.end(),
                    [&](const std::string& tag) { return tags.contains(tag); })) {
      tagged.push_back(&scenario);
    }
  }
  std::vector<Chosen> chosen;
  for (int repeat = 1; repeat <= choice.repeat; ++repeat) {
    for (const Scenario* scenario : tagged) {
      for (const ScenarioCase& scenario_case : scenario->cases) {
        if (!choice.case_name.empty() && scenario_case.name != choice.case_name) {
          continue;
        }
        for (const Cell& cell : cells) {
          chosen.push_back(
              Chosen{.scenario = scenario, .scenario_case = &scenario_case, .cell = &cell, .repeat = repeat});
        }
      }
    }
  }
  return chosen;
}

/// What was asked for and is not there, with what is.
Error NothingChosen(const std::vector<Scenario>& scenarios, const RunChoice& choice) {
  std::set<std::string> tags;
  std::set<std::string> cases;
  for (const Scenario& scenario : scenarios) {
    tags.merge(TagsOf(scenario));
    for (const ScenarioCase& each : scenario.cases) {
      cases.insert(each.name);
    }
  }
  for (const std::string& tag : choice.tags) {
    if (!tags.contains(tag)) {
      return Error{.message = "--tag " + tag + ": no chosen scenario has this tag",
                   .remedy = tags.empty() ? "they have none; `brink list` shows those of all"
                                          : fmt::format("their tags are {}", fmt::join(tags, ", "))};
    }
  }
  if (!choice.case_name.empty() && !cases.contains(choice.case_name)) {
    return Error{.message = "--case " + choice.case_name + ": no chosen scenario has a case of this name",
                 .remedy = fmt::format("their cases are {}", fmt::join(cases, ", "))};
  }
  return Error{
      .message = fmt::format("no case fits --tag {}{} all at once", fmt::join(choice.tags, " --tag "),
                             choice.case_name.empty() ? "" : " --case " + choice.case_name),
      .remedy = "`brink list PATH` shows cases and tags"};
}

/// Every count-th; taken before shuffling, so that the parts of different machines fit together.
std::vector<Chosen> PartOf(const std::vector<Chosen>& chosen, const Shard& shard) {
  std::vector<Chosen> part;
  for (std::size_t at = shard.index - 1; at < chosen.size(); at += shard.count) {
    part.push_back(chosen[at]);
  }
  return part;
}

/// In random order where that is wanted.
void Shuffle(std::vector<Chosen>& chosen, const RunChoice& choice) {
  if (!choice.shuffle && !choice.seed) {
    return;
  }
  const std::uint32_t seed = choice.seed ? *choice.seed : std::random_device{}();
  std::shuffle(chosen.begin(), chosen.end(), std::mt19937(seed));
  PrintNotice(fmt::format("brink: shuffled; --seed {} gives this order again\n", seed));
}

}  // namespace

Result<std::vector<Chosen>> Select(const std::vector<Scenario>& scenarios, const std::vector<Cell>& cells,
                                   const RunChoice& choice) {
  const auto shard = ParseShard(choice.shard);
  if (!shard) {
    return tl::unexpected(shard.error());
  }
  const auto all = Choose(scenarios, cells, choice);
  if (all.empty()) {
    return tl::unexpected(NothingChosen(scenarios, choice));
  }
  std::vector<Chosen> chosen = PartOf(all, *shard);
  Shuffle(chosen, choice);
  return chosen;
}

}  // namespace brink
