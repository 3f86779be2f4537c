// SPDX-License-Identifier: MIT
// The frame of every workload's main(): options, signals, and the way out.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

#include "common/failure.h"

namespace workload {

/// Parses the options, installs the stop signals and runs `body`. Returns main()'s status: Exit::kOk after
/// --help, Exit::kUsage for bad options, a Failure's own status, otherwise what `body` returned. What failed
/// is on standard error as "NAME: mlock: Cannot allocate memory (ENOMEM)".
[[nodiscard]] int RunProgram(CLI::App& app, int argc, char** argv, const std::function<Exit()>& body);

/// An option that takes a size: 4096, 8KiB, 100MiB, 2GiB.
CLI::Option* AddSize(CLI::App& app, const std::string& name, std::uint64_t& value,
                     const std::string& description);

}  // namespace workload
