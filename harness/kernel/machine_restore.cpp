// SPDX-License-Identifier: MIT
#include "kernel/machine_restore.h"

#include <algorithm>

#include "kernel/machine_lock.h"
#include "kernel/machine_slots.h"

namespace brink {
namespace {

std::vector<JournalSlot> InRestoreOrder(std::vector<JournalSlot> slots) {
  std::stable_sort(slots.begin(), slots.end(), [](const JournalSlot& a, const JournalSlot& b) {
    return WriteRank(a.slot, a.old_value) < WriteRank(b.slot, b.old_value);
  });
  return slots;
}

/// What the kernel made of it while others were written proves nobody's hand.
bool WasMoved(const JournalSlot& slot, const std::vector<JournalSlot>& slots) {
  return std::any_of(slots.begin(), slots.end(),
                     [&](const JournalSlot& other) { return SlotMovedBy(other.slot) == slot.slot; });
}

Status RestoreSlot(const Roots& roots, const JournalSlot& slot, bool was_moved, RestoreNotes& notes) {
  const auto now = ReadSlot(roots, slot.slot);
  if (!now) {
    return tl::unexpected(now.error());
  }
  if (*now == slot.old_value) {
    return {};
  }
  const bool is_ours =
      std::find(slot.set_values.begin(), slot.set_values.end(), *now) != slot.set_values.end();
  if (!is_ours && !was_moved) {
    notes.foreign.push_back(
        slot.slot + " is " + *now + ": somebody else changed it (it was " + slot.old_value + ", brink set " +
        (slot.set_values.empty() ? "nothing" : slot.set_values.back()) + "); left as it is");
    return {};
  }
  if (auto status = WriteSlot(roots, slot.slot, slot.old_value); !status) {
    return status;
  }
  const auto after = ReadSlot(roots, slot.slot);
  if (!after || *after != slot.old_value) {
    return Fail("restore " + slot.slot + " to " + slot.old_value + ": it reads " + after.value_or("nothing"));
  }
  notes.restored.push_back(slot.slot + " is " + slot.old_value + " again (" +
                           (is_ours ? "brink had set " : "the kernel had made it ") + *now + ")");
  return {};
}

}  // namespace

tl::unexpected<Error> ForeignValues(const RestoreNotes& notes) {
  std::string text;
  for (const std::string& sentence : notes.foreign) {
    text += (text.empty() ? "" : "; ") + sentence;
  }
  return Fail(text, "decide which value it should have");
}

Result<RestoreNotes> RestoreMachine(const Roots& roots) {
  const auto journal = ReadMachineJournal(roots);
  if (!journal) {
    return tl::unexpected(journal.error());
  }
  RestoreNotes notes;
  if (!*journal) {
    return notes;
  }
  Status outcome;
  const std::vector<JournalSlot>& slots = (*journal)->slots;
  for (const JournalSlot& slot : InRestoreOrder(slots)) {
    // One that fails must not keep the others from being restored.
    if (auto status = RestoreSlot(roots, slot, WasMoved(slot, slots), notes); !status && outcome) {
      outcome = status;
    }
  }
  if (outcome) {
    outcome = RemoveMachineJournal(roots);
  }
  if (!outcome) {
    outcome.error().remedy = "run `brink restore` as root";
    return Within("restore the machine", outcome.error());
  }
  return notes;
}

Result<RestoreNotes> RestoreMachineIfUnused(const Roots& roots, double gate_timeout_s,
                                            double users_timeout_s) {
  Patience for_gate(gate_timeout_s, -1);
  Patience for_users(users_timeout_s, -1);
  for (;;) {
    const auto journal = ReadMachineJournal(roots);
    if (!journal) {
      return tl::unexpected(journal.error());
    }
    if (!*journal) {
      return RestoreNotes{};
    }
    auto locks = MachineLocks::Open(roots);
    if (!locks) {
      return tl::unexpected(locks.error());
    }
    while (!locks->gate.TryExclusive()) {
      if (!for_gate.Wait()) {
        return RestoreNotes{
            .restored = {},
            .foreign = {},
            .in_use = true};  // who holds the gate so long waits for the machine, and restores it first
      }
    }
    if (locks->users.TryExclusive()) {
      return RestoreMachine(roots);
    }
    locks->gate.Unlock();
    if (!for_users.Wait()) {
      return RestoreNotes{.restored = {},
                          .foreign = {},
                          .in_use = true};  // other cases share the machine; the last of them restores it
    }
  }
}

}  // namespace brink
