// SPDX-License-Identifier: MIT
// The table of the format as a JSON Schema (draft 7) for editors. It is laxer than brink in what a schema
// can't tell: what lacks in one case may stand in another, and null removes. brink check has the last word.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scenario/load.h"
#include "scenario/schema.h"
#include "scenario/values.h"

namespace brink {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kReference = R"(|\$\{)";  // any value may be given by a parameter
constexpr std::string_view kNumber = R"(^[0-9]+(\.[0-9]+)? ?)";

Json Strings(const std::string& pattern) {
  return {{"type", {"string", "null"}}, {"pattern", pattern + std::string(kReference)}};
}

/// A number, or text of that pattern.
Json Numbers(const Key& key, const std::string& pattern) {
  Json schema = Strings(pattern);
  schema["type"] = {"integer", "string", "null"};
  if (key.min) {
    schema["minimum"] = static_cast<std::int64_t>(*key.min);
  }
  if (key.max) {
    schema["maximum"] = static_cast<std::int64_t>(*key.max);
  }
  return schema;
}

/// Zero needs no unit; everything else does.
Json ZeroOr(const std::string& pattern) {
  Json schema = Strings(pattern);
  schema["type"] = {"integer", "string", "null"};
  schema["minimum"] = 0;
  schema["maximum"] = 0;
  return schema;
}

Json Choices(const Key& key) {
  Json words = Json::array();
  for (const std::string& choice : key.choices) {
    words.push_back(choice);
    if (choice.find_first_not_of("0123456789") == std::string::npos) {
      words.push_back(std::stoi(choice));
    }
  }
  words.push_back(nullptr);
  return {{"anyOf", {{{"enum", std::move(words)}}, {{"type", "string"}, {"pattern", R"(\$\{)"}}}}};
}

Json Sizes(const Key& key, std::string no_limit) {
  Json schema = Numbers(key, std::string(kNumber) + "(B|KiB|MiB|GiB|pages|%)?$" + std::move(no_limit));
  if (!key.min) {
    schema["minimum"] = 0;
  }
  return schema;
}

Json Scalar(const Key& key) {
  const std::string no_limit = key.no_limit.empty() ? "" : "|^(max|unlimited)$";
  switch (key.type) {
    case ValueType::kText:
    case ValueType::kPattern:
      if (!key.pattern.empty()) {
        return Strings("^(" + key.pattern + ")$");
      }
      return {{"type", {"string", "number", "boolean", "null"}}};
    case ValueType::kName:
      return Numbers(key, std::string(kNamePattern));
    case ValueType::kInteger:
      return Numbers(key, no_limit.empty() ? "^$" : no_limit.substr(1));
    case ValueType::kBoolean:
      return {{"type", {"boolean", "string", "null"}}, {"pattern", R"(\$\{)"}};
    case ValueType::kFlag:
      return {{"type", {"boolean", "integer", "string", "null"}},
              {"minimum", 0},
              {"maximum", 1},
              {"pattern", R"(\$\{)"}};
    case ValueType::kSize:
    case ValueType::kShare:
      return Sizes(key, no_limit);
    case ValueType::kKibibytes:
      return ZeroOr((key.plus ? R"(^\+?[0-9]+(\.[0-9]+)? ?)" : std::string(kNumber)) +
                    "(B|KiB|MiB|GiB|pages|%)$");
    case ValueType::kPercent:
      return Numbers(key, "^[0-9]+%$");
    case ValueType::kDuration:
      return ZeroOr(std::string(kNumber) + "(ms|s|min)$");
    case ValueType::kSignal:
      return Numbers({.name = "", .min = 1, .max = 64, .doc = ""}, "^SIG[A-Z0-9]+$");
    case ValueType::kErrno:
      return Strings("^E[A-Z0-9]+$");
    case ValueType::kChoice:
      return Choices(key);
    case ValueType::kSection:
      break;
  }
  return {};
}

Json Reference(const std::string& section) { return {{"$ref", "#/definitions/" + section}}; }

Json One(const Key& key) {
  if (key.type == ValueType::kSection) {
    return Reference(key.name == "cases" ? "case" : key.section);
  }
  return key.section.empty() ? Scalar(key) : Json{{"anyOf", {Scalar(key), Reference(key.section)}}};
}

Json List(const Key& key) {
  Json list{{"type", {"array", "null"}}, {"items", One(key)}};
  if (key.not_empty) {
    list["minItems"] = 1;
  }
  return list;
}

Json Value(const Key& key) {
  switch (key.shape) {
    case Shape::kOne:
      return One(key);
    case Shape::kList:
      return List(key);
    case Shape::kOneOrList:
      return {{"anyOf", {One(key), List(key)}}};
    case Shape::kNamed:
      break;
  }
  Json named{{"type", {"object", "null"}},
             {"propertyNames", {{"pattern", key.variables ? "^[^=]+$" : std::string(kNamePattern)}}}};
  if (!key.machine.empty()) {
    named["properties"]["machine"] = Reference(key.machine);
  }
  named["additionalProperties"] = One(key);
  return named;
}

Json Properties(const Section& section, bool of_case) {
  Json properties = Json::object();
  for (const Key& key : section.keys) {
    if (of_case && IsOnlyOfScenario(key.name)) {
      continue;
    }
    Json value = Value(key);
    // Beside a $ref draft 7 ignores everything, so that the sentence would be lost.
    properties[key.name] = value.contains("$ref") ? Json{{"description", key.doc}, {"allOf", {value}}} : [&] {
      Json described{{"description", key.doc}};
      described.update(value);
      return described;
    }();
  }
  return properties;
}

Json Definition(const Section& section, bool of_case = false) {
  const bool exactly_one = section.choose_min == 1 && section.choose_max == 1;
  Json definition{{"description", section.doc},
                  {"properties", Properties(section, of_case)},
                  {"additionalProperties", false}};
  if (!section.more_names.empty()) {
    definition["patternProperties"] = {
        {"^(" + section.more_names + ")$",
         {{"description", section.more_doc}, {"type", {"string", "number", "boolean", "null"}}}}};
  }
  definition["type"] = exactly_one ? Json("object") : Json({"object", "null"});
  if (exactly_one) {
    Json& one_of = definition["oneOf"] = Json::array();
    for (const std::string& name : section.choose) {
      one_of.push_back({{"required", {name}}});
    }
  }
  return definition;
}

}  // namespace

std::string FormatJsonSchema() {
  const Section& scenario = FormatSections().front();
  Json schema{
      {"$schema", "http://json-schema.org/draft-07/schema#"},
      {"title", "brink scenario"},
      {"$comment",
       "Generated from the table of the format (harness/scenario/schema.cpp) by the target format_docs. "
       "SPDX-License-Identifier: MIT"}};
  schema.update(Definition(scenario));
  schema["type"] = "object";
  schema["required"] = {"name"};
  Json& definitions = schema["definitions"] = Json::object();
  definitions["case"] = Definition(scenario, true);
  definitions["case"]["description"] = "What this case overrides.";
  for (const Section& section : FormatSections()) {
    if (&section != &scenario) {
      definitions[section.name] = Definition(section);
    }
  }
  return schema.dump(2) + "\n";
}

}  // namespace brink
