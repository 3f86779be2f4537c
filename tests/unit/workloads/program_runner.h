// SPDX-License-Identifier: MIT
// Runs a workload and collects what it says.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace workload {

/// A folder of its own for a test, removed with everything in it.
class TestFolder {
 public:
  TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder();
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct ProgramResult {
  int status = -1;                    // exit status; -1 when a signal ended it
  std::vector<nlohmann::json> lines;  // of standard output; a line that is not JSON is {"not_json": LINE}
  std::string standard_output;
  std::string standard_error;

  /// The last line with this event; null when there is none.
  [[nodiscard]] nlohmann::json Event(const std::string& name) const;
};

/// Runs a workload by its name, to its end.
[[nodiscard]] ProgramResult RunProgramToEnd(const std::string& name,
                                            const std::vector<std::string>& arguments);

/// Runs a workload with --hold, sends it the signal once it has printed a line with the event, and waits for
/// its end.
[[nodiscard]] ProgramResult RunProgramUntilSignal(const std::string& name,
                                                  const std::vector<std::string>& arguments, int signal,
                                                  const std::string& event = "ready");

/// Changes one byte of a file.
void FlipByte(const std::filesystem::path& path, std::uint64_t offset);

}  // namespace workload
