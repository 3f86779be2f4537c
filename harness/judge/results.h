// SPDX-License-Identifier: MIT
// What the checks of expectations share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/evidence.h"
#include "model/verdict.h"

namespace brink {

/// Absent: the evidence does not suffice.
using Met = std::optional<bool>;

/// Gathers the results of one subject.
class Results {
 public:
  Results(std::string subject, SourceMark mark) : subject_(std::move(subject)), mark_(std::move(mark)) {}
  void Add(std::string what, std::string expected, std::string found, Met met) {
    list_.push_back(ExpectationResult{.subject = subject_,
                                      .what = std::move(what),
                                      .expected = std::move(expected),
                                      .found = std::move(found),
                                      .met = met,
                                      .mark = mark_});
  }
  [[nodiscard]] std::vector<ExpectationResult> Take() { return std::move(list_); }

 private:
  std::string subject_;
  SourceMark mark_;
  std::vector<ExpectationResult> list_;
};

[[nodiscard]] std::string Join(const std::vector<std::string>& words, std::string_view glue);

/// "137", "died of SIGKILL", "it did not end by itself".
[[nodiscard]] std::string DescribeEnd(const std::optional<int>& exit_code, const std::optional<int>& signal);

/// Whether it ended with one of these; `said` is added to what was found where it didn't.
void CheckExit(const std::vector<int>& expected, const std::optional<int>& exit_code,
               const std::optional<int>& signal, std::string_view said, Results& results);

/// Failing calls are only seen with kernel evidence.
[[nodiscard]] bool CallsWatched(const Evidence& evidence);

}  // namespace brink
