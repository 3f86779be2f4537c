// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace workload {

/// Calls work(0) ... work(count - 1), a thread each, and returns when all have ended. When one throws,
/// `abandoned` is set so that the others can end early, and the first exception is thrown here. Where not all
/// threads can be had, `too_few` is called as well, for those that run and wait for the others.
void RunInThreads(std::size_t count, std::atomic<bool>& abandoned,
                  const std::function<void(std::size_t)>& work, const std::function<void()>& too_few = {});

}  // namespace workload
