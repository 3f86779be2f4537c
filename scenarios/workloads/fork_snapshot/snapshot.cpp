// SPDX-License-Identifier: MIT
#include "fork_snapshot/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "common/failure.h"
#include "common/file.h"

namespace workload {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kMagic = 0x746f687370616e73U;  // "snapshot"
constexpr std::size_t kRecordsPerWrite = 256;

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t records = 0;
};

struct Footer {
  std::uint64_t magic = ~kMagic;
  std::uint64_t checksum_sum = 0;
};

/// Blocks until a disk of this speed would have taken `bytes` since `begin`.
void KeepToSpeed(std::uint64_t bytes, std::uint64_t bytes_per_s, SteadyClock::time_point begin) {
  if (bytes_per_s > 0) {
    const double due_s = static_cast<double>(bytes) / static_cast<double>(bytes_per_s);
    std::this_thread::sleep_until(
        begin + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(due_s)));
  }
}

void WriteRecords(File& file, const KeyStore& store, std::uint64_t bytes_per_s) {
  const auto begin = SteadyClock::now();
  std::uint64_t written = 0;
  for (auto rest = store.Records(); !rest.empty();) {
    const auto part = rest.first(std::min(kRecordsPerWrite, rest.size()));
    file.Append(std::as_bytes(part));
    written += part.size_bytes();
    KeepToSpeed(written, bytes_per_s, begin);
    rest = rest.subspan(part.size());
  }
}

}  // namespace

void WriteSnapshot(const std::filesystem::path& path, const KeyStore& store, std::uint64_t bytes_per_s) {
  const std::filesystem::path temporary = path.string() + ".part";
  File file = File::Create(temporary);
  file.Append(BytesOf(Header{.magic = kMagic, .records = store.Keys()}));
  WriteRecords(file, store, bytes_per_s);
  file.Append(BytesOf(Footer{.magic = ~kMagic, .checksum_sum = store.ChecksumSum()}));
  file.Sync();
  std::filesystem::rename(temporary, path);
}

void MarkRecords(KeyStore& store, std::uint64_t bytes_per_s) {
  const auto begin = SteadyClock::now();
  for (std::uint64_t key = 0; key < store.Keys(); ++key) {
    store.Write(key);
    if ((key + 1) % kRecordsPerWrite == 0) {
      KeepToSpeed((key + 1) * sizeof(StoredRecord), bytes_per_s, begin);
    }
  }
}

SnapshotContent VerifySnapshot(const std::filesystem::path& path) {
  const File file = File::OpenForReading(path);
  Header header;
  file.ReadAt(WritableBytesOf(header), 0);
  if (header.magic != kMagic ||
      file.Size() != sizeof header + header.records * sizeof(StoredRecord) + sizeof(Footer)) {
    FailCorrupt(fmt::format("{} is not a complete snapshot", path.string()));
  }
  SnapshotContent content{.records = header.records, .checksum_sum = 0};
  std::vector<StoredRecord> part;
  for (std::uint64_t begin = 0; begin < header.records; begin += part.size()) {
    part.resize(std::min<std::uint64_t>(kRecordsPerWrite, header.records - begin));
    file.ReadAt(std::as_writable_bytes(std::span(part)), sizeof header + begin * sizeof(StoredRecord));
    for (const StoredRecord& record : part) {
      if (!record.IsIntact()) {
        FailCorrupt(fmt::format("{}: the record after {} others has changed", path.string(), begin));
      }
      content.checksum_sum += record.checksum;
    }
  }
  Footer footer;
  file.ReadAt(WritableBytesOf(footer), sizeof header + header.records * sizeof(StoredRecord));
  if (footer.magic != ~kMagic || footer.checksum_sum != content.checksum_sum) {
    FailCorrupt(fmt::format("{}: the records do not add up to the sum in the footer", path.string()));
  }
  return content;
}

}  // namespace workload
