// SPDX-License-Identifier: MIT
#include "evidence/syscall_names.h"

#include <sys/syscall.h>

#include <array>
#include <cstring>
#include <utility>

#include "evidence/watch_events.h"

namespace brink {
namespace {

constexpr std::array<std::pair<std::uint32_t, const char*>, 24> kNames{{
    {SYS_mmap, "mmap"},
    {SYS_mprotect, "mprotect"},
    {SYS_munmap, "munmap"},
    {SYS_brk, "brk"},
    {SYS_mremap, "mremap"},
    {SYS_madvise, "madvise"},
    {SYS_shmget, "shmget"},
    {SYS_shmat, "shmat"},
    {SYS_clone, "clone"},
    {SYS_fork, "fork"},
    {SYS_vfork, "vfork"},
    {SYS_execve, "execve"},
    {SYS_mlock, "mlock"},
    {SYS_munlock, "munlock"},
    {SYS_mlockall, "mlockall"},
    {SYS_remap_file_pages, "remap_file_pages"},
    {SYS_memfd_create, "memfd_create"},
    {SYS_execveat, "execveat"},
    {SYS_mlock2, "mlock2"},
    {SYS_pkey_mprotect, "pkey_mprotect"},
    {SYS_io_uring_setup, "io_uring_setup"},
    {SYS_clone3, "clone3"},
    {SYS_process_madvise, "process_madvise"},
    {BRINK_PAGE_FAULT, "page_fault"},
}};

}  // namespace

std::string SyscallName(std::uint32_t number) {
  for (const auto& [known, name] : kNames) {
    if (known == number) {
      return name;
    }
  }
  return "syscall_" + std::to_string(number);
}

std::string ErrnoName(std::uint32_t error) {
  const char* name = strerrorname_np(static_cast<int>(error));
  return name != nullptr ? name : "errno_" + std::to_string(error);
}

}  // namespace brink
