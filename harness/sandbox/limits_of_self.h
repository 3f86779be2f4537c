// SPDX-License-Identifier: MIT
// What a guest's agent takes over from the brink on the host, so that targets inherit the same in both.
#pragma once

#include <nlohmann/json.hpp>

namespace brink {

/// The resource limits of this process: numbers of RLIMIT_* to soft and hard limit.
[[nodiscard]] nlohmann::ordered_json OwnLimits();
/// Takes such limits over, as far as the system permits.
void TakeLimits(const nlohmann::ordered_json& limits);

}  // namespace brink
