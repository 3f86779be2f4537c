// SPDX-License-Identifier: MIT
#include "evidence/elf_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

namespace brink {

ElfFile ElfFile::Open(const std::string& path) {
  ElfFile opened;
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // it may be a pipe
  struct stat facts {};
  if (!file.Valid() || ::fstat(file.Get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return opened;
  }
  elf_version(EV_CURRENT);
  opened.file_ = std::move(file);
  opened.elf_.reset(elf_begin(opened.file_.Get(), ELF_C_READ, nullptr));
  if (opened.elf_ != nullptr && elf_kind(opened.elf_.get()) != ELF_K_ELF) {
    opened.elf_.reset();
  }
  return opened;
}

}  // namespace brink
