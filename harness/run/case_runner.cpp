// SPDX-License-Identifier: MIT
#include "run/case_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "faults/faults.h"
#include "model/json.h"
#include "run/case_loop.h"
#include "run/recorder.h"
#include "run/steps.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

/// exec answers these when a limit of memory, tasks or stack leaves no room for it.
bool MayBeALimit(int code) { return code == ENOMEM || code == EAGAIN || code == E2BIG; }

void RecordRefusal(const Error& error, ProcessRecord& record) {
  record.start_error = error.message;
  // Without an errno it was killed on its way to exec, or a fault was not in force: that is told elsewhere.
  if (error.code != 0 && !MayBeALimit(error.code)) {
    record.start_remedy = error.remedy.empty() ? "correct `run:`, or what it needs" : error.remedy;
  }
}

class CaseRunner : public CaseActions {
 public:
  CaseRunner(const Plan& plan, const CaseContext& context)
      : plan_(plan),
        context_(context),
        recorder_(plan, context.sandbox->SystemRoots()),
        loop_(plan, context, recorder_) {
    loop_.on_recognised = [this](const Recognised& child) { OnRecognised(child); };
  }

  CaseResult Run(std::vector<ImposedFault> machine_proof);

  Status StartProcess(const ProcessPlan& process) override;
  void StopProcess(LiveTarget& target) override;
  Result<LiveTarget*> StartCommand(const std::string& name, const RunStep& run, const std::string& log_name,
                                   const std::vector<std::string>& patterns) override;
  Cgroup* GroupOf(const std::string& name) override;
  void Imposed(ImposedFault fault) override;

 private:
  void Grade();
  Status MakeGroups();
  Status RunTargets();
  Status WaitReady(const ProcessPlan& process, LiveTarget& target);
  bool ProbeExec(const Ready& ready, LiveTarget*& probe);
  void OnRecognised(const Recognised& child);
  void RecordMissedChildren();
  Status WatchPatterns(LiveTarget& target) const;
  Result<Launched> LaunchInto(LaunchSpec spec, Cgroup& group, WatchToken token, const std::string& name);
  void RecordTimeout();
  void RecordLeftRunning();
  void EndProcesses();
  void RecordGroups();
  void RecordLogs();
  [[nodiscard]] bool GroupIsShared(const std::string& group) const;

  Evidence& Record() { return recorder_.Record(); }

  const Plan& plan_;
  const CaseContext& context_;
  Recorder recorder_;
  CaseLoop loop_;
  std::optional<CaseGroups> groups_;
  std::uint64_t lost_before_ = 0;      // events that were lost in earlier cases of the same watch
  std::map<std::string, int> starts_;  // how often each process was started
};

CaseResult CaseRunner::Run(std::vector<ImposedFault> machine_proof) {
  Record().host = context_.sandbox->Facts();
  Grade();
  for (ImposedFault& fault : machine_proof) {
    Imposed(std::move(fault));
  }
  Status status = MakeGroups();
  const bool in_force = std::all_of(Record().faults.begin(), Record().faults.end(),
                                    [](const ImposedFault& fault) { return fault.in_force; });
  if (status && in_force) {
    status = RunTargets();
  }
  if (!status) {
    Record().harness_error = status.error().message;
    if (!status.error().remedy.empty()) {
      Record().harness_error += " (" + status.error().remedy + ")";
    }
  }
  EndProcesses();
  loop_.PumpOnce();
  if (context_.watch != nullptr) {
    recorder_.SetFailureTotals(context_.watch->FailureTotals());
    Record().events_lost = context_.watch->EventsLost() - lost_before_;
    context_.watch->Forget(loop_.Tokens());
  }
  RecordMissedChildren();
  RecordGroups();
  RecordLogs();
  Record().duration_s = recorder_.Now();
  return CaseResult{.evidence = std::move(Record()), .groups = std::move(groups_)};
}

