// SPDX-License-Identifier: MIT
// Failing calls for tests of the binding limit, far from every limit but the one that the test sets.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "base/units.h"
#include "judge/judge.h"

namespace brink::testing {

inline constexpr std::uint64_t kPage = 4096;

/// A call far from every limit.
inline FailedCall Call(std::string name, std::string errno_name, std::array<std::uint64_t, 6> args = {}) {
  FailedCall call;
  call.process = "server";
  call.call = std::move(name);
  call.errno_name = std::move(errno_name);
  call.args = args;
  call.threads = 1;
  call.map_count = 40;
  call.total_vm_bytes = 20 * kMiB;
  call.data_vm_bytes = 4 * kMiB;
  call.uid = 1000;
  call.user_tasks = 3;
  call.overcommit_refused = false;
  call.machine.max_map_count = 4000;
  call.machine.commit_limit_bytes = 12 * kGiB;
  call.machine.committed_as_bytes = 2 * kGiB;
  call.machine.memory_total_bytes = 24 * kGiB;
  call.machine.memory_available_bytes = 20 * kGiB;
  call.machine.pid_max = 32768;
  call.machine.threads_max = 190000;
  call.machine.threads = 300;
  call.machine.hugepage_size_bytes = 2 * kMiB;
  return call;
}

inline constexpr std::uint64_t kReadWrite = 3;
inline constexpr std::uint64_t kReadOnly = 1;
inline constexpr std::uint64_t kPrivateAnonymous = 0x22;
inline constexpr std::uint64_t kFixed = 0x10;
inline constexpr std::uint64_t kLocked = 0x2000;
inline constexpr std::uint64_t kNoReserve = 0x4000;
inline constexpr std::uint64_t kHugetlb = 0x40000;

inline FailedCall Mmap(std::uint64_t bytes, std::uint64_t protection = kReadWrite,
                       std::uint64_t more_flags = 0) {
  return Call("mmap", "ENOMEM", {0, bytes, protection, kPrivateAnonymous | more_flags, UINT64_MAX, 0});
}

inline std::string NameOf(const FailedCall& call) {
  const Binding binding = BindingOf(call);
  EXPECT_FALSE(binding.reason.empty());
  return binding.limit ? binding.limit->name : "none";
}

inline std::string NameAtMappings(FailedCall call, std::uint64_t map_count) {
  call.map_count = map_count;
  return NameOf(call);
}

}  // namespace brink::testing
