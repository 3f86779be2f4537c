// SPDX-License-Identifier: MIT
#include "run/case_loop.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

namespace brink {
namespace {

/// Output taken in one go from one target, so that a flood from one cannot starve the others.
constexpr int kChunksPerTurn = 16;
constexpr std::size_t kChunk = std::size_t{64} * 1024;

Clock::duration ToClock(std::chrono::duration<double> time) {
  return std::chrono::duration_cast<Clock::duration>(std::min(time, std::chrono::duration<double>(1e8)));
}

}  // namespace

CaseLoop::CaseLoop(const Plan& plan, const CaseContext& context, Recorder& recorder)
    : plan_(plan),
      context_(context),
      recorder_(recorder),
      case_deadline_(Clock::now() + ToClock(std::chrono::duration<double>(plan.timeout_s))),
      next_sample_(Clock::now()) {}

CaseLoop::Wake CaseLoop::PumpUntil(Clock::time_point deadline, const std::function<bool()>& done,
                                   Notice notice) {
  while (true) {
    if (done()) {
      return Wake::kDone;
    }
    if (cancelled_ && heed_cancel_) {
      return Wake::kCancelled;
    }
    const auto now = Clock::now();
    if (now >= case_deadline_ && deadline >= case_deadline_) {
      return Wake::kCaseTimeout;
    }
    if (now >= deadline) {
      return Wake::kDeadline;
    }
    PollOnce(std::min(deadline, case_deadline_), notice);
  }
}

CaseLoop::Wake CaseLoop::PumpFor(std::chrono::duration<double> time, const std::function<bool()>& done,
                                 Notice notice) {
  return PumpUntil(Clock::now() + ToClock(time), done, notice);
}

void CaseLoop::LiftDeadline() {
  case_deadline_ = Clock::time_point::max();
  heed_cancel_ = false;
}

LiveTarget& CaseLoop::Add(std::unique_ptr<LiveTarget> target) {
  targets_.push_back(std::move(target));
  return *targets_.back();
}

LiveTarget* CaseLoop::Find(const std::string& name) const {
  const auto found = std::find_if(targets_.rbegin(), targets_.rend(),
                                  [&](const auto& target) { return target->name == name; });
  return found == targets_.rend() ? nullptr : found->get();
}

LiveTarget* CaseLoop::FindOutput(const std::string& name) const {
  if (LiveTarget* target = Find(name); target != nullptr && target->plan != nullptr) {
    return target;
  }
  for (const ProcessPlan& process : plan_.processes) {
    for (const ChildRule& child : process.children) {
      if (child.name == name) {
        return Find(process.name);
      }
    }
  }
  return nullptr;
}

bool CaseLoop::Alive(const std::string& name) const {
  const LiveTarget* target = Find(name);
  return target != nullptr && target->plan != nullptr ? !target->ended : !recorder_.LivingPids(name).empty();
}

std::uint64_t CaseLoop::MatchCount(const std::string& process, const std::string& pattern) const {
  const LiveTarget* output = FindOutput(process);
  std::uint64_t count = 0;
  for (const auto& target : targets_) {
    if (output != nullptr && target->plan != nullptr && target->name == output->name) {
      count += target->log.MatchCount(pattern);
    }
  }
  return count;
}

std::uint64_t CaseLoop::MemoryOf(const std::string& process) const {
  const LiveTarget* target = Find(process);
  return target == nullptr || target->group == nullptr ? 0 : target->group->Counters().memory_use.value_or(0);
}

WatchToken CaseLoop::NextToken() {
  static std::atomic<WatchToken> next{1};
  tokens_.push_back(next.fetch_add(1));
  return tokens_.back();
}

void CaseLoop::PollOnce(Clock::time_point until, Notice notice) {
  std::vector<pollfd> fds;
  std::vector<LiveTarget*> owners;
  const auto add = [&](int fd, LiveTarget* owner) {
    if (fd >= 0) {
      fds.push_back(pollfd{.fd = fd, .events = POLLIN, .revents = 0});
      owners.push_back(owner);
    }
  };
  const int cancel_fd = heed_cancel_ ? context_.cancel_fd : -1;
  add(cancel_fd, nullptr);
  add(context_.watch == nullptr ? -1 : context_.watch->PollFd(), nullptr);
  const std::size_t first_target = fds.size();
  for (const auto& target : targets_) {
    if (!target->ended) {
      add(target->pidfd.Get(), target.get());
    }
    add(target->output.Get(), target.get());
  }
  auto wake = std::min(until, next_sample_);
  if (notice == Notice::kAsking || recorder_.HasYoungDescendants()) {
    wake = std::min(wake, Clock::now() + Clock::duration(kAskEvery));
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - Clock::now());
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  if (ready > 0) {
    cancelled_ = cancelled_ || (cancel_fd >= 0 && fds.front().revents != 0);
    DrainWatch();
    for (std::size_t at = first_target; at < fds.size(); ++at) {
      LiveTarget& target = *owners[at];
      if (fds[at].revents == 0) {
        continue;
      }
      if (fds[at].fd == target.pidfd.Get() && !target.ended) {
        OnDeath(target);
      } else if (fds[at].fd == target.output.Get()) {
        DrainOutput(target);
      }
    }
  }
  Tick();
}

void CaseLoop::DrainWatch() {
  if (context_.watch != nullptr) {
    context_.watch->Drain([this](const WatchEvent& event) { recorder_.OnEvent(event); });
  }
}

void CaseLoop::DrainOutput(LiveTarget& target) {
  static thread_local std::array<char, kChunk> buffer;
  for (int turn = 0; turn < kChunksPerTurn && target.output.Valid(); ++turn) {
    const ssize_t got = ::read(target.output.Get(), buffer.data(), buffer.size());
    if (got > 0) {
      target.log.Write(std::string_view(buffer.data(), static_cast<std::size_t>(got)), recorder_.Now());
      continue;
    }
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
      target.output.Reset();
      target.log.Finish(recorder_.Now());
    }
    return;
  }
}

