// SPDX-License-Identifier: MIT
// brink inside a guest of the vm sandbox: takes plans from the brink on the host, runs them with the same
// code, and sends their evidence back. The machine belongs to it alone.
#pragma once

namespace brink {

/// Serves until the host hangs up. As process 1 it also adopts orphans, and powers the machine off at the
/// end. Gives an exit status. Call while the process has one thread.
[[nodiscard]] int RunGuestAgent();

}  // namespace brink
