// SPDX-License-Identifier: MIT
// An ELF file that a target names: its path is the target's word.
#pragma once

#include <libelf.h>

#include <memory>
#include <string>

#include "base/unique_fd.h"

namespace brink {

class ElfFile {
 public:
  /// Without one when it cannot be read, is no regular file, or no ELF file. It is read, not mapped: it may
  /// be cut short meanwhile.
  [[nodiscard]] static ElfFile Open(const std::string& path);
  [[nodiscard]] Elf* Get() const { return elf_.get(); }

 private:
  struct End {
    void operator()(Elf* elf) const { elf_end(elf); }
  };
  UniqueFd file_;
  std::unique_ptr<Elf, End> elf_;  // ends before the file is closed
};

}  // namespace brink
