// SPDX-License-Identifier: MIT
// Records, chunk files and blocks of the time series store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "tsdb_mmap/mapped_file.h"

namespace workload {

struct Sample {
  std::int64_t time_ms = 0;
  std::uint64_t value = 0;
};

/// Samples of one series over a time. On disk: a RecordHeader, then the samples.
struct Record {
  std::uint64_t series = 0;
  std::vector<Sample> samples;
};

struct RecordHeader {
  std::uint64_t series = 0;
  std::uint64_t count = 0;
  std::uint64_t checksum = 0;  // of the samples, seeded with the series
};

/// Appends a record in its form on disk.
void AppendRecord(std::vector<std::byte>& payload, const Record& record);

/// Reads and checks the record at `offset` of a mapped payload. Throws Failure with Exit::kCorrupt.
[[nodiscard]] RecordHeader CheckRecord(const MappedFile& file, std::uint64_t offset);

/// Offset of the record behind the one at `offset`.
[[nodiscard]] std::uint64_t NextRecord(std::uint64_t offset, const RecordHeader& header);

/// Copies all records of a file, checking each.
[[nodiscard]] std::vector<Record> ReadRecords(const MappedFile& file);

/// A folder with an index and chunk files, never changed once written; all its files are mapped while it is
/// open.
class Block {
 public:
  /// Writes the records into `chunk_files` files and their index, all on disk when it returns only if `sync`.
  static void Write(const std::filesystem::path& folder, std::span<const Record> records,
                    std::size_t chunk_files, bool sync);
  /// Maps everything and checks the index. Throws Failure.
  [[nodiscard]] static Block Open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& Folder() const { return folder_; }
  [[nodiscard]] std::size_t RecordCount() const { return index_.size(); }
  /// Checks the record and returns its checksum.
  [[nodiscard]] std::uint64_t Query(std::size_t record) const;
  [[nodiscard]] const std::vector<MappedFile>& ChunkFiles() const { return chunk_files_; }
  [[nodiscard]] std::size_t Mappings() const { return chunk_files_.size() + 1; }

 private:
  struct IndexEntry {
    std::uint64_t series = 0;
    std::uint64_t chunk_file = 0;
    std::uint64_t offset = 0;
  };
  Block(std::filesystem::path folder, MappedFile index_file)
      : folder_(std::move(folder)), index_file_(std::move(index_file)) {}

  std::filesystem::path folder_;
  MappedFile index_file_;
  std::span<const IndexEntry> index_;
  std::vector<MappedFile> chunk_files_;
};

}  // namespace workload
