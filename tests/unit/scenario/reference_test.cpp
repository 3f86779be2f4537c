// SPDX-License-Identifier: MIT
// The reference and the JSON Schema say what the parser does, and the files on disk are the generated ones.
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "scenario/schema.h"
#include "scenario/yaml_tree.h"
#include "support.h"

namespace brink::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kRegenerate = "regenerate it: build the target format_docs";

std::string FileText(const std::string& name) {
  std::ifstream file(std::string(BRINK_SCENARIOS_DIR) + "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// As a YAML editor sees it: plain words that look like numbers or truth values are such.
json ToJson(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return nullptr;
    case Node::Kind::kScalar:
      if (!node.quoted && json::accept(node.scalar)) {
        return json::parse(node.scalar);
      }
      return node.scalar;
    case Node::Kind::kList: {
      json list = json::array();
      for (const Node& item : node.items) {
        list.push_back(ToJson(item));
      }
      return list;
    }
    case Node::Kind::kMap: {
      json map = json::object();
      for (const auto& [key, value] : node.entries) {
        map[key.scalar] = ToJson(value);
      }
      return map;
    }
  }
  return nullptr;
}

bool SchemaAccepts(const std::string& yaml) {
  const json schema_json = json::parse(FormatJsonSchema());
  valijson::Schema schema;
  valijson::SchemaParser(valijson::SchemaParser::kDraft7)
      .populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), schema);
  const json document = ToJson(ParseYamlTree(yaml, "x").root);
  valijson::Validator validator;
  return validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(document), nullptr);
}

TEST(Reference, FileIsTheGeneratedOne) {
  EXPECT_EQ(FileText("FORMAT.md"), FormatReferenceMarkdown()) << kRegenerate;
}

TEST(JsonSchema, FileIsTheGeneratedOne) {
  EXPECT_EQ(FileText("scenario.schema.json"), FormatJsonSchema()) << kRegenerate;
}

TEST(Reference, HasEverySectionAndKey) {
  const std::string reference = FormatReferenceMarkdown();
  for (const Section& section : FormatSections()) {
    const std::size_t begin = reference.find("\n### " + section.name + "\n");
    ASSERT_NE(begin, std::string::npos) << section.name;
    const std::string part = reference.substr(begin, reference.find("\n### ", begin + 1) - begin);
    for (const Key& key : section.keys) {
      EXPECT_THAT(part, HasSubstr("| `" + key.name + "` | ")) << section.name;
    }
  }
}

TEST(JsonSchema, HasEverySectionAndKey) {
  const json schema = json::parse(FormatJsonSchema());
  for (const Section& section : FormatSections()) {
    const bool root = section.name == "scenario";
    const json& properties = root ? schema["properties"] : schema["definitions"][section.name]["properties"];
    std::set<std::string> names;
    for (const auto& property : properties.items()) {
      names.insert(property.key());
    }
    const std::vector<std::string> known = KeyNames(section);
    EXPECT_EQ(names, std::set<std::string>(known.begin(), known.end())) << section.name;
  }
}

TEST(JsonSchema, AcceptsWhatTheParserAccepts) {
  EXPECT_TRUE(SchemaAccepts(ExampleText()));
  EXPECT_TRUE(SchemaAccepts(
      WithProcess("    nice: \"${n}\"\n    rlimits: {as: {soft: 1GiB, hard: unlimited}, nofile: 5}\n",
                  "parameters: {n: {default: 1}}\n"
                  "machine: {sysctl: {vm.overcommit_memory: 2, vm.overcommit_kbytes: +1GiB}}\n"
                  "steps: [{set: {machine: {thp: {enabled: never}}, p: {nice: 2}}}]\n"
                  "cases: {a: ~, b: {processes: {p: {nice: ~}}, timeout: 5s}}\n")));
}

TEST(JsonSchema, RefusesCommonMistakes) {
  for (const std::string& text :
       {std::string("title: t\n"), WithProcess("    memory.max: 1MiB\n"),
        WithProcess("    cgroup: {memroy.max: 1MiB}\n"), WithProcess("    cgroup: {memory.max: 1MB}\n"),
        WithProcess("    nice: 99\n"), WithProcess("    nice: \"1\"\n"), WithProcess("", "timeout: 60\n"),
        WithProcess("", "expect: {p: {outcome: oomkilled}}\n"),
        WithProcess("", "steps: [{start: p, stop: p}]\n"), WithProcess("", "steps: [{timeout: 1s}]\n"),
        WithProcess("", "cases: {a: {name: m}}\n")}) {
    EXPECT_FALSE(SchemaAccepts(text)) << text;
    EXPECT_THAT(ComplaintsOf(text), ::testing::Not(::testing::IsEmpty())) << text;
  }
}

}  // namespace
}  // namespace brink::testing
