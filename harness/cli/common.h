// SPDX-License-Identifier: MIT
// What several commands need: scenario files, folders, the terminal.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/scenario.h"
#include "report/report.h"

namespace brink {

/// The folder of the scenarios that come with brink: beside an installed program, else in the source tree.
[[nodiscard]] std::string ShippedScenarios();
/// The folder of the model workloads that come with brink.
[[nodiscard]] std::string WorkloadsFolder();
/// Where commands of scenarios are looked for: the workloads, then $PATH.
[[nodiscard]] std::vector<std::string> CommandSearchPath();

/// Loads every scenario at the paths. Prints all complaints of all files to standard error; nothing when
/// there was one.
[[nodiscard]] std::optional<std::vector<Scenario>> LoadScenarios(const std::vector<std::string>& paths);

/// "error: MESSAGE" and "  remedy: REMEDY" to standard error.
void PrintError(const Error& error);

/// Colour if the stream is a terminal and NO_COLOR is not set; the terminal's width.
[[nodiscard]] TextStyle StyleFor(std::FILE* stream);

}  // namespace brink
