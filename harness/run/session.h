// SPDX-License-Identifier: MIT
// Runs plans: takes the machine or a guest, runs the case, judges it, saves both. Used by `brink run`, by the
// agent in a guest, and by the GoogleTest programs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/machine_guard.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

struct SessionOptions {
  Roots roots;
  /// False: no plan of the sandbox "host" will come; nothing of this machine is touched, and no rights are
  /// needed.
  bool use_host = true;
  /// False: a plan of the sandbox "host" with machine-wide faults is inconclusive, with the remedy.
  bool may_change_machine = false;
  /// kDisposable, in a guest: every value may be changed, and nobody on it can be hurt.
  Machine machine = Machine::kShared;
  /// The folder below which all run_dirs lie; guests share it. Empty: RunAll() finds it; Run() shares the
  /// plan's run_dir.
  std::string out_dir;
  bool use_bpf = true;
  int jobs = 1;
  int cancel_fd = -1;  // readable: give up
  std::function<void(const Plan&, const std::string& line)> progress;
  std::function<void(const Verdict&)> finished;  // called as each case ends, from one thread at a time
  /// Instead, of a case that cancel_fd ended.
  std::function<void(const Plan&)> interrupted;
};

class Session {
 public:
  /// Call while the process has one thread.
  [[nodiscard]] static Result<Session> Start(SessionOptions options);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  [[nodiscard]] const HostFacts& Host() const;
  /// Runs one plan here and now. Writes plan.json, evidence.json, verdict.json and logs/ below plan.run_dir.
  [[nodiscard]] Verdict Run(const Plan& plan);
  /// Runs one plan on this machine, whatever its sandbox: neither judged nor saved. Its folders must exist.
  /// One that cannot be run here gets its reason, in not_runnable.
  [[nodiscard]] Evidence Collect(Plan& plan);
  /// Whether everything that the cases so far changed on this machine could be put back, and their groups
  /// removed. Finish() tries those again.
  [[nodiscard]] Status PutBack() const;
  /// Runs all, `jobs` at a time; verdicts come back in the order of the plans, compared with each other
  /// (judge/pairs.h), which is saved too. Plans not begun when cancel_fd became readable are left out.
  [[nodiscard]] std::vector<Verdict> RunAll(const std::vector<Plan>& plans);
  /// Leaves the machine clean; an error names what could not be put back, after any of the cases too, or else
  /// how many cases' results could not be written, and the first file of them.
  [[nodiscard]] Status Finish();

 private:
  Session();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brink
