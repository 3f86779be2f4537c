// SPDX-License-Identifier: MIT
#include "evidence/decode.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "evidence/watch_events.h"

namespace brink {
namespace {

constexpr std::uint64_t kPage = 4096;

template <typename Record>
std::span<const std::byte> BytesOf(const Record& record) {
  return std::as_bytes(std::span(&record, 1));
}

template <typename Event, typename Record>
Event Decode(const Record& record) {
  const auto decoded = DecodeEvent(BytesOf(record), kPage);
  EXPECT_TRUE(decoded.has_value());
  return decoded ? std::get<Event>(decoded->event) : Event{};
}

brink_header Header(brink_event_kind kind) {
  brink_header header{};
  header.kind = kind;
  header.token = 3;
  header.pid = 100;
  header.tid = 101;
  header.at_ns = 12345;
  std::memcpy(header.comm, "exactly16charsxx", sizeof(header.comm));  // not terminated
  return header;
}

TEST(Decode, AFork) {
  const auto seen = Decode<ForkSeen>(brink_fork{.header = Header(BRINK_FORK), .parent_pid = 99, .unused = 0});
  EXPECT_EQ(seen.token, 3U);
  EXPECT_EQ(seen.pid, 100);
  EXPECT_EQ(seen.parent_pid, 99);
  EXPECT_EQ(seen.at_ns, 12345U);
}

TEST(Decode, ANameThatFillsItsField) {
  brink_exec raw{.header = Header(BRINK_EXEC), .path = {}};
  std::memset(raw.path, 'p', sizeof(raw.path));
  const auto seen = Decode<ExecSeen>(raw);
  EXPECT_EQ(seen.comm, "exactly16charsxx");
  EXPECT_EQ(seen.path, std::string(sizeof(raw.path), 'p'));
}

TEST(Decode, AnExitByCodeAndOneBySignal) {
  brink_exit raw{.header = Header(BRINK_EXIT), .status = 137 << 8, .map_count = 20, .peak_rss_pages = 5};
  const auto exited = Decode<ExitSeen>(raw);
  EXPECT_EQ(exited.exit_code, 137);
  EXPECT_FALSE(exited.signal);
  EXPECT_EQ(exited.peak_rss_bytes, 5 * kPage);
  EXPECT_EQ(exited.peak_map_count, 20U);
  raw.status = SIGKILL;
  const auto killed = Decode<ExitSeen>(raw);
  EXPECT_FALSE(killed.exit_code);
  EXPECT_EQ(killed.signal, SIGKILL);
  raw.status = SIGSEGV | 0x80;  // with a core dump
  EXPECT_EQ(Decode<ExitSeen>(raw).signal, SIGSEGV);
}

brink_failure Failure() {
  brink_failure raw{};
  raw.header = Header(BRINK_FAILURE);
  raw.call = SYS_mlock;
  raw.error = ENOMEM;
  raw.args[1] = 8192;
  raw.map_count = 77;
  raw.locked_pages = 2;
  raw.total_pages = 3;
  raw.data_pages = 4;
  raw.stack_pages = 5;
  raw.limit_as = RLIM_INFINITY;
  raw.limit_memlock = 65536;
  raw.capabilities = 1ULL << 14;
  raw.uid = 1000;
  raw.frames = 2;
  raw.stack[0] = 0x10;
  raw.stack[1] = 0x20;
  raw.stack_word = 0x15;
  return raw;
}

TEST(Decode, AFailureInBytesWithItsLimits) {
  const auto seen = Decode<FailureSeen>(Failure());
  EXPECT_EQ(seen.call.call, "mlock");
  EXPECT_EQ(seen.call.errno_name, "ENOMEM");
  EXPECT_EQ(seen.call.pid, 100);
  EXPECT_EQ(seen.call.tid, 101);
  EXPECT_EQ(seen.call.args[1], 8192U);
  EXPECT_EQ(seen.call.map_count, 77U);
  EXPECT_EQ(seen.call.locked_bytes, 2 * kPage);
  EXPECT_EQ(seen.call.total_vm_bytes, 3 * kPage);
  EXPECT_EQ(seen.call.data_vm_bytes, 4 * kPage);
  EXPECT_EQ(seen.call.stack_vm_bytes, 5 * kPage);
  EXPECT_EQ(seen.call.limits.as, kNoLimit);
  EXPECT_EQ(seen.call.limits.memlock, 65536U);
  EXPECT_TRUE(seen.call.ipc_lock_capable);
  EXPECT_FALSE(seen.call.resource_capable);
}

TEST(Decode, TheStackOfAFailure) {
  const auto decoded = DecodeEvent(BytesOf(Failure()), kPage);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->stack, (std::vector<std::uint64_t>{0x10, 0x20}));
  EXPECT_EQ(decoded->stack_word, 0x15U);
}

TEST(Decode, UnlimitedGroupsWhateverTheKernelHoldsForThem) {
  auto raw = Failure();
  raw.memory_levels = 2;
  raw.memory[0] = {.id = 11, .use = 10, .limit = 100};
  raw.memory[1] = {.id = 1, .use = 20, .limit = INT64_MAX / kPage};
  raw.pids_levels = 1;
  raw.pids[0] = {.id = 12, .use = 3, .limit = 4 * 1024 * 1024 + 1};
  const auto decoded = DecodeEvent(BytesOf(raw), kPage);
  ASSERT_TRUE(decoded);
  const auto& call = std::get<FailureSeen>(decoded->event).call;
  ASSERT_EQ(call.memory_groups.size(), 2U);
  EXPECT_EQ(call.memory_groups[0].use, 10 * kPage);
  EXPECT_EQ(call.memory_groups[0].limit, 100 * kPage);
  EXPECT_EQ(call.memory_groups[1].limit, kNoLimit);
  ASSERT_EQ(call.pids_groups.size(), 1U);
  EXPECT_EQ(call.pids_groups[0].use, 3U);
  EXPECT_EQ(call.pids_groups[0].limit, kNoLimit);
  EXPECT_EQ(decoded->memory_group_ids, (std::vector<std::uint64_t>{11, 1}));
  EXPECT_EQ(decoded->pids_group_ids, (std::vector<std::uint64_t>{12}));
}

TEST(Decode, CountsBeyondTheRecordAreCut) {
  auto raw = Failure();
  raw.frames = 1000;
  raw.memory_levels = 1000;
  const auto decoded = DecodeEvent(BytesOf(raw), kPage);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->stack.size(), static_cast<std::size_t>(BRINK_FRAMES));
  EXPECT_EQ(decoded->memory_group_ids.size(), static_cast<std::size_t>(BRINK_GROUP_LEVELS));
}