void CaseRunner::Grade() {
  if (context_.watch != nullptr) {
    Record().grade = EvidenceGrade::kKernel;
    lost_before_ = context_.watch->EventsLost();
    return;
  }
  const bool counters = context_.sandbox->Cgroups().MemoryVersion() != CgroupVersion::kNone;
  Record().grade = counters ? EvidenceGrade::kCounters : EvidenceGrade::kNone;
  Record().grade_reason = context_.watch_missing;
}

Status CaseRunner::MakeGroups() {
  // Unique within this brink: cases of one name may run side by side (--repeat with --jobs).
  const std::string path =
      fmt::format("{}/{}.{}", context_.sandbox->GroupRoot(),
                  SafeName(plan_.scenario + "." + plan_.case_name).substr(0, 120), loop_.NextToken());
  auto made = CaseGroups::Make(context_.sandbox->Cgroups(), path, plan_.groups);
  if (!made) {
    return tl::unexpected(made.error());
  }
  groups_ = std::move(*made);
  recorder_.AddGroup(groups_->Case().MemoryId(), groups_->Case().Path());
  for (const GroupPlan& group : plan_.groups) {
    Cgroup& owned = *groups_->Find(group.name);
    recorder_.AddGroup(owned.MemoryId(), owned.Path());
    for (const Setting& setting : group.settings) {
      Imposed(ImposeOnGroup(owned, group.name, setting));
    }
  }
  return {};
}

Status CaseRunner::RunTargets() {
  recorder_.OnCommitments(recorder_.Committed(), {});
  StepRunner steps(plan_, context_, recorder_, loop_, *this);
  bool running = true;
  for (const ProcessPlan& process : plan_.processes) {
    if (!process.autostart || !running) {
      continue;
    }
    // A target that dies or does not become ready is a finding, told by its record; the steps would only
    // repeat it.
    auto started = StartProcess(process);
    const LiveTarget* target = loop_.Find(process.name);
    if (!started && target == nullptr) {
      return started;
    }
    running = started && Record().processes[target->record].ready;
  }
  if (!running) {
    return {};
  }
  if (plan_.steps.empty()) {
    const auto all_ended = [&] {
      return std::all_of(loop_.Targets().begin(), loop_.Targets().end(),
                         [](const auto& target) { return target->ended; });
    };
    const auto wake = loop_.PumpUntil(Clock::time_point::max(), all_ended);
    Record().timed_out = wake == CaseLoop::Wake::kCaseTimeout;
    Record().interrupted = wake == CaseLoop::Wake::kCancelled;
  } else {
    steps.RunAll();
    steps.FinishBackground();
    const auto wake = loop_.PumpFor(Seconds(0), [] { return false; });
    Record().timed_out = wake == CaseLoop::Wake::kCaseTimeout;
    Record().interrupted = wake == CaseLoop::Wake::kCancelled;
  }
  RecordTimeout();
  return {};
}

bool CaseRunner::GroupIsShared(const std::string& group) const {
  return std::count_if(plan_.processes.begin(), plan_.processes.end(),
                       [&](const ProcessPlan& process) { return process.group == group; }) > 1;
}

Result<Launched> CaseRunner::LaunchInto(LaunchSpec spec, Cgroup& group, WatchToken token,
                                        const std::string& name) {
  auto joins = group.JoinFds();
  if (!joins) {
    return tl::unexpected(joins.error());
  }
  for (const UniqueFd& fd : *joins) {
    spec.join_fds.push_back(fd.Get());
  }
  spec.share_memory = MayShareMemory(context_.sandbox->SystemRoots(), group);
  Watch::Registration registration;
  if (context_.watch != nullptr) {
    registration = context_.watch->MakeRegistration(token);
    spec.register_self = &Watch::RegisterSelf;
    spec.register_context = &registration;
  }
  const bool asked_oom_score_adj = spec.oom_score_adj.has_value();
  if (!asked_oom_score_adj) {
    spec.oom_score_adj = context_.default_oom_score_adj;
  }
  std::vector<ImposedFault> proof;
  auto launched = Launch(spec, &proof);
  for (ImposedFault& fault : launched ? launched->proof : proof) {
    if (fault.name == "oom_score_adj" && !asked_oom_score_adj) {
      continue;
    }
    fault.target = name;
    Imposed(std::move(fault));
  }
  return launched;
}

