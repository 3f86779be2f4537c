// SPDX-License-Identifier: MIT
// Names of the system calls that watch.bpf.c tells about.
#pragma once

#include <cstdint>
#include <string>

namespace brink {

/// "munmap"; "syscall_123" for one that is not watched.
[[nodiscard]] std::string SyscallName(std::uint32_t number);

/// "ENOMEM"; "errno_9999" for one that the C library does not know.
[[nodiscard]] std::string ErrnoName(std::uint32_t error);

}  // namespace brink
