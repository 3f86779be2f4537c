// SPDX-License-Identifier: MIT
#include "tsdb_mmap/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/failure.h"

namespace workload {
namespace {

namespace fs = std::filesystem;

fs::path NumberedPath(const fs::path& folder, std::uint64_t number) {
  return folder / fmt::format("{:08}", number);
}

std::vector<fs::path> SortedEntries(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) {
    entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::vector<Record> MakeRecords(std::uint64_t count, const StoreShape& shape, std::uint64_t block) {
  Random random(shape.seed * 1'000'003 + block);
  std::vector<Record> records(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    records[i].series = random.Next();
    for (std::uint64_t sample = 0; sample < shape.samples_per_record; ++sample) {
      const std::uint64_t time = (block * shape.samples_per_record + sample) * 15'000;
      records[i].samples.push_back({.time_ms = static_cast<std::int64_t>(time), .value = random.Next()});
    }
  }
  return records;
}

std::uint64_t SumOf(const MappedFile& file) {
  std::uint64_t sum = 0;
  std::uint64_t offset = 0;
  while (offset < file.Payload().size()) {
    const RecordHeader header = CheckRecord(file, offset);
    sum += header.checksum;
    offset = NextRecord(offset, header);
  }
  return sum;
}

void AppendRecords(std::vector<Record>& to, std::vector<Record> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void Store::Create(const fs::path& folder, const StoreShape& shape) {
  fs::remove_all(folder / "blocks");
  fs::remove_all(folder / "wal");
  fs::create_directories(folder / "wal");
  fs::create_directories(folder / "blocks");
  for (std::uint64_t block = 0; block < shape.blocks; ++block) {
    const auto records = MakeRecords(shape.series_per_file * shape.chunk_files, shape, block);
    Block::Write(NumberedPath(folder / "blocks", block + 1), records, shape.chunk_files, /*sync=*/false);
  }
  for (std::uint64_t segment = 0; segment < shape.wal_segments; ++segment) {
    std::vector<std::byte> payload;
    for (const Record& record : MakeRecords(shape.series_per_file, shape, shape.blocks + segment)) {
      AppendRecord(payload, record);
    }
    WriteSealed(NumberedPath(folder / "wal", segment), payload);
  }
}

Store Store::Open(const fs::path& folder) {
  Store store(folder);
  try {
    for (const fs::path& block : SortedEntries(folder / "blocks")) {
      store.blocks_.push_back(Block::Open(block));
    }
    for (const fs::path& segment : SortedEntries(folder / "wal")) {
      store.wal_.push_back(MappedFile::Open(segment));
      store.wal_.back().Verify();  // replaying a segment reads all of it
    }
  } catch (const Failure& failure) {
    throw Failure(failure.ExitStatus(), fmt::format("opening storage failed: {}", failure.what()));
  }
  return store;
}

std::size_t Store::Mappings() const {
  std::size_t mappings = wal_.size();
  for (const Block& block : blocks_) {
    mappings += block.Mappings();
  }
  return mappings;
}

std::uint64_t Store::Query(Random& random) const {
  const Block& block = blocks_[random.Below(blocks_.size())];
  return block.Query(random.Below(block.RecordCount()));
}

std::uint64_t Store::ChecksumSum() const {
  std::uint64_t sum = 0;
  for (const Block& block : blocks_) {
    for (const MappedFile& file : block.ChunkFiles()) {
      sum += SumOf(file);
    }
  }
  for (const MappedFile& segment : wal_) {
    sum += SumOf(segment);
  }
  return sum;
}

fs::path Store::NextBlockFolder() const {
  const auto blocks = SortedEntries(folder_ / "blocks");
  const std::uint64_t last = blocks.empty() ? 0 : std::stoull(blocks.back().filename().string());
  return NumberedPath(folder_ / "blocks", last + 1);
}

void Store::MergeBlocks(std::span<const Block> blocks) const {
  std::vector<Record> records;
  for (const Block& block : blocks) {
    for (const MappedFile& file : block.ChunkFiles()) {
      AppendRecords(records, ReadRecords(file));
    }
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const Record& a, const Record& b) { return a.series < b.series; });
  Block::Write(NextBlockFolder(), records, 1, /*sync=*/true);
  for (const Block& block : blocks) {  // mapped files stay readable until they are unmapped
    fs::remove_all(block.Folder());
  }
}

void Store::CutWal() const {
  std::vector<Record> records;
  for (const MappedFile& segment : wal_) {
    AppendRecords(records, ReadRecords(segment));
  }
  if (records.empty()) {
    return;
  }
  Block::Write(NextBlockFolder(), records, 1, /*sync=*/true);
  for (const MappedFile& segment : wal_) {
    fs::remove(segment.Path());
  }
}

void Store::Compact(std::uint64_t count, std::uint64_t merge) const {
  const std::span<const Block> oldest =
      std::span(blocks_).first(std::min<std::size_t>(count, blocks_.size()));
  for (std::size_t begin = 0; begin + 1 < oldest.size(); begin += merge) {
    MergeBlocks(oldest.subspan(begin, std::min<std::size_t>(merge, oldest.size() - begin)));
  }
  CutWal();
}

}  // namespace workload
