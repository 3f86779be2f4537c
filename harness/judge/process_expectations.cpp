// SPDX-License-Identifier: MIT
#include "judge/process_expectations.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/pattern.h"
#include "base/units.h"
#include "judge/judge.h"
#include "judge/limits.h"
#include "judge/request.h"
#include "judge/stall.h"
#include "judge/words.h"
#include "model/json.h"

namespace brink {
namespace {

bool CallFits(std::string_view call, std::string_view errno_name, const FailureExpect& expect) {
  const bool call_fits =
      expect.call.empty() || std::any_of(expect.call.begin(), expect.call.end(), [&](std::string_view each) {
        return call == each || (each == "clone" && IsFork(call));
      });
  return call_fits && (expect.errno_name.empty() || errno_name == expect.errno_name);
}

std::string Describe(const FailureExpect& expect) {
  std::string text = expect.call.empty() ? "any call" : Join(expect.call, " or ");
  text += expect.errno_name.empty() ? " failing" : " failing with " + expect.errno_name;
  if (expect.min_count) {
    text += fmt::format(", at least {}", Times(*expect.min_count));
  }
  if (expect.max_count) {
    text += fmt::format(", at most {}", Times(*expect.max_count));
  }
  return text;
}

/// "munmap ENOMEM 6,023 times, mmap ENOMEM once".
std::string ListFailures(const Evidence& evidence, const std::string& process) {
  std::vector<std::string> items;
  for (const FailureCount& each : evidence.failure_counts) {
    if (each.process == process) {
      items.push_back(fmt::format("{} {} {}", each.call, each.errno_name, Times(each.count)));
    }
  }
  return items.empty() ? "no failing call" : Join(items, ", ");
}

std::string NotWatched(const Evidence& evidence) {
  return fmt::format("failing calls were not watched ({})", evidence.grade_reason);
}

std::string LostEvents(const Evidence& evidence) {
  return fmt::format(", but {} of the kernel's events were lost", evidence.events_lost);
}

void CheckFailure(const Evidence& evidence, const std::string& process, const FailureExpect& expect,
                  Results& results) {
  if (!CallsWatched(evidence)) {
    return results.Add("failure", Describe(expect), NotWatched(evidence), std::nullopt);
  }
  std::uint64_t count = 0;
  for (const FailureCount& each : evidence.failure_counts) {
    if (each.process == process && CallFits(each.call, each.errno_name, expect)) {
      count += each.count;
    }
  }
  const std::uint64_t least = expect.min_count.value_or(expect.max_count == 0 ? 0 : 1);
  const bool enough = count >= least;
  const bool too_many = expect.max_count && count > *expect.max_count;
  // More were possible: that it is enough, or too many, holds all the same; that it is too few, or few
  // enough, does not.
  const bool may_be_lost = evidence.events_lost > 0 && !too_many && (!enough || expect.max_count);
  results.Add("failure", Describe(expect),
              ListFailures(evidence, process) + (may_be_lost ? LostEvents(evidence) : ""),
              may_be_lost ? std::nullopt : Met(enough && !too_many));
}

void CheckNoFailures(const Evidence& evidence, const std::string& process, Results& results) {
  const std::string found = ListFailures(evidence, process);
  const bool none = found == "no failing call";
  const bool may_be_lost = none && evidence.events_lost > 0;
  const std::string doubt = may_be_lost ? LostEvents(evidence) : "";
  results.Add("no_failures", "no failing call", CallsWatched(evidence) ? found + doubt : NotWatched(evidence),
              CallsWatched(evidence) && !may_be_lost ? Met(none) : std::nullopt);
}

/// The limit of the failing calls that the expectation names: of the one that the verdict names where it is
/// one of them, else of their first kind whose limit can be named, and where none can, of the first.
std::optional<Binding> BindingOfExpected(const Evidence& evidence, const ProcessVerdict& verdict,
                                         const std::string& process, const FailureExpect& expect) {
  const auto fits = [&](const TellingFailure& kind) {
    return kind.call != nullptr && CallFits(kind.call->call, kind.call->errno_name, expect);
  };
  std::vector<TellingFailure> kinds = KindsOfFailure(evidence, process);
  kinds.insert(kinds.begin(), TellingFailureOf(evidence, process, verdict.outcome == Outcome::kFailed));
  const auto named = std::find_if(kinds.begin(), kinds.end(), [&](const TellingFailure& kind) {
    return fits(kind) && kind.binding.limit.has_value();
  });
  const auto found = named != kinds.end() ? named : std::find_if(kinds.begin(), kinds.end(), fits);
  return found == kinds.end() ? std::nullopt : std::optional(found->binding);
}

/// Some failures that could show the limit are only counted, or may be among the lost events.
bool LimitMayBeLost(const Evidence& evidence, const std::string& process, const FailureExpect& calls,
                    bool none_known) {
  return (evidence.events_lost > 0 && none_known) ||
         std::any_of(evidence.failure_counts.begin(), evidence.failure_counts.end(),
                     [&](const FailureCount& kind) {
                       return kind.process == process && DetailsLost(evidence, kind) &&
                              CallFits(kind.call, kind.errno_name, calls);
                     });
}

void AddLimit(const char* what, const std::string& expected, const Binding& found, bool may_be_lost,
              const Evidence& evidence, Results& results) {
  const std::string text = found.limit ? UseOfNamedLimit(*found.limit) : "none: " + found.reason;
  const bool met = (found.limit ? found.limit->name : "none") == expected;
  const bool unknown = (!found.limit && !CallsWatched(evidence)) || ((!found.limit || !met) && may_be_lost);
  results.Add(what, expected, text, unknown ? std::nullopt : Met(met));
}

void CheckBindingLimit(const Evidence& evidence, const Expectation& expect, const ProcessVerdict& verdict,
                       Results& results) {
  const bool none_known = !verdict.first_failure && verdict.killed_by.empty();
  AddLimit("binding_limit", *expect.binding_limit,
           {.limit = verdict.binding_limit, .reason = verdict.binding_reason},
           LimitMayBeLost(evidence, expect.subject, {}, none_known), evidence, results);
}

void CheckLimitOfFailure(const Evidence& evidence, const std::string& process, const FailureExpect& expect,
                         const ProcessVerdict& verdict, Results& results) {
  const auto of_calls = BindingOfExpected(evidence, verdict, process, expect);
  AddLimit("failure.binding_limit", expect.binding_limit,
           of_calls.value_or(Binding{.limit = std::nullopt, .reason = "no such call failed"}),
           LimitMayBeLost(evidence, process, expect, !of_calls), evidence, results);
}

const LogMatch* FindMatch(const Evidence& evidence, const std::string& process, const std::string& pattern) {
  const auto found =
      std::find_if(evidence.log_matches.begin(), evidence.log_matches.end(), [&](const LogMatch& match) {
        return match.process == process && match.pattern == pattern && match.count > 0;
      });
  return found == evidence.log_matches.end() ? nullptr : &*found;
}

void CheckLogs(const Evidence& evidence, const Expectation& expect, Results& results) {
  for (const std::string& pattern : expect.log) {
    const LogMatch* match = FindMatch(evidence, expect.subject, pattern);
    results.Add("log", pattern,
                match == nullptr ? "not in its output"
                                 : fmt::format("{}, first: {}", Times(match->count), match->first_line),
                match != nullptr);
  }
  for (const std::string& pattern : expect.log_absent) {
    const LogMatch* match = FindMatch(evidence, expect.subject, pattern);
    results.Add("log_absent", pattern,
                match == nullptr ? "not in its output"
                                 : fmt::format("{}, first: {}", Times(match->count), match->first_line),
                match == nullptr);
  }
}

std::string DescribeRange(const Range& range, std::string_view unit) {
  const auto amount = [&](double value) { return Amount(static_cast<std::uint64_t>(value), unit); };
  if (range.min && range.max) {
    return fmt::format("{} to {}", amount(*range.min), amount(*range.max));
  }
  return range.min ? "at least " + amount(*range.min) : "at most " + amount(range.max.value_or(0));
}

void CheckRange(const char* what, const Range& range, std::string_view unit,
                const std::optional<std::uint64_t>& value, Results& results) {
  if (!value) {
    return results.Add(what, DescribeRange(range, unit), "unknown", std::nullopt);
  }
  const auto figure = static_cast<double>(*value);
  const bool met = figure >= range.min.value_or(figure) && figure <= range.max.value_or(figure);
  results.Add(what, DescribeRange(range, unit), Amount(*value, unit), met);
}

void CheckOomScope(const Evidence& evidence, const Expectation& expect, Results& results) {
  std::vector<std::string> scopes;
  for (const OomKill& kill : evidence.oom_kills) {
    if (kill.process == expect.subject) {
      scopes.push_back(kill.scope.empty() ? "unknown" : kill.scope);
    }
  }
  const bool met = std::find(scopes.begin(), scopes.end(), *expect.oom_scope) != scopes.end();
  const bool known =
      CallsWatched(evidence) && std::find(scopes.begin(), scopes.end(), "unknown") == scopes.end();
  results.Add("oom_scope", *expect.oom_scope, scopes.empty() ? "no OOM kill seen" : Join(scopes, ", "),
              met || known ? Met(met) : std::nullopt);
}

bool AsksForOutcome(const Expectation& expect, std::string_view outcome) {
  return std::find(expect.outcome.begin(), expect.outcome.end(), outcome) != expect.outcome.end();
}

void CheckEnd(const Expectation& expect, const ProcessVerdict& verdict, Results& results) {
  if (!expect.outcome.empty()) {
    const bool stalled = verdict.outcome == Outcome::kSurvived && verdict.stall;
    const std::string found(stalled ? "stalled" : Name(verdict.outcome));
    // Whether one that survives may be held up is for CheckStall() to say.
    const bool met = AsksForOutcome(expect, found) || (stalled && AsksForOutcome(expect, "survived"));
    const bool waits_unknown =
        verdict.outcome == Outcome::kSurvived && AsksForOutcome(expect, "stalled") && !verdict.waits;
    const bool known = verdict.outcome != Outcome::kInconclusive && !waits_unknown;
    results.Add("outcome", Join(expect.outcome, " or "), found + ": " + verdict.reason,
                met || known ? Met(met) : std::nullopt);
  }
  if (!expect.exit.empty()) {
    CheckExit(expect.exit, verdict.exit_code, verdict.signal, {}, results);
  }
  if (expect.signal) {
    const std::string found = verdict.signal
                                  ? SignalName(*verdict.signal)
                                  : (verdict.exit_code ? fmt::format("exited with {}", *verdict.exit_code)
                                                       : "it did not end by itself");
    results.Add("signal", SignalName(*expect.signal), found, verdict.signal == expect.signal);
  }
}

/// The very killer, or its kind alone: "oom" fits "oom:memcg", "process" any process, "pid 7" fits "pid 7
/// (sh)"; but "process a" does not fit "process ab".
bool KillerFits(std::string_view expected, std::string_view found) {
  while (expected.ends_with(' ') || expected.ends_with(':')) {
    expected.remove_suffix(1);  // "oom:", "pid "
  }
  if (expected.empty() || !found.starts_with(expected)) {
    return expected == found;
  }
  const std::string_view rest = found.substr(expected.size());
  if (expected == "oom") {
    return rest.empty() || rest.front() == ':';
  }
  const bool kind = expected == "process" || expected == "step" || expected == "pid";
  return rest.empty() || (kind && rest.front() == ' ') ||
         (expected.starts_with("pid ") && rest.starts_with(" ("));
}

void CheckKilledBy(const Evidence& evidence, const Expectation& expect, const ProcessVerdict& verdict,
                   Results& results) {
  const bool met = KillerFits(*expect.killed_by, verdict.killed_by);
  // Without kernel evidence an empty answer means that nobody looked.
  const bool known = CallsWatched(evidence) || !verdict.killed_by.empty() || !verdict.signal;
  results.Add("killed_by", *expect.killed_by,
              verdict.killed_by.empty() ? "nobody, as far as is known" : verdict.killed_by,
              met || known ? Met(met) : std::nullopt);
}

/// Who survives is expected to get on with its work, unless the expectation says otherwise.
void CheckStall(const Expectation& expect, const ProcessVerdict& verdict, Results& results) {
  const bool unexpected = verdict.outcome == Outcome::kSurvived && verdict.stall && !expect.outcome.empty() &&
                          !AsksForOutcome(expect, "stalled");
  if (expect.may_stall || (!expect.stalled && !unexpected)) {
    return;
  }
  const bool expected = expect.stalled.value_or(false);
  const bool lived_on = verdict.outcome == Outcome::kSurvived || verdict.outcome == Outcome::kHung;
  const bool known = verdict.waits.has_value() || !lived_on;
  results.Add("stalled", expected ? "held up for want of memory" : "not held up for want of memory",
              verdict.stall ? DescribeStall(*verdict.stall)
                            : (known ? "not held up" : "nothing is known of its waiting by itself"),
              known ? Met(verdict.stall.has_value() == expected) : std::nullopt);
}

void CheckFirstFailure(const Evidence& evidence, const std::string& process, const FailureExpect& expect,
                       const ProcessVerdict& verdict, Results& results) {
  const auto& first = verdict.first_failure;
  const bool details_lost = std::any_of(
      evidence.failure_counts.begin(), evidence.failure_counts.end(),
      [&](const FailureCount& kind) { return kind.process == process && DetailsLost(evidence, kind); });
  const bool known = CallsWatched(evidence) && evidence.events_lost == 0 && !details_lost;
  results.Add("first_failure", Describe(expect),
              first                    ? fmt::format("{} failing with {}", first->call, first->errno_name)
              : CallsWatched(evidence) ? "no failing call"
                                       : NotWatched(evidence),
              known ? Met(first && CallFits(first->call, first->errno_name, expect)) : std::nullopt);
}

/// Without the kernel's evidence a reason says less.
void CheckReason(const Evidence& evidence, const std::string& pattern, const ProcessVerdict& verdict,
                 Results& results) {
  const auto compiled = Pattern::Compile(pattern);
  const bool met = compiled && compiled->FoundIn(verdict.reason);
  results.Add("reason", pattern, verdict.reason, met || CallsWatched(evidence) ? Met(met) : std::nullopt);
}

/// What its group was charged with once all processes had ended.
std::optional<std::uint64_t> LeftCharged(const Plan& plan, const Evidence& evidence,
                                         const std::string& process) {
  const auto in_plan = std::find_if(plan.processes.begin(), plan.processes.end(),
                                    [&](const ProcessPlan& each) { return each.name == process; });
  const auto group =
      std::find_if(evidence.groups.begin(), evidence.groups.end(), [&](const GroupRecord& each) {
        return in_plan != plan.processes.end() && each.name == in_plan->group;
      });
  const bool known = group != evidence.groups.end() && group->left_shmem_bytes && group->left_file_bytes;
  return known ? std::optional(*group->left_shmem_bytes + *group->left_file_bytes) : std::nullopt;
}

}  // namespace

void CheckProcess(const Plan& plan, const Evidence& evidence, const Expectation& expect,
                  const ProcessVerdict& verdict, Results& results) {
  CheckEnd(expect, verdict, results);
  if (expect.killed_by) {
    CheckKilledBy(evidence, expect, verdict, results);
  }
  if (expect.failure) {
    CheckFailure(evidence, expect.subject, *expect.failure, results);
    if (!expect.failure->binding_limit.empty()) {
      CheckLimitOfFailure(evidence, expect.subject, *expect.failure, verdict, results);
    }
  }
  if (expect.no_failures) {
    CheckNoFailures(evidence, expect.subject, results);
  }
  if (expect.binding_limit) {
    CheckBindingLimit(evidence, expect, verdict, results);
  }
  CheckLogs(evidence, expect, results);
  if (expect.oom_scope) {
    CheckOomScope(evidence, expect, results);
  }
  CheckStall(expect, verdict, results);
  if (expect.first_failure) {
    CheckFirstFailure(evidence, expect.subject, *expect.first_failure, verdict, results);
  }
  if (expect.reason) {
    CheckReason(evidence, *expect.reason, verdict, results);
  }
  if (expect.left_charged_bytes) {
    CheckRange("left_charged", *expect.left_charged_bytes, "bytes",
               LeftCharged(plan, evidence, expect.subject), results);
  }
  if (expect.peak_memory_bytes) {
    CheckRange("peak_memory_bytes", *expect.peak_memory_bytes, "bytes", verdict.peak_memory_bytes, results);
  }
  if (expect.peak_map_count) {
    CheckRange("peak_map_count", *expect.peak_map_count, "mappings", verdict.peak_map_count, results);
  }
}

}  // namespace brink
