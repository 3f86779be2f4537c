// SPDX-License-Identifier: MIT
// Turns what the kernel and the runner see into evidence under the plan's names.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "evidence/watch.h"
#include "kernel/launch.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// A named process that has just been recognised among the descendants.
struct Recognised {
  std::string name;
  int pid = 0;
  const ChildRule* rule = nullptr;
};

/// Owns a case's evidence while it grows. Bounded whatever the target does: lists are capped, counts go on.
/// No process can crowd out what a verdict on another one rests on: the first failure of each process, call
/// and errno, the first and the last of each signal to a process that the plan names, and its OOM kill are
/// always kept. What is left out is counted (Evidence::left_out).
class Recorder {
 public:
  static constexpr std::size_t kMaxFailedCallsOfKind = 64;  // of each process, call and errno
  static constexpr std::size_t kMaxFailedCalls = 2048;      // beyond it only the first of each kind
  static constexpr std::size_t kMaxSignals = 256;           // beyond it only those to processes with a name
  static constexpr std::size_t kMaxOomKills = 256;          // likewise
  static constexpr std::size_t kMaxTimeline = 20000;
  static constexpr std::size_t kMaxDescendants = 65536;

  Recorder(const Plan& plan, Roots roots);

  [[nodiscard]] double Now() const;
  [[nodiscard]] double Since(std::uint64_t at_ns) const;
  [[nodiscard]] Evidence& Record() { return evidence_; }

  /// A process that brink starts: gives the index of its record. `plan` is null for a step's command.
  std::size_t AddProcess(WatchToken token, const std::string& name, const ProcessPlan* plan);
  void Started(std::size_t record, WatchToken token, int pid);
  void Ended(std::size_t record, const ExitStatus& status, double t_s);
  /// From now on deaths are brink's doing.
  void SetEnding() { ending_ = true; }
  /// Which group (memory controller inode) is which path, for OOM kills.
  void AddGroup(std::uint64_t memory_id, const std::string& path) { groups_[memory_id] = path; }

  void OnEvent(const WatchEvent& event);
  void OnSample(const std::vector<TaskFigures>& tasks,
                const std::map<std::string, std::uint64_t>& memory_by_process);
  /// Looks at what zram takes, where the machine swaps to it.
  void NoteZram();
  /// Committed_AS where a value relative to it is asked for (vm.overcommit_kbytes: "+N"), otherwise nothing.
  [[nodiscard]] std::optional<std::uint64_t> Committed() const;
  /// `before` and `after`: the case's processes as seen before and after `committed` was read.
  void OnCommitments(std::uint64_t committed, const std::vector<TaskFigures>& before,
                     const std::vector<TaskFigures>& after);
  void SetFailureTotals(const std::vector<FailureTotal>& totals);

  /// Looks at descendants that no rule has recognised yet; gives those that one has recognised since the last
  /// call, each once.
  std::vector<Recognised> IdentifyChildren();
  /// Some were recognised on the way, as an event came in, and have not been given yet.
  [[nodiscard]] bool HasRecognised() const { return !recognised_.empty(); }
  /// The rules that ask for an oom_score_adj which some child may have lived without: each child that was
  /// known only by its end, and every rule of a started process that never fitted although there may have
  /// been such a child. A process that failed before it had a child did not miss one: there must have been a
  /// descendant that nobody named, unless descendants could not be seen (`all_forks_seen` false).
  [[nodiscard]] std::vector<const ChildRule*> MissedRules(bool all_forks_seen) const;
  /// Some descendant is young enough that it may still take the name a rule waits for.
  [[nodiscard]] bool HasYoungDescendants() const;

  /// The living processes of that name: roots and children.
  [[nodiscard]] std::vector<int> LivingPids(const std::string& name) const;
  /// Of the process that this token stands for, named or not, without it; nothing without kernel evidence.
  [[nodiscard]] std::vector<int> LivingDescendants(WatchToken token) const;
  /// Of a living process; empty when there is none of that number, or only its zombie.
  [[nodiscard]] std::string CommOf(int pid) const;
  [[nodiscard]] std::uint64_t MapCountOf(const std::string& name) const;

 private:
  struct TokenInfo {
    std::string name;
    const ProcessPlan* plan = nullptr;  // null: a step
    std::size_t record = 0;
    int root_pid = 0;
    bool has_unnamed = false;  // a descendant ended that no rule fitted
  };
  struct Descendant {
    WatchToken token = 0;
    std::uint64_t born_ns = 0;
  };

  void On(const ForkSeen& event);
  void On(const ExecSeen& event);
  void On(const ExitSeen& event);
  void On(const FailureSeen& event);
  void On(const OomKillSeen& event);
  void On(const SignalSeen& event);

  void Keep(FailedCall call);
  void Keep(SignalSent sent);
  void KeepBesideFullList(SignalSent sent);
  void TakeInWhatWasLeftOut(int pid, const std::string& name);
  [[nodiscard]] std::string NameOf(WatchToken token, int pid) const;
  ProcessRecord* RecordOf(int pid);
  void Identify();
  void NameAtExit(const ExitSeen& event);
  void Rename(int pid, const std::string& name);
  std::size_t AddChild(const TokenInfo& parent, const std::string& name, int pid, std::uint64_t born_ns);
  void SummariseMapsOnce(const std::string& process, int pid, double t_s);
  void PeakMaps(int pid, std::uint64_t map_count);

  const Plan& plan_;
  Roots roots_;
  std::uint64_t start_ns_ = 0;
  bool relative_commit_ = false;
  std::vector<SwapArea> swaps_;
  bool ending_ = false;
  Evidence evidence_;
  std::unordered_map<WatchToken, TokenInfo> tokens_;
  std::vector<Recognised> recognised_;                   // not given to the caller yet
  std::set<const ChildRule*> known_too_late_;            // some child of it was known only by its end
  std::unordered_map<int, Descendant> descendants_;      // alive, not recognised
  std::unordered_map<int, SignalSent> kills_left_out_;   // of descendants that may still get a name
  std::unordered_map<int, OomKill> oom_kills_left_out_;  // likewise
  std::unordered_map<int, std::size_t> record_by_pid_;  // roots and recognised children, also after their end
  std::unordered_map<std::uint64_t, std::string> groups_;
  std::unordered_map<std::string, std::uint64_t> last_map_count_;
  std::set<std::string> summarised_;
};

}  // namespace brink
