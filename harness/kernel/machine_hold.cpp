// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>

#include "kernel/journal.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_impose.h"
#include "kernel/machine_lock.h"
#include "kernel/machine_restore.h"
#include "kernel/machine_slots.h"

namespace brink {

struct MachineHold::State {
  Roots roots;
  std::vector<Setting> settings;
  MachineLocks locks;
  Bystanders bystanders;
  bool held = false;
};

namespace {

std::string Joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) {
    text += (text.empty() ? "" : "; ") + sentence;
  }
  return text;
}

constexpr const char* kElsewhere = "run it where nobody else is: --sandbox vm";

Status RefuseHarm(const Roots& roots, const std::vector<Setting>& settings, const Bystanders& bystanders) {
  if (bystanders.machine == Machine::kDisposable) {
    return {};
  }
  const auto hurt = WhoWouldBeHurt(roots, settings, bystanders.count);
  if (!hurt) {
    Error error = hurt.error();
    error.message = "nothing proves that no process of this machine would be hurt: " + error.message;
    if (error.remedy.empty()) {
      error.remedy = kElsewhere;
    }
    return tl::unexpected(std::move(error));
  }
  if (!hurt->empty()) {
    return Fail(
        "refused on this machine: " + Joined(*hurt),
        fmt::format(
            "end those processes or wait until they are done, set a milder value in the scenario, or {}",
            kElsewhere));
  }
  return {};
}

/// The caller holds `users` exclusively and the machine is as it was.
Status ImposeAll(const Roots& roots, const std::vector<Setting>& settings, const Bystanders& bystanders,
                 std::vector<ImposedFault>& proof) {
  if (settings.empty()) {
    return {};
  }
  if (auto status = RefuseHarm(roots, settings, bystanders); !status) {
    return status;
  }
  MachineJournal journal{.key = KeyOf(settings), .slots = {}};
  for (const Setting& setting : InSafeOrder(settings)) {
    ImposedFault one;
    auto status = Impose(roots, setting, journal, one);
    if (!status) {
      one.in_force = false;
      one.error = status.error().message;
    }
    proof.push_back(std::move(one));
    if (!status) {
      return status;
    }
  }
  return ProveStill(roots, journal, proof);
}

/// Another case has imposed these values: proves that they are in force.
Status ProveShared(const Roots& roots, const std::vector<Setting>& settings, const MachineJournal& journal,
                   std::vector<ImposedFault>& proof) {
  Status outcome;
  for (const Setting& setting : settings) {
    std::string expected = setting.value;
    for (const JournalSlot& slot : journal.slots) {
      if (expected.starts_with('+') && slot.slot == kCommitPair && !slot.set_values.empty()) {
        const std::string& pair = slot.set_values.back();
        expected = pair.substr(pair.find(' ') + 1);
      }
    }
    proof.push_back(ProofOf(roots, setting, expected));
    if (!proof.back().in_force && outcome) {
      outcome =
          Fail(setting.name + ": " + proof.back().error, "somebody else changes this machine's settings");
    }
  }
  return outcome;
}

Result<MachineJournal> Current(const Roots& roots) {
  auto journal = ReadMachineJournal(roots);
  if (!journal) {
    return tl::unexpected(journal.error());
  }
  return std::move(*journal).value_or(MachineJournal{});
}

/// Alone on the machine: puts back what a killed brink left.
Status CleanUp(const Roots& roots) {
  const auto notes = RestoreMachine(roots);
  if (!notes) {
    return tl::unexpected(notes.error());
  }
  for (const std::string& note : notes->restored) {
    spdlog::warn("a killed brink left its values: {}", note);
  }
  for (const std::string& note : notes->foreign) {
    spdlog::warn("{}", note);
  }
  return {};
}

/// The last to leave restores. Whoever else takes the lock between the two calls restores before it imposes.
Status Leave(const Roots& roots, MachineLocks& locks) {
  locks.users.Unlock();
  if (!locks.users.TryExclusive()) {
    return {};
  }
  const auto notes = RestoreMachine(roots);
  locks.users.Unlock();
  if (!notes) {
    return tl::unexpected(notes.error());
  }
  return notes->foreign.empty() ? Status{} : ForeignValues(*notes);
}

tl::unexpected<Error> GaveUp(const Patience& patience, double timeout_s) {
  if (patience.Cancelled()) {
    return tl::unexpected<Error>(
        Error{.message = "interrupted while waiting for the machine", .remedy = "", .code = ECANCELED});
  }
  return tl::unexpected<Error>(
      Error{.message = "the machine was held under other machine-wide values for " +
                       std::to_string(static_cast<int>(timeout_s)) + " s",
            .remedy = "another brink runs cases with other values: wait for it to end",
            .code = ETIMEDOUT});
}

