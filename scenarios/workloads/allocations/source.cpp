// SPDX-License-Identifier: MIT
#include "allocations/source.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <set>

#include "common/failure.h"
#include "common/mapping.h"

namespace workload {
namespace {

class HeapSource final : public BlockSource {
 public:
  explicit HeapSource(std::size_t alignment) : alignment_(alignment) {}

  std::span<std::byte> Take(std::size_t size) override {
    void* address = nullptr;
    if (alignment_ == 0) {
      address = std::malloc(size);
      if (address == nullptr) {
        FailErrno(fmt::format("malloc of {} bytes", size));
      }
    } else if (const int code = ::posix_memalign(&address, alignment_, size); code != 0) {
      FailErrno(fmt::format("posix_memalign of {} bytes", size), code);
    }
    return {static_cast<std::byte*>(address), size};
  }

  void GiveBack(std::span<std::byte> block) override { std::free(block.data()); }

 private:
  std::size_t alignment_;
};

/// Addresses for blocks of one size, always the highest that are free: a new mapping then has a neighbour
/// above that it merges with. Left to the kernel, some would lie alone, and mmap would be refused at the
/// limit as well as munmap.
class Addresses {
 public:
  explicit Addresses(std::size_t block) : block_(block) {
    // Where nothing else lies, nor will: the kernel puts new mappings, such as a thread's stack, at the upper
    // end of what is free.
    void* const range =
        ::mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) {
      FailErrno("mmap of a range of addresses");
    }
    ::munmap(range, kRange);
    lowest_ = static_cast<std::byte*>(range) + kRange / 2;
  }
  std::byte* Take() {
    if (free_.empty()) {
      lowest_ -= block_;
      return lowest_;
    }
    return free_.extract(std::prev(free_.end())).value();
  }
  void GiveBack(std::byte* address) { free_.insert(address); }

 private:
  static constexpr std::size_t kRange = std::size_t{16} << 30;
  std::size_t block_;
  std::byte* lowest_ = nullptr;
  std::set<std::byte*> free_;
};

class MmapSource final : public BlockSource {
 public:
  MmapSource(std::size_t block, OnRefusal on_refusal)
      : block_((block + kPageSize - 1) / kPageSize * kPageSize), on_refusal_(on_refusal), addresses_(block_) {
    highest_ = Map();  // stays, so that all others have a neighbour above
  }
  ~MmapSource() override {
    for (const std::span<std::byte> block : refused_) {
      ::munmap(block.data(), block.size());
    }
    ::munmap(highest_.data(), highest_.size());
  }

  std::span<std::byte> Take(std::size_t /*size*/) override {
    if (on_refusal_ == OnRefusal::kEmpty && !refused_.empty()) {
      const std::span<std::byte> emptied = refused_.front();
      refused_.pop_front();
      return emptied;
    }
    return Map();
  }

  void GiveBack(std::span<std::byte> block) override {
    if (!Unmap(block)) {
      Refused(block);
      return;
    }
    // A gap next to it may have spared a refused block its split.
    while (!refused_.empty() && Unmap(refused_.front())) {
      refused_.pop_front();
    }
  }

  std::uint64_t Failures() const override { return failures_; }

 private:
  void Refused(std::span<std::byte> block) {
    const int code = errno;
    if (++failures_ == 1) {
      fmt::print(stderr, "failed to unmap {}-byte allocation: {}\n", block.size(), ::strerrordesc_np(code));
    }
    switch (on_refusal_) {
      case OnRefusal::kIgnore:
        break;
      case OnRefusal::kEmpty:
        ::madvise(block.data(), block.size(), MADV_DONTNEED);
        refused_.push_back(block);
        break;
      case OnRefusal::kRetry:
        refused_.push_back(block);
        break;
      case OnRefusal::kAbort:
        std::abort();
    }
  }

  std::span<std::byte> Map() {
    void* const address =
        ::mmap(addresses_.Take(), block_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) {
      FailErrno(fmt::format("mmap of {} bytes", block_));
    }
    return {static_cast<std::byte*>(address), block_};
  }

  bool Unmap(std::span<std::byte> block) {
    const bool unmapped = ::munmap(block.data(), block.size()) == 0;
    if (unmapped) {
      addresses_.GiveBack(block.data());
    }
    return unmapped;
  }

  std::size_t block_;
  OnRefusal on_refusal_;
  Addresses addresses_;
  std::span<std::byte> highest_;
  std::uint64_t failures_ = 0;
  std::deque<std::span<std::byte>> refused_;
};

}  // namespace

std::unique_ptr<BlockSource> MakeHeapSource(std::size_t alignment) {
  return std::make_unique<HeapSource>(alignment);
}

std::unique_ptr<BlockSource> MakeMmapSource(std::size_t block, OnRefusal on_refusal) {
  return std::make_unique<MmapSource>(block, on_refusal);
}

}  // namespace workload
