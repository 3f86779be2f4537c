// SPDX-License-Identifier: MIT
#include "kernel/machine_slots.h"

#include <algorithm>

#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "model/setting_values.h"

namespace brink {
namespace {

constexpr std::string_view kKbytes = "vm.overcommit_kbytes";

}  // namespace

std::string SlotOf(std::string_view setting) {
  const CoupledSysctls* pair = FindCoupled(setting);
  return std::string(pair == nullptr ? setting : pair->slot);
}

Result<std::string> ReadSlot(const Roots& roots, const std::string& slot) {
  const CoupledSysctls* pair = FindCoupled(slot);
  if (pair == nullptr || pair->slot != slot) {  // a journal of an older brink has a member of it alone
    return ReadMachineSetting(roots, slot);
  }
  const auto first = ReadMachineSetting(roots, pair->first);
  const auto second = ReadMachineSetting(roots, pair->second);
  if (!first || !second) {
    return tl::unexpected(first ? second.error() : first.error());
  }
  return *first + " " + *second;
}

Status WriteSlot(const Roots& roots, const std::string& slot, const std::string& value) {
  const CoupledSysctls* pair = FindCoupled(slot);
  if (pair == nullptr || pair->slot != slot) {  // a journal of an older brink has a member of it alone
    return WriteSmallFile(MachineSettingPath(roots, slot), value);
  }
  const auto parts = Split(value, ' ');
  if (parts.size() != 2) {
    return Fail(slot + ": \"" + value + "\" is not two values");
  }
  // Writing the one that is not zero zeroes the other; some take no zero (vm.dirty_bytes: two pages or more).
  return parts[1] == "0" ? WriteSmallFile(MachineSettingPath(roots, pair->first), parts[0])
                         : WriteSmallFile(MachineSettingPath(roots, pair->second), parts[1]);
}

std::string SlotValue(const Setting& setting) {
  const CoupledSysctls* pair = FindCoupled(setting.name);
  if (pair == nullptr) {
    return setting.value;
  }
  return setting.name == pair->first ? setting.value + " 0" : "0 " + setting.value;
}

Result<Setting> Absolute(const Roots& roots, const Setting& setting) {
  if (!setting.value.starts_with('+')) {
    return setting;
  }
  const auto above = ParseNumber(std::string_view(setting.value).substr(1));
  if (setting.name != kKbytes || !above) {
    return Fail(setting.name + " " + setting.value + ": only vm.overcommit_kbytes takes +SIZE");
  }
  constexpr std::uint64_t kKibibyte = 1024;
  const MachineFigures figures = ReadMachineFigures(roots);
  const std::uint64_t wanted = figures.committed_as_bytes / kKibibyte + *above;
  const std::uint64_t swap = figures.swap_total_bytes / kKibibyte;
  Setting absolute = setting;
  absolute.value = std::to_string(wanted > swap ? wanted - swap : 1);  // 0 would hand the limit to the ratio
  return absolute;
}

std::string SlotMovedBy(std::string_view slot) {
  return slot.starts_with("thp.") ? "vm.min_free_kbytes" : "";
}

int WriteRank(std::string_view name, std::string_view value) {
  const bool is_mode = name == "vm.overcommit_memory";
  const bool comes_first = !SlotMovedBy(name).empty() || (is_mode && value != "2");
  return comes_first ? 0 : is_mode ? 2 : 1;
}

std::vector<Setting> InSafeOrder(std::vector<Setting> settings) {
  std::stable_sort(settings.begin(), settings.end(), [](const Setting& a, const Setting& b) {
    return WriteRank(a.name, a.value) < WriteRank(b.name, b.value);
  });
  return settings;
}

std::string KeyOf(std::vector<Setting> settings) {
  std::sort(settings.begin(), settings.end(),
            [](const Setting& a, const Setting& b) { return a.name < b.name; });
  std::string key;
  for (const Setting& setting : settings) {
    key += (key.empty() ? "" : " ") + setting.name + "=" + setting.value;
  }
  return key;
}

}  // namespace brink
