// SPDX-License-Identifier: MIT
// The parts of the table of the scenario format, for schema.cpp alone, which puts them together.
#pragma once

#include <vector>

#include "scenario/schema.h"

namespace brink {

[[nodiscard]] std::vector<Section> IncidentSections();
[[nodiscard]] std::vector<Section> ProcessSections();
[[nodiscard]] std::vector<Section> StepSections();
[[nodiscard]] std::vector<Section> ExpectSections();
/// Sysctls, limits of groups and resource limits, from the rows of the fault table.
[[nodiscard]] std::vector<Section> FaultSections();

}  // namespace brink
