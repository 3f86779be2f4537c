// SPDX-License-Identifier: MIT
#include "evidence/symbolise.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>

namespace brink {
namespace {

constexpr int kEarlyReads = 2;
constexpr int kMaxReads = 4;  // of /proc/PID/maps for one process: it may have tens of thousands of lines
constexpr std::size_t kMaxProcesses = 64;
constexpr std::size_t kMaxTables = 64;

constexpr std::uint64_t kInPage = 0xFFF;  // x86-64

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool IsInode(const std::string& path, std::uint64_t inode) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && facts.st_ino == inode;
}

}  // namespace

void Symboliser::Learn(int pid) {
  const auto known = processes_.find(pid);
  if (known == processes_.end() ? processes_.size() < kMaxProcesses : known->second.reads < kEarlyReads) {
    ReadMappings(pid, processes_[pid]);
  }
}

void Symboliser::Inherit(int parent, int child) {
  const auto known = processes_.find(parent);
  if (known != processes_.end() && processes_.size() < kMaxProcesses) {
    processes_.insert_or_assign(child, known->second);
  }
}

void Symboliser::ReadMappings(int pid, Process& process) {
  ++process.reads;
  std::ifstream maps(fmt::format("{}/{}/maps", proc_, pid));
  std::vector<Mapping> code;
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
    std::uint64_t inode = 0;
    char executable = '-';
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*c%*c%c%*c %" SCNx64 " %*s %" SCNu64 " %n",
                    &start, &end, &executable, &offset, &inode, &path_at) == 5 &&
        executable == 'x' && path_at > 0) {
      code.push_back({start, end, offset, inode, line.substr(static_cast<std::size_t>(path_at))});
    }
  }
  for (const Mapping& mapping : code) {
    build_ids_.Offer(mapping.path);
  }
  if (!code.empty()) {
    process.code = std::move(code);  // a process that is gone keeps what was known of it
  }
}

const Symboliser::Mapping* Symboliser::Locate(int pid, std::uint64_t address, Refresh refresh) {
  if (processes_.size() >= kMaxProcesses && !processes_.contains(pid)) {
    processes_.clear();
  }
  Process& process = processes_[pid];
  const auto find = [&] {
    return std::find_if(process.code.begin(), process.code.end(),
                        [&](const Mapping& m) { return address >= m.start && address < m.end; });
  };
  auto found = find();
  if (found == process.code.end() && refresh == Refresh::kIfUnknown && process.reads < kMaxReads) {
    ReadMappings(pid, process);
    found = find();
  }
  return found == process.code.end() ? nullptr : &*found;
}

const SymbolTable& Symboliser::Remember(const FileKey& key, SymbolTable symbols) {
  if (tables_.size() >= kMaxTables) {
    tables_.clear();
  }
  return tables_.emplace(key, std::move(symbols)).first->second;
}

/// Of a file that is not at hand: the page alone.
Symboliser::Mapping Symboliser::MappingOf(std::uint64_t address, const FramePlace& place) {
  const auto path = build_ids_.Find(*place.build_id);
  Mapping mapping{.start = address & ~kInPage,
                  .end = (address & ~kInPage) + kInPage + 1,
                  .offset = place.file_offset & ~kInPage,
                  .inode = 0,
                  .path = path.value_or(BuildIdText(*place.build_id))};
  struct stat facts {};
  if (!path || ::stat(path->c_str(), &facts) != 0) {
    return mapping;
  }
  mapping.inode = facts.st_ino;
  const auto known = tables_.find({*path, mapping.inode});
  const SymbolTable& table =
      known != tables_.end() ? known->second : Remember({*path, mapping.inode}, SymbolTable::Read(*path));
  if (const auto range = table.MappedWith(place.file_offset)) {
    mapping.start = address - place.file_offset + range->offset;
    mapping.end = mapping.start + range->size;
    mapping.offset = range->offset;
  }
  return mapping;
}

/// What the kernel noted stands in for mappings that could not be read in time.
void Symboliser::LearnFrom(std::span<const std::uint64_t> stack, std::span<const FramePlace> places,
                           int pid) {
  for (std::size_t i = 0; i < std::min(stack.size(), places.size()); ++i) {
    if (places[i].build_id && Locate(pid, stack[i], Refresh::kNo) == nullptr) {
      processes_[pid].code.push_back(MappingOf(stack[i], places[i]));
    }
  }
}

const SymbolTable* Symboliser::TableOf(int pid, const Mapping& mapping) {
  const FileKey key(mapping.path, mapping.inode);
  if (const auto known = tables_.find(key); known != tables_.end()) {
    return &known->second;
  }
  // Through the process's own root: it may live in a container. Once it has ended its root is gone, but the
  // same file may still be here.
  const std::string root = fmt::format("{}/{}/root", proc_, pid);
  auto symbols = SymbolTable::Read(root + mapping.path);
  if (::access(root.c_str(), F_OK) != 0) {
    if (!IsInode(mapping.path, mapping.inode)) {
      return nullptr;  // which says nothing of the file: other processes may have it too
    }
    symbols = SymbolTable::Read(mapping.path);
  }
  return &Remember(key, std::move(symbols));
}

std::string Symboliser::Name(int pid, const Mapping& mapping, std::uint64_t address, bool is_return) {
  if (mapping.path.starts_with(kBuildIdText)) {
    return fmt::format("{:#x} ({})", address - mapping.start + mapping.offset, mapping.path);
  }
  if (mapping.path.empty() || mapping.path.front() != '/') {
    return fmt::format("{:#x} ({})", address, mapping.path.empty() ? "anonymous code" : mapping.path);
  }
  const std::uint64_t offset = address - mapping.start + mapping.offset;
  const SymbolTable* table = TableOf(pid, mapping);
  const std::string function = table == nullptr ? std::string() : table->Find(offset, is_return);
  return fmt::format("{} ({})", function.empty() ? fmt::format("{:#x}", offset) : function,
                     BaseName(mapping.path));
}

std::vector<std::string> Symboliser::Describe(int pid, std::span<const std::uint64_t> stack,
                                              std::uint64_t stack_word, std::span<const FramePlace> places) {
  std::vector<std::string> described;
  if (stack.empty()) {
    return described;
  }
  if (Locate(pid, stack.front(), Refresh::kIfUnknown) == nullptr) {
    LearnFrom(stack, places, pid);
  }
  const Mapping* innermost = Locate(pid, stack.front(), Refresh::kNo);
  if (innermost == nullptr) {
    for (const std::uint64_t address : stack) {
      const Mapping* mapping = Locate(pid, address, Refresh::kNo);  // some of its code may be known
      described.push_back(mapping == nullptr ? fmt::format("{:#x} (?)", address)
                                             : Name(pid, *mapping, address, !described.empty()));
    }
    return described;
  }
  described.push_back(Name(pid, *innermost, stack.front(), false));
  std::vector<std::uint64_t> callers(stack.begin() + 1, stack.end());
  if (stack_word != 0 && (callers.empty() || callers.front() != stack_word) &&
      Locate(pid, stack_word, Refresh::kNo) != nullptr) {
    callers.insert(callers.begin(), stack_word);
  }
  for (const std::uint64_t address : callers) {
    const Mapping* mapping = Locate(pid, address, Refresh::kNo);
    if (mapping == nullptr) {
      break;
    }
    described.push_back(Name(pid, *mapping, address, true));
  }
  return described;
}

}  // namespace brink
