// SPDX-License-Identifier: MIT
// What of a plan can only be done, or judged, with the kernel's own evidence.
#pragma once

#include <string>

#include "model/plan.h"

namespace brink {

/// Whether a rule of the plan gives a descendant this name: descendants are followed by BPF alone.
[[nodiscard]] bool IsChild(const Plan& plan, const std::string& name);

/// Why the step can't be done below EvidenceGrade::kKernel (it waits for mappings, or acts on a child); empty
/// when it can.
[[nodiscard]] std::string NeedsKernelEvidence(const Plan& plan, const StepPlan& step);

}  // namespace brink
