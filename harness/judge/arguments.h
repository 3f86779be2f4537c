// SPDX-License-Identifier: MIT
// The arguments of a failing call under their names.
#pragma once

#include <vector>

#include "model/evidence.h"
#include "model/verdict.h"

namespace brink {

/// Those that the call has, in order: the other registers hold what was there before. All six, as "arg0" to
/// "arg5", of a call that is not known.
[[nodiscard]] std::vector<CallArgument> ArgumentsOf(const FailedCall& call);

}  // namespace brink
