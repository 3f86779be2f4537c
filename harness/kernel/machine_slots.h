// SPDX-License-Identifier: MIT
// A slot is what must be saved and restored together: one machine-wide setting, or a pair of which the kernel
// zeroes one when the other is written, as vm.overcommit_ratio and vm.overcommit_kbytes (CoupledSysctls in
// model/setting_values.h). Internal to machine_guard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/roots.h"
#include "model/plan.h"

namespace brink {

/// The file of a machine-wide setting.
[[nodiscard]] std::string MachineSettingPath(const Roots& roots, std::string_view name);

/// The slot that holds this setting: its own name, or that of its pair, such as kCommitPair.
[[nodiscard]] std::string SlotOf(std::string_view setting);
inline constexpr std::string_view kCommitPair = "vm.overcommit_ratio+kbytes";

/// A slot's value: a setting's text; "FIRST SECOND" for a pair, of which the one that is not 0 is written, as
/// that one is in force.
[[nodiscard]] Result<std::string> ReadSlot(const Roots& roots, const std::string& slot);
[[nodiscard]] Status WriteSlot(const Roots& roots, const std::string& slot, const std::string& value);
/// The slot's value once the setting is in force: "51" -> "51 0" for vm.overcommit_ratio.
[[nodiscard]] std::string SlotValue(const Setting& setting);

/// The setting with a relative vm.overcommit_kbytes ("+N" KiB) made absolute: the commit limit will lie N
/// above what is committed now (swap counts towards the limit and is taken off).
[[nodiscard]] Result<Setting> Absolute(const Roots& roots, const Setting& setting);

/// What the kernel changes of its own accord when this slot is written: vm.min_free_kbytes with thp.*
/// (mm/khugepaged.c, set_recommended_min_free_kbytes). Empty: nothing.
[[nodiscard]] std::string SlotMovedBy(std::string_view slot);

/// When a value is written, the lowest first, to impose it as to restore it: what moves another slot before
/// that one; the figures of a commit limit before the mode that enforces it, and after a mode that does not.
[[nodiscard]] int WriteRank(std::string_view name, std::string_view value);

/// Settings in the order in which they may be written.
[[nodiscard]] std::vector<Setting> InSafeOrder(std::vector<Setting> settings);

/// "vm.max_map_count=1000 vm.swappiness=10": equal for sets of equal values, whatever their order; empty for
/// none.
[[nodiscard]] std::string KeyOf(std::vector<Setting> settings);

}  // namespace brink
