// SPDX-License-Identifier: MIT
// One streaming query: it walks through the page file, keeps each page decrypted in a locked buffer for the
// life of its transaction, makes result rows on the heap, and lets go of buffers out of order.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/checksum.h"
#include "common/latency.h"
#include "encrypted_stream/buffers.h"
#include "encrypted_stream/page_file.h"

namespace workload {

/// The load of one query.
struct QueryLoad {
  std::uint64_t rounds = 4;             // transactions
  std::uint64_t live_buffers = 0;       // pages it holds at the height of a transaction
  std::uint64_t kept_percent = 50;      // of these, held on into the next transaction
  std::uint64_t small_allocations = 6;  // result rows made per page
  std::uint64_t small_max = 400;        // largest row, in bytes
  std::uint64_t small_live = 100'000;   // rows it holds before the oldest go
  std::string release = "random";       // order in which buffers go: "random", "alternate" or "fifo"
};

/// What all queries do together; any thread may read it.
struct QueryTotals {
  std::atomic<std::uint64_t> pages{0};
  std::atomic<std::uint64_t> release_failures{0};
  std::atomic<bool> abandoned{false};  // one query failed: the others end early
};

class Query {
 public:
  Query(const PageFile& file, BufferSource& buffers, QueryTotals& totals, QueryLoad load, std::uint64_t seed);
  /// Called by the query's thread after each page, with the time.
  using PageDone = std::function<void(std::chrono::steady_clock::time_point)>;
  /// Runs all rounds, or until a stop is requested. Throws Failure.
  void Run(const PageDone& page_done);
  /// Sum of the checksums of all pages and rows processed.
  [[nodiscard]] std::uint64_t ChecksumSum() const { return checksum_; }
  /// Of all pages so far; safe from other threads.
  [[nodiscard]] Latency PageLatency() const;

 private:
  /// A row on the heap with its checksum as of its making: a stray write into the heap shows when the row
  /// goes.
  struct Row {
    std::unique_ptr<std::byte[]> data;
    std::uint32_t size = 0;
    std::uint64_t checksum = 0;
  };
  struct HeldPage {
    std::span<std::byte> buffer;
    std::uint64_t page = 0;
    std::uint64_t checksum = 0;
  };

  /// Returns the time at its end.
  std::chrono::steady_clock::time_point TimedPage();
  void StreamPage();
  void MakeRows(std::span<const std::byte> content);
  void DropOldestRow();
  void EndTransaction(std::uint64_t keep);
  void OrderForRelease();
  void Release(const HeldPage& held);
  [[nodiscard]] bool GivenUp() const;

  const PageFile& file_;
  BufferSource& buffers_;
  QueryTotals& totals_;
  QueryLoad load_;
  Random random_;
  std::uint64_t next_page_;
  std::vector<HeldPage> held_;
  std::deque<Row> rows_;
  mutable std::mutex latency_mutex_;
  Latency latency_;
  std::uint64_t checksum_ = 0;
};

}  // namespace workload
