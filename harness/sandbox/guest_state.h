// SPDX-License-Identifier: MIT
// What a Guest holds, for its own source files: guest_boot.cpp starts it, guest_state.cpp listens to it,
// guest.cpp runs cases in it, guest_shell.cpp a shell.
#pragma once

#include <poll.h>

#include <deque>
#include <fstream>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/readable.h"
#include "sandbox/channel.h"
#include "sandbox/console_tail.h"
#include "sandbox/guest.h"
#include "sandbox/guest_loss.h"
#include "sandbox/monitor.h"
#include "sandbox/qemu.h"

namespace brink {

[[nodiscard]] Clock::time_point After(double seconds);

/// QEMU's machine for a guest.
[[nodiscard]] QemuOptions MachineOf(const GuestOptions& options);
/// The path of brink's agent, which is brink itself.
[[nodiscard]] std::string AgentPath();

struct Guest::State {
  GuestOptions options;
  std::optional<Qemu> qemu;
  std::optional<Channel> channel;
  std::ofstream console_file;
  std::streamsize console_kept = 0;  // bytes that the guest has printed
  ConsoleTail console;
  std::optional<Monitor> monitor;
  std::deque<Channel::Message> messages;
  Clock::time_point last_heard = Clock::now();
  double held_up_when_heard_s = 0;
  HostFacts facts;
  double time_scale = 1;
  bool exited = false;
  std::string cut;           // why the channel is no more
  std::string agent_killed;  // "SIGKILL": by that, as the guest's first process told
  bool soiled = false;
  GuestLoss loss;
  /// Of brink's own control group, before QEMU was started.
  std::uint64_t oom_kills_before = 0;

  /// One look at everything the guest says, and at `more`, waiting for any of it until then at most (and no
  /// longer than a second).
  void Poll(Clock::time_point until, std::span<pollfd> more = {});
  void ReadConsole();
  void ReadChannel();
  void TellLost(bool out_of_time);
  /// How long QEMU was ready to run and got no processor of the host, since it started. 0 where the kernel
  /// does not tell.
  [[nodiscard]] double HeldUpS() const;
  [[nodiscard]] bool IsOver(Clock::time_point deadline, double held_up_before_s) const;
  [[nodiscard]] bool Cancelled() const;
  /// So long it may say nothing before it counts as hung.
  [[nodiscard]] double SilenceS() const;
  /// It has ended, or has not been heard of for too long: TellLost() finds out which.
  [[nodiscard]] bool IsGone() const;
  /// The next message that is no sign of life or progress. Nothing when the guest is lost (`loss` then tells
  /// how), or the user gives up.
  [[nodiscard]] std::optional<Channel::Message> Wait(Clock::time_point deadline,
                                                     const std::function<void(const std::string&)>& progress);
  [[nodiscard]] Evidence Lost(double duration_s) const;
  [[nodiscard]] GuestRecord Record() const;

  // The steps of its start, in guest_boot.cpp.
  [[nodiscard]] Status Boot();
  [[nodiscard]] bool Save(const UniqueFd& file);
  [[nodiscard]] bool Await(const std::function<bool()>& said);
  [[nodiscard]] Status Resume();
  [[nodiscard]] Status Join();
  [[nodiscard]] Status Settle();
  [[nodiscard]] Status Greet();
  [[nodiscard]] Error Complaint(const std::string& what) const;
};

}  // namespace brink
