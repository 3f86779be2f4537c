// SPDX-License-Identifier: MIT
// Values of JSON documents that may be missing.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace brink {

template <typename T>
[[nodiscard]] nlohmann::ordered_json OrNull(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
}

/// An empty text is none.
[[nodiscard]] inline nlohmann::ordered_json OrNull(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

}  // namespace brink
