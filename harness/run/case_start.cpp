// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "base/slowness.h"
#include "model/json.h"
#include "run/running_case.h"

namespace brink {
namespace {

/// exec answers these when a limit of memory, tasks or stack leaves no room for it.
bool MayBeALimit(int code) { return code == ENOMEM || code == EAGAIN || code == E2BIG; }

void RecordRefusal(const Error& error, ProcessRecord& record) {
  record.start_error = error.message;
  // Without an errno it was killed on its way to exec, or a fault was not in force: that is told elsewhere.
  if (error.code != 0 && !MayBeALimit(error.code)) {
    record.start_remedy = error.remedy.empty() ? "correct `run:`, or what it needs" : error.remedy;
  }
}

/// None for this machine's own root folder. The scenario's folder is left out where it would hide one of the
/// image's (/tmp, /etc).
std::optional<ImageRoot> RootFor(const Plan& plan, const std::string& image) {
  if (image.empty()) {
    return std::nullopt;
  }
  ImageRoot root{.folder = plan.images.at(image), .shared = {}};
  std::error_code code;
  if (!std::filesystem::exists(root.folder + plan.scenario_dir, code)) {
    root.shared.push_back({.folder = plan.scenario_dir, .read_only = true});
  }
  root.shared.push_back({.folder = plan.data_dir});
  return root;
}

}  // namespace

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
  spec.longest_preparation =
      std::chrono::duration_cast<std::chrono::milliseconds>(Stretched(spec.longest_preparation));
  spec.shared_memory = shared_memory_ ? &*shared_memory_ : nullptr;
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
                                                        .throttled = {},
                                                        .under_oom_at_s = {}});
  if (auto watched = WatchPatterns(*target); !watched) {
    return watched;
  }
  LaunchSpec spec;
  spec.argv = process.argv;
  spec.env = process.env;
  spec.cwd = process.cwd;
  spec.user = process.user;
  spec.image = RootFor(plan_, process.image);
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
      ready = ProbeExec(process, probe);
    }
    return ready;
  };
  const double timeout_s = process.ready ? process.ready->timeout_s : 0;
  (void)loop_.PumpFor(
      Seconds(timeout_s), [&] { return is_ready() || target.ended; }, CaseLoop::Notice::kAsking);
  if (probe != nullptr && !probe->ended) {
    ::kill(-probe->pid, SIGKILL);
    (void)loop_.PumpFor(Stretched(std::chrono::seconds(5)), [&] { return probe->ended; });
  }
  Record().processes[target.record].ready = ready;
  if (!ready && !target.ended) {
    Record().processes[target.record].timed_out = true;
    Record().processes[target.record].alive_at_end = true;
  }
  return {};
}

/// Runs the readiness command again and again, one at a time.
bool CaseRunner::ProbeExec(const ProcessPlan& process, LiveTarget*& probe) {
  if (probe != nullptr) {
    if (!probe->ended) {
      return false;
    }
    if (probe->status.exit_code == 0) {
      return true;
    }
  }
  const auto started = StartCommand(
      "", RunStep{.argv = process.ready->exec, .env = {}, .image = process.image, .background = false},
      "ready-probe", {});
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
  spec.image = RootFor(plan_, run.image);
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
                                                        .throttled = {},
                                                        .under_oom_at_s = {}});
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

}  // namespace brink
