// SPDX-License-Identifier: MIT
// Evidence to verdict: a pure function, no clock, no files, no environment.
#pragma once

#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

[[nodiscard]] Verdict Judge(const Plan& plan, const Evidence& evidence);

/// What bound when this call failed, from its figures alone.
struct Binding {
  std::optional<BindingLimit> limit;
  std::string reason;  // why it, or why none could be named (two fit, or none does)
};
[[nodiscard]] Binding BindingOf(const FailedCall& call);

}  // namespace brink
