// SPDX-License-Identifier: MIT
#include "scenario/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace brink {
namespace {

constexpr std::size_t kMaxDepth = 32;

/// "010", "-007": YAML 1.1 reads octal, YAML 1.2 decimal.
bool HasLeadingZero(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    text.remove_prefix(1);
  }
  return text.size() > 1 && text.front() == '0' &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string WithoutLeadingZeros(const std::string& text) {
  const std::size_t digits = text.find_first_not_of("+-0");
  return (text.front() == '-' ? "-" : "") + (digits == std::string::npos ? "0" : text.substr(digits));
}

/// Builds the tree from the parser's events. yaml-cpp's own nodes would hide duplicate keys.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string file, std::vector<Complaint>& complaints)
      : file_(std::move(file)), complaints_(complaints) {}

  [[nodiscard]] Node TakeRoot() { return std::move(root_); }
  [[nodiscard]] SourceMark DocumentMark() const { return document_; }

  void OnDocumentStart(const YAML::Mark& mark) override { document_ = At(mark); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    RefuseAnchorAndTag(mark, "", anchor);
    Node node;
    node.mark = At(mark);
    Add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Complain(At(mark), "aliases (*name) are not supported", "write the value out, or use a parameter");
    Node node;
    node.mark = At(mark);
    Add(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    RefuseAnchorAndTag(mark, tag, anchor);
    Node node = MakeScalar(value, At(mark), tag == "!");
    if (value.find('\0') != std::string::npos) {
      Complain(node.mark, "the text has a NUL character", "remove it: no argument or pattern can hold one");
    }
    if (!node.quoted && HasLeadingZero(value)) {
      Complain(node.mark, fmt::format("'{}' has a leading zero: YAML 1.1 reads it as octal", value),
               fmt::format("write {}, or \"{}\" when text is meant", WithoutLeadingZeros(value), value));
    }
    Add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    Node node;
    std::optional<Node> key;                     // of a map: read, its value not yet
    std::unordered_map<std::string, int> lines;  // of a map: where each key was first seen
  };

  [[nodiscard]] SourceMark At(const YAML::Mark& mark) const {
    return {.file = file_, .line = mark.line + 1, .column = mark.column + 1};
  }

  void Complain(SourceMark mark, std::string problem, std::string remedy) {
    complaints_.push_back({std::move(mark), std::move(problem), std::move(remedy)});
  }

  void RefuseAnchorAndTag(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      Complain(At(mark), "anchors (&name) are not supported", "write the value out, or use a parameter");
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      Complain(At(mark), fmt::format("the tag '{}' is not supported", tag), "remove it");
    }
  }

  void Open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    RefuseAnchorAndTag(mark, tag, anchor);
    if (frames_.size() >= kMaxDepth) {
      throw YAML::ParserException(mark, fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    Frame& frame = frames_.emplace_back();
    frame.node.kind = kind;
    frame.node.mark = At(mark);
  }

  void Close() {
    Node node = std::move(frames_.back().node);
    frames_.pop_back();
    Add(std::move(node));
  }

  void Add(Node node) {
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == Node::Kind::kList) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.key) {
      if (node.kind != Node::Kind::kScalar) {
        Complain(node.mark, "a key is not plain text",
                 "keys are words; a list, a map or nothing can't be one");
      }
      frame.key = std::move(node);
    } else {
      AddEntry(frame, std::move(node));
    }
  }

  void AddEntry(Frame& frame, Node value) {
    Node key = *std::exchange(frame.key, std::nullopt);
    if (key.kind != Node::Kind::kScalar) {
      return;
    }
    if (value.kind == Node::Kind::kNull) {
      value.mark = key.mark;  // yaml-cpp places an absent value at whatever comes next
    }
    const auto [first, fresh] = frame.lines.emplace(key.scalar, key.mark.line);
    if (!fresh) {
      Complain(key.mark,
               fmt::format("duplicate key '{}': it is already in line {}", key.scalar, first->second),
               "remove one of them");
      return;
    }
    frame.node.entries.push_back({std::move(key), std::move(value)});
  }

  std::string file_;
  std::vector<Complaint>& complaints_;
  std::vector<Frame> frames_;
  Node root_;
  SourceMark document_;
};

