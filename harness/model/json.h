// SPDX-License-Identifier: MIT
// Plan and Evidence as JSON, for the run directory. Field names are the members' names.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

[[nodiscard]] std::string PlanToJson(const Plan& plan);
[[nodiscard]] Result<Plan> PlanFromJson(std::string_view text);
[[nodiscard]] std::string EvidenceToJson(const Evidence& evidence);
/// Refuses a format newer than this brink writes; absent fields take their defaults.
[[nodiscard]] Result<Evidence> EvidenceFromJson(std::string_view text);

/// "survived", "failed", "oom_killed", "hung", "inconclusive".
[[nodiscard]] std::string_view Name(Outcome outcome);
/// "kernel", "counters", "none".
[[nodiscard]] std::string_view Name(EvidenceGrade grade);

}  // namespace brink
