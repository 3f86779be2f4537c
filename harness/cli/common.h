// SPDX-License-Identifier: MIT
// What several commands need: scenario files, folders, the terminal.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalogue/entry.h"
#include "model/scenario.h"
#include "report/report.h"

namespace brink {

/// Prints what the user asked for to standard output. Gives `status`, or that of brink's own failure when it
/// cannot be written (a full disk). A reader that has left, as in `brink list | head -1`, is no failure.
[[nodiscard]] int PrintResults(const std::string& text, int status);
/// `--format text|json`.
void AddFormatOption(CLI::App& command, std::string& format);
/// Prints to standard error at once. It may be closed or full: a run must end in order all the same.
void PrintNotice(const std::string& text);

/// The folder of the scenarios that come with brink: beside an installed program, else in the source tree.
[[nodiscard]] std::string ShippedScenarios();
/// The folder of the model workloads that come with brink.
[[nodiscard]] std::string WorkloadsFolder();
/// Where commands of scenarios are looked for: the workloads, then $PATH.
[[nodiscard]] std::vector<std::string> CommandSearchPath();

/// A path as somebody who stands in the current folder would type it, when it lies below that; else as it is.
[[nodiscard]] std::string ShortPath(const std::string& path);

/// Loads every scenario at the paths. Prints all complaints of all files to standard error; nothing when
/// there was one.
[[nodiscard]] std::optional<std::vector<Scenario>> LoadScenarios(const std::vector<std::string>& paths);

/// The incidents that come with brink, which its own tests have checked: reading them takes half the time
/// then.
[[nodiscard]] std::optional<std::vector<Scenario>> SkimShipped();
/// As the catalogue shows them, with files as the user would type them.
[[nodiscard]] std::vector<CatalogueEntry> ShortEntriesOf(const std::vector<Scenario>& scenarios);

/// "error: MESSAGE" and "  remedy: REMEDY" to standard error.
void PrintError(const Error& error);

/// Colour if the stream is a terminal and NO_COLOR is not set; the terminal's width.
[[nodiscard]] TextStyle StyleFor(std::FILE* stream);

}  // namespace brink
