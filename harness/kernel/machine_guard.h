// SPDX-License-Identifier: MIT
// Machine-wide values: taken with proof that nobody is hurt, journalled, read back, and put back whatever
// happens.
//
// Two brinks at once: cases that want the same machine-wide values (none counts as a set of values too) share
// the machine, others wait. Two open-file-description locks in Roots::run do it (kernel/machine_lock.h):
// `gate` is held for each transition, `users` is held shared by each case. The kernel drops the locks of a
// dead brink by itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup.h"
#include "kernel/process_mappings.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// Reads a machine-wide fault by its table name ("vm.max_map_count", "thp.enabled": the bracketed word).
[[nodiscard]] Result<std::string> ReadMachineSetting(const Roots& roots, std::string_view name);

/// All machine-wide settings of the fault table that this kernel has.
[[nodiscard]] std::map<std::string, std::string> ReadMachineSettings(const Roots& roots);

/// The same as they are when no brink has changed them: where one has, the values it will put back.
[[nodiscard]] std::map<std::string, std::string> ReadMachineSettingsAtRest(const Roots& roots);

/// The figures of the machine now.
[[nodiscard]] MachineFigures ReadMachineFigures(const Roots& roots);

/// Who would be hurt by these settings: running processes with more mappings than a lower vm.max_map_count (a
/// reserve of 100 is kept), commitments above a lower commit limit (64 MiB are left beside what
/// vm.admin_reserve_kbytes and vm.user_reserve_kbytes keep back),
/// panic_on_oom. Empty: nobody. Each entry is a sentence with process and figures. Fails where it can't be
/// known: a process's mappings can't be read, or not every process can be seen.
[[nodiscard]] Result<std::vector<std::string>> WhoWouldBeHurt(const Roots& roots,
                                                              const std::vector<Setting>& settings,
                                                              const MappingCounter& count);

/// Whether anybody minds what happens to the machine. kDisposable: a guest of the vm sandbox, in which
/// nothing runs but the case: WhoWouldBeHurt() is not asked.
enum class Machine { kShared, kDisposable };

/// Who else is on the machine.
struct Bystanders {
  Machine machine = Machine::kShared;
  MappingCounter count = ReadProcessMappings;
};

/// The machine held under one set of values; other sets wait until it is released.
class MachineHold {
 public:
  /// Waits (bounded by timeout_s, woken early when `cancel_fd` becomes readable) until no case with other
  /// values runs, then imposes `settings` (refused where a shared machine's processes would be hurt) unless a
  /// case with the same values holds them already. Proof goes to `proof`, also on failure. `settings` empty:
  /// nothing is changed, but nobody else can change it meanwhile. Before the first write, what an earlier
  /// killed brink left is restored.
  [[nodiscard]] static Result<MachineHold> Take(const Roots& roots, std::vector<Setting> settings,
                                                std::vector<ImposedFault>& proof, double timeout_s = 600,
                                                int cancel_fd = -1, Bystanders bystanders = {});
  MachineHold(MachineHold&&) noexcept;
  MachineHold& operator=(MachineHold&&) noexcept;
  MachineHold(const MachineHold&) = delete;
  MachineHold& operator=(const MachineHold&) = delete;
  /// Restores; what Restore() would have reported is logged.
  ~MachineHold();

  /// Changes a value during the case (a `set` step). Refused while another brink shares the machine.
  [[nodiscard]] Status Change(const Setting& setting, ImposedFault& proof);

  /// Puts the old values back if this is the last holder, verifies them, and lets others in. A value that
  /// somebody else changed meanwhile is reported, not overwritten.
  [[nodiscard]] Status Restore();

 private:
  MachineHold() = default;
  struct State;
  std::unique_ptr<State> state_;
};

/// Everything one brink must leave behind clean: its groups' root and its entry in the journal. Make it once
/// per run, first thing, while the process has one thread: it forks the guardian, which outlives a killed
/// brink by as long as it takes to kill its groups and restore the machine.
class RunGuard {
 public:
  [[nodiscard]] static Result<RunGuard> Start(const Roots& roots);
  RunGuard(RunGuard&&) noexcept;
  RunGuard& operator=(RunGuard&&) noexcept;
  RunGuard(const RunGuard&) = delete;
  RunGuard& operator=(const RunGuard&) = delete;
  ~RunGuard();

  /// The path of this run's root group ("brink-PID-START"); journalled before the caller makes it.
  [[nodiscard]] const std::string& GroupRoot() const;
  /// Removes the root group, the journal's entry and the guardian, and restores machine-wide values that
  /// nobody holds any more. After a failure the guardian stays and tries once more.
  [[nodiscard]] Status Finish();

 private:
  RunGuard() = default;
  struct State;
  std::unique_ptr<State> state_;
};

struct Leftovers {
  /// One sentence for each thing restored or found changed by others.
  std::vector<std::string> notes;
  /// Which brinks use the machine-wide values that are in force, and will restore them; empty: none are.
  std::string in_use;
};

/// What `brink restore` (and every start) does: for every dead brink in the journal, kill and remove its
/// groups; restore machine-wide values nobody holds any more.
[[nodiscard]] Result<Leftovers> RestoreLeftovers(const Roots& roots);

}  // namespace brink
