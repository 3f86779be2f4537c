// SPDX-License-Identifier: MIT
#include "run/recorder.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "kernel/machine_guard.h"
#include "kernel/swaps.h"
#include "run/proc_text.h"

namespace brink {
namespace {

std::optional<int> ReadInt(const std::string& path) {
  const std::string text = ReadSmall(path, 16);
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end != text.data() ? std::optional(value) : std::nullopt;
}

/// Of a list that has grown to `most` samples every other one of the past goes; the recent half stays dense.
template <typename Sample>
void ThinOut(std::vector<Sample>& samples, std::size_t most) {
  if (samples.size() < most) {
    return;
  }
  std::size_t kept = 0;
  for (std::size_t at = 0; at < samples.size(); ++at) {
    if (at % 2 == 0 || at > samples.size() / 2) {
      samples[kept++] = std::move(samples[at]);
    }
  }
  samples.resize(kept);
}

/// By process: what it has mapped, and how much of that is private and writable.
std::map<int, std::pair<std::uint64_t, std::uint64_t>> SizesOf(const std::vector<TaskFigures>& tasks) {
  std::map<int, std::pair<std::uint64_t, std::uint64_t>> sizes;
  for (const TaskFigures& task : tasks) {
    sizes[task.pid] = {task.total_vm_bytes, task.data_vm_bytes};
  }
  return sizes;
}

}  // namespace

Recorder::Recorder(const Plan& plan, Roots roots)
    : plan_(plan),
      roots_(std::move(roots)),
      start_ns_(MonotonicNs()),
      relative_commit_(std::any_of(plan.machine.begin(), plan.machine.end(),
                                   [](const Setting& setting) { return setting.value.starts_with('+'); })),
      swaps_(ReadSwaps(roots_)) {}

double Recorder::Now() const { return Since(MonotonicNs()); }

double Recorder::Since(std::uint64_t at_ns) const {
  return at_ns <= start_ns_ ? 0 : static_cast<double>(at_ns - start_ns_) / 1e9;
}

std::size_t Recorder::AddProcess(WatchToken token, const std::string& name, const ProcessPlan* plan) {
  ProcessRecord record;
  record.name = name;
  record.kind = plan == nullptr ? ProcessRecord::Kind::kStep : ProcessRecord::Kind::kProcess;
  record.start_s = Now();
  evidence_.processes.push_back(std::move(record));
  tokens_[token] =
      TokenInfo{.name = name, .plan = plan, .record = evidence_.processes.size() - 1, .root_pid = 0};
  return evidence_.processes.size() - 1;
}

void Recorder::Started(std::size_t record, WatchToken token, int pid) {
  evidence_.processes[record].started = true;
  evidence_.processes[record].pid = pid;
  evidence_.processes[record].comm = ReadComm(roots_.proc, pid);
  tokens_[token].root_pid = pid;
  record_by_pid_[pid] = record;
}

void Recorder::Ended(std::size_t record, const ExitStatus& status, double t_s) {
  ProcessRecord& process = evidence_.processes[record];
  process.end_s = t_s;
  process.exit_code = status.exit_code;
  process.signal = status.signal;
  process.stopped_by_brink = process.stopped_by_brink || (ending_ && status.signal.has_value());
  if (!process.peak_memory_bytes && status.max_rss_bytes > 0) {
    process.peak_memory_bytes = status.max_rss_bytes;
  }
}

void Recorder::OnEvent(const WatchEvent& event) {
  std::visit([this](const auto& seen) { On(seen); }, event);
}

void Recorder::On(const ForkSeen& event) {
  record_by_pid_.erase(event.pid);  // of a dead process whose number is used again
  const auto token = tokens_.find(event.token);
  if (token == tokens_.end() || token->second.plan == nullptr || descendants_.size() >= kMaxDescendants) {
    return;
  }
  descendants_[event.pid] = Descendant{.token = event.token, .born_ns = event.at_ns};
}

void Recorder::On(const ExecSeen& event) {
  if (ProcessRecord* record = RecordOf(event.pid)) {
    record->comm = event.comm;
  }
}

void Recorder::On(const ExitSeen& event) {
  NameAtExit(event);
  descendants_.erase(event.pid);
  kills_left_out_.erase(event.pid);
  oom_kills_left_out_.erase(event.pid);
  ProcessRecord* record = RecordOf(event.pid);
  if (record == nullptr) {
    return;
  }
  PeakMaps(event.pid, event.peak_map_count);
  if (record->kind != ProcessRecord::Kind::kChild) {
    return;  // wait status and group tell more of what brink started itself
  }
  record->end_s = Since(event.at_ns);
  record->exit_code = event.exit_code;
  record->signal = event.signal;
  record->stopped_by_brink = ending_ && event.signal.has_value();
  if (event.peak_rss_bytes > 0) {
    record->peak_memory_bytes = event.peak_rss_bytes;
  }
}

void Recorder::On(const FailureSeen& event) {
  Identify();
  FailedCall call = event.call;
  call.process = NameOf(event.token, call.pid);
  call.t_s = Since(event.at_ns);
  PeakMaps(call.pid, call.map_count);
  SummariseMapsOnce(call.process, call.pid, call.t_s);
  Keep(std::move(call));
}

void Recorder::On(const OomKillSeen& event) {
  OomKill kill = event.kill;
  kill.t_s = Since(event.at_ns);
  if (const auto group = groups_.find(event.memory_group_id); group != groups_.end()) {
    kill.cgroup = group->second;
  }
  if (event.token != 0) {
    Identify();
    std::erase_if(recognised_, [&](const Recognised& child) {
      const bool killed = child.pid == kill.pid;
      if (killed) {
        known_too_late_.insert(child.rule);  // what is imposed now was not in force when the kernel chose
      }
      return killed;
    });
    const auto token = tokens_.find(event.token);
    const bool known = record_by_pid_.contains(kill.pid);
    if (!known && evidence_.oom_kills.size() >= kMaxOomKills) {
      ++evidence_.left_out.oom_kills;
      if (descendants_.contains(kill.pid)) {
        oom_kills_left_out_.try_emplace(kill.pid, std::move(kill));
      }
      return;
    }
    if (token != tokens_.end() && !known && token->second.plan != nullptr) {
      // A descendant nobody named: its death is a fact of its own, not the root's.
      token->second.has_unnamed = true;
      AddChild(token->second, token->second.name + "/" + kill.comm, kill.pid, event.at_ns);
    }
    kill.process = NameOf(event.token, kill.pid);
  }
  if (event.token == 0 && evidence_.oom_kills.size() >= kMaxOomKills) {
    ++evidence_.left_out.oom_kills;
    return;
  }
  evidence_.oom_kills.push_back(std::move(kill));
}

void Recorder::On(const SignalSeen& event) {
  SignalSent sent = event.sent;
  sent.t_s = Since(event.at_ns);
  sent.process = NameOf(event.token, sent.pid);
  if (event.sender_token != 0) {
    sent.sender = NameOf(event.sender_token, sent.sender_pid);
  } else if (sent.sender_pid == ::getpid()) {
    sent.sender = "brink";
  }
  Keep(std::move(sent));
}

void Recorder::OnSample(const std::vector<TaskFigures>& tasks,
                        const std::map<std::string, std::uint64_t>& memory_by_process) {
  auto& timeline = evidence_.timeline;
  ThinOut(timeline, kMaxTimeline);
  for (const TaskFigures& task : tasks) {
    const auto record = record_by_pid_.find(task.pid);
    if (record == record_by_pid_.end()) {
      continue;
    }
    const ProcessRecord& process = evidence_.processes[record->second];
    PeakMaps(task.pid, task.map_count);
    last_map_count_[process.name] = task.map_count;
    const std::string folder = roots_.proc + "/" + std::to_string(task.pid) + "/";
    TimelineSample sample{.t_s = 0,
                          .subject = process.name,
                          .pid = task.pid,
                          .map_count = task.map_count,
                          .locked_bytes = task.locked_bytes,
                          .total_vm_bytes = task.total_vm_bytes,
                          .memory_bytes = 0,
                          .failures = 0,
                          .oom_score = ReadInt(folder + "oom_score"),
                          .oom_score_adj = ReadInt(folder + "oom_score_adj")};
    if (const auto memory = memory_by_process.find(process.name);
        memory != memory_by_process.end() && process.kind == ProcessRecord::Kind::kProcess) {
      sample.memory_bytes = memory->second;
    }
    for (const FailureCount& kind : evidence_.failure_counts) {
      sample.failures += kind.process == process.name ? kind.count : 0;
    }
    // A machine out of memory may hold brink up, too: what is said to be of before a kill must have been read
    // by then.
    sample.t_s = Now();
    timeline.push_back(std::move(sample));
  }
}

void Recorder::NoteZram() {
  // What a kill gives back is no longer in it.
  const bool ran_out = std::any_of(evidence_.oom_kills.begin(), evidence_.oom_kills.end(),
                                   [](const OomKill& kill) { return kill.scope == "machine"; });
  auto figures = ran_out ? std::nullopt : ReadZram(roots_, swaps_);
  if (figures && (!evidence_.zram || figures->memory_bytes >= evidence_.zram->memory_bytes)) {
    figures->t_s = Now();
    evidence_.zram = figures;
  }
}

std::optional<std::uint64_t> Recorder::Committed() const {
  if (!relative_commit_) {
    return std::nullopt;
  }
  return ReadMachineFigures(roots_).committed_as_bytes;
}

void Recorder::OnCommitments(std::uint64_t committed, const std::vector<TaskFigures>& before,
                             const std::vector<TaskFigures>& after) {
  ThinOut(evidence_.commitments, kMaxTimeline);
  CommitSample sample{
      .t_s = Now(), .committed_bytes = committed, .steady = SizesOf(before) == SizesOf(after)};
  for (const TaskFigures& task : after) {
    sample.targets_bytes += task.data_vm_bytes;
    sample.targets_mapped_bytes += task.total_vm_bytes;
  }
  evidence_.commitments.push_back(sample);
}

void Recorder::SetFailureTotals(const std::vector<FailureTotal>& totals) {
  std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t> sums;
  for (const FailureTotal& total : totals) {
    if (const auto token = tokens_.find(total.token); token != tokens_.end()) {
      sums[{NameOf(total.token, total.pid), total.call, total.errno_name}] += total.count;
    }
  }
  evidence_.failure_counts.clear();
  for (const auto& [key, count] : sums) {
    const auto& [process, call, errno_name] = key;
    evidence_.failure_counts.push_back(
        FailureCount{.process = process, .call = call, .errno_name = errno_name, .count = count});
  }
}

std::vector<int> Recorder::LivingPids(const std::string& name) const {
  std::vector<int> pids;
  for (const ProcessRecord& record : evidence_.processes) {
    if (record.name == name && record.started && !record.end_s) {
      pids.push_back(record.pid);
    }
  }
  return pids;
}

std::string Recorder::CommOf(int pid) const {
  // "7 (name) S ...": the name may hold anything.
  const std::string stat = ReadSmall(roots_.proc + "/" + std::to_string(pid) + "/stat");
  const auto begin = stat.find('(');
  const auto end = stat.rfind(')');
  if (begin == std::string::npos || end == std::string::npos || end + 2 >= stat.size()) {
    return {};
  }
  const char state = stat[end + 2];
  return state == 'Z' || state == 'X' ? std::string() : stat.substr(begin + 1, end - begin - 1);
}

std::uint64_t Recorder::MapCountOf(const std::string& name) const {
  const auto count = last_map_count_.find(name);
  return count == last_map_count_.end() ? 0 : count->second;
}

std::string Recorder::NameOf(WatchToken token, int pid) const {
  if (const auto record = record_by_pid_.find(pid); record != record_by_pid_.end()) {
    return evidence_.processes[record->second].name;
  }
  const auto info = tokens_.find(token);
  return info == tokens_.end() ? std::string() : info->second.name;
}

ProcessRecord* Recorder::RecordOf(int pid) {
  const auto record = record_by_pid_.find(pid);
  return record == record_by_pid_.end() ? nullptr : &evidence_.processes[record->second];
}

void Recorder::SummariseMapsOnce(const std::string& process, int pid, double t_s) {
  if (!summarised_.insert(process).second) {
    return;
  }
  std::ifstream file(roots_.proc + "/" + std::to_string(pid) + "/maps");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.empty()) {
    return;  // it has ended already
  }
  MapsSummary summary = SummariseMaps(text);
  summary.process = process;
  summary.t_s = t_s;
  evidence_.maps.push_back(std::move(summary));
}

void Recorder::PeakMaps(int pid, std::uint64_t map_count) {
  ProcessRecord* record = RecordOf(pid);
  if (record != nullptr && map_count > record->peak_map_count.value_or(0)) {
    record->peak_map_count = map_count;
  }
}

}  // namespace brink
