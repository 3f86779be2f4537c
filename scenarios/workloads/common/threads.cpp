// SPDX-License-Identifier: MIT
#include "common/threads.h"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace workload {

void RunInThreads(std::size_t count, std::atomic<bool>& abandoned,
                  const std::function<void(std::size_t)>& work, const std::function<void()>& too_few) {
  std::mutex error_mutex;
  std::exception_ptr first_error;
  const auto guarded = [&](std::size_t index) {
    try {
      work(index);
    } catch (...) {
      abandoned = true;
      const std::lock_guard lock(error_mutex);
      if (!first_error) {
        first_error = std::current_exception();
      }
    }
  };
  std::vector<std::jthread> threads;
  threads.reserve(count);
  try {
    for (std::size_t index = 0; index < count; ++index) {
      threads.emplace_back(guarded, index);
    }
  } catch (...) {  // no more threads to be had: those that run must end before the error can leave
    abandoned = true;
    if (too_few) {
      too_few();
    }
    throw;
  }
  threads.clear();  // joins
  if (first_error) {
    std::rethrow_exception(first_error);
  }
}

}  // namespace workload
