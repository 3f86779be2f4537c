// SPDX-License-Identifier: MIT
#include "tsdb_mmap/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/file.h"

namespace workload {
namespace {

std::filesystem::path ChunkPath(const std::filesystem::path& folder, std::size_t number) {
  return folder / fmt::format("chunks-{:06}", number);
}

}  // namespace

void AppendRecord(std::vector<std::byte>& payload, const Record& record) {
  const auto samples = std::as_bytes(std::span(record.samples));
  const RecordHeader header{
      .series = record.series, .count = record.samples.size(), .checksum = Checksum(samples, record.series)};
  const auto head = BytesOf(header);
  payload.insert(payload.end(), head.begin(), head.end());
  payload.insert(payload.end(), samples.begin(), samples.end());
}

std::uint64_t NextRecord(std::uint64_t offset, const RecordHeader& header) {
  return offset + sizeof header + header.count * sizeof(Sample);
}

RecordHeader CheckRecord(const MappedFile& file, std::uint64_t offset) {
  const auto payload = file.Payload();
  RecordHeader header;
  const bool has_header = offset <= payload.size() && payload.size() - offset >= sizeof header;
  if (has_header) {
    std::memcpy(&header, payload.data() + offset, sizeof header);
  }
  if (!has_header || header.count > (payload.size() - offset - sizeof header) / sizeof(Sample)) {
    FailCorrupt(fmt::format("{}: the record at {} goes beyond the file", file.Path().string(), offset));
  }
  const auto samples = payload.subspan(offset + sizeof header, header.count * sizeof(Sample));
  if (Checksum(samples, header.series) != header.checksum) {
    FailCorrupt(fmt::format("{}: the record at {} does not have its checksum", file.Path().string(), offset));
  }
  return header;
}

std::vector<Record> ReadRecords(const MappedFile& file) {
  std::vector<Record> records;
  std::uint64_t offset = 0;
  while (offset < file.Payload().size()) {
    const RecordHeader header = CheckRecord(file, offset);
    Record record{.series = header.series, .samples = std::vector<Sample>(header.count)};
    std::memcpy(record.samples.data(), file.Payload().data() + offset + sizeof header,
                header.count * sizeof(Sample));
    records.push_back(std::move(record));
    offset = NextRecord(offset, header);
  }
  return records;
}

void Block::Write(const std::filesystem::path& folder, std::span<const Record> records,
                  std::size_t chunk_files, bool sync) {
  std::filesystem::create_directories(folder);
  std::vector<IndexEntry> index;
  const std::size_t per_file = (records.size() + chunk_files - 1) / chunk_files;
  for (std::size_t number = 0; number < chunk_files; ++number) {
    std::vector<std::byte> payload;
    const std::size_t begin = std::min(number * per_file, records.size());
    for (const Record& record : records.subspan(begin, std::min(per_file, records.size() - begin))) {
      index.push_back({.series = record.series, .chunk_file = number, .offset = payload.size()});
      AppendRecord(payload, record);
    }
    WriteSealed(ChunkPath(folder, number), payload, sync);
  }
  // The index comes last: a folder without one is a block that was never finished.
  WriteSealed(folder / "index", std::as_bytes(std::span(index)), sync);
}

Block Block::Open(const std::filesystem::path& folder) {
  Block block(folder, MappedFile::Open(folder / "index"));
  block.index_file_.Verify();
  const auto payload = block.index_file_.Payload();
  block.index_ = {reinterpret_cast<const IndexEntry*>(payload.data()), payload.size() / sizeof(IndexEntry)};
  std::uint64_t files = 0;
  for (const IndexEntry& entry : block.index_) {
    files = std::max(files, entry.chunk_file + 1);
  }
  for (std::uint64_t number = 0; number < files; ++number) {
    block.chunk_files_.push_back(MappedFile::Open(ChunkPath(folder, number)));
  }
  return block;
}

std::uint64_t Block::Query(std::size_t record) const {
  const IndexEntry& entry = index_[record];
  const RecordHeader header = CheckRecord(chunk_files_[entry.chunk_file], entry.offset);
  if (header.series != entry.series) {
    FailCorrupt(fmt::format("{}: the index leads to series {} instead of {}", folder_.string(), header.series,
                            entry.series));
  }
  return header.checksum;
}

}  // namespace workload
