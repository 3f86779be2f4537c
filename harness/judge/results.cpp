// SPDX-License-Identifier: MIT
#include "judge/results.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "judge/words.h"

namespace brink {

std::string Join(const std::vector<std::string>& words, std::string_view glue) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? std::string() : std::string(glue)) + word;
  }
  return text;
}

std::string DescribeEnd(const std::optional<int>& exit_code, const std::optional<int>& signal) {
  if (exit_code) {
    return fmt::format("{}", *exit_code);
  }
  return signal ? "died of " + SignalName(*signal) : "it did not end by itself";
}

void CheckExit(const std::vector<int>& expected, const std::optional<int>& exit_code,
               const std::optional<int>& signal, std::string_view said, Results& results) {
  const bool met = exit_code && std::find(expected.begin(), expected.end(), *exit_code) != expected.end();
  results.Add("exit", fmt::format("{}", fmt::join(expected, " or ")),
              DescribeEnd(exit_code, signal) + std::string(met ? "" : said), met);
}

bool CallsWatched(const Evidence& evidence) { return evidence.grade == EvidenceGrade::kKernel; }

}  // namespace brink
