// SPDX-License-Identifier: MIT
// Where blocks come from: malloc, or a mapping each, as runtimes with their own memory management have them.
// What they do when munmap fails decides what becomes of them at vm.max_map_count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace workload {

class BlockSource {
 public:
  BlockSource() = default;
  BlockSource(const BlockSource&) = delete;
  BlockSource& operator=(const BlockSource&) = delete;
  virtual ~BlockSource() = default;
  /// Throws Failure: "malloc of 512 bytes: Cannot allocate memory (ENOMEM)".
  [[nodiscard]] virtual std::span<std::byte> Take(std::size_t size) = 0;
  virtual void GiveBack(std::span<std::byte> block) = 0;
  /// How often memory could not be given back.
  [[nodiscard]] virtual std::uint64_t Failures() const { return 0; }
};

/// What is done with a block that munmap refuses.
enum class OnRefusal {
  kIgnore,  // forgotten, as where nobody looks at the result: it stays mapped and resident
  kEmpty,   // its pages are given back with MADV_DONTNEED, which needs no mapping; its addresses are used
            // again
  kRetry,   // kept, and tried again with every later block
  kAbort,   // the program ends (SIGABRT)
};

/// Blocks of malloc, or of posix_memalign where the alignment is not 0.
[[nodiscard]] std::unique_ptr<BlockSource> MakeHeapSource(std::size_t alignment);

/// A mapping for each block; all blocks have one size, in bytes, rounded up to whole pages. For one thread.
/// Throws Failure.
[[nodiscard]] std::unique_ptr<BlockSource> MakeMmapSource(std::size_t block, OnRefusal on_refusal);

}  // namespace workload
