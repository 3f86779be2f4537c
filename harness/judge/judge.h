// SPDX-License-Identifier: MIT
// Evidence to verdict: a pure function, no clock, no files, no environment.
#pragma once

#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// What became of each process, which limit bound, and whether that was expected. `expected_met` is absent
/// when the case is inconclusive or the evidence does not suffice for an expectation, false when one is
/// unmet. A plan that expects nothing of its processes is met when all of them survive. A step that was
/// expected to exit or print otherwise, timed out or could not be done is an unmet expectation too.
[[nodiscard]] Verdict Judge(const Plan& plan, const Evidence& evidence);

struct Binding {
  std::optional<BindingLimit> limit;
  std::string reason;  // why it, or why none could be named (two fit, or none does)
};
/// What bound when this call failed, from its figures alone, by the arithmetic of the kernel's own checks.
/// The call "page_fault" stands for a stack that was not allowed to grow (SIGSEGV): args[0] is the address,
/// args[1] the stack pointer, args[2] the stack's upper end. Of brk, args[1] is the break that stayed.
[[nodiscard]] Binding BindingOf(const FailedCall& call);

}  // namespace brink
