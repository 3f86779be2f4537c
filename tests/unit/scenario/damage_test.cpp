// SPDX-License-Identifier: MIT
// Damaged files: whatever the bytes, loading ends with a scenario that plans or with complaints that have a
// place.
#include <random>

#include "support.h"

namespace brink::testing {
namespace {

void MustEndWell(const std::string& text) {
  const LoadResult loaded = ParseScenario(text, "x.yaml");
  for (const Complaint& complaint : loaded.complaints) {
    ASSERT_FALSE(complaint.problem.empty()) << text;
    ASSERT_GT(complaint.mark.line, 0) << FormatComplaint(complaint) << "\n" << text;
  }
  if (loaded.complaints.empty()) {
    ASSERT_FALSE(loaded.scenario.cases.empty()) << text;
    for (const ScenarioCase& one : loaded.scenario.cases) {
      ASSERT_TRUE(MakePlan(loaded.scenario, one, FakeHost()).complaints.empty()) << text;
    }
  }
}

TEST(DamagedFile, CutAnywhere) {
  const std::string example = ExampleText();
  for (std::size_t length = 0; length < example.size(); ++length) {
    MustEndWell(example.substr(0, length));
  }
}

TEST(DamagedFile, WithOddBytes) {
  const std::string example = ExampleText();
  std::mt19937 random(1);  // the same damage in every run
  const std::string odd = std::string(1, '\0') + "\t\n \"'#&*!|>%@`{}[],:-?$~\xff\xc3\x80";
  for (int round = 0; round < 2000; ++round) {
    std::string text = example;
    for (int change = 0; change < 1 + round % 4; ++change) {
      text[random() % text.size()] =
          round % 2 == 0 ? odd[random() % odd.size()] : static_cast<char>(random() % 256);
    }
    MustEndWell(text);
  }
}

TEST(DamagedFile, WithLinesLostDoubledAndMoved) {
  std::vector<std::string> lines;
  const std::string example = ExampleText();
  for (std::size_t at = 0; at < example.size();) {
    const std::size_t end = example.find('\n', at) + 1;
    lines.push_back(example.substr(at, end - at));
    at = end;
  }
  const auto join = [](const std::vector<std::string>& all) {
    std::string text;
    for (const std::string& line : all) {
      text += line;
    }
    return text;
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> lost = lines;
    lost.erase(lost.begin() + static_cast<std::ptrdiff_t>(i));
    MustEndWell(join(lost));
    std::vector<std::string> doubled = lines;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    MustEndWell(join(doubled));
    std::vector<std::string> moved = lines;
    std::swap(moved[i], moved[(i * 7 + 3) % moved.size()]);
    MustEndWell(join(moved));
  }
}

TEST(DamagedFile, WithMonstrousValues) {
  const std::string long_text(200000, 'a');
  MustEndWell("name: " + long_text + "\n" + long_text + ": 1\n");
  MustEndWell(WithProcess("", "expect: {p: {log: \"" + std::string(100000, '(') + "\"}}\n"));
  MustEndWell(WithProcess("", "expect: {p: {log: \"(((a{1000}){1000}){1000}){1000}\"}}\n"));
  MustEndWell(WithProcess("    requires: {debian: " + long_text + "}\n"));
  MustEndWell(WithProcess("    nice: " + std::string(1000, '9') +
                          "\n    cgroup: {memory.max: " + std::string(1000, '9') + "GiB}\n"));
  MustEndWell(WithProcess("    env: {A: \"" + std::string(100000, '$') + "{dir}\"}\n"));
}

}  // namespace
}  // namespace brink::testing
