// SPDX-License-Identifier: MIT
// What is told of a guest that was lost.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/qemu.h"

namespace brink {

struct GuestLoss {
  std::string how;     // GuestRecord::lost; empty: it lives
  std::string detail;  // one sentence
};

/// "SIGKILL"; the number alone of one that has no name.
[[nodiscard]] std::string NameOfSignal(int signal);

/// Of a guest whose QEMU has ended. `powered_off`: from within, as QEMU told before. `oom_kills`: how many
/// processes OOM killers have taken from brink's own control group, which QEMU is in, since it was started.
/// `output`: QEMU's complaints.
[[nodiscard]] GuestLoss LossOfEndedQemu(const QemuEnd& end, bool powered_off, std::uint64_t oom_kills,
                                        std::string_view output);

}  // namespace brink
