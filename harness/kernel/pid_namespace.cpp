// SPDX-License-Identifier: MIT
#include "kernel/pid_namespace.h"

#include <filesystem>
#include <string_view>

namespace brink {
namespace {

constexpr std::string_view kInitial = "pid:[4026531836]";  // PROC_PID_INIT_INO of include/linux/proc_ns.h

}  // namespace

Status CheckPidNamespace(const Roots& roots) {
  const std::string path = roots.proc + "/self/ns/pid";
  std::error_code error;
  const auto name = std::filesystem::read_symlink(path, error);
  if (error) {
    return FailErrno("read " + path, error.value());
  }
  if (name != kInitial) {
    return Fail(
        "brink runs in a PID namespace of its own, so it does not see every process, nor the kernel's "
        "numbers of them",
        "run it in the host's PID namespace (for a container: --pid=host)");
  }
  return {};
}

}  // namespace brink