SourceMark PlaceOf(const YAML::Exception& exception, const std::string& file) {
  if (exception.mark.is_null()) {
    return {.file = file};
  }
  return {.file = file, .line = exception.mark.line + 1, .column = exception.mark.column + 1};
}

/// The place of a NUL byte, which yaml-cpp takes for the end of the text.
SourceMark PlaceOfByte(const std::string& text, std::size_t at, const std::string& file) {
  const auto begin = text.begin();
  const auto here = begin + static_cast<std::ptrdiff_t>(at);
  const std::size_t line_start = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  return {.file = file,
          .line = static_cast<int>(std::count(begin, here, '\n')) + 1,
          .column = static_cast<int>(line_start == std::string::npos ? at + 1 : at - line_start)};
}

void ReadDocuments(const std::string& text, const std::string& file, YamlTree& tree) {
  // yaml-cpp 0.7 takes a quote that is still open at a final newline for closed. A comment after it brings
  // that to light.
  std::istringstream stream(text + (text.ends_with('\n') ? "#" : "\n#"));
  YAML::Parser parser(stream);
  TreeBuilder builder(file, tree.complaints);
  if (!parser.HandleNextDocument(builder)) {
    tree.complaints.push_back(
        {{.file = file, .line = 1, .column = 1}, "the file is empty", "start with 'name: ...'"});
    return;
  }
  tree.root = builder.TakeRoot();
  std::vector<Complaint> ignored;
  TreeBuilder second(file, ignored);
  if (parser.HandleNextDocument(second)) {
    tree.complaints.push_back({second.DocumentMark(), "a second document begins here",
                               "one file holds one scenario: mind the indentation, or remove the '---'"});
  }
}

}  // namespace

YamlTree ParseYamlTree(const std::string& text, const std::string& file) {
  YamlTree tree;
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    tree.complaints.push_back(
        {PlaceOfByte(text, nul, file), "the file has a NUL byte", "save it as UTF-8 text without NUL"});
    return tree;
  }
  try {
    ReadDocuments(text, file, tree);
  } catch (const YAML::Exception& exception) {
    tree.complaints.push_back({PlaceOf(exception, file), "not valid YAML: " + exception.msg,
                               "mind indentation, brackets and quotes just before this place"});
  } catch (const std::exception& exception) {
    tree.complaints.push_back(
        {{.file = file}, fmt::format("the YAML parser gave up: {}", exception.what()), ""});
  }
  return tree;
}

Node MakeMap(SourceMark mark) {
  Node node;
  node.kind = Node::Kind::kMap;
  node.mark = std::move(mark);
  return node;
}

Node MakeScalar(std::string text, SourceMark mark, bool quoted) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.scalar = std::move(text);
  node.quoted = quoted;
  node.mark = std::move(mark);
  return node;
}

const Node* Find(const Node& map, std::string_view key) {
  const auto entry = std::find_if(map.entries.begin(), map.entries.end(),
                                  [&](const auto& candidate) { return candidate.first.scalar == key; });
  return entry == map.entries.end() ? nullptr : &entry->second;
}

Node* Find(Node& map, std::string_view key) { return const_cast<Node*>(Find(std::as_const(map), key)); }

const std::vector<NodeEntry>& EntriesOf(const Node* node) {
  static const std::vector<NodeEntry> kNone;
  return node == nullptr ? kNone : node->entries;
}

const std::vector<Node>& ItemsOf(const Node* node) {
  static const std::vector<Node> kNone;
  return node == nullptr ? kNone : node->items;
}

}  // namespace brink