Status CaseRunner::StartProcess(const ProcessPlan& process) {
  const WatchToken token = loop_.NextToken();
  const std::size_t record = recorder_.AddProcess(token, process.name, &process);
  const int start = ++starts_[process.name];
  const std::string log_name = start == 1 ? process.name : fmt::format("{}.{}", process.name, start);
  auto log = LogSink::Open(plan_.run_dir + "/logs/" + SafeName(log_name));
  if (!log) {
    return tl::unexpected(log.error());
  }
  auto target = std::make_unique<LiveTarget>(LiveTarget{.name = process.name,
                                                        .plan = &process,
                                                        .record = record,
                                                        .token = token,
                                                        .pid = 0,
                                                        .pidfd = {},
                                                        .output = {},
                                                        .log = std::move(*log),
                                                        .group = GroupOf(process.name),
                                                        .own_group = !GroupIsShared(process.group),
                                                        .ended = false,
                                                        .status = {},
                                                        .throttled_before = {},
                                                        .throttled_since = {}});
  if (auto watched = WatchPatterns(*target); !watched) {
    return watched;
  }
  LaunchSpec spec;
  spec.argv = process.argv;
  spec.env = process.env;
  spec.cwd = process.cwd;
  spec.user = process.user;
  spec.rlimits = process.rlimits;
  spec.oom_score_adj = process.oom_score_adj;
  spec.nice = process.nice;
  auto launched = LaunchInto(std::move(spec), *target->group, token, process.name);
  if (!launched) {
    RecordRefusal(launched.error(), Record().processes[record]);
    target->ended = true;
    loop_.Add(std::move(target));
    return tl::unexpected(launched.error());
  }
  target->pid = launched->pid;
  target->pidfd = std::move(launched->pidfd);
  target->output = std::move(launched->output);
  recorder_.Started(record, token, launched->pid);
  LiveTarget& live = loop_.Add(std::move(target));
  if (context_.progress) {
    context_.progress(fmt::format("{} started, pid {}", process.name, live.pid));
  }
  return WaitReady(process, live);
}

Status CaseRunner::WaitReady(const ProcessPlan& process, LiveTarget& target) {
  bool ready = !process.ready || (!process.ready->tcp && !process.ready->log && process.ready->exec.empty());
  LiveTarget* probe = nullptr;
  const auto is_ready = [&] {
    if (ready) {
      return true;
    }
    if (process.ready->tcp) {
      ready = PortAccepts(*process.ready->tcp);
    } else if (process.ready->log) {
      ready = target.log.MatchCount(*process.ready->log) > 0;
    } else {
      ready = ProbeExec(*process.ready, probe);
    }
    return ready;
  };
  const double timeout_s = process.ready ? process.ready->timeout_s : 0;
  (void)loop_.PumpFor(
      Seconds(timeout_s), [&] { return is_ready() || target.ended; }, CaseLoop::Notice::kAsking);
  if (probe != nullptr && !probe->ended) {
    ::kill(-probe->pid, SIGKILL);
    (void)loop_.PumpFor(std::chrono::seconds(5), [&] { return probe->ended; });
  }
  Record().processes[target.record].ready = ready;
  if (!ready && !target.ended) {
    Record().processes[target.record].timed_out = true;
    Record().processes[target.record].alive_at_end = true;
  }
  return {};
}

