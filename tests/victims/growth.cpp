// SPDX-License-Identifier: MIT
// Modes that ask for more and more memory: address space, data, locked memory, stack, resident pages, page
// cache, shm.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "victim.h"

namespace victim {
namespace {

/// The ways to ask for one chunk more; false with errno when refused.
struct Grower {
  std::string_view name;
  const char* call;  // the system call behind it
  bool (*grow)(std::size_t bytes);
};
const auto kGrowers = std::to_array<Grower>({
    {"mmap", "mmap", [](std::size_t bytes) { return Map(bytes, PROT_READ | PROT_WRITE) != nullptr; }},
    {"mmap-readonly", "mmap", [](std::size_t bytes) { return Map(bytes, PROT_READ) != nullptr; }},
    {"brk", "brk", GrowHeap},
    {"malloc", "malloc",
     [](std::size_t bytes) {
       volatile char* memory = static_cast<char*>(std::malloc(bytes));
       return memory != nullptr;
     }},
});

/// Asks for `total` bytes in chunks and touches none of them.
int Grow(const Arguments& arguments) {
  const std::string how = arguments.Text("how", "mmap");
  const std::size_t chunk = arguments.Bytes("chunk", kMiB);
  const std::size_t total = arguments.Bytes("total", 1024 * kMiB);
  for (const Grower& grower : kGrowers) {
    if (grower.name != how) {
      continue;
    }
    for (std::size_t got = 0; got < total; got += chunk) {
      if (!grower.grow(chunk)) {
        return Failed(grower.call, errno, got / chunk);
      }
    }
    return Worked(grower.call, total / chunk);
  }
  Misused("how is mmap, mmap-readonly, brk or malloc", how);
}

/// The call fails and the program goes on without: a probe, or a fallback.
int Probe(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", kMiB * 1024 * 1024);
  const bool refused = Map(bytes, PROT_READ | PROT_WRITE) == nullptr;
  char* small = Map(kMiB, PROT_READ | PROT_WRITE);
  Touch(small, kMiB);
  Say("probe %s, went on with less", refused ? "refused" : "worked");
  return kDone;
}

/// Locks `total` bytes in chunks of one region, so that mappings merge and only the bytes count. Threads take
/// turns in the chunks.
int Lock(const Arguments& arguments) {
  const std::size_t chunk = arguments.Bytes("chunk", PageSize());
  const std::size_t total = arguments.Bytes("total", 16 * kMiB);
  const auto threads = static_cast<std::size_t>(arguments.Number("threads", 1));
  char* region = Map(total, PROT_READ | PROT_WRITE);
  if (region == nullptr) {
    return Failed("mmap", errno, 0);
  }
  const auto lock_every = [=](std::size_t first, std::size_t step) {
    for (std::size_t at = first * chunk; at < total; at += step * chunk) {
      if (::mlock(region + at, chunk) != 0) {
        std::exit(Failed("mlock", errno, at / chunk));
      }
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < threads; ++i) {
      others.emplace_back(lock_every, i, threads);
    }
    lock_every(0, threads);
  }
  return Worked("mlock", total / chunk);
}

int LockAll(const Arguments&) {
  return ::mlockall(MCL_CURRENT) != 0 ? Failed("mlockall", errno, 0) : Worked("mlockall", 1);
}

int MapLocked(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", 16 * kMiB);
  return Map(bytes, PROT_READ | PROT_WRITE, MAP_LOCKED) == nullptr ? Failed("mmap", errno, 0)
                                                                   : Worked("mmap", 1);
}

/// One frame of 4 KiB for each level.
[[gnu::noinline]] std::uint64_t Descend(std::uint64_t levels) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(levels);
  const std::uint64_t below = levels == 0 ? 0 : Descend(levels - 1);
  return below + static_cast<std::uint64_t>(frame[0] != 0);
}

int Stack(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", 64 * kMiB);
  const std::uint64_t sum = Descend(bytes / 4096);
  Say("used %zu bytes of stack (%llu)", bytes, static_cast<unsigned long long>(sum));
  return kDone;
}

/// Makes `size` bytes resident, a MiB at a time.
int TouchMemory(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", 64 * kMiB);
  if (const std::string title = arguments.Text("title", ""); !title.empty()) {
    ::prctl(PR_SET_NAME, title.c_str());
  }
  Say("touching %zu bytes", bytes);
  for (std::size_t at = 0; at < bytes; at += kMiB) {
    char* memory = Map(kMiB, PROT_READ | PROT_WRITE);
    if (memory == nullptr) {
      return Failed("mmap", errno, at / kMiB);
    }
    Touch(memory, kMiB);
  }
  Say("touched %zu bytes", bytes);
  return kDone;
}

/// Writes `size` bytes to a descriptor; how many chunks of a MiB it took.
bool WriteAll(int fd, std::size_t bytes) {
  static char chunk[kMiB];
  std::memset(chunk, 'x', sizeof(chunk));
  for (std::size_t at = 0; at < bytes; at += sizeof(chunk)) {
    if (::write(fd, chunk, sizeof(chunk)) != static_cast<ssize_t>(sizeof(chunk))) {
      return false;
    }
  }
  return true;
}

/// Page cache of a file on disk is charged to the group but can be given back: no reason to kill.
int PageCache(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", 64 * kMiB);
  const std::string file = arguments.Text("file", "page-cache");
  const int fd = ::open(file.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 || !WriteAll(fd, bytes)) {
    return Failed("write", errno, 0);
  }
  ::lseek(fd, 0, SEEK_SET);
  static char chunk[kMiB];
  std::size_t read = 0;
  for (ssize_t got = ::read(fd, chunk, sizeof(chunk)); got > 0; got = ::read(fd, chunk, sizeof(chunk))) {
    read += static_cast<std::size_t>(got);
  }
  ::close(fd);
  ::unlink(file.c_str());
  Say("wrote and read %zu bytes of page cache", read);
  return read == bytes ? kDone : kFailed;
}

/// Shared memory is charged to the group too, and without swap it cannot be given back; written to, it
/// belongs to no process's resident size.
int SharedMemory(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", 64 * kMiB);
  Say("filling %zu bytes of shared memory", bytes);
  const int fd = ::memfd_create("victim", MFD_CLOEXEC);
  if (fd < 0) {
    return Failed("memfd_create", errno, 0);
  }
  if (arguments.Text("how", "write") == "write") {
    return WriteAll(fd, bytes) ? Worked("write", bytes / kMiB) : Failed("write", errno, 0);
  }
  void* memory = MAP_FAILED;
  if (::ftruncate(fd, static_cast<off_t>(bytes)) == 0) {
    memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (memory == MAP_FAILED) {
    return Failed("mmap", errno, 0);
  }
  Touch(static_cast<char*>(memory), bytes);
  return Worked("touch", bytes / kMiB);
}

constexpr auto kGrowthModes = std::to_array<Mode>({
    {"grow", "how chunk total", Grow, "ask for memory by mmap, mmap-readonly, brk or malloc"},
    {"probe", "size", Probe, "ask for too much once, go on with less"},
    {"lock", "chunk total threads", Lock, "mlock a region bit by bit"},
    {"lock-all", "", LockAll, "mlockall"},
    {"map-locked", "size", MapLocked, "mmap with MAP_LOCKED"},
    {"stack", "size", Stack, "recurse"},
    {"touch", "size title", TouchMemory, "make memory resident; title: its comm"},
    {"page-cache", "size file", PageCache, "write and read a file"},
    {"shm", "size how", SharedMemory, "fill shared memory by write or map"},
});

}  // namespace

std::span<const Mode> GrowthModes() { return kGrowthModes; }

}  // namespace victim
