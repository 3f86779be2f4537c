// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <sys/mman.h>

#include <utility>
#include <vector>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/mapping.h"
#include "mappings/holdings.h"

namespace workload {
namespace {

constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL of linux/mman.h, newer than Debian 12's headers

void InstallGuard(std::span<std::byte> page, Guard guard) {
  if (guard == Guard::kProtect && ::mprotect(page.data(), page.size(), PROT_NONE) != 0) {
    FailErrno("mprotect of a guard page");
  }
  if (guard == Guard::kInstall && ::madvise(page.data(), page.size(), kGuardInstall) != 0) {
    FailErrno("madvise(MADV_GUARD_INSTALL) of a guard page");
  }
}

class FibreStacks final : public Holdings {
 public:
  FibreStacks(std::size_t size, Guard guard) : size_(size), guard_(guard) {}

  void TakeOne() override {
    const std::size_t guard_size = guard_ == Guard::kNone ? 0 : kPageSize;
    Mapping stack = Mapping::Anonymous(guard_size + size_);
    InstallGuard(stack.Data().first(guard_size), guard_);
    // A fibre's first frames: at the top, as stacks grow downwards.
    FillPattern(TopOf(stack), stacks_.size());
    stacks_.push_back(std::move(stack));
  }

  std::uint64_t Count() const override { return stacks_.size(); }

  std::uint64_t Check() override {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < stacks_.size(); ++i) {
      if (!HoldsPattern(TopOf(stacks_[i]), i)) {
        FailCorrupt(fmt::format("stack {} has changed", i));
      }
      sum += Checksum(TopOf(stacks_[i]));
    }
    return sum;
  }

 private:
  static std::span<std::byte> TopOf(const Mapping& stack) { return stack.Data().last(kPageSize); }

  std::size_t size_;
  Guard guard_;
  std::vector<Mapping> stacks_;
};

}  // namespace

std::unique_ptr<Holdings> MakeFibreStacks(std::size_t size, Guard guard) {
  return std::make_unique<FibreStacks>(size, guard);
}

}  // namespace workload