void CaseLoop::OnDeath(LiveTarget& target) {
  // What it printed last is in the pipe (64 KiB at most). Descendants may hold it open and go on: then the
  // loop reads on.
  DrainOutput(target);
  target.log.Finish(recorder_.Now());
  target.ended = true;
  if (const auto status = Reap(target.pid)) {
    target.status = *status;
  }
  DrainWatch();
  if (target.record == LiveTarget::kNoRecord) {
    return;
  }
  if (target.own_group && target.group != nullptr && target.plan != nullptr) {
    recorder_.Record().processes[target.record].peak_memory_bytes = target.group->Counters().memory_peak;
  }
  if (target.group != nullptr && target.plan != nullptr && target.status.signal == SIGKILL) {
    recorder_.Record().processes[target.record].group_shmem_bytes =
        target.group->Stat().shmem_bytes.value_or(0);
  }
  recorder_.Ended(target.record, target.status, recorder_.Now());
}

void CaseLoop::SampleCommitments(const std::vector<TaskFigures>& before) {
  if (const auto committed = recorder_.Committed()) {
    if (const auto after = context_.watch->Sample()) {
      recorder_.OnCommitments(*committed, before, *after);
    }
  }
}

void CaseLoop::NoteUnderOom(LiveTarget& target, bool under_oom) {
  const double now_s = recorder_.Now();
  if (under_oom && target.under_oom_at_s) {
    recorder_.Record().processes[target.record].under_oom_s += now_s - *target.under_oom_at_s;
  }
  target.under_oom_at_s = under_oom ? std::optional(now_s) : std::nullopt;
}

void CaseLoop::Tick() {
  const bool due = Clock::now() >= next_sample_;
  if (due || recorder_.HasRecognised() || recorder_.HasYoungDescendants()) {
    for (const Recognised& child : recorder_.IdentifyChildren()) {
      if (on_recognised) {
        on_recognised(child);
      }
    }
  }
  if (!due) {
    return;
  }
  next_sample_ = Clock::now() + Clock::duration(kSampleEvery);
  std::map<std::string, std::uint64_t> memory;
  std::vector<TaskFigures> tasks;  // without the kernel's: the memory of the groups alone
  for (const auto& target : targets_) {
    if (!target->ended && target->plan != nullptr) {
      const CgroupCounters counters = target->group->Counters();
      memory[target->name] = counters.memory_use.value_or(0);
      target->throttled.Note(Clock::now(), counters.throttled_high.value_or(0));
      NoteUnderOom(*target, counters.under_oom.value_or(false));
      TaskFigures& task = tasks.emplace_back();
      task.token = target->token;
      task.pid = target->pid;
    }
  }
  if (context_.watch != nullptr) {
    if (auto sampled = context_.watch->Sample()) {
      tasks = std::move(*sampled);
      recorder_.SetFailureTotals(context_.watch->FailureTotals());
      SampleCommitments(tasks);
    }
  }
  recorder_.OnSample(tasks, memory);
  recorder_.NoteZram();
}

}  // namespace brink
