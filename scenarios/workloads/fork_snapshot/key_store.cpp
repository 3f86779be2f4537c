// SPDX-License-Identifier: MIT
#include "fork_snapshot/key_store.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include "common/checksum.h"
#include "common/failure.h"

namespace workload {
namespace {

std::uint64_t SeedOf(const StoredRecord& record) { return record.key * 0x100000001b3U + record.version; }

}  // namespace

bool StoredRecord::IsIntact() const { return Checksum(value, SeedOf(*this)) == checksum; }

KeyStore::KeyStore(std::uint64_t size, bool huge_pages) : memory_(Mapping::Anonymous(size)) {
  if (huge_pages && ::madvise(memory_.Data().data(), size, MADV_HUGEPAGE) != 0) {
    FailErrno("madvise(MADV_HUGEPAGE)");
  }
  records_ = {reinterpret_cast<StoredRecord*>(memory_.Data().data()), size / sizeof(StoredRecord)};
  for (std::uint64_t key = 0; key < records_.size(); ++key) {
    records_[key].key = key;
    Store(records_[key]);
  }
}

void KeyStore::Store(StoredRecord& record) {
  sum_ -= record.checksum;
  FillPattern(record.value, SeedOf(record));
  record.checksum = Checksum(record.value, SeedOf(record));
  sum_ += record.checksum;
}

const StoredRecord& KeyStore::Write(std::uint64_t key) {
  StoredRecord& record = records_[key];
  ++record.version;
  Store(record);
  return record;
}

void KeyStore::Verify() const {
  std::uint64_t sum = 0;
  for (std::uint64_t key = 0; key < records_.size(); ++key) {
    if (records_[key].key != key || !records_[key].IsIntact()) {
      FailCorrupt(fmt::format("key {} has changed in memory", key));
    }
    sum += records_[key].checksum;
  }
  if (sum != sum_) {
    FailCorrupt("the store does not hold what was written to it");
  }
}

}  // namespace workload
