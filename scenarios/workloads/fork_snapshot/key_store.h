// SPDX-License-Identifier: MIT
// Keys and values in memory, each with its version and checksum.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/mapping.h"

namespace workload {

struct StoredRecord {
  std::uint64_t key = 0;
  std::uint64_t version = 0;
  std::uint64_t checksum = 0;  // of the value, seeded with key and version
  std::array<std::byte, 1000> value{};

  [[nodiscard]] bool IsIntact() const;
};
static_assert(sizeof(StoredRecord) == 1024);

class KeyStore {
 public:
  /// Fills `size` bytes with records. `huge_pages` asks for them with madvise. Throws Failure.
  KeyStore(std::uint64_t size, bool huge_pages);

  [[nodiscard]] std::size_t Keys() const { return records_.size(); }
  [[nodiscard]] std::span<const StoredRecord> Records() const { return records_; }
  /// Gives the key its next version; returns the record.
  const StoredRecord& Write(std::uint64_t key);
  /// Sum of all records' checksums, kept up to date by Write.
  [[nodiscard]] std::uint64_t ChecksumSum() const { return sum_; }
  /// Reads everything back; throws Failure with Exit::kCorrupt.
  void Verify() const;

 private:
  void Store(StoredRecord& record);
  Mapping memory_;
  std::span<StoredRecord> records_;
  std::uint64_t sum_ = 0;
};

}  // namespace workload
