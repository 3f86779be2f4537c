// SPDX-License-Identifier: MIT
// Where decrypted pages live: locked 8 KiB buffers, so that no plaintext reaches swap. The strategies differ
// only in where the memory comes from, and that decides which limit a busy server meets:
//   mmap            one mapping a buffer. Neighbours merge; freeing out of order splits them again, so the
//   number of
//                   mappings follows the holes, and munmap itself fails with ENOMEM at vm.max_map_count.
//   posix_memalign  page-aligned buffers from the heap. Each is cut out of a chunk half as large again, and
//   glibc does not
//                   hand a freed one out again (bug 14581) once a small allocation sits beside it: the heap
//                   grows. Each locked buffer is also a mapping of its own.
//   pool            one arena, mapped and locked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace workload {

/// Size and alignment of the buffers.
inline constexpr std::size_t kBufferSize = 8192;
inline constexpr std::size_t kBufferAlignment = 4096;

class BufferSource {
 public:
  BufferSource() = default;
  BufferSource(const BufferSource&) = delete;
  BufferSource& operator=(const BufferSource&) = delete;
  virtual ~BufferSource() = default;
  /// A locked buffer with undefined content. Throws Failure naming the call: "mlock: Cannot allocate memory
  /// (ENOMEM)".
  [[nodiscard]] virtual std::span<std::byte> Acquire() = 0;
  /// Wipes and gives back. False, with errno set, when the memory could not be given back: the buffer is then
  /// lost, as it is in the modelled engine.
  [[nodiscard]] virtual bool Release(std::span<std::byte> buffer) = 0;
  /// The call that Release makes, for messages.
  [[nodiscard]] virtual std::string ReleaseCall() const = 0;
};

/// All are safe from several threads. `strategy` is "mmap", "posix_memalign" or "pool"; `pool_size` (bytes)
/// matters to the pool alone. Throws Failure.
[[nodiscard]] std::unique_ptr<BufferSource> MakeBufferSource(const std::string& strategy,
                                                             std::uint64_t pool_size);

}  // namespace workload
