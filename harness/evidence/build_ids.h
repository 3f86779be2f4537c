// SPDX-License-Identifier: MIT
// Files by their build id: what is left of a mapping once its process is gone.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace brink {

/// The linker's SHA-1 over a program or library (--build-id, which Debian's compilers ask for).
using BuildId = std::array<std::uint8_t, 20>;

/// Nothing when the file cannot be read, is no ELF file, or has no build id of that length.
[[nodiscard]] std::optional<BuildId> ReadBuildId(const std::string& path);

inline constexpr std::string_view kBuildIdText = "build id ";

/// "build id 4f0a...", all of it, as debuginfod and .build-id folders take it.
[[nodiscard]] std::string BuildIdText(const BuildId& id);

/// Knows files that processes are likely to have mapped. Not thread-safe.
class BuildIds {
 public:
  /// A file that some process has mapped or runs, read when one is looked for. A path that means another file
  /// here than to that process does no harm: the build id tells. Bounded.
  void Offer(const std::string& path);
  /// The file of that build id among those offered and those that brink itself has mapped (the C library).
  [[nodiscard]] std::optional<std::string> Find(const BuildId& id);

 private:
  void OfferOwn();
  bool own_offered_ = false;
  std::set<std::string> offered_;
  std::vector<std::string> unread_;
  std::map<BuildId, std::string> files_;
};

}  // namespace brink
