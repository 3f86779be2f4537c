// SPDX-License-Identifier: MIT
#include "scenario/yaml_tree.h"

#include "support.h"

namespace brink::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Refusals(const std::string& text) {
  std::vector<std::string> lines;
  for (const Complaint& complaint : ParseYamlTree(text, "x").complaints) {
    lines.push_back(FormatComplaint(complaint));
  }
  return lines;
}

TEST(YamlTree, KeepsOrderMarksAndQuotes) {
  const YamlTree tree = ParseYamlTree("b: 1\na:\n  - \"2\"\n  - c: ~\n", "x");
  EXPECT_THAT(tree.complaints, IsEmpty());
  ASSERT_THAT(tree.root.entries, SizeIs(2));
  EXPECT_EQ(tree.root.entries[0].first.scalar, "b");
  EXPECT_FALSE(tree.root.entries[0].second.quoted);
  const Node& list = tree.root.entries[1].second;
  ASSERT_THAT(list.items, SizeIs(2));
  EXPECT_TRUE(list.items[0].quoted);
  EXPECT_EQ(list.items[0].mark.line, 3);
  EXPECT_EQ(list.items[0].mark.column, 5);
  EXPECT_EQ(list.items[1].entries.at(0).second.kind, Node::Kind::kNull);
}

TEST(YamlTree, AbsentValueIsPlacedAtItsKey) {
  const YamlTree tree = ParseYamlTree("a:\n\n\nb: 1\n", "x");
  EXPECT_EQ(tree.root.entries.at(0).second.mark.line, 1);
}

TEST(YamlTree, RefusesWhatReadersWouldMisunderstand) {
  EXPECT_THAT(Refusals("a: 1\nb: 2\na: 3\n"),
              ElementsAre("x:3:1: duplicate key 'a': it is already in line 1 (remove one of them)"));
  EXPECT_THAT(Refusals("a: 010\nb: -007\nc: \"010\"\nd: 0\ne: 0.5\n"),
              ElementsAre("x:1:4: '010' has a leading zero: YAML 1.1 reads it as octal (write 10, or \"010\" "
                          "when text is meant)",
                          "x:2:4: '-007' has a leading zero: YAML 1.1 reads it as octal (write -7, or "
                          "\"-007\" when text is meant)"));
  EXPECT_THAT(Refusals("a: &x 1\nb: *x\n"),
              ElementsAre(HasSubstr("x:1:4: anchors (&name)"), HasSubstr("x:2:4: aliases (*name)")));
  EXPECT_THAT(Refusals("a: !!int 1\n"),
              ElementsAre("x:1:4: the tag 'tag:yaml.org,2002:int' is not supported (remove it)"));
  EXPECT_THAT(Refusals("[a, b]: 1\n"), ElementsAre(HasSubstr("a key is not plain text")));
  EXPECT_THAT(Refusals("a: 1\n---\nb: 2\n"), ElementsAre(HasSubstr("x:2:1: a second document begins here")));
  EXPECT_THAT(Refusals("a: \"x\\0y\"\n"), ElementsAre(HasSubstr("x:1:4: the text has a NUL character")));
}

TEST(YamlTree, PlacesSyntaxErrors) {
  EXPECT_THAT(Refusals("a: [1, 2\nb: 3\n"), ElementsAre(HasSubstr("x:2:2: not valid YAML: ")));
  for (const char* open : {"a: \"open", "a: \"open\n", "a: 'open\nb: 1\n"}) {
    EXPECT_THAT(Refusals(open), ElementsAre(HasSubstr("not valid YAML: illegal EOF in scalar"))) << open;
  }
  EXPECT_THAT(Refusals("\ta: 1\n"), ElementsAre(HasSubstr("x:1:3: not valid YAML: ")));
  EXPECT_THAT(Refusals("b: *nobody\n"),
              ElementsAre(HasSubstr("x:1:4: not valid YAML: the referenced anchor")));
}

TEST(YamlTree, RefusesNothingAndNul) {
  EXPECT_THAT(Refusals(""), ElementsAre("x:1:1: the file is empty (start with 'name: ...')"));
  EXPECT_THAT(Refusals("# only a comment\n"), ElementsAre(HasSubstr("the file is empty")));
  EXPECT_THAT(Refusals(std::string("a: 1\nb\0", 7)),
              ElementsAre(HasSubstr("x:2:2: the file has a NUL byte")));
  EXPECT_THAT(Refusals(std::string("\0", 1)), ElementsAre(HasSubstr("x:1:1: the file has a NUL byte")));
}

TEST(YamlTree, BoundsDepth) {
  EXPECT_THAT(Refusals(std::string(30, '[') + std::string(30, ']')), IsEmpty());
  EXPECT_THAT(Refusals(std::string(100000, '[')),
              ElementsAre(HasSubstr("not valid YAML: nested deeper than 32 levels")));
  EXPECT_THAT(Refusals(std::string(100000, '{')), ElementsAre(HasSubstr("nested deeper")));
  std::string blocks;
  for (int i = 0; i < 300; ++i) {
    blocks += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  }
  EXPECT_THAT(Refusals(blocks), ElementsAre(HasSubstr("nested deeper")));
}

}  // namespace
}  // namespace brink::testing
