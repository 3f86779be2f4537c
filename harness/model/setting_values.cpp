// SPDX-License-Identifier: MIT
#include "model/setting_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "base/units.h"
#include "model/fault_table.h"

namespace brink {
namespace {

// Sources: mm/util.c (overcommit_ratio_handler and its like) and mm/page-writeback.c (dirty_ratio_handler,
// dirty_bytes_handler, and those of the background).
constexpr auto kCoupled = std::to_array<CoupledSysctls>({
    {"vm.overcommit_ratio+kbytes", "vm.overcommit_ratio", "vm.overcommit_kbytes"},
    {"vm.dirty_ratio+bytes", "vm.dirty_ratio", "vm.dirty_bytes"},
    {"vm.dirty_background_ratio+bytes", "vm.dirty_background_ratio", "vm.dirty_background_bytes"},
});

}  // namespace

const CoupledSysctls* FindCoupled(std::string_view name) {
  const auto* const pair = std::find_if(kCoupled.begin(), kCoupled.end(), [&](const CoupledSysctls& each) {
    return each.slot == name || each.first == name || each.second == name;
  });
  return pair == kCoupled.end() ? nullptr : pair;
}

std::string WithUnits(std::string_view name, const std::string& value) {
  const FaultInfo* fault = FindFault(name);
  const std::string sign = value.starts_with('+') ? "+" : "";
  std::uint64_t amount = 0;
  const char* end = value.data() + value.size();
  const auto [rest, code] = std::from_chars(value.data() + sign.size(), end, amount);
  const bool sized =
      fault != nullptr && (fault->unit == FaultUnit::kBytes || fault->unit == FaultUnit::kKibibytes);
  constexpr std::uint64_t kKibibyte = 1024;
  const std::uint64_t unit = sized && fault->unit == FaultUnit::kKibibytes ? kKibibyte : 1;
  if (!sized || code != std::errc() || rest != end || amount > UINT64_MAX / unit ||
      amount * unit < kKibibyte) {
    return value;
  }
  return value + " (" + sign + FormatBytes(amount * unit) + ")";
}

}  // namespace brink
