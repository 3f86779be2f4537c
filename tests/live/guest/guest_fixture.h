// SPDX-License-Identifier: MIT
// brink's command line with real guests; skips, with the reason, where no kernel for them can be had.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/cli_fixture.h"

namespace brink::live {

/// Numbers of the QEMU processes that share this folder.
[[nodiscard]] std::vector<pid_t> GuestsOf(const std::string& folder);

/// The kernels that a test runs on: those given, or all that brink knows with BRINK_NIGHTLY set, as the build
/// target `nightly` does.
[[nodiscard]] std::vector<std::string> KernelsToTest(std::vector<std::string> in_ci);

class GuestTest : public CliTest {
 protected:
  void SetUp() override;
  /// Its first result.
  [[nodiscard]] nlohmann::json Result(const Ended& ended);
  [[nodiscard]] Ended RunInGuest(std::vector<std::string> words);
  /// Two runs of that file at the same time, by two brinks; both must be as expected.
  void ExpectTwoAtOnceMet(const std::string& file);
  /// The results of a run of that file on each of these kernels, in a guest of each; waits longer for more.
  [[nodiscard]] nlohmann::json ResultsOnKernels(const std::string& file, std::vector<std::string> words,
                                                const std::vector<std::string>& kernels);
  /// How many guests were booted for the run whose folder that is.
  [[nodiscard]] static std::ptrdiff_t Boots(const std::filesystem::path& out);
  /// A run whose target says "here" in its log and then stays.
  std::string WriteStaying(const std::string& name);
  /// Waits until the target of such a run has spoken.
  [[nodiscard]] bool AwaitTarget(const std::string& out) const;
  [[nodiscard]] static bool AwaitNoGuest(const std::string& folder);
};

}  // namespace brink::live
