// SPDX-License-Identifier: MIT
// What brink must undo, on disk before it is done. Files in Roots::run: machine.json (old machine-wide
// values) and runs/PID-START.json (one per brink: its root group). Written whole: temporary file, fsync,
// rename.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/roots.h"

namespace brink {

/// Old and new value of a slot (kernel/machine_slots.h).
struct JournalSlot {
  std::string slot;
  std::string old_value;
  /// All values that brink set or was about to set, the latest last: anything else was set by somebody else.
  std::vector<std::string> set_values;
};

struct MachineJournal {
  std::string key;  // KeyOf() the settings in force
  std::vector<JournalSlot> slots;
};

/// Nothing when there is no journal. A damaged one is an error with its remedy.
[[nodiscard]] Result<std::optional<MachineJournal>> ReadMachineJournal(const Roots& roots);
[[nodiscard]] Status WriteMachineJournal(const Roots& roots, const MachineJournal& journal);
[[nodiscard]] Status RemoveMachineJournal(const Roots& roots);

struct RunEntry {
  int pid = 0;
  std::uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat: tells a reused pid
  std::string group;
};
[[nodiscard]] std::vector<Result<RunEntry>> ReadRunEntries(const Roots& roots);
/// Removes half-written entries of brinks that were killed while writing them: their groups were not made
/// yet.
void RemoveUnfinishedEntries(const Roots& roots);
[[nodiscard]] Status WriteRunEntry(const Roots& roots, const RunEntry& entry);
[[nodiscard]] Status RemoveRunEntry(const Roots& roots, const RunEntry& entry);

/// The start time of a live process in clock ticks since boot; nothing when it does not exist (a zombie does
/// not).
[[nodiscard]] std::optional<std::uint64_t> StartTicks(const Roots& roots, int pid);

/// The brinks that run now, but for this one.
[[nodiscard]] std::vector<int> OtherBrinks(const Roots& roots);

/// Makes Roots::run and its folders, for this user alone. The error says that root is needed.
[[nodiscard]] Status MakeRunDirectory(const Roots& roots);

}  // namespace brink
