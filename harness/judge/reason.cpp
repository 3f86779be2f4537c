// SPDX-License-Identifier: MIT
#include "judge/reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/units.h"
#include "judge/limits.h"
#include "judge/stall.h"
#include "judge/words.h"

namespace brink {
namespace {

std::string WithNote(std::string text, const std::string& note) {
  return note.empty() ? text : fmt::format("{} ({})", std::move(text), note);
}

/// "munmap failed with ENOMEM 6,023 times, first at 0.41 s with 4,000 of 4,000 mappings (vm.max_map_count):
/// ..."
std::string DescribeFailure(const Evidence& evidence, const TellingFailure& failure) {
  const FailedCall& call = *failure.first;
  const std::uint64_t count = CountOf(evidence, call);
  const std::string when = (count == 1 ? " at " : ", first at ") + AtSeconds(call.t_s);
  const bool figures_follow = failure.binding.limit && failure.call == failure.first;
  return fmt::format("{} failed with {} {}{}{}{}", call.call, call.errno_name, Times(count), when,
                     figures_follow ? " with " : "; ", failure.binding.reason);
}

/// "Cannot allocate memory", "Out of memory", "ENOMEM".
bool SpeaksOfMemory(std::string line) {
  std::transform(line.begin(), line.end(), line.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return line.find("allocate memory") != std::string::npos ||
         line.find("out of memory") != std::string::npos || line.find("enomem") != std::string::npos;
}

/// Of one that says that memory is lacking although every memory call succeeded: what is full is its own, in
/// user space, as a table of a fixed size. Its output may hold the words of a program that it started, so no
/// other may have failed or been killed for memory either.
std::string NoLimitToBlame(const Evidence& evidence, const ProcessRecord& record) {
  const bool says_so =
      SpeaksOfMemory(record.last_line) ||
      std::any_of(evidence.log_matches.begin(), evidence.log_matches.end(), [&](const LogMatch& match) {
        return match.process == record.name && match.count > 0 && SpeaksOfMemory(match.first_line);
      });
  const bool failed = !evidence.oom_kills.empty() ||
                      std::any_of(evidence.failure_counts.begin(), evidence.failure_counts.end(),
                                  [](const FailureCount& kind) { return kind.count > 0; });
  const bool known = evidence.grade == EvidenceGrade::kKernel && evidence.events_lost == 0;
  return known && says_so && !failed && record.exit_code
             ? ": no limit of the system is to blame for the memory that it lacks, by all calls that are "
               "watched"
             : "";
}

/// The first failure after it whose limit is another.
std::string WhatFollowed(const Evidence& evidence, const ProcessRecord& record, const TellingFailure& cause) {
  for (const TellingFailure& kind : KindsOfFailure(evidence, record.name)) {
    if (cause.binding.limit && kind.binding.limit && kind.first->t_s >= cause.first->t_s &&
        kind.binding.limit->name != cause.binding.limit->name) {
      return "; after that " + DescribeFailure(evidence, kind);
    }
  }
  return "";
}

/// What a failed process's calls and its own words tell.
std::string WhyItFailed(const Evidence& evidence, const ProcessRecord& record) {
  const TellingFailure telling = TellingFailureOf(evidence, record.name, /*died=*/true);
  if (telling.call == nullptr) {
    return "; " + NoFailure(evidence, {record.name}, "") + NoLimitToBlame(evidence, record);
  }
  const std::string failure = DescribeFailure(evidence, telling) + WhatFollowed(evidence, record, telling);
  const auto survived_s = SurvivedFor(evidence, record);
  return survived_s ? fmt::format("; it had survived an earlier failure for {}, which need not be why: {}",
                                  AtSeconds(*survived_s), failure)
                    : "; " + failure;
}

std::string LastWords(const ProcessRecord& record) {
  return record.last_line.empty()
             ? std::string()
             : fmt::format("; the last line of {}: {}", record.log, Quoted(record.last_line));
}

/// The kernel kills only when nothing can be reclaimed. While it finds pages of files, a group can stay close
/// to its limit for long, and does little else than read those files again. It takes and frees pages in
/// batches, so it is not at the limit itself all the time.
constexpr std::uint64_t kClosePercent = 98;
constexpr double kLongS = 5;

/// For how long its group had been close to the limit when it was killed, as far back as every sample says.
double CloseToLimitS(const Evidence& evidence, const ProcessRecord& record, const OomKill& kill) {
  const std::string& member = record.parent.empty() ? record.name : record.parent;
  double since_s = kill.t_s;
  for (auto sample = evidence.timeline.rbegin(); sample != evidence.timeline.rend(); ++sample) {
    if (sample->subject != member || sample->t_s > kill.t_s) {
      continue;
    }
    if (sample->memory_bytes < kill.limit_bytes / 100 * kClosePercent) {
      break;
    }
    since_s = sample->t_s;
  }
  return kill.t_s - since_s;
}

/// "22.2 MiB of anonymous memory, 47.8 MiB of shared memory": what is a small part of it is not told.
std::string WhatItHeld(const OomKill& kill) {
  const std::uint64_t tenth =
      (kill.anon_rss_bytes + kill.file_rss_bytes + kill.shmem_rss_bytes + kill.swapped_bytes) / 10;
  std::string held = FormatBytes(kill.anon_rss_bytes) + " of anonymous memory";
  if (kill.swapped_bytes > tenth) {
    held += fmt::format(", {} in swap", FormatBytes(kill.swapped_bytes));
  }
  if (kill.shmem_rss_bytes > tenth) {
    held += fmt::format(", {} of shared memory", FormatBytes(kill.shmem_rss_bytes));
  }
  if (kill.file_rss_bytes > tenth) {
    held += fmt::format(", {} of mapped files", FormatBytes(kill.file_rss_bytes));
  }
  return held;
}

/// Shared memory and files of a tmpfs that stay charged when the victim is gone: to kill for them is in vain.
std::string HeldByItsGroup(const ProcessRecord& record, const OomKill& kill) {
  if (kill.scope == "machine" || record.group_shmem_bytes <= kill.limit_bytes / 10) {
    return "";
  }
  return fmt::format(", and its death left {} of shared memory or tmpfs files charged to the group",
                     FormatBytes(record.group_shmem_bytes));
}

/// What a process was doing when its time was over.
std::string HowItWaited(const ProcessRecord& record) {
  if (record.under_oom) {
    return ", waiting: its group is out of memory and nothing is killed there";
  }
  if (WasThrottled(record)) {
    const std::string times = record.throttled_high == 0 ? "" : Times(record.throttled_high) + " ";
    return fmt::format(", throttled {}for being above memory.high", times);
  }
  if (record.state == "D") {
    return ", waiting in the kernel" +
           (record.wait_channel.empty() ? std::string() : " (" + record.wait_channel + ")");
  }
  return record.state == "R" ? ", running: just slow" : ", idle or just slow";
}

/// A parent may wait for ever for what a killed descendant was to deliver.
std::string LostDescendant(const Evidence& evidence, const ProcessRecord& parent) {
  const OomKill* kill = KilledDescendantOf(evidence, parent);
  if (kill == nullptr) {
    return "";
  }
  return fmt::format("; the OOM killer had taken {} (pid {} {}) at {}",
                     kill->process == parent.name ? "a process that it started" : "its " + kill->process,
                     kill->pid, kill->comm, AtSeconds(kill->t_s));
}

/// What led to its death for memory.
std::string CouldNotGiveBack(const Evidence& evidence, const ProcessRecord& record) {
  for (const TellingFailure& kind : KindsOfFailure(evidence, record.name)) {
    if (kind.binding.limit && GivesBack(*kind.first)) {
      return "; before that it could not give memory back: " + DescribeFailure(evidence, kind);
    }
  }
  return "";
}

}  // namespace

std::string DescribeFault(const ImposedFault& fault) {
  std::string text = fmt::format("{}={} of {} is not in force", fault.name, fault.requested, fault.target);
  if (!fault.read_back.empty() && fault.read_back != fault.requested) {
    text += fmt::format(" (it reads {})", fault.read_back);
  }
  return fault.error.empty() ? text : text + ": " + fault.error;
}

std::string HowItEnded(const ProcessRecord& record, const Death& death) {
  const std::string at = record.end_s ? " at " + AtSeconds(*record.end_s) : "";
  if (record.exit_code) {
    return WithNote(fmt::format("exited with {}{}", *record.exit_code, at), death.note);
  }
  if (!record.signal) {
    return WithNote("ended" + at, death.note);
  }
  const std::string name = SignalName(*record.signal);
  if (death.killed_by == "self") {
    return WithNote(fmt::format("died of its own {}{}", name, at), death.note);
  }
  const std::string by = death.killed_by.empty()
                             ? ""
                             : " from " + (death.killed_by == "kernel" ? "the kernel" : death.killed_by);
  return WithNote(fmt::format("was killed by {}{}{}", name, by, at), death.note);
}

std::string DescribeOom(const Evidence& evidence, const ProcessRecord& record, const Death& death,
                        const Binding& binding) {
  const std::string figures = binding.limit ? " with " + UseOfNamedLimit(*binding.limit) : "";
  if (death.oom == nullptr) {
    const std::string at = AtSeconds(record.end_s.value_or(0));
    return WithNote(fmt::format("was killed by the OOM killer at {}{}", at, figures), death.note);
  }
  const OomKill& kill = *death.oom;
  std::string who = kill.scope == "machine" ? "the machine's OOM killer" : "the OOM killer";
  if (kill.scope != "machine" && !kill.cgroup.empty()) {
    who += " of memory cgroup " + kill.cgroup;
  }
  const double close_s = kill.scope == "memcg" ? CloseToLimitS(evidence, record, kill) : 0;
  const std::string before =
      close_s < kLongS ? "" : fmt::format(", after {} above {}% of it", AtSeconds(close_s), kClosePercent);
  return fmt::format("was killed by {} at {}{}{}; it held {} at oom_score_adj {}", who, AtSeconds(kill.t_s),
                     figures, before, WhatItHeld(kill), kill.oom_score_adj) +
         HeldByItsGroup(record, kill) + (kill.scope == "machine" ? TakenByZram(evidence) : "");
}

/// The time that ran out: the case's, or that of the step that waited for something of it.
std::string WhenItHung(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  if (evidence.timed_out) {
    return fmt::format("was alive when the timeout of {:g} s passed", plan.timeout_s);
  }
  for (const StepRecord& step : evidence.steps) {
    const auto index = static_cast<std::size_t>(step.index);
    const StepPlan* planned = index < plan.steps.size() ? &plan.steps[index] : nullptr;
    const auto* wait = planned != nullptr ? std::get_if<WaitStep>(&planned->action) : nullptr;
    if (step.timed_out && wait != nullptr && wait->process == record.name) {
      return fmt::format("was alive when step {} (\"{}\") ran out of its time of {:g} s", step.index + 1,
                         step.text, planned->timeout_s);
    }
  }
  return "was alive, and not ready when its time for that had passed";
}

std::string DescribeHang(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  return WhenItHung(plan, evidence, record) + HowItWaited(record) + LostDescendant(evidence, record);
}

bool KilledByOther(const ProcessRecord& record, const Finding& finding) {
  const std::string& by = finding.death.killed_by;
  const bool by_other = !by.empty() && by != "self" && !(by == "brink" && record.stopped_by_brink);
  return finding.outcome == Outcome::kFailed && finding.death.kind == Death::Kind::kSignalled && by_other;
}

std::string DescribeLeftRunning(const std::vector<LeftRunning>& left, std::uint64_t count, bool survived) {
  std::string who;
  for (const LeftRunning& each : left) {
    who += fmt::format("{}pid {} {}", who.empty() ? "" : ", ", each.pid, each.comm);
  }
  who += count > left.size() ? ", ..." : "";
  return fmt::format("{} that it started ({}) {} still running, and brink ended {}{}",
                     count == 1 ? "a process" : FormatCount(count) + " processes", who,
                     count == 1 ? "was" : "were", count == 1 ? "it" : "them",
                     survived ? ": if one is the server, `run:` should start it in the foreground" : "");
}

std::string Sentence(const Evidence& evidence, const ProcessRecord& record, const Finding& finding,
                     const Binding& binding, const std::optional<Stall>& stall) {
  const bool survived = finding.outcome == Outcome::kSurvived;
  const bool failed = finding.outcome == Outcome::kFailed && record.started;
  const TellingFailure failure = TellingFailureOf(evidence, record.name, failed);
  std::string text = finding.reason;
  if (finding.outcome == Outcome::kHung && binding.limit &&
      (failure.call == nullptr || record.under_oom || WasThrottled(record))) {
    text += "; " + binding.reason;
  } else if (survived && stall && failure.call == nullptr) {
    text += (binding.limit ? ", although with " : ", although ") + binding.reason;
  } else if (failed && !KilledByOther(record, finding)) {
    text += WhyItFailed(evidence, record) + LastWords(record);
  } else if (finding.outcome == Outcome::kOomKilled) {
    text += LastWords(record);  // how far it had come, or the warning that it did not heed
  } else if (failure.call != nullptr && (survived || finding.outcome == Outcome::kHung)) {
    text += (survived ? ", although " : "; ") + DescribeFailure(evidence, failure);
    text += stall ? "; " + DescribeStall(*stall) : "";
  }
  if (finding.outcome == Outcome::kOomKilled) {
    text += CouldNotGiveBack(evidence, record);
  }
  if (record.left_running_count > 0) {
    text += "; " + DescribeLeftRunning(record.left_running, record.left_running_count, survived);
  }
  return text;
}

}  // namespace brink