/// Runs the readiness command again and again, one at a time.
bool CaseRunner::ProbeExec(const Ready& ready, LiveTarget*& probe) {
  if (probe != nullptr) {
    if (!probe->ended) {
      return false;
    }
    if (probe->status.exit_code == 0) {
      return true;
    }
  }
  const auto started =
      StartCommand("", RunStep{.argv = ready.exec, .env = {}, .background = false}, "ready-probe", {});
  probe = started ? *started : nullptr;
  return false;
}

Result<LiveTarget*> CaseRunner::StartCommand(const std::string& name, const RunStep& run,
                                             const std::string& log_name,
                                             const std::vector<std::string>& patterns) {
  const WatchToken token = loop_.NextToken();
  auto log = LogSink::Open(plan_.run_dir + "/logs/" + SafeName(log_name));
  if (!log) {
    return tl::unexpected(log.error());
  }
  for (const std::string& pattern : patterns) {
    if (const auto watched = log->Watch(pattern); !watched) {
      return tl::unexpected(watched.error());
    }
  }
  const auto group = groups_->Steps();
  if (!group) {
    return tl::unexpected(group.error());
  }
  recorder_.AddGroup((*group)->MemoryId(), (*group)->Path());
  const std::size_t record =
      name.empty() ? LiveTarget::kNoRecord : recorder_.AddProcess(token, name, nullptr);
  LaunchSpec spec;
  spec.argv = run.argv;
  spec.env = run.env;
  spec.cwd = plan_.data_dir;
  auto launched = LaunchInto(std::move(spec), **group, token, {});
  if (!launched) {
    if (record != LiveTarget::kNoRecord) {
      Record().processes[record].start_error = launched.error().message;
    }
    return tl::unexpected(launched.error());
  }
  auto target = std::make_unique<LiveTarget>(LiveTarget{.name = name,
                                                        .plan = nullptr,
                                                        .record = record,
                                                        .token = token,
                                                        .pid = launched->pid,
                                                        .pidfd = std::move(launched->pidfd),
                                                        .output = std::move(launched->output),
                                                        .log = std::move(*log),
                                                        .group = *group,
                                                        .own_group = false,
                                                        .ended = false,
                                                        .status = {},
                                                        .throttled_before = {},
                                                        .throttled_since = {}});
  if (record != LiveTarget::kNoRecord) {
    recorder_.Started(record, token, launched->pid);
    Record().processes[record].ready = true;
  }
  return &loop_.Add(std::move(target));
}

/// Patterns of expectations, readiness and waits that concern this process or its children.
Status CaseRunner::WatchPatterns(LiveTarget& target) const {
  std::set<std::string> names{target.name};
  for (const ChildRule& child : target.plan->children) {
    names.insert(child.name);
  }
  std::vector<std::string> patterns;
  for (const Expectation& expectation : plan_.expect) {
    if (names.contains(expectation.subject)) {
      patterns.insert(patterns.end(), expectation.log.begin(), expectation.log.end());
      patterns.insert(patterns.end(), expectation.log_absent.begin(), expectation.log_absent.end());
    }
  }
  for (const StepPlan& step : plan_.steps) {
    if (const auto* wait = std::get_if<WaitStep>(&step.action);
        wait != nullptr && wait->log_pattern && names.contains(wait->process)) {
      patterns.push_back(*wait->log_pattern);
    }
  }
  if (target.plan->ready && target.plan->ready->log) {
    patterns.push_back(*target.plan->ready->log);
  }
  for (const std::string& pattern : patterns) {
    if (auto watched = target.log.Watch(pattern); !watched) {
      return watched;
    }
  }
  return {};
}

Cgroup* CaseRunner::GroupOf(const std::string& name) {
  for (const ProcessPlan& process : plan_.processes) {
    const bool child = std::any_of(process.children.begin(), process.children.end(),
                                   [&](const ChildRule& rule) { return rule.name == name; });
    if (process.name == name || child) {
      return groups_->Find(process.group);
    }
  }
  return groups_->Find(name);
}

