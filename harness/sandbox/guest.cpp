// SPDX-License-Identifier: MIT
#include "sandbox/guest.h"

#include <spdlog/spdlog.h>

#include "model/json.h"
#include "sandbox/guest_state.h"

namespace brink {
namespace {

/// What a case may take beyond its own timeout, on a real machine: starting, stopping, clearing up.
constexpr double kGraceS = 60;

/// The timeout of a plan is that of its steps; starting and stopping its processes come on top.
double LongestS(const Plan& plan, double scale) {
  double longest = plan.timeout_s + kGraceS * scale;
  for (const ProcessPlan& process : plan.processes) {
    longest += process.stop_timeout_s + (process.ready ? process.ready->timeout_s : 0);
  }
  return longest;
}

}  // namespace

Guest::~Guest() {
  if (state_->qemu) {
    state_->qemu->Kill();  // nothing in it is wanted any more
  }
}

Guest::Guest(const GuestOptions& options) : state_(std::make_unique<State>()) {
  state_->options = options;
  state_->console_file.open(options.console_file, std::ios::binary | std::ios::app);
}

Evidence Guest::Run(Plan& plan, const std::function<void(const std::string&)>& progress) {
  State& state = *state_;
  const auto start = Clock::now();
  const Plan scaled = WithScaledTimeouts(plan, state.time_scale);
  state.last_heard = start;
  const auto sent = state.channel->Send({{"type", "run"}, {"plan", PlanToJson(scaled)}});
  if (!sent) {
    state.cut = sent.error().message;
  }
  const auto answer = state.Wait(After(LongestS(scaled, state.time_scale)), progress);
  const double duration = Seconds(Clock::now() - start).count();
  if (!answer) {
    state.soiled = true;
    return state.Lost(duration);
  }
  auto evidence = EvidenceFromJson(TextField(*answer, "evidence"));
  if (!evidence) {
    state.soiled = true;
    Evidence broken = state.Lost(duration);
    broken.harness_error = "the guest's evidence cannot be read: " + evidence.error().message;
    return broken;
  }
  if (const std::string soil = TextField(*answer, "soiled"); !soil.empty()) {
    spdlog::info("the guest is thrown away: {}", soil);
    state.soiled = true;
  }
  if (answer->contains("not_runnable")) {
    plan.not_runnable = TextField(*answer, "not_runnable");
    plan.not_runnable_remedy = TextField(*answer, "remedy");
  }
  evidence->guest = state.Record();
  if (!evidence->guest->host_disk_error.empty()) {
    state.soiled = true;  // its file system has holes
  }
  return std::move(*evidence);
}

bool Guest::Usable() const { return !state_->soiled; }

const GuestOptions& Guest::Options() const { return state_->options; }

pid_t Guest::Pid() const { return state_->qemu->Pid(); }

}  // namespace brink
