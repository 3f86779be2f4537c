// SPDX-License-Identifier: MIT
#include "judge/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/units.h"

namespace brink {
namespace {

// The kernel's interface (include/uapi/asm-generic/mman-common.h, mman.h, linux/shm.h, linux/sched.h), spelt
// out because evidence is judged by its recorded numbers whatever machine the judge runs on.
constexpr std::uint64_t kProtWrite = 0x2;
constexpr std::uint64_t kMapPrivate = 0x02;
constexpr std::uint64_t kMapShared = 0x01;
constexpr std::uint64_t kMapTypeMask = 0x0f;
constexpr std::uint64_t kMapFixed = 0x10;
constexpr std::uint64_t kMapAnonymous = 0x20;
constexpr std::uint64_t kMapGrowsDown = 0x0100;
constexpr std::uint64_t kMapLocked = 0x2000;
constexpr std::uint64_t kMapNoReserve = 0x4000;
constexpr std::uint64_t kMapHugetlb = 0x40000;
constexpr std::uint64_t kHugeSizeShift =
    26;  // MAP_HUGE_SHIFT, SHM_HUGE_SHIFT: log2 of the page size in six bits
constexpr std::uint64_t kHugeSizeMask = 0x3f;
constexpr std::uint64_t kRemapMayMove = 1;
constexpr std::uint64_t kRemapFixed = 2;
constexpr std::uint64_t kRemapDontUnmap = 4;
constexpr std::uint64_t kShmHugetlb = 04000;
constexpr std::uint64_t kShmNoReserve = 010000;
constexpr std::uint64_t kCloneVm = 0x100;

/// The kernel counts in pages of at least this size.
constexpr std::uint64_t kPage = 4096;

std::uint64_t RoundUp(std::uint64_t bytes) {
  return bytes > UINT64_MAX - kPage ? UINT64_MAX - (UINT64_MAX % kPage) : (bytes + kPage - 1) / kPage * kPage;
}

CallFamily FamilyOf(std::string_view call) {
  using enum CallFamily;
  constexpr auto kFamilies = std::to_array<std::pair<std::string_view, CallFamily>>({
      {"mmap", kMap},
      {"munmap", kUnmap},
      {"mprotect", kProtect},
      {"pkey_mprotect", kProtect},
      {"mremap", kRemap},
      {"mlock", kLock},
      {"mlock2", kLock},
      {"mlockall", kLockAll},
      {"munlock", kUnlock},
      {"madvise", kAdvise},
      {"process_madvise", kAdvise},
      {"brk", kBreak},
      {"fork", kFork},
      {"vfork", kFork},
      {"clone", kFork},
      {"clone3", kFork},
      {"execve", kExec},
      {"execveat", kExec},
      {"shmget", kShmGet},
      {"shmat", kShmAttach},
      {"remap_file_pages", kShmAttach},
      {"page_fault", kStackGrowth},
  });
  const auto* found = std::find_if(kFamilies.begin(), kFamilies.end(),
                                   [&](const auto& entry) { return entry.first == call; });
  return found == kFamilies.end() ? kOther : found->second;
}

std::uint64_t HugePageBytes(std::uint64_t flags) {
  const std::uint64_t shift = (flags >> kHugeSizeShift) & kHugeSizeMask;
  return shift == 0 ? 0 : std::uint64_t{1} << shift;
}

void ReadMap(const FailedCall& call, Request& request) {
  const std::uint64_t protection = call.args[2];
  const std::uint64_t flags = call.args[3];
  const bool writable = (protection & kProtWrite) != 0;
  const bool is_private = (flags & kMapTypeMask) == kMapPrivate;
  const bool anonymous = (flags & kMapAnonymous) != 0;
  request.bytes = RoundUp(call.args[1]);
  request.fixed = (flags & kMapFixed) != 0;
  request.lock = (flags & kMapLocked) != 0;
  request.no_reserve = (flags & kMapNoReserve) != 0;
  request.huge = (flags & kMapHugetlb) != 0;
  request.huge_page_bytes = HugePageBytes(flags);
  request.data = writable && is_private && (flags & kMapGrowsDown) == 0;
  // Shared anonymous memory is shmem, which charges its whole size (mm/shmem.c shmem_acct_size()).
  const bool shared_anonymous = anonymous && (flags & kMapTypeMask) == kMapShared;
  request.accounted = !request.huge && ((writable && is_private) || shared_anonymous);
}

void ReadRemap(const FailedCall& call, Request& request) {
  const std::uint64_t old_size = RoundUp(call.args[1]);
  const std::uint64_t new_size = RoundUp(call.args[2]);
  request.keeps_old = (call.args[3] & kRemapDontUnmap) != 0;
  // mm/mremap.c mremap_to(): what stays mapped is asked for a second time, in full.
  request.bytes = request.keeps_old ? old_size : (new_size > old_size ? new_size - old_size : 0);
  request.shrinks = new_size < old_size;
  request.may_move = (call.args[3] & kRemapMayMove) != 0;
  request.fixed = (call.args[3] & kRemapFixed) != 0;
  request.data = request.bytes > 0;       // of the commonest kind of mapping that is resized;
  request.accounted = request.bytes > 0;  // the arguments don't tell
}

void ReadLock(const FailedCall& call, Request& request) {
  // mm/mlock.c do_mlock(): the length is taken from the start of the first page.
  const std::uint64_t offset = call.args[0] % kPage;
  request.bytes = RoundUp(call.args[1] > UINT64_MAX - offset ? call.args[1] : call.args[1] + offset);
}

void ReadFork(const FailedCall& call, Request& request) {
  // clone3 has its flags in memory, so a thread can't be told from a process by it; clone and vfork tell.
  const bool shares_memory = call.call == "vfork" || (call.call == "clone" && (call.args[0] & kCloneVm) != 0);
  request.bytes = shares_memory ? 0 : call.data_vm_bytes;
  request.accounted = !shares_memory;
}

/// mm/mmap.c brk(): both breaks are rounded up to pages. args[1] is the break that stayed.
void ReadBreak(const FailedCall& call, Request& request) {
  const std::uint64_t wanted = RoundUp(call.args[0]);
  const std::uint64_t had = RoundUp(call.args[1]);
  request.bytes_known = had != 0;
  request.bytes = request.bytes_known && wanted > had ? wanted - had : 0;
  request.data = true;
  request.accounted = true;
}

/// mm/vma.c acct_stack_growth(): the stack would have reached from the page of the address (args[0]) to its
/// upper end (args[2], which may be a page low).
void ReadStackGrowth(const FailedCall& call, Request& request) {
  const std::uint64_t lower_end = call.args[0] / kPage * kPage;
  const std::uint64_t whole = call.args[2] > lower_end ? call.args[2] - lower_end : 0;
  request.bytes = whole > call.stack_vm_bytes + kPage ? whole - call.stack_vm_bytes : kPage;
  request.accounted = true;
}

}  // namespace

bool IsFork(std::string_view call) { return FamilyOf(call) == CallFamily::kFork; }

Request RequestOf(const FailedCall& call) {
  Request request;
  request.family = FamilyOf(call.call);
  switch (request.family) {
    case CallFamily::kMap:
      ReadMap(call, request);
      break;
    case CallFamily::kRemap:
      ReadRemap(call, request);
      break;
    case CallFamily::kProtect:
      request.bytes = RoundUp(call.args[1]);
      request.data = (call.args[2] & kProtWrite) != 0;
      request.accounted = request.data;
      break;
    case CallFamily::kLock:
      ReadLock(call, request);
      break;
    case CallFamily::kFork:
      ReadFork(call, request);
      break;
    case CallFamily::kBreak:
      ReadBreak(call, request);
      break;
    case CallFamily::kShmGet:
      request.bytes = RoundUp(call.args[1]);
      request.huge = (call.args[2] & kShmHugetlb) != 0;
      request.huge_page_bytes = HugePageBytes(call.args[2]);
      request.no_reserve = (call.args[2] & kShmNoReserve) != 0;
      request.accounted = !request.huge;
      break;
    case CallFamily::kShmAttach:
      request.bytes_known = false;
      break;
    case CallFamily::kStackGrowth:
      ReadStackGrowth(call, request);
      break;
    default:
      break;
  }
  return request;
}

std::string DescribeRequest(const FailedCall& call, const Request& request) {
  return request.bytes_known ? fmt::format("{} asked for {} more", call.call, FormatBytes(request.bytes))
                             : fmt::format("{} asked for more", call.call);
}

std::string OtherCause(const FailedCall& call, const Request& request) {
  const bool no_memory = call.errno_name == "ENOMEM";
  using enum CallFamily;
  switch (request.family) {
    case kProtect:
    case kLock:
    case kUnlock:
    case kAdvise:
      return no_memory ? "it also fails so when a part of the range isn't mapped" : "";
    case kRemap:
      return no_memory && !request.may_move
                 ? "without MREMAP_MAYMOVE it also fails so when the addresses behind are taken"
                 : "";
    case kBreak:
      return "it also fails when another mapping lies where the heap would grow";
    case kFork:
      return no_memory ? "it also fails so in a pid namespace whose first process has ended" : "";
    default:
      return "";
  }
}

}  // namespace brink
