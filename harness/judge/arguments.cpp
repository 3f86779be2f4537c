// SPDX-License-Identifier: MIT
#include "judge/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace brink {
namespace {

/// A call's parameters as its manual page names them, x86-64 order; empty names fill up.
struct Signature {
  std::string_view call;
  std::array<std::string_view, 6> names;
};

constexpr auto kSignatures = std::to_array<Signature>({
    {"mmap", {"addr", "length", "prot", "flags", "fd", "offset"}},
    {"munmap", {"addr", "length"}},
    {"mprotect", {"addr", "length", "prot"}},
    {"pkey_mprotect", {"addr", "length", "prot", "pkey"}},
    {"mremap", {"old_address", "old_size", "new_size", "flags", "new_address"}},
    {"mlock", {"addr", "length"}},
    {"mlock2", {"addr", "length", "flags"}},
    {"munlock", {"addr", "length"}},
    {"mlockall", {"flags"}},
    {"madvise", {"addr", "length", "advice"}},
    {"process_madvise", {"pidfd", "iovec", "vlen", "advice", "flags"}},
    {"remap_file_pages", {"addr", "size", "prot", "pgoff", "flags"}},
    {"brk", {"addr", "break"}},  // the second is the break that stayed (model/evidence.h)
    {"clone", {"flags", "stack", "parent_tid", "child_tid", "tls"}},
    {"clone3", {"cl_args", "size"}},
    {"fork", {}},
    {"vfork", {}},
    {"execve", {"pathname", "argv", "envp"}},
    {"execveat", {"dirfd", "pathname", "argv", "envp", "flags"}},
    {"shmget", {"key", "size", "shmflg"}},
    {"shmat", {"shmid", "shmaddr", "shmflg"}},
    {"memfd_create", {"name", "flags"}},
    {"io_uring_setup", {"entries", "params"}},
    {"page_fault", {"addr", "stack_pointer", "stack_end"}},
});

}  // namespace

std::vector<CallArgument> ArgumentsOf(const FailedCall& call) {
  const auto* known = std::find_if(kSignatures.begin(), kSignatures.end(),
                                   [&](const Signature& each) { return each.call == call.call; });
  std::vector<CallArgument> arguments;
  for (std::size_t at = 0; at < call.args.size(); ++at) {
    if (known == kSignatures.end()) {
      arguments.push_back({.name = fmt::format("arg{}", at), .value = call.args[at]});
    } else if (!known->names[at].empty()) {
      arguments.push_back({.name = std::string(known->names[at]), .value = call.args[at]});
    }
  }
  return arguments;
}

}  // namespace brink
