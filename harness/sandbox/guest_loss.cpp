// SPDX-License-Identifier: MIT
#include "sandbox/guest_loss.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

namespace brink {

std::string NameOfSignal(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

GuestLoss LossOfEndedQemu(const QemuEnd& end, bool powered_off, std::uint64_t oom_kills,
                          std::string_view output) {
  const std::string said = output.empty() ? std::string() : fmt::format(": {}", output);
  if (end.signal == SIGKILL && oom_kills > 0) {
    return {.how = "oom_killed", .detail = "an OOM killer of the host took QEMU (SIGKILL)"};
  }
  if (end.signal != 0) {
    return {.how = "killed", .detail = fmt::format("QEMU was ended by {}{}", NameOfSignal(end.signal), said)};
  }
  if (powered_off) {
    return {.how = "powered_off", .detail = "something in the guest did that"};
  }
  return {.how = "exited", .detail = fmt::format("QEMU ended with status {}{}", end.status, said)};
}

}  // namespace brink
