// SPDX-License-Identifier: MIT
// Modes that use up mappings (vm.max_map_count), and calls that fail for no limit at all.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "victim.h"

namespace victim {
namespace {

constexpr long kEndless = 200'000;  // more mappings than any test's limit

/// The calls that split a mapping when they are applied to its middle.
struct Splitter {
  std::string_view name;
  int (*apply)(void* page, std::size_t bytes);
};
constexpr auto kSplitters = std::to_array<Splitter>({
    {"mprotect", [](void* page, std::size_t bytes) { return ::mprotect(page, bytes, PROT_READ); }},
    {"munmap", [](void* page, std::size_t bytes) { return ::munmap(page, bytes); }},
    {"mlock", [](void* page, std::size_t bytes) { return ::mlock(page, bytes); }},
    {"madvise", [](void* page, std::size_t bytes) { return ::madvise(page, bytes, MADV_DONTFORK); }},
});

/// Applies the call to every second page of one region: each time one mapping becomes three (munmap: two).
int Split(const Arguments& arguments) {
  const std::string call = arguments.Text("call", "mprotect");
  const auto count = static_cast<std::uint64_t>(arguments.Number("count", kEndless));
  for (const Splitter& splitter : kSplitters) {
    if (splitter.name != call) {
      continue;
    }
    const std::size_t page = PageSize();
    char* region = Map((2 * count + 1) * page, PROT_READ | PROT_WRITE, MAP_NORESERVE);
    if (region == nullptr) {
      return Failed("mmap", errno, 0);
    }
    for (std::uint64_t i = 0; i < count; ++i) {
      if (splitter.apply(region + (2 * i + 1) * page, page) != 0) {
        return Failed(call.c_str(), errno, i);
      }
    }
    return Worked(call.c_str(), count);
  }
  Misused("call is mprotect, munmap, mlock or madvise", call);
}

/// Maps single pages that cannot merge with their neighbours until the kernel refuses. Gives how many it got;
/// errno is set when that is fewer than `count`.
std::uint64_t FillWithMappings(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (Map(PageSize(), i % 2 == 0 ? PROT_READ : PROT_NONE) == nullptr) {
      return i;
    }
  }
  return count;
}

int MapMany(const Arguments& arguments) {
  const auto count = static_cast<std::uint64_t>(arguments.Number("count", kEndless));
  const std::uint64_t got = FillWithMappings(count);
  return got < count ? Failed("mmap", errno, got) : Worked("mmap", got);
}

/// MAP_FIXED over the middle of a region cuts it in two and adds a third.
int MapFixed(const Arguments& arguments) {
  const auto count = static_cast<std::uint64_t>(arguments.Number("count", kEndless));
  const std::size_t page = PageSize();
  char* region = Map((2 * count + 1) * page, PROT_NONE);
  if (region == nullptr) {
    return Failed("mmap", errno, 0);
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    void* here = region + (2 * i + 1) * page;
    if (::mmap(here, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
      return Failed("mmap", errno, i);
    }
  }
  return Worked("mmap", count);
}

/// Moves every second page out of the middle of a region.
int Remap(const Arguments& arguments) {
  const auto count = static_cast<std::uint64_t>(arguments.Number("count", kEndless));
  const std::size_t page = PageSize();
  const std::size_t bytes = (2 * count + 1) * page;
  char* from = Map(bytes, PROT_READ | PROT_WRITE, MAP_NORESERVE);
  char* to = Map(bytes, PROT_NONE);
  if (from == nullptr || to == nullptr) {
    return Failed("mmap", errno, 0);
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = (2 * i + 1) * page;
    if (::mremap(from + at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to + at) == MAP_FAILED) {
      return Failed("mremap", errno, i);
    }
  }
  return Worked("mremap", count);
}

/// The heap cannot grow either once the mappings are used up, though it would need none more.
int BreakAtLimit(const Arguments& arguments) {
  const auto count = static_cast<std::uint64_t>(arguments.Number("count", kEndless));
  [[maybe_unused]] const std::uint64_t got = FillWithMappings(count);
  return GrowHeap(PageSize()) ? Worked("brk", 1) : Failed("brk", errno, 0);
}

/// What an incident's log shows: freeing fails first, allocation after it.
int Chain(const Arguments& arguments) {
  const auto count = static_cast<std::uint64_t>(arguments.Number("count", kEndless));
  const std::size_t page = PageSize();
  char* region = Map((2 * count + 1) * page, PROT_READ | PROT_WRITE, MAP_NORESERVE);
  if (region == nullptr) {
    return Failed("mmap", errno, 0);
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    if (::munmap(region + (2 * i + 1) * page, page) == 0) {
      continue;
    }
    const int error = errno;
    // One mapping more than a split is allowed to a mmap, so the first of two still works.
    const std::array<void*, 2> large = {std::malloc(std::size_t{1} << 20), std::malloc(std::size_t{1} << 20)};
    Say("munmap failed: %s after %llu; then malloc %s, malloc %s", ErrnoName(error),
        static_cast<unsigned long long>(i), large[0] != nullptr ? "worked" : "failed",
        large[1] != nullptr ? "worked" : "failed");
    std::free(large[0]);
    std::free(large[1]);
    return kFailed;
  }
  return Worked("munmap", count);
}

/// EINVAL is a mistake of the program, not a want of memory.
int Unaligned(const Arguments&) {
  char* page = Map(2 * PageSize(), PROT_READ);
  const bool refused = ::munmap(page + 1, PageSize()) != 0 && errno == EINVAL;
  Say("munmap of an unaligned address: %s", refused ? "EINVAL" : "not refused");
  return refused ? kDone : kFailed;
}

/// ENOMEM that no limit causes: the range is not mapped.
int Unmapped(const Arguments& arguments) {
  const std::string call = arguments.Text("call", "mprotect");
  char* page = Map(PageSize(), PROT_READ);
  ::munmap(page, PageSize());
  const int result =
      call == "mlock" ? ::mlock(page, PageSize()) : ::mprotect(page, PageSize(), PROT_READ | PROT_WRITE);
  return result != 0 ? Failed(call.c_str(), errno, 0) : Worked(call.c_str(), 1);
}

/// A huge page where the pool has none.
int Hugetlb(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", std::size_t{2} << 20);
  return Map(bytes, PROT_READ | PROT_WRITE, MAP_HUGETLB) == nullptr ? Failed("mmap", errno, 0)
                                                                    : Worked("mmap", 1);
}

constexpr auto kMappingModes = std::to_array<Mode>({
    {"split", "call count", Split, "split a region by mprotect, munmap, mlock or madvise"},
    {"map-many", "count", MapMany, "map single pages"},
    {"map-fixed", "count", MapFixed, "map over the middle of a region"},
    {"remap", "count", Remap, "move pages out of the middle of a region"},
    {"brk-at-limit", "count", BreakAtLimit, "map single pages, then grow the heap"},
    {"chain", "count", Chain, "munmap in the middle until it fails, then malloc"},
    {"unaligned", "", Unaligned, "munmap of an unaligned address"},
    {"unmapped", "call", Unmapped, "mprotect or mlock of a range that is not mapped"},
    {"hugetlb", "size", Hugetlb, "map a huge page"},
});

}  // namespace

std::span<const Mode> MappingModes() { return kMappingModes; }

}  // namespace victim
