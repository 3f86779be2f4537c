// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <vector>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/mapping.h"
#include "mappings/holdings.h"

namespace workload {
namespace {

/// Attributes that are given back whatever happens.
class ThreadAttributes {
 public:
  ThreadAttributes(std::size_t stack_size, bool guarded) {
    Must("pthread_attr_init", ::pthread_attr_init(&attributes_));
    Must("pthread_attr_setstacksize", ::pthread_attr_setstacksize(&attributes_, stack_size));
    Must("pthread_attr_setguardsize", ::pthread_attr_setguardsize(&attributes_, guarded ? kPageSize : 0));
  }
  ThreadAttributes(const ThreadAttributes&) = delete;
  ThreadAttributes& operator=(const ThreadAttributes&) = delete;
  ~ThreadAttributes() { ::pthread_attr_destroy(&attributes_); }
  [[nodiscard]] const pthread_attr_t* Get() const { return &attributes_; }

 private:
  static void Must(const char* call, int code) {
    if (code != 0) {
      FailErrno(call, code);
    }
  }
  pthread_attr_t attributes_{};
};

class ThreadStacks final : public Holdings {
 public:
  ThreadStacks(std::size_t size, Guard guard) : attributes_(size, guard == Guard::kProtect) {}

  ~ThreadStacks() override {
    done_.store(true);
    done_.notify_all();
    for (const pthread_t thread : threads_) {
      ::pthread_join(thread, nullptr);
    }
  }

  void TakeOne() override {
    pthread_t thread{};
    if (const int code = ::pthread_create(&thread, attributes_.Get(), Sleep, this); code != 0) {
      FailErrno("pthread_create", code);
    }
    threads_.push_back(thread);
  }

  std::uint64_t Count() const override { return threads_.size(); }

  /// Each thread adds the checksum of what it wrote to its stack; this waits for all of them.
  std::uint64_t Check() override {
    for (std::uint64_t started = started_.load(); started < threads_.size(); started = started_.load()) {
      started_.wait(started);
    }
    return checksum_;
  }

 private:
  static void* Sleep(void* self) {
    auto& all = *static_cast<ThreadStacks*>(self);
    std::array<std::byte, 256> frame{};
    FillPattern(frame, 1);
    all.checksum_ += Checksum(frame);
    ++all.started_;
    all.started_.notify_all();
    all.done_.wait(false);
    return nullptr;
  }

  ThreadAttributes attributes_;
  std::vector<pthread_t> threads_;
  std::atomic<bool> done_{false};
  std::atomic<std::uint64_t> started_{0};
  std::atomic<std::uint64_t> checksum_{0};
};

}  // namespace

std::unique_ptr<Holdings> MakeThreadStacks(std::size_t size, Guard guard) {
  if (guard == Guard::kInstall) {
    throw Failure(Exit::kUsage, "--guard install is for fibres: a thread's guard is the C library's");
  }
  return std::make_unique<ThreadStacks>(size, guard);
}

}  // namespace workload