void CaseRunner::Imposed(ImposedFault fault) {
  if (fault.target.empty()) {
    return;  // of a step's command: nothing was asked of it
  }
  fault.t_s = recorder_.Now();
  Record().faults.push_back(std::move(fault));
}

void CaseRunner::OnRecognised(const Recognised& child) {
  if (context_.progress) {
    context_.progress(fmt::format("{} seen, pid {}", child.name, child.pid));
  }
  if (!child.rule->oom_score_adj) {
    return;
  }
  SetStep::Target change;
  change.name = child.name;
  change.oom_score_adj = child.rule->oom_score_adj;
  for (ImposedFault& fault :
       ImposeOnProcess(context_.sandbox->SystemRoots(), child.pid, child.name, change)) {
    Imposed(std::move(fault));
  }
}

/// A child that was never seen alive lived without what its rule asks for; the case must not be judged as if
/// it had been in force.
void CaseRunner::RecordMissedChildren() {
  const bool all_forks_seen = context_.watch != nullptr && Record().events_lost == 0;
  for (const ChildRule* rule : recorder_.MissedRules(all_forks_seen)) {
    ImposedFault fault;
    fault.name = "oom_score_adj";
    fault.target = rule->name;
    fault.requested = std::to_string(*rule->oom_score_adj);
    fault.error = context_.watch == nullptr
                      ? "children are recognised with kernel evidence only: " + context_.watch_missing
                      : "no such child was seen in time";
    Imposed(std::move(fault));
  }
}

void CaseRunner::RecordTimeout() {
  for (const auto& target : loop_.Targets()) {
    if (target->ended || target->plan == nullptr) {
      continue;
    }
    ProcessRecord& record = Record().processes[target->record];
    record.alive_at_end = true;
    const bool waited_in_vain =
        std::any_of(Record().steps.begin(), Record().steps.end(), [&](const StepRecord& step) {
          const auto* wait = std::get_if<WaitStep>(&plan_.steps[static_cast<std::size_t>(step.index)].action);
          return step.timed_out && wait != nullptr && wait->process == target->name;
        });
    record.timed_out = Record().timed_out || waited_in_vain;
    if (!record.timed_out) {
      continue;
    }
    const std::string folder = context_.sandbox->SystemRoots().proc + "/" + std::to_string(target->pid);
    std::getline(std::ifstream(folder + "/wchan"), record.wait_channel);
    std::string stat;
    std::getline(std::ifstream(folder + "/stat"), stat);
    if (const std::size_t paren = stat.rfind(") "); paren != std::string::npos && paren + 2 < stat.size()) {
      record.state = stat.substr(paren + 2, 1);
    }
    const CgroupCounters counters = target->group->Counters();
    record.under_oom = counters.under_oom.value_or(false);
    record.throttled_high = counters.throttled_high.value_or(0) - target->throttled_before.count;
  }
}

void CaseRunner::StopProcess(LiveTarget& target) {
  if (target.ended) {
    return;
  }
  Record().processes[target.record].stopped_by_brink = true;
  ::kill(target.pid, target.plan->stop_signal);
  (void)loop_.PumpFor(Seconds(target.plan->stop_timeout_s), [&] { return target.ended; });
  if (!target.ended) {
    ::kill(target.pid, SIGKILL);
    (void)loop_.PumpFor(std::chrono::seconds(5), [&] { return target.ended; });
  }
}

/// What targets that have ended by themselves left behind: a server that goes into the background looks like
/// one that is done.
void CaseRunner::RecordLeftRunning() {
  constexpr std::size_t kMost = 8;
  for (const auto& target : loop_.Targets()) {
    const bool newest = loop_.Find(target->name) == target.get();
    if (!target->ended || target->plan == nullptr || target->pid == 0 || !newest) {
      continue;
    }
    ProcessRecord& record = Record().processes[target->record];
    const std::vector<int> pids =
        target->own_group ? target->group->Pids() : recorder_.LivingDescendants(target->token);
    for (const int pid : pids) {
      const std::string comm = recorder_.CommOf(pid);
      if (comm.empty()) {
        continue;  // it has ended meanwhile
      }
      ++record.left_running_count;
      if (record.left_running.size() < kMost) {
        record.left_running.push_back(LeftRunning{.pid = pid, .comm = comm});
      }
    }
  }
}

