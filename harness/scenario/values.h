// SPDX-License-Identifier: MIT
// One scalar of a scenario, judged and brought into the form the decoder reads.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "model/scenario.h"
#include "scenario/schema.h"

namespace brink {

/// The value in the form that ValueType tells of; the error names the value found.
[[nodiscard]] Result<std::string> NormaliseValue(const Key& key, const Node& node,
                                                 const SizeContext& context);

/// Letters, digits, '.', '_', '-', beginning with a letter or digit, at most 64: safe as a folder, a group
/// and a file.
[[nodiscard]] bool IsName(std::string_view text);
inline constexpr std::string_view kNameRemedy =
    "use up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit";
/// The same rule as a regular expression, for the JSON Schema.
inline constexpr std::string_view kNamePattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

}  // namespace brink
