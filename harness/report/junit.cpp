// SPDX-License-Identifier: MIT
// The JUnit XML that CI systems read: a suite per scenario, a test case per case. Inconclusive and what is
// not applicable are skipped, never passed.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/report.h"
#include "report/text.h"

namespace brink {
namespace {

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : Printable(text, /*keep_lines=*/true)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";  // an attribute's own line breaks become blanks
        break;
      default:
        out += c;
    }
  }
  return out;
}

struct Counts {
  int tests = 0;
  int failures = 0;
  int skipped = 0;
  double time_s = 0;
};

using Suite = std::vector<const Verdict*>;

Counts Count(const Suite& verdicts) {
  Counts counts;
  for (const Verdict* verdict : verdicts) {
    ++counts.tests;
    counts.failures += verdict->expected_met == false ? 1 : 0;
    counts.skipped += verdict->expected_met ? 0 : 1;
    counts.time_s += verdict->duration_s;
  }
  return counts;
}

std::string Attributes(const Counts& counts) {
  return fmt::format(R"(tests="{}" failures="{}" errors="0" skipped="{}" time="{:.3f}")", counts.tests,
                     counts.failures, counts.skipped, counts.time_s);
}

std::string TestCase(const Verdict& verdict) {
  const std::string name = verdict.case_name +
                           (verdict.repeat > 1 ? fmt::format(" #{}", verdict.repeat) : std::string()) +
                           (verdict.guest_kernel.empty() ? "" : fmt::format(" ({})", PlaceOf(verdict)));
  std::string text = fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">\n",
                                 Escaped(verdict.scenario), Escaped(name), verdict.duration_s);
  if (!verdict.expected_met) {
    text += fmt::format(
        "      <skipped message=\"{}\"/>\n",
        Escaped((verdict.outcome == Outcome::kNotApplicable ? "not applicable: " : "inconclusive: ") +
                verdict.reason));
  } else if (!*verdict.expected_met) {
    text += fmt::format("      <failure message=\"{}\">{}</failure>\n", Escaped(verdict.reason),
                        Escaped(FormatUnmet(verdict)));
  }
  text += fmt::format("      <system-out>{}</system-out>\n", Escaped(FormatVerdict(verdict, {})));
  return text + "    </testcase>\n";
}

/// In the order in which the scenarios come first.
std::vector<Suite> Suites(const RunReport& report) {
  std::vector<Suite> suites;
  for (const Verdict& verdict : report.results) {
    auto suite = std::find_if(suites.begin(), suites.end(),
                              [&](const Suite& each) { return each.front()->scenario == verdict.scenario; });
    if (suite == suites.end()) {
      suites.emplace_back();
      suite = suites.end() - 1;
    }
    suite->push_back(&verdict);
  }
  return suites;
}

}  // namespace

std::string FormatJunit(const RunReport& report) {
  Suite all;
  for (const Verdict& verdict : report.results) {
    all.push_back(&verdict);
  }
  std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  text += fmt::format("<testsuites name=\"brink\" {}>\n", Attributes(Count(all)));
  for (const Suite& suite : Suites(report)) {
    text += fmt::format("  <testsuite name=\"{}\" {}>\n", Escaped(suite.front()->scenario),
                        Attributes(Count(suite)));
    for (const Verdict* verdict : suite) {
      text += TestCase(*verdict);
    }
    text += "  </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

}  // namespace brink