void CaseRunner::EndProcesses() {
  loop_.LiftDeadline();
  RecordLeftRunning();
  recorder_.SetEnding();
  for (const auto& target : loop_.Targets()) {
    if (target->ended || target->plan == nullptr) {
      continue;
    }
    Record().processes[target->record].alive_at_end = true;
    Record().processes[target->record].stopped_by_brink = true;
    // One that hangs would only make the case wait once more.
    if (!Record().processes[target->record].timed_out) {
      StopProcess(*target);
    }
  }
  if (!groups_) {
    return;
  }
  if (const auto killed = groups_->Case().Kill(); !killed) {
    Record().harness_error = killed.error().message;
  }
  const auto all_ended = [&] {
    return std::all_of(loop_.Targets().begin(), loop_.Targets().end(),
                       [](const auto& target) { return target->ended; });
  };
  (void)loop_.PumpFor(std::chrono::seconds(5), all_ended);
  recorder_.OnCommitments(recorder_.Committed(), {});
}

void CaseRunner::RecordGroups() {
  if (!groups_) {
    return;
  }
  for (const auto& [name, group] : groups_->All()) {
    const CgroupCounters counters = group->Counters();
    Record().groups.push_back(GroupRecord{.name = name,
                                          .path = group->Path(),
                                          .memory_limit_bytes = counters.memory_limit,
                                          .peak_memory_bytes = counters.memory_peak.value_or(0),
                                          .oom_kills = counters.oom_kills.value_or(0),
                                          .limit_hits = counters.limit_hits.value_or(0),
                                          .peak_pids = counters.pids_peak.value_or(0),
                                          .pids_refused = counters.pids_refused.value_or(0)});
  }
}

void CaseRunner::RecordLogs() {
  for (const Expectation& expectation : plan_.expect) {
    const LiveTarget* output = loop_.FindOutput(expectation.subject);
    if (output == nullptr) {
      continue;
    }
    std::vector<std::string> wanted = expectation.log;
    wanted.insert(wanted.end(), expectation.log_absent.begin(), expectation.log_absent.end());
    for (const std::string& pattern : wanted) {
      LogMatch match{
          .process = expectation.subject, .pattern = pattern, .count = 0, .first_line = {}, .first_s = 0};
      for (const auto& target : loop_.Targets()) {
        if (target->plan == nullptr || target->name != output->name) {
          continue;
        }
        for (const WatchedPattern& watched : target->log.Patterns()) {
          if (watched.pattern.Text() == pattern && watched.count > 0) {
            match.first_line = match.count == 0 ? watched.first_line : match.first_line;
            match.first_s = match.count == 0 ? watched.first_s : match.first_s;
            match.count += watched.count;
          }
        }
      }
      Record().log_matches.push_back(std::move(match));
    }
  }
  for (const auto& target : loop_.Targets()) {
    if (target->record != LiveTarget::kNoRecord) {
      ProcessRecord& record = Record().processes[target->record];
      record.last_line = target->log.LastLine();
      record.log = fs::path(target->log.EndPath()).lexically_relative(plan_.run_dir).string();
    }
    if (!target->log.DiskError().empty()) {
      spdlog::warn("{}: the log of {} is not complete: {}", plan_.scenario, target->name,
                   target->log.DiskError());
    }
  }
}

}  // namespace

CaseResult RunCase(const Plan& plan, std::vector<ImposedFault> machine_proof, const CaseContext& context) {
  return CaseRunner(plan, context).Run(std::move(machine_proof));
}

}  // namespace brink
