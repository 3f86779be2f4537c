// SPDX-License-Identifier: MIT
// A memory mapping with an owner.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace workload {

inline constexpr std::size_t kPageSize = 4096;  // of the machines that the modelled incidents come from

class Mapping {
 public:
  Mapping() = default;
  /// Private anonymous memory; throws Failure "mmap: ...".
  [[nodiscard]] static Mapping Anonymous(std::size_t size);

  Mapping(Mapping&& other) noexcept : data_(std::exchange(other.data_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  /// Unmaps. munmap can fail at vm.max_map_count; the memory then stays until the process ends.
  ~Mapping();

  [[nodiscard]] std::span<std::byte> Data() const { return data_; }

 private:
  std::span<std::byte> data_;
};

}  // namespace workload
