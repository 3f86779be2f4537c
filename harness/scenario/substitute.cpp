// SPDX-License-Identifier: MIT
#include "scenario/substitute.h"

#include <fmt/format.h>

#include "scenario/values.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

constexpr std::string_view kPortPrefix = "port.";

class Substituter {
 public:
  Substituter(const References& references, std::vector<Complaint>& complaints)
      : references_(references), complaints_(complaints) {}

  void Walk(Node& node) {
    if (node.kind == Node::Kind::kScalar) {
      Replace(node);
    }
    for (Node& item : node.items) {
      Walk(item);
    }
    for (auto& [key, value] : node.entries) {
      Walk(value);
    }
  }

  [[nodiscard]] Substituted Take() { return std::move(result_); }

 private:
  void Replace(Node& node) {
    if (node.scalar.find("${") == std::string::npos) {
      return;
    }
    std::string text;
    bool referred = false;
    std::size_t at = 0;
    while (true) {
      const std::size_t begin = node.scalar.find("${", at);
      if (begin == std::string::npos) {
        break;
      }
      if (begin > at && node.scalar[begin - 1] == '$') {
        text += node.scalar.substr(at, begin - 1 - at) + "${";
        at = begin + 2;
        continue;
      }
      const std::size_t end = node.scalar.find('}', begin);
      const auto value = end == std::string::npos
                             ? Unclosed(node)
                             : Value(node, node.scalar.substr(begin + 2, end - begin - 2));
      if (!value) {
        result_.bad.insert({node.mark.line, node.mark.column});
        return;
      }
      text += node.scalar.substr(at, begin - at) + *value;
      referred = true;
      at = end + 1;
    }
    node.scalar = text + node.scalar.substr(at);
    node.quoted = node.quoted && !referred;
  }

  std::optional<std::string> Unclosed(const Node& node) {
    complaints_.push_back({node.mark, fmt::format("'{}' has '${{' without '}}'", node.scalar),
                           "close it, or write $${ for a literal ${"});
    return std::nullopt;
  }

  std::optional<std::string> Value(const Node& node, const std::string& name) {
    if (const auto known = references_.values.find(name); known != references_.values.end()) {
      result_.used.insert(name);
      return known->second;
    }
    const bool named_port = name.starts_with(kPortPrefix) && IsName(name.substr(kPortPrefix.size()));
    if (references_.free_port && (name == "port" || named_port)) {
      return Port(named_port ? name.substr(kPortPrefix.size()) : "");
    }
    std::vector<std::string> names;
    for (const auto& [known_name, value] : references_.values) {
      names.push_back("${" + known_name + "}");
    }
    if (references_.free_port) {
      names.insert(names.end(), {"${port}", "${port.NAME}"});
    }
    const std::string word = "${" + name + "}";
    const std::string near = Nearest(word, names);
    complaints_.push_back({node.mark, fmt::format("nothing is called '{}'", word),
                           near.empty() ? "declare it under parameters, or use " + JoinWords(names)
                                        : fmt::format("did you mean '{}'?", near)});
    return std::nullopt;
  }

  std::string Port(const std::string& name) {
    const Result<int> port = references_.free_port(name);
    if (!port) {
      result_.no_port = port.error().message;
      return "1";  // the plan will not be run; this keeps its checks quiet
    }
    return std::to_string(*port);
  }

  const References& references_;
  std::vector<Complaint>& complaints_;
  Substituted result_;
};

}  // namespace

Substituted Substitute(Node& tree, const References& references, std::vector<Complaint>& complaints) {
  Substituter substituter(references, complaints);
  if (tree.kind != Node::Kind::kMap) {
    substituter.Walk(tree);
  }
  for (auto& [key, value] : tree.entries) {
    if (key.scalar != "parameters") {
      substituter.Walk(value);
    }
  }
  return substituter.Take();
}

}  // namespace brink
