// SPDX-License-Identifier: MIT
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "base/slowness.h"
#include "run/running_case.h"

namespace brink {

namespace fs = std::filesystem;

namespace {

/// The kernel has told of its exit, although it may be found in /proc and in its group a moment longer.
bool SeenToEnd(const std::vector<ProcessRecord>& processes, int pid) {
  const auto newest = std::find_if(processes.rbegin(), processes.rend(),
                                   [&](const ProcessRecord& record) { return record.pid == pid; });
  return newest != processes.rend() && newest->end_s.has_value();
}

}  // namespace

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
    record.throttled_high = target->throttled.Growth(counters.throttled_high.value_or(0));
  }
}

std::vector<int> CaseRunner::LivingOf(const LiveTarget& target) {
  std::vector<int> pids = target.own_group ? target.group->Pids() : recorder_.LivingDescendants(target.token);
  std::erase_if(pids, [&](int pid) {
    // The root is told of by its pidfd; others may have ended meanwhile.
    return pid == target.pid || recorder_.CommOf(pid).empty() || SeenToEnd(Record().processes, pid);
  });
  return pids;
}

void CaseRunner::StopProcess(LiveTarget& target) {
  if (target.ended) {
    return;
  }
  Record().processes[target.record].stopped_by_brink = true;
  const int signal = target.plan->stop_signal;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(target.plan->stop_timeout_s));
  ::kill(target.pid, signal);
  (void)loop_.PumpUntil(deadline, [&] { return target.ended; });
  // A server ends its own workers. A shell does not pass the signal on: what outlives it is asked too.
  std::set<int> asked;
  const auto all_ended = [&] {
    const std::vector<int> left = target.ended ? LivingOf(target) : std::vector<int>();
    for (const int pid : left) {
      if (asked.insert(pid).second) {
        ::kill(pid, signal);
      }
    }
    return target.ended && left.empty();
  };
  if (target.ended) {
    (void)loop_.PumpUntil(deadline, all_ended, CaseLoop::Notice::kAsking);
  } else {
    ::kill(target.pid, SIGKILL);
  }
  const auto killed = [&] {
    const std::vector<int> left = LivingOf(target);
    std::for_each(left.begin(), left.end(), [](int pid) { ::kill(pid, SIGKILL); });
    return target.ended && left.empty();
  };
  (void)loop_.PumpFor(Stretched(std::chrono::seconds(5)), killed, CaseLoop::Notice::kAsking);
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
    for (const int pid : LivingOf(*target)) {
      ++record.left_running_count;
      if (record.left_running.size() < kMost) {
        record.left_running.push_back(LeftRunning{.pid = pid, .comm = recorder_.CommOf(pid)});
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
  (void)loop_.PumpFor(Stretched(std::chrono::seconds(5)), all_ended);
  if (const auto committed = recorder_.Committed()) {
    recorder_.OnCommitments(*committed, {}, {});
  }
}

void CaseRunner::RecordGroups() {
  if (!groups_) {
    return;
  }
  for (const auto& [name, group] : groups_->All()) {
    const CgroupCounters counters = group->Counters();
    const CgroupStat stat = group->Stat();
    Record().groups.push_back(GroupRecord{.name = name,
                                          .path = group->Path(),
                                          .memory_limit_bytes = counters.memory_limit,
                                          .peak_memory_bytes = counters.memory_peak.value_or(0),
                                          .oom_kills = counters.oom_kills.value_or(0),
                                          .limit_hits = counters.limit_hits.value_or(0),
                                          .pids_refused = counters.pids_refused.value_or(0),
                                          .throttled_high = counters.throttled_high.value_or(0),
                                          .refaulted_bytes = stat.refaulted_pages * Record().host.page_size,
                                          .stalled_s = stat.stalled_s,
                                          .left_shmem_bytes = stat.shmem_bytes,
                                          .left_file_bytes = stat.file_bytes});
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
      record.complaints = target->log.Complaints();
      record.log = fs::path(target->log.EndPath()).lexically_relative(plan_.run_dir).string();
    }
    if (!target->log.DiskError().empty()) {
      spdlog::warn("{}: the log of {} is not complete: {}", plan_.scenario, target->name,
                   target->log.DiskError());
    }
  }
}

}  // namespace brink
