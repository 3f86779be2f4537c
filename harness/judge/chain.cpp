// SPDX-License-Identifier: MIT
#include "judge/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "judge/death.h"
#include "judge/limits.h"
#include "judge/reason.h"
#include "judge/words.h"

namespace brink {
namespace {

void AddFailures(const Evidence& evidence, const std::string& process, std::vector<ChainLink>& chain) {
  for (const TellingFailure& kind : KindsOfFailure(evidence, process)) {
    const auto& limit = kind.binding.limit;
    chain.push_back({.t_s = kind.first->t_s,
                     .process = process,
                     .kind = "call",
                     .what = fmt::format("{} failed with {} {}{}", kind.first->call, kind.first->errno_name,
                                         Times(CountOf(evidence, *kind.first)),
                                         limit ? ": " + UseOfNamedLimit(*limit) : std::string()),
                     .limit = limit ? limit->name : std::string()});
  }
}

/// What a process that was looked at came to. An end that is as it should be is no link.
void AddEnd(const Plan& plan, const Evidence& evidence, const ProcessRecord& record, Outcome outcome,
            std::vector<ChainLink>& chain) {
  const Death death = DeathOf(plan, evidence, record);
  if (death.kind == Death::Kind::kOomKilled) {
    const Binding binding = BindingOfOom(plan, evidence, record, death);
    chain.push_back({.t_s = death.oom != nullptr ? death.oom->t_s : record.end_s.value_or(0),
                     .process = record.name,
                     .kind = "oom_kill",
                     .what = fmt::format("pid {} was killed by the OOM killer{}", record.pid,
                                         binding.limit ? ": " + UseOfNamedLimit(*binding.limit) : ""),
                     .limit = binding.limit ? binding.limit->name : std::string()});
  } else if (!record.started && !record.start_error.empty()) {
    chain.push_back({.t_s = record.start_s,
                     .process = record.name,
                     .kind = "end",
                     .what = "did not start: " + record.start_error,
                     .limit = {}});
  } else if (record.end_s && !record.stopped_by_brink && !record.alive_at_end &&
             outcome != Outcome::kSurvived && record.exit_code != 0) {
    chain.push_back({.t_s = *record.end_s,
                     .process = record.name,
                     .kind = "end",
                     .what = HowItEnded(record, death),
                     .limit = {}});
  }
}

/// Killed descendants that no rule of the plan names, and strangers that the machine's OOM killer took.
void AddUnnamedKills(const Evidence& evidence, std::vector<ChainLink>& chain) {
  for (const OomKill& kill : evidence.oom_kills) {
    const bool recorded =
        std::any_of(evidence.processes.begin(), evidence.processes.end(),
                    [&](const ProcessRecord& record) { return record.pid == kill.pid && record.started; });
    if (recorded || (kill.process.empty() && kill.scope != "machine")) {
      continue;
    }
    chain.push_back({.t_s = kill.t_s,
                     .process = kill.process,
                     .kind = "oom_kill",
                     .what = fmt::format("pid {} ({}{}) was killed by the OOM killer", kill.pid, kill.comm,
                                         kill.process.empty() ? ", not of this case" : ""),
                     .limit = kill.scope == "machine" ? "machine_memory" : "memory.max"});
  }
}

void AddLogLines(const Plan& plan, const Evidence& evidence, std::vector<ChainLink>& chain) {
  for (const LogMatch& match : evidence.log_matches) {
    const bool wanted =
        std::any_of(plan.expect.begin(), plan.expect.end(), [&](const Expectation& expectation) {
          const auto& patterns = expectation.log;
          return expectation.subject == match.process &&
                 std::find(patterns.begin(), patterns.end(), match.pattern) != patterns.end();
        });
    if (wanted && match.count > 0) {
      chain.push_back({.t_s = match.first_s,
                       .process = match.process,
                       .kind = "log",
                       .what = Quoted(match.first_line),
                       .limit = {}});
    }
  }
}

/// When a call of it or of a child of it, whose output is its own, first failed.
std::optional<double> FirstOfAnyCall(const Evidence& evidence, const std::string& name) {
  std::set<std::string> names = {name};
  for (const ProcessRecord& record : evidence.processes) {
    if (record.parent == name) {
      names.insert(record.name);
    }
  }
  std::optional<double> first;
  for (const FailedCall& call : evidence.failed_calls) {
    if (names.contains(call.process)) {
      first = std::min(first.value_or(call.t_s), call.t_s);
    }
  }
  return first;
}

/// What it printed of a failed call: the first such line after that, which need not be true ("corrupt").
void AddComplaint(const Evidence& evidence, const std::string& name, std::vector<ChainLink>& chain) {
  const std::optional<double> since = FirstOfAnyCall(evidence, name);
  const OutputLine* complaint = nullptr;
  for (const ProcessRecord& record : evidence.processes) {
    for (const OutputLine& line : record.complaints) {
      if (record.name == name && since && line.t_s >= *since &&
          (complaint == nullptr || line.t_s < complaint->t_s)) {
        complaint = &line;
      }
    }
  }
  const auto told = [&](const ChainLink& link) {
    return link.kind == "log" && link.what == Quoted(complaint->text);
  };
  if (complaint != nullptr && std::none_of(chain.begin(), chain.end(), told)) {
    chain.push_back({.t_s = complaint->t_s,
                     .process = name,
                     .kind = "log",
                     .what = Quoted(complaint->text),
                     .limit = {}});
  }
}

void AddSteps(const Evidence& evidence, std::vector<ChainLink>& chain) {
  for (const StepRecord& step : evidence.steps) {
    const bool bad = step.exit_code.value_or(0) != 0 || step.signal || step.timed_out || !step.error.empty();
    if (step.skipped || !bad) {
      continue;
    }
    std::string what = fmt::format("\"{}\" ", step.text);
    if (step.signal) {
      what += "was killed by " + SignalName(*step.signal);
    } else if (step.exit_code.value_or(0) != 0) {
      what += fmt::format("exited with {}", *step.exit_code);
    } else {
      what += step.timed_out ? "ran out of time" : "could not be done: " + step.error;
    }
    chain.push_back({.t_s = step.start_s + step.duration_s,
                     .process = step.as.empty() ? fmt::format("step {}", step.index + 1) : step.as,
                     .kind = "step",
                     .what = std::move(what),
                     .limit = {}});
  }
}

void Bound(std::vector<ChainLink>& chain) {
  constexpr std::size_t kMost = 24;
  if (chain.size() > kMost) {
    chain.erase(chain.begin() + static_cast<std::ptrdiff_t>(kMost - 1), chain.end() - 1);
  }
}

}  // namespace

std::vector<ChainLink> ChainOf(const Plan& plan, const Evidence& evidence,
                               const std::map<std::string, ProcessVerdict>& processes) {
  std::vector<ChainLink> chain;
  for (const auto& [name, verdict] : processes) {
    AddFailures(evidence, name, chain);
    if (verdict.outcome == Outcome::kHung) {
      chain.push_back({.t_s = evidence.duration_s,
                       .process = name,
                       .kind = "timeout",
                       .what = "was still alive when the time was over",
                       .limit = {}});
    }
  }
  for (const ProcessRecord& record : evidence.processes) {
    if (const auto found = processes.find(record.name);
        record.kind != ProcessRecord::Kind::kStep && found != processes.end()) {
      AddEnd(plan, evidence, record, found->second.outcome, chain);
    }
  }
  AddUnnamedKills(evidence, chain);
  AddLogLines(plan, evidence, chain);
  for (const auto& [name, verdict] : processes) {
    AddComplaint(evidence, name, chain);
  }
  AddSteps(evidence, chain);
  std::stable_sort(chain.begin(), chain.end(),
                   [](const ChainLink& a, const ChainLink& b) { return a.t_s < b.t_s; });
  Bound(chain);
  return chain;
}

}  // namespace brink