/// One attempt, with the gate held. True: the machine is held under the settings (`users` shared).
Result<bool> TryEnter(const Roots& roots, const std::vector<Setting>& settings, const Bystanders& bystanders,
                      MachineLocks& locks, std::vector<ImposedFault>& proof) {
  if (locks.users.TryExclusive()) {
    auto status = CleanUp(roots);
    status = status ? ImposeAll(roots, settings, bystanders, proof) : status;
    // From exclusive to shared always succeeds: nobody else can hold it now.
    if (!status || !locks.users.TryShared()) {
      Error error = status ? Fail("share the machine's lock").value() : status.error();
      if (const auto left = Leave(roots, locks); !left) {
        error.message += "; " + left.error().message;
      }
      return tl::unexpected(std::move(error));
    }
    return true;
  }
  const std::string key = KeyOf(settings);
  const auto before = Current(roots);
  if (!before) {
    return tl::unexpected(before.error());
  }
  if (before->key != key || !locks.users.TryShared()) {
    return false;
  }
  const auto journal = Current(roots);  // read again: it may have been restored before the lock was ours
  if (journal && journal->key == key) {
    if (auto status = ProveShared(roots, settings, *journal, proof); !status) {
      static_cast<void>(Leave(roots, locks));
      return tl::unexpected(status.error());
    }
    return true;
  }
  static_cast<void>(Leave(roots, locks));
  return false;
}

/// Says once in the life of this brink that it waits, and for whom. When no other brink runs, it is for a
/// case of its own, which is how --jobs works.
void TellOfWaiting(const Roots& roots) {
  static std::atomic<bool> told = false;
  const std::vector<int> others = told ? std::vector<int>{} : OtherBrinks(roots);
  if (!others.empty() && !told.exchange(true)) {
    spdlog::warn("waiting for brink {}, which runs cases under other machine-wide values",
                 fmt::join(others, ", "));
  }
}

Status Enter(const Roots& roots, const std::vector<Setting>& settings, const Bystanders& bystanders,
             MachineLocks& locks, std::vector<ImposedFault>& proof, Patience patience, double timeout_s) {
  while (!locks.gate.TryExclusive()) {
    TellOfWaiting(roots);
    if (!patience.Wait()) {
      return GaveUp(patience, timeout_s);
    }
  }
  // The gate is kept while waiting for the users to leave: nobody who came later may overtake.
  for (;;) {
    const auto entered = TryEnter(roots, settings, bystanders, locks, proof);
    if (!entered || *entered) {
      locks.gate.Unlock();
      return entered ? Status{} : tl::unexpected(entered.error());
    }
    TellOfWaiting(roots);
    if (!patience.Wait()) {
      locks.gate.Unlock();
      return GaveUp(patience, timeout_s);
    }
  }
}

Status RefuseDouble(const std::vector<Setting>& settings) {
  for (std::size_t i = 0; i < settings.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (SlotOf(settings[i].name) == SlotOf(settings[k].name)) {
        return Fail(settings[k].name + " and " + settings[i].name + " undo each other", "set one of them");
      }
    }
  }
  return {};
}

}  // namespace

Result<MachineHold> MachineHold::Take(const Roots& roots, std::vector<Setting> settings,
                                      std::vector<ImposedFault>& proof, double timeout_s, int cancel_fd,
                                      Bystanders bystanders) {
  auto ready = RefuseDouble(settings);
  ready = ready ? MakeRunDirectory(roots) : ready;
  if (!ready) {
    return tl::unexpected(ready.error());
  }
  auto locks = MachineLocks::Open(roots);
  if (!locks) {
    return tl::unexpected(locks.error());
  }
  auto entered = Enter(roots, settings, bystanders, *locks, proof, Patience(timeout_s, cancel_fd), timeout_s);
  if (!entered) {
    return tl::unexpected(entered.error());
  }
  MachineHold hold;
  hold.state_ = std::make_unique<State>(State{.roots = roots,
                                              .settings = std::move(settings),
                                              .locks = std::move(*locks),
                                              .bystanders = std::move(bystanders),
                                              .held = true});
  return hold;
}

MachineHold::MachineHold(MachineHold&&) noexcept = default;

MachineHold& MachineHold::operator=(MachineHold&& other) noexcept {
  std::swap(state_, other.state_);  // the other's destructor restores what this one held
  return *this;
}

MachineHold::~MachineHold() {
  if (auto status = Restore(); !status) {
    spdlog::error("{}", status.error().message);
  }
}

Status MachineHold::Change(const Setting& setting, ImposedFault& proof) {
  if (state_ == nullptr || !state_->held) {
    return Fail(setting.name + ": the machine is not held any more");
  }
  const Roots& roots = state_->roots;
  auto status = RefuseHarm(roots, {setting}, state_->bystanders);
  if (status && !state_->locks.users.TryExclusive()) {
    status = Fail(setting.name + " cannot change now: another case shares the machine",
                  "give the case machine-wide values of its own, or run with --jobs 1");
  } else if (status) {
    auto journal = Current(roots);
    status = journal ? Status{} : tl::unexpected(journal.error());
    if (status) {
      const auto same = [&](const Setting& known) { return SlotOf(known.name) == SlotOf(setting.name); };
      std::erase_if(state_->settings, same);
      state_->settings.push_back(setting);
      journal->key = KeyOf(state_->settings);
      status = Impose(roots, setting, *journal, proof);
      std::vector<ImposedFault> proven_at_start;  // is in the evidence already
      status = status ? ProveStill(roots, *journal, proven_at_start) : status;
    }
    static_cast<void>(state_->locks.users.TryShared());  // down from exclusive: always succeeds
  }
  if (!status) {
    proof.name = setting.name;
    proof.target = "machine";
    proof.requested = setting.value;
    proof.in_force = false;
    proof.error = status.error().message;
  }
  return status;
}

Status MachineHold::Restore() {
  if (state_ == nullptr || !state_->held) {
    return {};
  }
  state_->held = false;
  return Leave(state_->roots, state_->locks);
}

}  // namespace brink
