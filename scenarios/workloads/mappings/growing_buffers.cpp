// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <sys/mman.h>

#include <vector>

#include "common/checksum.h"
#include "common/failure.h"
#include "mappings/holdings.h"

namespace workload {
namespace {

std::span<std::byte> Map(std::size_t size) {
  void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    FailErrno(fmt::format("mmap of {} bytes", size));
  }
  return {static_cast<std::byte*>(address), size};
}

class GrowingBuffers final : public Holdings {
 public:
  GrowingBuffers(std::size_t size, bool checked) : size_(size), checked_(checked) {}

  ~GrowingBuffers() override {
    for (const std::span<std::byte> buffer : buffers_) {
      ::munmap(buffer.data(), buffer.size());
    }
  }

  void TakeOne() override {
    buffers_.push_back(Map(size_));
    FillPattern(buffers_.back(), buffers_.size());
    // The one before has a neighbour on either side by now.
    if (buffers_.size() % 2 == 0) {
      Grow(buffers_[buffers_.size() - 2]);
    }
  }

  std::uint64_t Count() const override { return buffers_.size(); }

  std::uint64_t Check() override {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (!HoldsPattern(buffers_[i].first(size_), i + 1)) {
        FailCorrupt(fmt::format("buffer {} has changed", i));
      }
      sum += Checksum(buffers_[i].first(size_));
    }
    return sum;
  }

 private:
  void Grow(std::span<std::byte>& buffer) {
    const std::size_t twice = 2 * buffer.size();
    void* const address = ::mremap(buffer.data(), buffer.size(), twice, MREMAP_MAYMOVE);
    if (address == MAP_FAILED && checked_) {
      FailErrno(fmt::format("mremap of a buffer from {} to {} bytes", buffer.size(), twice));
    }
    buffer = {static_cast<std::byte*>(address), twice};
    buffer.back() = std::byte{1};  // it was grown to be written to
  }

  std::size_t size_;
  bool checked_;
  std::vector<std::span<std::byte>> buffers_;
};

}  // namespace

std::unique_ptr<Holdings> MakeGrowingBuffers(std::size_t size, bool checked) {
  return std::make_unique<GrowingBuffers>(size, checked);
}

}  // namespace workload
