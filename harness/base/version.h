// SPDX-License-Identifier: MIT
#pragma once

namespace brink {
/// The project's version, from the top CMakeLists.txt.
inline constexpr const char* kVersion = BRINK_VERSION;
}  // namespace brink
