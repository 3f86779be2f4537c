// SPDX-License-Identifier: MIT
#include "encrypted_stream/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "common/failure.h"
#include "common/stop.h"

namespace workload {

Query::Query(const PageFile& file, BufferSource& buffers, QueryTotals& totals, QueryLoad load,
             std::uint64_t seed)
    : file_(file),
      buffers_(buffers),
      totals_(totals),
      load_(std::move(load)),
      random_(seed),
      next_page_(random_.Below(file.Pages())) {
  held_.reserve(load_.live_buffers);
}

bool Query::GivenUp() const { return StopRequested() || totals_.abandoned.load(std::memory_order_relaxed); }

Latency Query::PageLatency() const {
  const std::lock_guard lock(latency_mutex_);
  return latency_;
}

void Query::Run(const PageDone& page_done) {
  for (std::uint64_t round = 0; round < load_.rounds && !GivenUp(); ++round) {
    while (held_.size() < load_.live_buffers && !GivenUp()) {
      page_done(TimedPage());
    }
    const bool last = round + 1 == load_.rounds;
    EndTransaction(last ? 0 : load_.live_buffers * load_.kept_percent / 100);
  }
  EndTransaction(0);
  while (!rows_.empty()) {
    DropOldestRow();
  }
}

std::chrono::steady_clock::time_point Query::TimedPage() {
  const auto begin = std::chrono::steady_clock::now();
  StreamPage();
  const auto end = std::chrono::steady_clock::now();
  const std::lock_guard lock(latency_mutex_);
  latency_.Record(end - begin);
  return end;
}

void Query::StreamPage() {
  const std::uint64_t page = next_page_;
  next_page_ = (next_page_ + 1) % file_.Pages();
  const std::span<std::byte> buffer = buffers_.Acquire();
  const std::span<std::byte> content = buffer.first(kPageContentSize);
  file_.Read(page, content);
  const std::uint64_t sum = Checksum(content);
  held_.push_back({.buffer = buffer, .page = page, .checksum = sum});
  MakeRows(content);
  checksum_ += sum;
  totals_.pages.fetch_add(1, std::memory_order_relaxed);
}

void Query::MakeRows(std::span<const std::byte> content) {
  for (std::uint64_t i = 0; i < load_.small_allocations; ++i) {
    const std::uint64_t size = 1 + random_.Below(load_.small_max);
    const std::span<const std::byte> source = content.subspan(random_.Below(content.size() - size), size);
    Row row{.data = std::make_unique_for_overwrite<std::byte[]>(size),
            .size = static_cast<std::uint32_t>(size),
            .checksum = Checksum(source)};
    std::memcpy(row.data.get(), source.data(), size);
    checksum_ += row.checksum;
    rows_.push_back(std::move(row));
  }
  while (rows_.size() > load_.small_live) {
    DropOldestRow();
  }
  // rows_ owns them; the shallow analysis loses sight of them in the move.
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks)
}

void Query::DropOldestRow() {
  const Row& row = rows_.front();
  if (Checksum({row.data.get(), row.size}) != row.checksum) {
    FailCorrupt("a result row has changed on the heap");
  }
  rows_.pop_front();
}

void Query::OrderForRelease() {
  if (load_.release == "random") {
    std::shuffle(held_.begin(), held_.end(), random_);
  } else if (load_.release == "alternate") {
    // Every other page goes first: two interleaved readers of which one ends.
    std::vector<HeldPage> ordered;
    ordered.reserve(held_.capacity());
    for (const std::size_t parity : {0U, 1U}) {
      for (std::size_t i = parity; i < held_.size(); i += 2) {
        ordered.push_back(held_[i]);
      }
    }
    held_ = std::move(ordered);
  }
}

void Query::EndTransaction(std::uint64_t keep) {
  if (held_.size() <= keep) {
    return;
  }
  OrderForRelease();
  const auto first_kept = held_.end() - static_cast<std::ptrdiff_t>(keep);
  std::for_each(held_.begin(), first_kept, [this](const HeldPage& held) { Release(held); });
  held_.erase(held_.begin(), first_kept);
}

void Query::Release(const HeldPage& held) {
  if (Checksum(held.buffer.first(kPageContentSize)) != held.checksum) {
    FailCorrupt(fmt::format("page {} has changed in its locked buffer", held.page));
  }
  if (!buffers_.Release(held.buffer)) {
    const int code = errno;
    if (totals_.release_failures.fetch_add(1) == 0) {
      fmt::print(stderr, "{} on Failed to {}: {}\n", ::strerrorname_np(code), buffers_.ReleaseCall(),
                 ::strerrordesc_np(code));
    }
  }
}

}  // namespace workload
