// SPDX-License-Identifier: MIT
// Scenario files: YAML to Scenario, with every mistake of a file reported in one go.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/scenario.h"

namespace brink {

/// One mistake in a file.
struct Complaint {
  SourceMark mark;
  std::string problem;  // with the value found
  std::string remedy;
};

/// "file:line:column: problem (remedy)".
[[nodiscard]] std::string FormatComplaint(const Complaint& complaint);

/// What this machine says of names in a file that stand for something outside it: the error is the complaint,
/// with what may have been meant. Nothing is said of names whose check is empty.
struct NameChecks {
  std::function<Status(const std::string& name)> kernel;  // not asked about a path
  std::function<Status(const std::string& name)> image;
};

struct LoadResult {
  Scenario scenario;  // meaningful when there are no complaints
  std::vector<Complaint> complaints;
};

/// Reads one file and checks everything that can be known without a host: keys, types, units, references
/// between processes, steps and expectations, cases that can't be told apart; and names, as far as `names`
/// tells.
[[nodiscard]] LoadResult LoadScenario(const std::string& path, const NameChecks& names = {});
[[nodiscard]] LoadResult ParseScenario(const std::string& text, const std::string& file,
                                       const NameChecks& names = {});
/// Reads one file without a check of what its keys hold: twice as fast, for files that were checked when
/// brink was built. Complaints are of YAML and of a lacking name alone.
[[nodiscard]] LoadResult SkimScenario(const std::string& path);

/// The scenario files at a path: the file itself, or all *.yaml below a folder, sorted. An error when there
/// are none.
[[nodiscard]] Result<std::vector<std::string>> FindScenarioFiles(const std::string& path);

/// The reference of the format (scenarios/FORMAT.md) and the JSON Schema for editors
/// (scenarios/scenario.schema.json), from the table that the parser uses.
[[nodiscard]] std::string FormatReferenceMarkdown();
[[nodiscard]] std::string FormatJsonSchema();

}  // namespace brink
