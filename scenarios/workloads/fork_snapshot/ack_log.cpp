// SPDX-License-Identifier: MIT
#include "fork_snapshot/ack_log.h"

#include <fmt/format.h>

#include "common/checksum.h"
#include "common/failure.h"

namespace workload {

namespace {
constexpr std::uint64_t kClosedKey = UINT64_MAX;  // the key of the entry that ends a cleanly closed log
}  // namespace

struct AckLog::Entry {
  std::uint64_t sequence = 0;  // from 1
  std::uint64_t key = 0;
  std::uint64_t version = 0;
  std::uint64_t value_checksum = 0;
  std::uint64_t checksum = 0;  // of the fields above

  [[nodiscard]] std::uint64_t OwnChecksum() const {
    return Checksum(BytesOf(*this).first(offsetof(Entry, checksum)));
  }
  void Seal() { checksum = OwnChecksum(); }
};

AckLog::AckLog(const std::filesystem::path& path)
    : file_(File::Create(path)), told_(File::Create(path.string() + ".acknowledged")) {
  told_.WriteAt(BytesOf(acknowledged_), 0);
}

void AckLog::Add(const StoredRecord& record) {
  Entry entry{.sequence = ++sequence_,
              .key = record.key,
              .version = record.version,
              .value_checksum = record.checksum,
              .checksum = 0};
  entry.Seal();
  const auto bytes = BytesOf(entry);
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

void AckLog::Flush() {
  file_.Append(pending_);
  file_.Sync();
  pending_.clear();
}

void AckLog::Acknowledge() {
  Flush();
  acknowledged_ = sequence_;
  told_.WriteAt(BytesOf(acknowledged_), 0);
}

void AckLog::CloseCleanly() {
  Acknowledge();
  Entry closed{
      .sequence = sequence_ + 1, .key = kClosedKey, .version = 0, .value_checksum = 0, .checksum = 0};
  closed.Seal();
  file_.Append(BytesOf(closed));
  file_.Sync();
}

AckLogContent AckLogContent::Read(const std::filesystem::path& path) {
  AckLogContent content;
  const File told = File::OpenForReading(path.string() + ".acknowledged");
  told.ReadAt(WritableBytesOf(content.acknowledged), 0);
  const File file = File::OpenForReading(path);
  const std::uint64_t entries = file.Size() / sizeof(AckLog::Entry);
  for (std::uint64_t i = 0; i < entries; ++i) {
    AckLog::Entry entry;
    file.ReadAt(WritableBytesOf(entry), i * sizeof entry);
    if (entry.checksum != entry.OwnChecksum() || entry.sequence != i + 1) {
      break;
    }
    if (entry.key == kClosedKey) {
      content.closed_cleanly = true;
      break;
    }
    ++content.writes;
  }
  if (content.writes < content.acknowledged) {
    FailCorrupt(fmt::format("{} holds {} intact writes, {} were acknowledged", path.string(), content.writes,
                            content.acknowledged));
  }
  return content;
}

}  // namespace workload
