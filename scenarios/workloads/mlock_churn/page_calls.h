// SPDX-License-Identifier: MIT
// Pairs of calls that set pages apart from their neighbours and make them alike again: what they do differs,
// but the kernel keeps each as a property of a whole mapping and must split one to give it to a part.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace workload {

struct PageCalls {
  /// As of the kernel's own calls: 0, or -1 with errno.
  using Call = int (*)(void* address, std::size_t length);
  std::string_view pair;  // the name of the pair
  std::string_view set_name;
  Call set;
  std::string_view clear_name;
  Call clear;
  bool drops_data = false;  // `set` empties the pages
};

/// The pair of that name. Throws Failure with Exit::kUsage for another one:
///   mlock     mlock and munlock
///   dontfork  madvise with MADV_DONTFORK and MADV_DOFORK, as drivers of RDMA keep registered memory out of
///   children protect   mprotect to read-only and back dontneed  madvise with MADV_DONTNEED, both times: it
///   acts on pages, not on mappings, and splits nothing
[[nodiscard]] const PageCalls& FindPageCalls(std::string_view pair);

/// The names of all pairs joined by `|`, for --help.
[[nodiscard]] std::string PageCallNames();

}  // namespace workload
