// SPDX-License-Identifier: MIT
// Addresses in a living process as the functions they lie in.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace brink {

/// The functions of one ELF file, by address. Reads .symtab, or .dynsym where it was stripped.
class SymbolTable {
 public:
  /// Empty when the file cannot be read or is no ELF file: then nothing is found in it.
  [[nodiscard]] static SymbolTable Read(const std::string& path);

  /// "munmap+0x7", "db::Cache::Drop+0x1c" (C++ names without their parameters) for an offset into the file;
  /// "" when no function is known to lie there. `is_return`: the address is that of the instruction after a
  /// call, which may be the first of the next function.
  [[nodiscard]] std::string Find(std::uint64_t file_offset, bool is_return) const;

 private:
  struct Function {
    std::uint64_t address;
    std::uint64_t size;
    std::string name;
  };
  struct Segment {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t address;
  };
  friend class SymbolReader;
  std::vector<Function> functions_;  // by address
  std::vector<Segment> segments_;
};

/// Remembers, within bounds, the executable mappings of processes and the symbols of files. Not thread-safe.
class Symboliser {
 public:
  explicit Symboliser(std::string proc = "/proc") : proc_(std::move(proc)) {}

  /// Innermost first: "munmap+0x7 (libc.so.6)"; "0x1234 (libfoo.so)", with the offset in the file, where no
  /// function is known; "0x7f... (?)" where not even the file is, as the process is gone. `stack_word` is
  /// taken for the second frame if it points into code. A frame chain that leaves the code (a function
  /// without frame pointer) ends there.
  [[nodiscard]] std::vector<std::string> Describe(int pid, std::span<const std::uint64_t> stack,
                                                  std::uint64_t stack_word);

  /// Reads where its code lies while it lives, for it may die right after its failure. At most two reads of
  /// /proc/PID/maps: one may come before the dynamic linker is done. Call it for small address spaces only.
  void Learn(int pid);
  /// The child of a fork has its parent's code.
  void Inherit(int parent, int child);

  /// The process ended or became another program.
  void Forget(int pid) { processes_.erase(pid); }

 private:
  struct Mapping {
    std::uint64_t start;
    std::uint64_t end;
    std::uint64_t offset;
    std::uint64_t inode;
    std::string path;
  };
  struct Process {
    std::vector<Mapping> code;
    int reads = 0;
  };
  enum class Refresh { kNo, kIfUnknown };
  [[nodiscard]] const Mapping* Locate(int pid, std::uint64_t address, Refresh refresh);
  void ReadMappings(int pid, Process& process) const;
  [[nodiscard]] const SymbolTable* TableOf(int pid, const Mapping& mapping);
  [[nodiscard]] std::string Name(int pid, const Mapping& mapping, std::uint64_t address, bool is_return);

  std::string proc_;
  std::map<int, Process> processes_;
  std::map<std::pair<std::string, std::uint64_t>, SymbolTable> tables_;  // by path and inode number
};

}  // namespace brink
