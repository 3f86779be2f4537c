// SPDX-License-Identifier: MIT
// Addresses in a living process as the functions they lie in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "evidence/build_ids.h"

namespace brink {

/// Where a frame lies in a file, as the kernel noted it when the call failed.
struct FramePlace {
  std::optional<BuildId> build_id;  // absent: in no file, or in one without a build id
  std::uint64_t file_offset = 0;
};

/// The functions of one ELF file, by address. Reads .symtab, or .dynsym where it was stripped.
class SymbolTable {
 public:
  /// Empty when the file cannot be read or is no ELF file: then nothing is found in it.
  [[nodiscard]] static SymbolTable Read(const std::string& path);

  /// "munmap+0x7", "db::Cache::Drop+0x1c" (C++ names without their parameters) for an offset into the file;
  /// "" when no function is known to lie there. `is_return`: the address is that of the instruction after a
  /// call, which may be the first of the next function.
  [[nodiscard]] std::string Find(std::uint64_t file_offset, bool is_return) const;

  struct Range {
    std::uint64_t offset;
    std::uint64_t size;
  };
  /// The part of the file, in whole pages, that is mapped as one with that offset.
  [[nodiscard]] std::optional<Range> MappedWith(std::uint64_t file_offset) const;

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
  /// function is known. Of a process that is gone `places` (parallel to `stack`, or empty) tell: "0x1234
  /// (build id 4f0a...)" where nobody has offered that file, "0x7f... (?)" without a build id. `stack_word`
  /// is taken for the second frame if it points into code. A frame chain that leaves the code (a function
  /// without frame pointer) ends there.
  [[nodiscard]] std::vector<std::string> Describe(int pid, std::span<const std::uint64_t> stack,
                                                  std::uint64_t stack_word,
                                                  std::span<const FramePlace> places = {});

  /// A program that some process runs, for frames of which but the build id is known.
  void Offer(const std::string& path) { build_ids_.Offer(path); }

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
  using FileKey = std::pair<std::string, std::uint64_t>;  // path and inode number
  enum class Refresh { kNo, kIfUnknown };
  [[nodiscard]] const Mapping* Locate(int pid, std::uint64_t address, Refresh refresh);
  void ReadMappings(int pid, Process& process);
  void LearnFrom(std::span<const std::uint64_t> stack, std::span<const FramePlace> places, int pid);
  [[nodiscard]] Mapping MappingOf(std::uint64_t address, const FramePlace& place);
  const SymbolTable& Remember(const FileKey& key, SymbolTable symbols);
  [[nodiscard]] const SymbolTable* TableOf(int pid, const Mapping& mapping);
  [[nodiscard]] std::string Name(int pid, const Mapping& mapping, std::uint64_t address, bool is_return);

  std::string proc_;
  std::map<int, Process> processes_;
  std::map<FileKey, SymbolTable> tables_;
  BuildIds build_ids_;
};

}  // namespace brink
