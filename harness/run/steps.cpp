// SPDX-License-Identifier: MIT
#include "run/steps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/loopback.h"
#include "base/slowness.h"
#include "base/units.h"
#include "faults/faults.h"
#include "judge/needs.h"
#include "model/setting_values.h"

namespace brink {
namespace {

std::string DescribeSettings(const std::vector<Setting>& settings) {
  std::vector<std::string> parts;
  parts.reserve(settings.size());
  for (const Setting& setting : settings) {
    parts.push_back(setting.name + "=" + WithUnits(setting.name, setting.value));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string Describe(const RunStep& run) { return fmt::format("run {}", fmt::join(run.argv, " ")); }
std::string Describe(const SetStep& set) {
  std::string text = "set";
  if (!set.machine.empty()) {
    text += " " + DescribeSettings(set.machine);
  }
  for (const SetStep::Target& target : set.targets) {
    text += fmt::format(" {}:", target.name);
    if (!target.cgroup.empty()) {
      text += " " + DescribeSettings(target.cgroup);
    }
    for (const RlimitSetting& limit : target.rlimits) {
      text += fmt::format(" {}={}", limit.name, WithUnits(limit.name, limit.soft));
    }
    if (target.oom_score_adj) {
      text += fmt::format(" oom_score_adj={}", *target.oom_score_adj);
    }
    if (target.nice) {
      text += fmt::format(" nice={}", *target.nice);
    }
  }
  return text;
}
std::string Describe(const SignalStep& signal) {
  const char* name = ::sigabbrev_np(signal.signal);
  return fmt::format("signal SIG{} to {}", name == nullptr ? std::to_string(signal.signal) : name,
                     signal.process);
}
std::string Describe(const StartStep& start) { return "start " + start.process; }
std::string Describe(const StopStep& stop) { return "stop " + stop.process; }
std::string Describe(const WaitStep& wait) {
  if (wait.log_pattern) {
    return fmt::format("wait until {} prints '{}'", wait.process, *wait.log_pattern);
  }
  if (wait.tcp) {
    return fmt::format("wait until port {} accepts connections", *wait.tcp);
  }
  if (wait.exit) {
    return fmt::format("wait until {} has ended", wait.process);
  }
  if (wait.map_count_above) {
    return fmt::format("wait until {} has more than {} mappings", wait.process,
                       FormatCount(*wait.map_count_above));
  }
  if (wait.memory_above) {
    return fmt::format("wait until {} uses more than {}", wait.process, FormatBytes(*wait.memory_above));
  }
  return fmt::format("wait {:.3g} s", wait.duration_s.value_or(0));
}
std::string Describe(const SqueezeStep& squeeze) {
  return fmt::format("squeeze memory.max of {} to {} by {} every {:.3g} s", squeeze.process,
                     FormatBytes(squeeze.to_bytes), FormatBytes(squeeze.by_bytes), squeeze.every_s);
}

}  // namespace

std::string DescribeStep(const StepPlan& step) {
  return std::visit([](const auto& action) { return Describe(action); }, step.action);
}

bool PortAccepts(int port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = LoopbackAddress(port);
  // On loopback connect() answers at once: accepted into the backlog, or refused.
  return ::connect(socket.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

StepRunner::StepRunner(const Plan& plan, const CaseContext& context, Recorder& recorder, CaseLoop& loop,
                       CaseActions& actions)
    : plan_(plan), context_(context), recorder_(recorder), loop_(loop), actions_(actions) {}

void StepRunner::RunAll() {
  bool give_up = false;
  for (std::size_t index = 0; index < plan_.steps.size(); ++index) {
    const StepPlan& step = plan_.steps[index];
    StepRecord fresh;
    fresh.as = step.as;
    fresh.index = static_cast<int>(index);
    fresh.text = DescribeStep(step);
    fresh.skipped = give_up;
    fresh.start_s = recorder_.Now();
    recorder_.Record().steps.push_back(std::move(fresh));
    if (give_up) {
      continue;
    }
    StepRecord& record = recorder_.Record().steps.back();
    if (context_.progress) {
      context_.progress(record.text);
    }
    give_up = RunOne(step, record) == Next::kGiveUp;
    record.duration_s = recorder_.Now() - record.start_s;
  }
}

StepRunner::Next StepRunner::RunOne(const StepPlan& step, StepRecord& record) {
  if (context_.watch == nullptr) {
    record.error = NeedsKernelEvidence(plan_, step);
    if (!record.error.empty()) {
      return Next::kGiveUp;
    }
  }
  return std::visit([&](const auto& action) { return Do(action, step, record); }, step.action);
}

StepRunner::Next StepRunner::Do(const RunStep& run, const StepPlan& step, StepRecord& record) {
  const std::string name = step.as.empty() ? fmt::format("step {}", record.index + 1) : step.as;
  const auto started =
      actions_.StartCommand(name, run, fmt::format("step-{}", record.index + 1), OutputPatterns(step));
  if (!started) {
    record.error = started.error().message;
    return Next::kGoOn;
  }
  LiveTarget& target = **started;
  if (run.background) {
    background_.push_back(
        Background{.target = &target, .step = &step, .record = static_cast<std::size_t>(record.index)});
    return Next::kGoOn;
  }
  const auto wake =
      loop_.PumpFor(std::chrono::duration<double>(step.timeout_s), [&] { return target.ended; });
  record.timed_out = wake != CaseLoop::Wake::kDone;
  FinishCommand(target, step, record);
  return record.timed_out ? Next::kGiveUp : Next::kGoOn;
}

void StepRunner::FinishCommand(LiveTarget& target, const StepPlan& step, StepRecord& record) {
  if (!target.ended) {
    ::kill(-target.pid, SIGKILL);  // it leads its own session
    (void)loop_.PumpFor(Stretched(std::chrono::seconds(5)), [&] { return target.ended; });
  }
  record.exit_code = target.status.exit_code;
  record.signal = target.status.signal;
  record.output = target.log.Excerpt();
  record.output_matched = step.expect.output && target.log.MatchCount(*step.expect.output) > 0;
  for (const WatchedPattern& watched : target.log.Patterns()) {
    record.patterns[watched.pattern.Text()] = watched.count > 0;
  }
}

std::vector<std::string> StepRunner::OutputPatterns(const StepPlan& step) const {
  std::vector<std::string> patterns;
  if (step.expect.output) {
    patterns.push_back(*step.expect.output);
  }
  for (const Expectation& expectation : plan_.expect) {
    if (!step.as.empty() && expectation.subject == step.as && expectation.output) {
      patterns.push_back(*expectation.output);
    }
  }
  return patterns;
}

void StepRunner::FinishBackground() {
  for (const Background& background : background_) {
    StepRecord& record = recorder_.Record().steps[background.record];
    const double left = record.start_s + background.step->timeout_s - recorder_.Now();
    const auto wake = loop_.PumpFor(std::chrono::duration<double>(std::max(left, 0.0)),
                                    [&] { return background.target->ended; });
    record.timed_out = wake != CaseLoop::Wake::kDone;
    FinishCommand(*background.target, *background.step, record);
    record.duration_s = recorder_.Now() - record.start_s;
  }
  background_.clear();
}

StepRunner::Next StepRunner::Do(const SetStep& set, const StepPlan& step, StepRecord& record) {
  (void)step;
  for (const Setting& setting : set.machine) {
    ImposedFault proof;
    if (context_.hold == nullptr) {
      record.error = "the machine is not held";
    } else if (const auto changed = context_.hold->Change(setting, proof); !changed) {
      record.error = changed.error().message;
    }
    actions_.Imposed(std::move(proof));
  }
  for (const SetStep::Target& target : set.targets) {
    if (!target.cgroup.empty()) {
      Cgroup* group = actions_.GroupOf(target.name);
      for (const Setting& setting : target.cgroup) {
        if (group != nullptr) {
          actions_.Imposed(ImposeOnGroup(*group, target.name, setting));
        }
      }
    }
    if (target.rlimits.empty() && !target.oom_score_adj && !target.nice) {
      continue;
    }
    const std::vector<int> pids = recorder_.LivingPids(target.name);
    if (pids.empty()) {
      record.error = fmt::format("{} is not running", target.name);
    }
    for (const int pid : pids) {
      for (ImposedFault& fault : ImposeOnProcess(context_.sandbox->SystemRoots(), pid, target.name, target)) {
        actions_.Imposed(std::move(fault));
      }
    }
  }
  return Next::kGoOn;
}

StepRunner::Next StepRunner::Do(const SignalStep& signal, const StepPlan& step, StepRecord& record) {
  (void)step;
  std::vector<std::pair<int, UniqueFd>> opened;
  for (const int pid : recorder_.LivingPids(signal.process)) {
    opened.emplace_back(pid, UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))));
  }
  // A child's own parent reaps it, and its number may be a stranger's by now: what had ended before its
  // descriptor was opened is known to have ended after this.
  loop_.PumpOnce();
  const std::vector<int> living = recorder_.LivingPids(signal.process);
  bool sent = false;
  for (const auto& [pid, pidfd] : opened) {
    if (std::find(living.begin(), living.end(), pid) != living.end()) {
      sent = ::syscall(SYS_pidfd_send_signal, pidfd.Get(), signal.signal, nullptr, 0) == 0 || sent;
    }
  }
  if (!sent) {
    record.error = fmt::format("{} is not running", signal.process);
  }
  return Next::kGoOn;
}

StepRunner::Next StepRunner::Do(const StartStep& start, const StepPlan& step, StepRecord& record) {
  (void)step;
  const auto process = std::find_if(plan_.processes.begin(), plan_.processes.end(),
                                    [&](const ProcessPlan& plan) { return plan.name == start.process; });
  if (loop_.Alive(start.process)) {
    record.error = fmt::format("{} is running already", start.process);
  } else if (const auto started = actions_.StartProcess(*process); !started) {
    record.error = started.error().message;
    return Next::kGiveUp;
  }
  return Next::kGoOn;
}

StepRunner::Next StepRunner::Do(const StopStep& stop, const StepPlan& step, StepRecord& record) {
  (void)step;
  LiveTarget* target = loop_.Find(stop.process);
  if (target == nullptr) {
    record.error = fmt::format("{} was not started", stop.process);
  } else if (!target->ended) {
    actions_.StopProcess(*target);
  }
  return Next::kGoOn;
}

StepRunner::Next StepRunner::Do(const WaitStep& wait, const StepPlan& step, StepRecord& record) {
  const auto seconds = std::chrono::duration<double>(wait.duration_s.value_or(step.timeout_s));
  std::function<bool()> holds = [] { return false; };
  auto notice = CaseLoop::Notice::kEvents;
  if (wait.log_pattern) {
    loop_.PumpOnce();  // what was printed by now may still be in the pipe, also when its writers have ended
    const std::uint64_t used = used_lines_[{wait.process, *wait.log_pattern}];
    holds = [&, used] { return loop_.MatchCount(wait.process, *wait.log_pattern) > used; };
  } else if (wait.tcp) {
    holds = [&] { return PortAccepts(*wait.tcp); };
    notice = CaseLoop::Notice::kAsking;
  } else if (wait.exit) {
    holds = [&] { return !loop_.Alive(wait.process); };
  } else if (wait.map_count_above) {
    holds = [&] { return recorder_.MapCountOf(wait.process) > *wait.map_count_above; };
  } else if (wait.memory_above) {
    holds = [&] { return loop_.MemoryOf(wait.process) > *wait.memory_above; };
    notice = CaseLoop::Notice::kAsking;
  }
  bool held = false;
  const bool needs_life = !wait.process.empty() && !wait.exit;
  const auto wake = loop_.PumpFor(
      seconds, [&] { return (held = holds()) || (needs_life && !loop_.Alive(wait.process)); }, notice);
  if (held) {
    if (wait.log_pattern) {
      ++used_lines_[{wait.process, *wait.log_pattern}];
    }
    return Next::kGoOn;
  }
  if (wake == CaseLoop::Wake::kDone) {
    record.error = fmt::format("{} ended before that", wait.process);
    return Next::kGoOn;
  }
  record.timed_out = !wait.duration_s || wake != CaseLoop::Wake::kDeadline;
  return record.timed_out ? Next::kGiveUp : Next::kGoOn;
}

StepRunner::Next StepRunner::Do(const SqueezeStep& squeeze, const StepPlan& step, StepRecord& record) {
  (void)step;
  Cgroup* group = actions_.GroupOf(squeeze.process);
  if (group == nullptr) {
    record.error = fmt::format("{} has no group", squeeze.process);
    return Next::kGoOn;
  }
  const CgroupCounters start = group->Counters();
  std::uint64_t limit = start.memory_limit.value_or(start.memory_use.value_or(0));
  while (limit != squeeze.to_bytes) {
    const bool down = limit > squeeze.to_bytes;
    const std::uint64_t distance = down ? limit - squeeze.to_bytes : squeeze.to_bytes - limit;
    const std::uint64_t by = std::min(distance, squeeze.by_bytes);
    limit = down ? limit - by : limit + by;
    ImposedFault fault = ImposeOnGroup(
        *group, squeeze.process, Setting{.name = "memory.max", .value = std::to_string(limit), .mark = {}});
    if (!fault.in_force || limit == squeeze.to_bytes) {
      const bool refused = !fault.in_force;  // cgroup v1: a limit below what it cannot reclaim (EBUSY)
      actions_.Imposed(std::move(fault));
      if (refused) {
        return Next::kGoOn;
      }
    }
    const auto wake = loop_.PumpFor(std::chrono::duration<double>(squeeze.every_s),
                                    [&] { return !loop_.Alive(squeeze.process); });
    if (wake == CaseLoop::Wake::kDone) {
      return Next::kGoOn;  // it ended on the way: that is what a squeeze looks for
    }
    if (wake != CaseLoop::Wake::kDeadline) {
      record.timed_out = true;
      return Next::kGiveUp;
    }
  }
  return Next::kGoOn;
}

}  // namespace brink
