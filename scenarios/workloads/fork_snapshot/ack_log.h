// SPDX-License-Identifier: MIT
// The log of writes: a write is acknowledged once its entry is on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/file.h"
#include "fork_snapshot/key_store.h"

namespace workload {

class AckLog {
 public:
  /// Starts an empty log at `path`. What clients were told is noted in PATH.acknowledged, which outlives a
  /// SIGKILL.
  explicit AckLog(const std::filesystem::path& path);

  /// Adds a write; it is not acknowledged yet.
  void Add(const StoredRecord& record);
  /// Puts all added writes on disk and acknowledges them.
  void Acknowledge();
  /// Acknowledges the rest and marks the log as cleanly closed.
  void CloseCleanly();
  [[nodiscard]] std::uint64_t Acknowledged() const { return acknowledged_; }

 private:
  struct Entry;
  friend struct AckLogContent;
  void Flush();
  File file_;
  File told_;
  std::vector<std::byte> pending_;
  std::uint64_t sequence_ = 0;
  std::uint64_t acknowledged_ = 0;
};

struct AckLogContent {
  std::uint64_t writes = 0;        // intact entries
  std::uint64_t acknowledged = 0;  // what clients were told
  bool closed_cleanly = false;

  /// Reads a log. Throws Failure with Exit::kCorrupt when an acknowledged write is missing or changed; a torn
  /// entry behind the last acknowledged one is what a crash leaves, and no fault.
  [[nodiscard]] static AckLogContent Read(const std::filesystem::path& path);
};

}  // namespace workload
