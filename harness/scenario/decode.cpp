// SPDX-License-Identifier: MIT
#include "scenario/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "scenario/check.h"
#include "scenario/schema.h"
#include "scenario/substitute.h"
#include "scenario/vocabulary.h"
#include "scenario/yaml_tree.h"

namespace brink {
namespace {

constexpr double kDefaultTimeoutS = 60;

/// The text of a parameter: a plain value, or the `default` of a map. Nothing when it is malformed (the
/// checker complains).
const Node* DefaultOf(const Node& parameter) {
  const Node* value = parameter.kind == Node::Kind::kMap ? Find(parameter, "default") : &parameter;
  return value != nullptr && value->kind == Node::Kind::kScalar ? value : nullptr;
}

bool IsReserved(std::string_view name) {
  return name == "port" || name == "dir" || name == "scenario_dir" || name.starts_with("port.");
}

/// Asks for each port once, so that every use in a case means the same one.
auto RememberPorts(const PlanContext& context, std::map<std::string, int>& ports) {
  return [&context, &ports](const std::string& name) -> Result<int> {
    if (const auto known = ports.find(name); known != ports.end()) {
      return known->second;
    }
    Result<int> port = context.free_port(name);
    if (port) {
      ports.emplace(name, *port);
    }
    return port;
  };
}

/// `ports` receives those that are used.
References BuiltIns(const Scenario& scenario, const PlanContext& context, std::map<std::string, int>& ports) {
  References references;
  references.values = {{"dir", context.run_dir + "/data"}, {"scenario_dir", scenario.directory}};
  if (context.free_port) {
    references.free_port = RememberPorts(context, ports);
  }
  return references;
}

void CheckSet(const Scenario& scenario, const PlanContext& context, std::vector<Complaint>& complaints) {
  std::vector<std::string> declared;
  for (const auto& [name, value] : scenario.parameters) {
    declared.push_back(name);
  }
  for (const auto& [name, value] : context.set) {
    if (!scenario.parameters.contains(name)) {
      complaints.push_back({{.file = scenario.file},
                            fmt::format("--set {}={}: the scenario has no parameter '{}'", name, value, name),
                            declared.empty() ? "declare it under parameters" : SuggestFrom(name, declared)});
    }
  }
}

struct Parameters {
  std::map<std::string, std::string> values;
  std::set<Place> bad;
};

/// The case's own values or the scenario's defaults, and --set before both.
Parameters ReadParameters(const Scenario& scenario, const Node& tree, const PlanContext& context,
                          const References& built_ins, std::vector<Complaint>& complaints) {
  Parameters parameters;
  for (const auto& [name, value] : EntriesOf(Find(tree, "parameters"))) {
    if (IsReserved(name.scalar)) {
      complaints.push_back(
          {name.mark,
           fmt::format("'{}' can't be a parameter: brink gives ${{{}}} its value", name.scalar, name.scalar),
           "choose another name"});
      continue;
    }
    if (!scenario.parameters.contains(name.scalar)) {
      complaints.push_back(
          {name.mark,
           fmt::format("the case sets the parameter '{}', which the scenario does not declare", name.scalar),
           "declare it with its default under the file's own parameters"});
      continue;
    }
    if (const Node* given = DefaultOf(value)) {
      Node text = *given;
      parameters.bad.merge(Substitute(text, built_ins, complaints).bad);
      parameters.values[name.scalar] = text.scalar;
    }
  }
  for (const auto& [name, value] : context.set) {
    if (scenario.parameters.contains(name)) {
      parameters.values[name] = value;
    }
  }
  return parameters;
}

/// Parameters put in, then checked against the table.
std::optional<std::string> PrepareTree(const Scenario& scenario, Node& tree, const PlanContext& context,
                                       bool whole, Plan& plan, std::set<std::string>& used,
                                       std::vector<Complaint>& complaints) {
  References references = BuiltIns(scenario, context, plan.ports);
  Parameters parameters = ReadParameters(scenario, tree, context, references, complaints);
  references.values.insert(parameters.values.begin(), parameters.values.end());
  plan.parameters = std::move(parameters.values);
  Substituted substituted = Substitute(tree, references, complaints);
  substituted.bad.merge(parameters.bad);
  used = std::move(substituted.used);
  CheckTree(tree, SectionNamed("scenario"),
            {.size = {.page_size = context.page_size, .whole = context.memory_bytes},
             .whole = whole,
             .known_bad = &substituted.bad,
             .names = &context.names},
            complaints);
  return std::move(substituted.no_port);
}

}  // namespace

Decoded DecodeCase(const Scenario& scenario, const ScenarioCase& scenario_case, const PlanContext& context) {
  Decoded decoded;
  Plan& plan = decoded.plan;
  plan.scenario = scenario.name;
  plan.case_name = scenario_case.name;
  plan.repeat = context.repeat;
  plan.sandbox = context.sandbox;
  plan.mark = scenario_case.tree.mark;
  plan.scenario_dir = scenario.directory;
  plan.run_dir = context.run_dir;
  plan.data_dir = context.run_dir + "/data";

  CheckSet(scenario, context, decoded.complaints);
  Node tree = scenario_case.tree;
  const auto no_port = PrepareTree(scenario, tree, context, true, plan, decoded.used, decoded.complaints);
  if (no_port) {
    plan.not_runnable = "no free port: " + *no_port;
  }
  plan.title = TextAt(tree, "title");
  plan.reference = fmt::format("{}", fmt::join(TextsAt(tree, "reference"), ", "));
  plan.tags = TextsAt(tree, "tags");
  plan.timeout_s = MaybeSeconds(tree, "timeout").value_or(kDefaultTimeoutS);

  Decoding decoding{.tree = tree,
                    .context = context,
                    .plan = plan,
                    .packages = decoded.packages,
                    .complaints = decoded.complaints};
  if (const Node* machine = Find(tree, "machine")) {
    plan.machine = DecodeMachine(*machine, decoding);
    DecodeGuest(*machine, decoding);
  }
  DecodeGroups(decoding);
  DecodeProcesses(decoding);
  DecodeSteps(decoding);
  decoded.cgroup = DecodeCgroupDemand(decoding);
  DecodeExpectations(decoding);
  return decoded;
}

std::set<std::string> CheckBase(const Scenario& scenario, const Node& base, const PlanContext& context,
                                std::vector<Complaint>& complaints) {
  Node tree = base;
  Plan ignored;
  std::set<std::string> used;
  (void)PrepareTree(scenario, tree, context, false, ignored, used, complaints);
  return used;
}

std::vector<Setting> DecodeSettings(const Node& map, std::string_view prefix) {
  std::vector<Setting> settings;
  for (const auto& [key, value] : map.entries) {
    if (value.kind == Node::Kind::kScalar) {
      settings.push_back(
          {.name = std::string(prefix) + key.scalar, .value = value.scalar, .mark = value.mark});
    }
  }
  return settings;
}

std::string TextAt(const Node& map, std::string_view key, std::string fallback) {
  return MaybeText(map, key).value_or(std::move(fallback));
}

std::optional<std::string> MaybeText(const Node& map, std::string_view key) {
  const Node* value = Find(map, key);
  return value != nullptr && value->kind == Node::Kind::kScalar ? std::optional(value->scalar) : std::nullopt;
}

std::vector<std::string> TextsAt(const Node& map, std::string_view key) {
  std::vector<std::string> texts;
  const Node* value = Find(map, key);
  if (value != nullptr && value->kind == Node::Kind::kScalar) {
    texts.push_back(value->scalar);
  } else if (value != nullptr) {
    std::transform(value->items.begin(), value->items.end(), std::back_inserter(texts),
                   [](const Node& item) { return item.scalar; });
  }
  return texts;
}

std::map<std::string, std::string> TextMapAt(const Node& map, std::string_view key) {
  std::map<std::string, std::string> texts;
  if (const Node* value = Find(map, key)) {
    for (const auto& [name, text] : value->entries) {
      texts[name.scalar] = text.scalar;
    }
  }
  return texts;
}

std::optional<std::int64_t> MaybeInteger(const Node& map, std::string_view key) {
  const auto text = MaybeText(map, key);
  std::int64_t value = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc()) {
    return std::nullopt;
  }
  return value;
}

std::optional<int> MaybeInt(const Node& map, std::string_view key) {
  const auto value = MaybeInteger(map, key);
  return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
}

std::vector<int> IntsAt(const Node& map, std::string_view key) {
  std::vector<int> values;
  for (const std::string& text : TextsAt(map, key)) {
    int value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) {
      values.push_back(value);
    }
  }
  return values;
}

std::optional<std::uint64_t> MaybeCount(const Node& map, std::string_view key) {
  const auto value = MaybeInteger(map, key);
  return value ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

std::optional<double> MaybeSeconds(const Node& map, std::string_view key) {
  const auto milliseconds = MaybeInteger(map, key);
  return milliseconds ? std::optional(static_cast<double>(*milliseconds) / 1000.0) : std::nullopt;
}

bool FlagAt(const Node& map, std::string_view key) { return MaybeText(map, key) == "1"; }

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace brink
