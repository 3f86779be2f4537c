// SPDX-License-Identifier: MIT
// Names and values of resource limits, as getrlimit(2) has them.
#pragma once

#include <sys/resource.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/plan.h"

namespace brink {

/// RLIMIT_AS for "RLIMIT_AS"; nothing when there is no such limit.
[[nodiscard]] std::optional<int> RlimitNumber(std::string_view name);

/// A resource limit as asked for. An end that the setting leaves empty stays as it is.
struct RlimitRequest {
  int resource = 0;
  std::optional<rlim_t> soft;
  std::optional<rlim_t> hard;
};
/// Accepts decimal numbers, "unlimited" and "max".
[[nodiscard]] Result<RlimitRequest> ParseRlimit(const RlimitSetting& setting);

/// `current` with the request laid over it; whether the pair is allowed is for the kernel to say.
[[nodiscard]] rlimit Resolve(const RlimitRequest& request, const rlimit& current);

/// "67108864", "unlimited", or "SOFT:HARD" when they differ.
[[nodiscard]] std::string FormatRlimit(const rlimit& limit);
/// What was asked for, in the same words; "=" for an end that stays as it is.
[[nodiscard]] std::string FormatRlimit(const RlimitRequest& request);

/// True when the limit is what was asked for.
[[nodiscard]] bool Matches(const RlimitRequest& request, const rlimit& limit);

/// Why the kernel refused, as a remedy.
[[nodiscard]] std::string RlimitRemedy(int code);
/// The same for oom_score_adj and nice.
[[nodiscard]] std::string OomScoreRemedy(int code);
[[nodiscard]] std::string NiceRemedy(int code);

}  // namespace brink
