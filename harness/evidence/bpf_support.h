// SPDX-License-Identifier: MIT
// What the readers of the BPF programs have in common.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"

namespace brink {

/// Owns a skeleton that bpftool generated.
template <typename Skeleton>
struct DestroySkeleton {
  void operator()(Skeleton* skeleton) const { Skeleton::destroy(skeleton); }
};
template <typename Skeleton>
using SkeletonPtr = std::unique_ptr<Skeleton, DestroySkeleton<Skeleton>>;

/// Sends libbpf's log to brink's, at debug level. Call before anything else of libbpf; once is enough.
void ForwardLibbpfLog();

/// The error of a failed `operation`, with what this machine lacks for BPF. `code`: errno.
[[nodiscard]] tl::unexpected<Error> BpfFailure(std::string_view operation, int code);

/// Runs an attached iterator to its end and hands over its records, each `record_size` bytes.
[[nodiscard]] Status RunIterator(const bpf_link* link, std::size_t record_size,
                                 const std::function<void(std::span<const std::byte>)>& sink);

}  // namespace brink
