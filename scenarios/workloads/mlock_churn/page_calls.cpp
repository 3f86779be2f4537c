// SPDX-License-Identifier: MIT
#include "mlock_churn/page_calls.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "common/failure.h"

namespace workload {
namespace {

template <int kAdvice>
int Advise(void* address, std::size_t length) {
  return ::madvise(address, length, kAdvice);
}

template <int kProtection>
int Protect(void* address, std::size_t length) {
  return ::mprotect(address, length, kProtection);
}

int Lock(void* address, std::size_t length) { return ::mlock(address, length); }
int Unlock(void* address, std::size_t length) { return ::munlock(address, length); }

constexpr std::array kPairs{
    PageCalls{.pair = "mlock", .set_name = "mlock", .set = Lock, .clear_name = "munlock", .clear = Unlock},
    PageCalls{.pair = "dontfork",
              .set_name = "madvise(MADV_DONTFORK)",
              .set = Advise<MADV_DONTFORK>,
              .clear_name = "madvise(MADV_DOFORK)",
              .clear = Advise<MADV_DOFORK>},
    PageCalls{.pair = "protect",
              .set_name = "mprotect(PROT_READ)",
              .set = Protect<PROT_READ>,
              .clear_name = "mprotect(PROT_READ | PROT_WRITE)",
              .clear = Protect<PROT_READ | PROT_WRITE>},
    PageCalls{.pair = "dontneed",
              .set_name = "madvise(MADV_DONTNEED)",
              .set = Advise<MADV_DONTNEED>,
              .clear_name = "madvise(MADV_DONTNEED)",
              .clear = Advise<MADV_DONTNEED>,
              .drops_data = true}};

}  // namespace

const PageCalls& FindPageCalls(std::string_view pair) {
  const auto* const found =
      std::find_if(kPairs.begin(), kPairs.end(), [pair](const PageCalls& each) { return each.pair == pair; });
  if (found == kPairs.end()) {
    throw Failure(Exit::kUsage, fmt::format("no calls are called {}; there are {}", pair, PageCallNames()));
  }
  return *found;
}

std::string PageCallNames() {
  std::string names;
  for (const PageCalls& each : kPairs) {
    names += (names.empty() ? "" : "|") + std::string(each.pair);
  }
  return names;
}

}  // namespace workload
