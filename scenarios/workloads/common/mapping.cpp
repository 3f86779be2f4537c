// SPDX-License-Identifier: MIT
#include "common/mapping.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include "common/failure.h"

namespace workload {

Mapping Mapping::Anonymous(std::size_t size) {
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    FailErrno(fmt::format("mmap of {} bytes", size));
  }
  Mapping mapping;
  mapping.data_ = {static_cast<std::byte*>(address), size};
  return mapping;
}

Mapping::~Mapping() {
  if (!data_.empty()) {
    ::munmap(data_.data(), data_.size());
  }
}

}  // namespace workload