TEST(Decode, AnOomKillOfAGroupAndOneOfTheMachine) {
  brink_oom_kill raw{};
  raw.header = Header(BRINK_OOM_KILL);
  raw.scope = BRINK_SCOPE_MEMCG;
  raw.group = {.id = 42, .use = 99, .limit = 100};
  raw.anon_pages = 50;
  raw.oom_score_adj = -500;
  auto seen = Decode<OomKillSeen>(raw);
  EXPECT_EQ(seen.kill.scope, "memcg");
  EXPECT_EQ(seen.memory_group_id, 42U);
  EXPECT_EQ(seen.kill.limit_bytes, 100 * kPage);
  EXPECT_EQ(seen.kill.use_bytes, 99 * kPage);
  EXPECT_EQ(seen.kill.anon_rss_bytes, 50 * kPage);
  EXPECT_EQ(seen.kill.oom_score_adj, -500);
  raw.scope = BRINK_SCOPE_MACHINE;
  seen = Decode<OomKillSeen>(raw);
  EXPECT_EQ(seen.kill.scope, "machine");
  EXPECT_EQ(seen.memory_group_id, 0U);  // nobody's limit; the figures are those of the victim's own group
  EXPECT_EQ(seen.kill.limit_bytes, 100 * kPage);
  EXPECT_EQ(seen.kill.use_bytes, 99 * kPage);
}

TEST(Decode, ASignal) {
  brink_signal raw{};
  raw.header = Header(BRINK_SIGNAL);
  raw.signal = SIGKILL;
  raw.code = SI_KERNEL;
  raw.sender_token = 8;
  raw.sender_pid = 55;
  const auto seen = Decode<SignalSeen>(raw);
  EXPECT_EQ(seen.sent.signal, SIGKILL);
  EXPECT_EQ(seen.sent.code, SI_KERNEL);
  EXPECT_EQ(seen.sender_token, 8U);
  EXPECT_EQ(seen.sent.sender_pid, 55);
  EXPECT_EQ(seen.sent.pid, 100);
}

TEST(Decode, PlacesAreThoseOfTheFramesAndOnlyWhereTheKernelFoundThem) {
  auto raw = Failure();
  raw.frames = 2;
  raw.places = 3;  // more than frames: never by the kernel
  raw.place[0].status = BPF_STACK_BUILD_ID_VALID;
  raw.place[0].build_id[19] = 0xAB;
  raw.place[0].offset = 0x1234;
  raw.place[1].status = BPF_STACK_BUILD_ID_IP;
  const auto decoded = DecodeEvent(BytesOf(raw), kPage);
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->places.size(), 2U);
  ASSERT_TRUE(decoded->places[0].build_id);
  EXPECT_EQ(decoded->places[0].build_id->back(), 0xAB);
  EXPECT_EQ(decoded->places[0].file_offset, 0x1234U);
  EXPECT_FALSE(decoded->places[1].build_id);
}

TEST(Decode, RefusesShortAndUnknownRecords) {
  const auto failure = Failure();
  EXPECT_FALSE(DecodeEvent({}, kPage));
  EXPECT_FALSE(DecodeEvent(BytesOf(failure).first(sizeof(failure) - 1), kPage));
  auto unknown = Header(BRINK_EXEC);
  unknown.kind = 99;
  EXPECT_FALSE(DecodeEvent(BytesOf(unknown), kPage));
}

TEST(Decode, ATask) {
  brink_task raw{};
  raw.token = 2;
  raw.pid = 7;
  raw.map_count = 65530;
  raw.locked_pages = 3;
  const auto task = DecodeTask(BytesOf(raw), kPage);
  ASSERT_TRUE(task);
  EXPECT_EQ(task->map_count, 65530U);
  EXPECT_EQ(task->locked_bytes, 3 * kPage);
  EXPECT_FALSE(DecodeTask(BytesOf(raw).first(8), kPage));
}

}  // namespace
}  // namespace brink
