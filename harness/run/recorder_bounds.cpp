// SPDX-License-Identifier: MIT
// What is kept of what comes in without end.
#include <algorithm>
#include <csignal>
#include <iterator>
#include <utility>

#include "run/recorder.h"

namespace brink {

void Recorder::Keep(FailedCall call) {
  auto& calls = evidence_.failed_calls;
  const auto of_kind = std::count_if(calls.begin(), calls.end(), [&](const FailedCall& each) {
    return each.process == call.process && each.call == call.call && each.errno_name == call.errno_name;
  });
  const std::size_t most = calls.size() < kMaxFailedCalls ? kMaxFailedCallsOfKind : 1;
  if (static_cast<std::size_t>(of_kind) >= most) {
    ++evidence_.left_out.failed_calls;
    return;
  }
  calls.push_back(std::move(call));
}

void Recorder::Keep(SignalSent sent) {
  if (evidence_.signals.size() < kMaxSignals) {
    evidence_.signals.push_back(std::move(sent));
    return;
  }
  KeepBesideFullList(std::move(sent));
}

/// Which of them ends a process is the judge's to say: of SIGKILL the first, of any other signal the last.
void Recorder::KeepBesideFullList(SignalSent sent) {
  auto& signals = evidence_.signals;
  const ProcessRecord* record = RecordOf(sent.pid);
  if (record == nullptr) {
    ++evidence_.left_out.signals;
    if (sent.signal == SIGKILL && descendants_.contains(sent.pid)) {
      kills_left_out_.try_emplace(sent.pid, std::move(sent));
    }
    return;
  }
  const auto same = [&](const SignalSent& each) {
    const bool in_this_life = each.t_s >= record->start_s;  // its number may have been another's before
    return each.pid == sent.pid && each.signal == sent.signal && in_this_life;
  };
  if (std::count_if(signals.begin(), signals.end(), same) < 2) {
    signals.push_back(std::move(sent));
    return;
  }
  ++evidence_.left_out.signals;
  if (sent.signal != SIGKILL) {
    signals.erase(std::next(std::find_if(signals.rbegin(), signals.rend(), same)).base());
    signals.push_back(std::move(sent));
  }
}

void Recorder::TakeInWhatWasLeftOut(int pid, const std::string& name) {
  if (const auto sent = kills_left_out_.extract(pid)) {
    evidence_.signals.push_back(sent.mapped());
    --evidence_.left_out.signals;
  }
  if (const auto kill = oom_kills_left_out_.extract(pid)) {
    evidence_.oom_kills.push_back(kill.mapped());
    evidence_.oom_kills.back().process = name;
    --evidence_.left_out.oom_kills;
  }
}

}  // namespace brink
