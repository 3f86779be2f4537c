// SPDX-License-Identifier: MIT
// The store: blocks and write-ahead log segments below one folder, all memory-mapped while it is open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/checksum.h"
#include "tsdb_mmap/block.h"

namespace workload {

/// How much data a new store gets.
struct StoreShape {
  std::uint64_t blocks = 200;
  std::uint64_t chunk_files = 2;      // per block
  std::uint64_t series_per_file = 8;  // records per chunk file and per WAL segment
  std::uint64_t samples_per_record = 16;
  std::uint64_t wal_segments = 16;
  std::uint64_t seed = 1;
};

class Store {
 public:
  /// Writes a new store; whatever is in `folder`/blocks and `folder`/wal is removed.
  static void Create(const std::filesystem::path& folder, const StoreShape& shape);
  /// Maps every file. Throws Failure: "opening storage failed: ...: mmap: cannot allocate memory".
  [[nodiscard]] static Store Open(const std::filesystem::path& folder);

  /// Reads a record at random and checks it; returns its checksum.
  [[nodiscard]] std::uint64_t Query(Random& random) const;
  /// Sum of the checksums of all records, each checked: the same before and after compaction.
  [[nodiscard]] std::uint64_t ChecksumSum() const;
  /// Cuts the WAL into a block and merges the oldest `count` blocks, `merge` at a time, into one each. Opens
  /// nothing: close this and open anew to see it.
  void Compact(std::uint64_t count, std::uint64_t merge) const;

  [[nodiscard]] std::size_t BlockCount() const { return blocks_.size(); }
  [[nodiscard]] std::size_t Mappings() const;

 private:
  explicit Store(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] std::filesystem::path NextBlockFolder() const;
  void MergeBlocks(std::span<const Block> blocks) const;
  void CutWal() const;

  std::filesystem::path folder_;
  std::vector<Block> blocks_;
  std::vector<MappedFile> wal_;
};

}  // namespace workload
