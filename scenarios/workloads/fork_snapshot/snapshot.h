// SPDX-License-Identifier: MIT
// The snapshot file: header, all records, and a footer with the sum of their checksums.
#pragma once

#include <cstdint>
#include <filesystem>

#include "fork_snapshot/key_store.h"

namespace workload {

/// Writes the store as it is. The file appears under its name only when it is complete and on disk.
/// `bytes_per_s` slows the writing down to the speed of a modelled disk; 0: as fast as it goes. Throws
/// Failure.
void WriteSnapshot(const std::filesystem::path& path, const KeyStore& store, std::uint64_t bytes_per_s);

/// Writes to every record, at `bytes_per_s`, and to no file: what a child costs that looks at its parent's
/// data where looking writes (reference counts, marks of a collector). For the child, whose copy it is.
void MarkRecords(KeyStore& store, std::uint64_t bytes_per_s);

struct SnapshotContent {
  std::uint64_t records = 0;
  std::uint64_t checksum_sum = 0;
};

/// Reads a whole snapshot and checks every record. Throws Failure with Exit::kCorrupt.
[[nodiscard]] SnapshotContent VerifySnapshot(const std::filesystem::path& path);

}  // namespace workload
