// SPDX-License-Identifier: MIT
// The software of scenarios on this machine: Debian's packages.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace brink {

/// The packages that `status_file` of dpkg calls installed, with their versions; one removed but not purged
/// is not. Empty on other systems than Debian.
[[nodiscard]] std::map<std::string, std::string> InstalledPackages(
    const std::string& status_file = "/var/lib/dpkg/status");

/// The script that installs packages: beside an installed program, else in the source tree.
[[nodiscard]] std::string InstallScript();

/// Installs packages with apt, and starts none of their services. Needs root. All that apt says goes to
/// `log`, which is made; its progress to `progress`. Fails with apt's last complaint.
[[nodiscard]] Status InstallPackages(const std::vector<std::string>& packages, const std::string& log,
                                     const std::function<void(const std::string&)>& progress,
                                     const std::string& script = InstallScript());

}  // namespace brink
