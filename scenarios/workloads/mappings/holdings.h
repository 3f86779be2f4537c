// SPDX-License-Identifier: MIT
// Things that a program takes one at a time and holds, each with mappings of its own: so many of them that
// vm.max_map_count is the limit that they meet, or a limit of tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace workload {

class Holdings {
 public:
  Holdings() = default;
  Holdings(const Holdings&) = delete;
  Holdings& operator=(const Holdings&) = delete;
  /// Gives everything back.
  virtual ~Holdings() = default;
  /// One more, written to. Throws Failure that names the call: "mprotect of a guard page: Cannot allocate
  /// memory (ENOMEM)".
  virtual void TakeOne() = 0;
  [[nodiscard]] virtual std::uint64_t Count() const = 0;
  /// Reads everything back; the sum of its checksums. Throws Failure with Exit::kCorrupt.
  [[nodiscard]] virtual std::uint64_t Check() = 0;
};

/// How the page below a stack is made to fault.
enum class Guard {
  kProtect,  // mprotect to nothing: a mapping of its own
  kInstall,  // madvise with MADV_GUARD_INSTALL (Linux 6.13): a mark in the page table, no mapping
  kNone,     // not at all: an overflow is silent corruption
};

/// Stacks of fibres as user-space schedulers make them: mmap, and a guard page below. `size` is without the
/// guard.
[[nodiscard]] std::unique_ptr<Holdings> MakeFibreStacks(std::size_t size, Guard guard);

/// Threads with stacks of `size`, by pthread_create, that sleep until they are given back. Guard::kInstall is
/// refused (Failure with Exit::kUsage): the guard is the C library's.
[[nodiscard]] std::unique_ptr<Holdings> MakeThreadStacks(std::size_t size, Guard guard);

/// Buffers of `size` that lie side by side, of which every other one is grown to twice that by mremap, as a
/// column store grows its arrays: it must move, and leaves a hole. Unless `checked`, what mremap returned is
/// written to without a look, also when it is MAP_FAILED.
[[nodiscard]] std::unique_ptr<Holdings> MakeGrowingBuffers(std::size_t size, bool checked);

/// Of a name in fibres|threads|buffers|unchecked-buffers. Throws Failure with Exit::kUsage for another one.
[[nodiscard]] std::unique_ptr<Holdings> MakeHoldings(const std::string& kind, std::size_t size, Guard guard);

}  // namespace workload
