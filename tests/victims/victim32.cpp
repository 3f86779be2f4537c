// SPDX-License-Identifier: MIT
// A 32-bit process that meets RLIMIT_AS in three ways: the old mmap, whose arguments lie in memory, mmap2,
// and brk. Without a C library, so that no 32-bit one need be installed. Exits with 0 when all three were
// refused.
namespace {

// arch/x86/entry/syscalls/syscall_32.tbl
constexpr long kExit = 1;
constexpr long kBrk = 45;
constexpr long kOldMmap = 90;
constexpr long kMmap2 = 192;

constexpr unsigned long kBytes = 1UL << 30;
constexpr unsigned long kReadWrite = 3;
constexpr unsigned long kPrivateAnonymous = 0x22;

long Call(long number, unsigned long first, unsigned long second = 0, unsigned long third = 0,
          unsigned long fourth = 0) {
  long result = number;
  // mmap2's fifth, the file; its sixth, ebp, is whatever it is: an anonymous mapping has no offset.
  asm volatile("int $0x80"
               : "+a"(result)
               : "b"(first), "c"(second), "d"(third), "S"(fourth), "D"(-1L)
               : "memory");
  return result;
}

bool Refused(long result) { return result == -12; }  // ENOMEM

}  // namespace

extern "C" [[noreturn]] void _start() {
  const unsigned long words[6] = {0, kBytes, kReadWrite, kPrivateAnonymous, ~0UL, 0};
  const bool old_mmap = Refused(Call(kOldMmap, reinterpret_cast<unsigned long>(words)));
  const bool mmap2 = Refused(Call(kMmap2, 0, kBytes, kReadWrite, kPrivateAnonymous));
  const auto now = static_cast<unsigned long>(Call(kBrk, 0));
  const bool brk = static_cast<unsigned long>(Call(kBrk, now + kBytes)) == now;
  Call(kExit, old_mmap && mmap2 && brk ? 0 : 1);
  __builtin_unreachable();
}
