// SPDX-License-Identifier: MIT
// The kernel's records (watch_events.h) as the model's words. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "evidence/symbolise.h"
#include "evidence/watch.h"

namespace brink {

/// An event, and what only the living system can turn into names.
struct DecodedEvent {
  WatchEvent event;
  /// FailureSeen: the user stack, innermost first.
  std::vector<std::uint64_t> stack{};
  /// FailureSeen: parallel to `stack`.
  std::vector<FramePlace> places{};
  /// FailureSeen: the word at the user's stack pointer, which is the caller's address if the innermost
  /// function has no frame.
  std::uint64_t stack_word = 0;
  /// FailureSeen: directory inode numbers, parallel to call.memory_groups and call.pids_groups. OomKillSeen:
  /// of the group.
  std::vector<std::uint64_t> memory_group_ids{};
  std::vector<std::uint64_t> pids_group_ids{};
};

/// Nothing when the record is shorter than its kind, or of no known kind. `page_size` in bytes.
[[nodiscard]] std::optional<DecodedEvent> DecodeEvent(std::span<const std::byte> record,
                                                      std::uint64_t page_size);

/// One record of the iterator of tracked tasks.
[[nodiscard]] std::optional<TaskFigures> DecodeTask(std::span<const std::byte> record,
                                                    std::uint64_t page_size);

}  // namespace brink
