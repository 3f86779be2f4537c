// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace brink {

/// Where the operating system is found; tests put a fake tree here.
struct Roots {
  std::string proc = "/proc";
  std::string sys = "/sys";
  std::string run = "/run/brink";  // journal and locks; on tmpfs, as sysctls do not outlive a boot either
};

}  // namespace brink
