// SPDX-License-Identifier: MIT
#include "evidence/decode.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "evidence/syscall_names.h"
#include "evidence/watch_events.h"

namespace brink {
namespace {

// linux/capability.h
constexpr std::uint64_t kCapIpcLock = 1ULL << 14;
constexpr std::uint64_t kCapSysAdmin = 1ULL << 21;
constexpr std::uint64_t kCapSysResource = 1ULL << 24;
// PID_MAX_LIMIT + 1, which pids.max holds for "max": kernel/cgroup/pids.c
constexpr std::uint64_t kPidsMax = 4 * 1024 * 1024 + 1;

template <typename Record>
std::optional<Record> As(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(Record)) {
    return std::nullopt;
  }
  Record record;
  std::memcpy(&record, bytes.data(), sizeof(record));
  return record;
}

template <std::size_t N>
std::string Text(const char (&field)[N]) {
  return {field, strnlen(field, N)};
}

std::uint64_t Rlimit(std::uint64_t value) { return value == RLIM_INFINITY ? kNoLimit : value; }

/// PAGE_COUNTER_MAX is LONG_MAX in pages: no machine has that much.
std::uint64_t MemoryLimit(std::uint64_t pages, std::uint64_t page_size) {
  const auto max_pages = static_cast<std::uint64_t>(INT64_MAX) / page_size;
  return pages >= max_pages ? kNoLimit : pages * page_size;
}

DecodedEvent DecodeFork(const brink_fork& raw) {
  return {.event = ForkSeen{.token = raw.header.token,
                            .parent_pid = static_cast<int>(raw.parent_pid),
                            .pid = static_cast<int>(raw.header.pid),
                            .at_ns = raw.header.at_ns}};
}

DecodedEvent DecodeExec(const brink_exec& raw) {
  return {.event = ExecSeen{.token = raw.header.token,
                            .pid = static_cast<int>(raw.header.pid),
                            .comm = Text(raw.header.comm),
                            .path = Text(raw.path),
                            .at_ns = raw.header.at_ns}};
}

DecodedEvent DecodeExit(const brink_exit& raw, std::uint64_t page_size) {
  ExitSeen exit{.token = raw.header.token,
                .pid = static_cast<int>(raw.header.pid),
                .comm = Text(raw.header.comm),
                .exit_code = {},
                .signal = {},
                .peak_rss_bytes = raw.peak_rss_pages * page_size,
                .peak_map_count = raw.map_count,
                .at_ns = raw.header.at_ns};
  const int status = static_cast<int>(raw.status);
  if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
  } else {
    exit.exit_code = WEXITSTATUS(status);
  }
  return {.event = exit};
}

void DecodeGroups(const brink_failure& raw, std::uint64_t page_size, FailedCall& call,
                  DecodedEvent& decoded) {
  const auto levels = [](std::uint32_t count) { return std::min<std::uint32_t>(count, BRINK_GROUP_LEVELS); };
  for (std::uint32_t level = 0; level < levels(raw.memory_levels); ++level) {
    const brink_group& group = raw.memory[level];
    call.memory_groups.push_back(
        {.path = {}, .use = group.use * page_size, .limit = MemoryLimit(group.limit, page_size)});
    decoded.memory_group_ids.push_back(group.id);
  }
  for (std::uint32_t level = 0; level < levels(raw.pids_levels); ++level) {
    const brink_group& group = raw.pids[level];
    call.pids_groups.push_back(
        {.path = {}, .use = group.use, .limit = group.limit >= kPidsMax ? kNoLimit : group.limit});
    decoded.pids_group_ids.push_back(group.id);
  }
}

FailedCall DecodeCall(const brink_failure& raw, std::uint64_t page_size) {
  FailedCall call;
  call.pid = static_cast<int>(raw.header.pid);
  call.tid = static_cast<int>(raw.header.tid);
  call.comm = Text(raw.header.comm);
  call.call = SyscallName(raw.call);
  call.errno_name = ErrnoName(raw.error);
  std::copy(std::begin(raw.args), std::end(raw.args), call.args.begin());
  call.threads = raw.threads;
  call.map_count = raw.map_count;
  call.locked_bytes = raw.locked_pages * page_size;
  call.total_vm_bytes = raw.total_pages * page_size;
  call.data_vm_bytes = raw.data_pages * page_size;
  call.stack_vm_bytes = raw.stack_pages * page_size;
  call.ipc_lock_capable = (raw.capabilities & kCapIpcLock) != 0;
  call.resource_capable = (raw.capabilities & (kCapSysResource | kCapSysAdmin)) != 0;
  call.user_tasks = raw.user_tasks;
  call.uid = raw.uid;
  call.limits = {.as = Rlimit(raw.limit_as),
                 .data = Rlimit(raw.limit_data),
                 .memlock = Rlimit(raw.limit_memlock),
                 .stack = Rlimit(raw.limit_stack),
                 .nproc = Rlimit(raw.limit_nproc)};
  return call;
}

