// SPDX-License-Identifier: MIT
#include "encrypted_stream/buffers.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <vector>

#include "common/failure.h"
#include "common/mapping.h"

namespace workload {
namespace {

class MmapBuffers final : public BufferSource {
 public:
  std::span<std::byte> Acquire() override {
    void* address = ::mmap(nullptr, kBufferSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) {
      FailErrno("Failed to map a buffer: mmap");
    }
    if (::mlock(address, kBufferSize) != 0) {
      const int code = errno;
      ::munmap(address, kBufferSize);
      FailErrno("Unable to lock memory: mlock", code);
    }
    return {static_cast<std::byte*>(address), kBufferSize};
  }

  bool Release(std::span<std::byte> buffer) override {
    ::sodium_memzero(buffer.data(), buffer.size());
    return ::munmap(buffer.data(), buffer.size()) == 0;
  }

  std::string ReleaseCall() const override { return "munmap"; }
};

class HeapBuffers final : public BufferSource {
 public:
  std::span<std::byte> Acquire() override {
    void* address = nullptr;
    if (const int code = ::posix_memalign(&address, kBufferAlignment, kBufferSize); code != 0) {
      FailErrno("Failed to allocate a buffer: posix_memalign", code);
    }
    if (::mlock(address, kBufferSize) != 0) {
      const int code = errno;
      ::free(address);
      FailErrno("Unable to lock memory: mlock", code);
    }
    return {static_cast<std::byte*>(address), kBufferSize};
  }

  bool Release(std::span<std::byte> buffer) override {
    ::sodium_memzero(buffer.data(), buffer.size());
    // A buffer that stays locked must not return to the heap: it would be handed out for anything.
    if (::munlock(buffer.data(), buffer.size()) != 0) {
      return false;
    }
    ::free(buffer.data());
    return true;
  }

  std::string ReleaseCall() const override { return "munlock"; }
};

class PoolBuffers final : public BufferSource {
 public:
  explicit PoolBuffers(std::uint64_t size) : arena_(Mapping::Anonymous(size / kBufferSize * kBufferSize)) {
    if (::mlock(arena_.Data().data(), arena_.Data().size()) != 0) {
      FailErrno(fmt::format("Unable to lock memory: mlock of the {} byte pool", arena_.Data().size()));
    }
    for (std::size_t end = arena_.Data().size(); end >= kBufferSize; end -= kBufferSize) {
      free_.push_back(arena_.Data().subspan(end - kBufferSize, kBufferSize));
    }
  }

  std::span<std::byte> Acquire() override {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) {
      throw Failure(Exit::kFailed, fmt::format("pool: all {} buffers are in use; raise --pool-size",
                                               arena_.Data().size() / kBufferSize));
    }
    const std::span<std::byte> buffer = free_.back();
    free_.pop_back();
    return buffer;
  }

  bool Release(std::span<std::byte> buffer) override {
    ::sodium_memzero(buffer.data(), buffer.size());
    const std::lock_guard lock(mutex_);
    free_.push_back(buffer);
    return true;
  }

  std::string ReleaseCall() const override { return "pool"; }

 private:
  Mapping arena_;
  std::mutex mutex_;
  std::vector<std::span<std::byte>> free_;
};

}  // namespace

std::unique_ptr<BufferSource> MakeBufferSource(const std::string& strategy, std::uint64_t pool_size) {
  if (strategy == "mmap") {
    return std::make_unique<MmapBuffers>();
  }
  if (strategy == "posix_memalign") {
    return std::make_unique<HeapBuffers>();
  }
  if (strategy == "pool") {
    if (pool_size < kBufferSize) {
      throw Failure(Exit::kUsage, fmt::format("--pool-size must be at least {}", kBufferSize));
    }
    return std::make_unique<PoolBuffers>(pool_size);
  }
  throw Failure(Exit::kUsage, fmt::format("no buffer strategy is called {}", strategy));
}

}  // namespace workload
