// SPDX-License-Identifier: MIT
#include "mlock_churn/churn.h"

#include <fmt/format.h>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/stop.h"

namespace workload {
namespace {

constexpr std::size_t kSampledEvery = 64;
constexpr std::uint64_t kCallsPerCheck = 16'384;

}  // namespace

Churn::Churn(std::uint64_t pages, std::vector<LockCall> cycle, const PageCalls& calls, std::uint64_t seed)
    : region_(Mapping::Anonymous(pages * kPageSize)),
      cycle_(std::move(cycle)),
      page_calls_(calls),
      seed_(seed) {
  FillPattern(region_.Data(), seed);
  expected_ = Checksum(region_.Data());
}

Latency Churn::CallLatency() const {
  const std::lock_guard lock(latency_mutex_);
  return latency_;
}

void Churn::Run(std::uint64_t calls, const std::atomic<bool>& abandoned, const CycleDone& cycle_done) {
  while (calls_ < calls && !StopRequested() && !abandoned.load(std::memory_order_relaxed)) {
    cycle_done(RunCycle());
    if (calls_ >= next_check_) {
      Check();
      next_check_ = calls_ + kCallsPerCheck;
    }
  }
  Check();
}

std::chrono::steady_clock::time_point Churn::RunCycle() {
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < cycle_.size(); ++i) {
    if (i % kSampledEvery == 0) {
      TimedCall(cycle_[i]);
    } else {
      Call(cycle_[i]);
    }
  }
  const auto end = std::chrono::steady_clock::now();
  call_time_ += end - begin;
  calls_ += cycle_.size();
  return end;
}

void Churn::TimedCall(const LockCall& call) {
  const auto begin = std::chrono::steady_clock::now();
  Call(call);
  const auto duration = std::chrono::steady_clock::now() - begin;
  const std::lock_guard lock(latency_mutex_);
  latency_.Record(duration);
}

void Churn::Call(const LockCall& call) const {
  std::byte* const address = region_.Data().data() + call.first_page * kPageSize;
  const std::size_t length = call.pages * kPageSize;
  const int result = call.lock ? page_calls_.set(address, length) : page_calls_.clear(address, length);
  if (result != 0) {
    FailErrno(call.lock ? page_calls_.set_name : page_calls_.clear_name);
  }
}

void Churn::Check() {
  if (page_calls_.drops_data) {
    FillPattern(region_.Data(), seed_);
  }
  const std::uint64_t sum = Checksum(region_.Data());
  if (sum != expected_) {
    FailCorrupt(fmt::format("the region at {} has changed", static_cast<const void*>(region_.Data().data())));
  }
  checksum_ += sum;
}

}  // namespace workload