FramePlace DecodePlace(const bpf_stack_build_id& raw) {
  FramePlace place;
  if (raw.status == BPF_STACK_BUILD_ID_VALID) {
    std::copy(std::begin(raw.build_id), std::end(raw.build_id), place.build_id.emplace().begin());
    place.file_offset = raw.offset;
  }
  return place;
}

DecodedEvent DecodeFailure(const brink_failure& raw, std::uint64_t page_size) {
  DecodedEvent decoded;
  FailureSeen seen{.token = raw.header.token, .call = DecodeCall(raw, page_size), .at_ns = raw.header.at_ns};
  seen.call.overcommit_refused = raw.overcommit_refused != 0;
  DecodeGroups(raw, page_size, seen.call, decoded);
  const auto frames = std::min<std::uint32_t>(raw.frames, BRINK_FRAMES);
  decoded.stack.assign(std::begin(raw.stack), std::begin(raw.stack) + frames);
  decoded.stack_word = raw.stack_word;
  const auto places = std::min(frames, raw.places);
  std::transform(std::begin(raw.place), std::begin(raw.place) + places, std::back_inserter(decoded.places),
                 DecodePlace);
  decoded.event = std::move(seen);
  return decoded;
}

DecodedEvent DecodeOomKill(const brink_oom_kill& raw, std::uint64_t page_size) {
  const bool in_group = raw.scope == BRINK_SCOPE_MEMCG;
  OomKillSeen seen;
  seen.token = raw.header.token;
  seen.memory_group_id = in_group ? raw.group.id : 0;
  seen.at_ns = raw.header.at_ns;
  seen.kill.pid = static_cast<int>(raw.header.pid);
  seen.kill.comm = Text(raw.header.comm);
  seen.kill.scope = in_group ? "memcg" : "machine";
  seen.kill.limit_bytes = MemoryLimit(raw.group.limit, page_size);
  seen.kill.use_bytes = raw.group.use * page_size;
  seen.kill.anon_rss_bytes = raw.anon_pages * page_size;
  seen.kill.file_rss_bytes = raw.file_pages * page_size;
  seen.kill.shmem_rss_bytes = raw.shmem_pages * page_size;
  seen.kill.swapped_bytes = raw.swap_pages * page_size;
  seen.kill.oom_score_adj = raw.oom_score_adj;
  seen.kill.invoker_pid = static_cast<int>(raw.invoker_pid);
  seen.kill.invoker_comm = Text(raw.invoker_comm);
  DecodedEvent decoded;
  decoded.memory_group_ids.push_back(raw.group.id);
  decoded.event = std::move(seen);
  return decoded;
}

DecodedEvent DecodeSignal(const brink_signal& raw) {
  SignalSeen seen;
  seen.token = raw.header.token;
  seen.sender_token = raw.sender_token;
  seen.at_ns = raw.header.at_ns;
  seen.sent.signal = raw.signal;
  seen.sent.code = raw.code;
  seen.sent.sender_pid = static_cast<int>(raw.sender_pid);
  seen.sent.sender_comm = Text(raw.sender_comm);
  seen.sent.pid = static_cast<int>(raw.header.pid);
  return {.event = seen};
}

template <typename Record, typename Decode>
std::optional<DecodedEvent> DecodeAs(std::span<const std::byte> bytes, Decode decode) {
  const auto record = As<Record>(bytes);
  return record ? std::optional(decode(*record)) : std::nullopt;
}

}  // namespace

std::optional<DecodedEvent> DecodeEvent(std::span<const std::byte> record, std::uint64_t page_size) {
  const auto header = As<brink_header>(record);
  if (!header) {
    return std::nullopt;
  }
  switch (header->kind) {
    case BRINK_FORK:
      return DecodeAs<brink_fork>(record, DecodeFork);
    case BRINK_EXEC:
      return DecodeAs<brink_exec>(record, DecodeExec);
    case BRINK_EXIT:
      return DecodeAs<brink_exit>(record, [&](const auto& raw) { return DecodeExit(raw, page_size); });
    case BRINK_FAILURE:
      return DecodeAs<brink_failure>(record, [&](const auto& raw) { return DecodeFailure(raw, page_size); });
    case BRINK_OOM_KILL:
      return DecodeAs<brink_oom_kill>(record, [&](const auto& raw) { return DecodeOomKill(raw, page_size); });
    case BRINK_SIGNAL:
      return DecodeAs<brink_signal>(record, DecodeSignal);
    default:
      return std::nullopt;
  }
}

std::optional<TaskFigures> DecodeTask(std::span<const std::byte> record, std::uint64_t page_size) {
  const auto raw = As<brink_task>(record);
  if (!raw) {
    return std::nullopt;
  }
  return TaskFigures{.token = raw->token,
                     .pid = static_cast<int>(raw->pid),
                     .parent_pid = static_cast<int>(raw->parent_pid),
                     .comm = Text(raw->comm),
                     .map_count = raw->map_count,
                     .total_vm_bytes = raw->total_pages * page_size,
                     .locked_bytes = raw->locked_pages * page_size,
                     .data_vm_bytes = raw->data_pages * page_size};
}

}  // namespace brink
