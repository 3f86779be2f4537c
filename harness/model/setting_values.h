// SPDX-License-Identifier: MIT
// What is true of the values of settings, beyond the rows of the fault table.
#pragma once

#include <string>
#include <string_view>

namespace brink {

/// A value as it is, and in units where it is an amount: "4294967296 (4 GiB)", "+614400 (+600 MiB)".
[[nodiscard]] std::string WithUnits(std::string_view name, const std::string& value);

/// Two sysctls of which the kernel zeroes one when the other is written: one of them is in force, and both
/// are saved and put back together, as the slot of that name.
struct CoupledSysctls {
  std::string_view slot;
  std::string_view first;   // a share of memory
  std::string_view second;  // an amount of it
};

/// The pair that a sysctl is one of, or that has this slot; nothing for all others.
[[nodiscard]] const CoupledSysctls* FindCoupled(std::string_view name);

}  // namespace brink
