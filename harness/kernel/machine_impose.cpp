// SPDX-License-Identifier: MIT
#include "kernel/machine_impose.h"

#include <algorithm>
#include <cerrno>

#include "kernel/machine_guard.h"
#include "kernel/machine_slots.h"

namespace brink {
namespace {

/// The slot's entry; a new one with the value of now.
Result<JournalSlot*> EntryOf(const Roots& roots, const std::string& slot, MachineJournal& journal) {
  const auto known = std::find_if(journal.slots.begin(), journal.slots.end(),
                                  [&](const JournalSlot& entry) { return entry.slot == slot; });
  if (known != journal.slots.end()) {
    return &*known;
  }
  const auto now = ReadSlot(roots, slot);
  if (!now) {
    return tl::unexpected(now.error());
  }
  journal.slots.push_back({.slot = slot, .old_value = *now, .set_values = {}});
  return &journal.slots.back();
}

/// On disk before the machine is touched.
Status Note(const Roots& roots, const std::string& slot, const std::string& value, MachineJournal& journal) {
  if (const std::string moved = SlotMovedBy(slot); !moved.empty()) {
    if (const auto entry = EntryOf(roots, moved, journal); !entry) {
      return tl::unexpected(entry.error());
    }
  }
  const auto entry = EntryOf(roots, slot, journal);
  if (!entry) {
    return tl::unexpected(entry.error());
  }
  (*entry)->set_values.push_back(value);
  return WriteMachineJournal(roots, journal);
}

}  // namespace

ImposedFault ProofOf(const Roots& roots, const Setting& requested, const std::string& expected) {
  ImposedFault fault;
  fault.name = requested.name;
  fault.target = "machine";
  fault.requested = requested.value;
  const auto now = ReadMachineSetting(roots, requested.name);
  fault.read_back = now.value_or("");
  fault.in_force = now && *now == expected;
  if (!fault.in_force) {
    fault.error = now ? "it reads " + *now + ", not " + expected : now.error().message;
  }
  return fault;
}

Status Impose(const Roots& roots, const Setting& requested, MachineJournal& journal, ImposedFault& proof) {
  proof.name = requested.name;
  proof.target = "machine";
  proof.requested = requested.value;
  const auto setting = Absolute(roots, requested);
  if (!setting) {
    return tl::unexpected(setting.error());
  }
  const std::string slot = SlotOf(requested.name);
  if (auto status = Note(roots, slot, SlotValue(*setting), journal); !status) {
    return status;
  }
  if (auto status = WriteSlot(roots, slot, SlotValue(*setting)); !status) {
    Error error = status.error();
    error.remedy = error.code == EINVAL
                       ? "the kernel takes no such value"
                       : "run brink as root on a host whose /proc/sys is writable, or use --sandbox vm";
    return tl::unexpected(std::move(error));
  }
  proof = ProofOf(roots, requested, setting->value);
  return proof.in_force ? Status{} : Fail(requested.name + " " + requested.value + ": " + proof.error);
}

Status ProveStill(const Roots& roots, MachineJournal& journal, std::vector<ImposedFault>& proof) {
  std::string moved;
  for (JournalSlot& entry : journal.slots) {
    const std::string now = ReadSlot(roots, entry.slot).value_or("nothing");
    if (entry.set_values.empty() || now == entry.set_values.back()) {
      continue;
    }
    const std::string error = "it reads " + now + ", not " + entry.set_values.back();
    moved += (moved.empty() ? "" : "; ") + entry.slot + ": once all values were written, " + error;
    entry.set_values.push_back(now);
    for (ImposedFault& fault : proof) {
      if (SlotOf(fault.name) == entry.slot) {
        fault.read_back = ReadMachineSetting(roots, fault.name).value_or("");
        fault.in_force = false;
        fault.error = error;
      }
    }
  }
  if (moved.empty()) {
    return {};
  }
  auto status = WriteMachineJournal(roots, journal);
  return status ? Fail(moved, "the kernel changes it with another of them: leave one out") : status;
}

}  // namespace brink
