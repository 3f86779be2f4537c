// SPDX-License-Identifier: MIT
#include <cxxabi.h>
#include <elf.h>
#include <fmt/format.h>
#include <gelf.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "evidence/elf_file.h"
#include "evidence/symbolise.h"

namespace brink {

namespace {
constexpr std::size_t kMaxSymbols = 200'000;  // a bigger table would hold up the poll loop
constexpr std::size_t kMaxMangled = 1024;     // the name is the target's word
constexpr std::size_t kMaxArguments = 100;    // a longer name goes without its template arguments
constexpr std::size_t kMaxShown = 200;

/// "a::F(int, b::C<void ()>) const" as "a::F".
std::string WithoutParameters(std::string name) {
  const auto last = name.rfind(')');
  int depth = 0;
  for (std::size_t at = last; last != std::string::npos; --at) {
    depth += name[at] == ')' ? 1 : name[at] == '(' ? -1 : 0;
    if (depth == 0) {
      name.resize(at == 0 ? name.size() : at);
      break;
    }
    if (at == 0) {
      break;
    }
  }
  return name;
}

/// "a::C<std::less<int>, 3>::operator<" as "a::C<>::operator<".
std::string WithoutTemplateArguments(const std::string& name) {
  constexpr std::string_view kOperator = "operator";
  std::string plain;
  int depth = 0;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name.compare(at, kOperator.size(), kOperator) == 0) {
      const auto end = std::min(name.find_first_not_of("<>=-", at + kOperator.size()), name.size());
      plain += depth == 0 ? name.substr(at, end - at) : "";
      at = end - 1;
      continue;
    }
    depth -= name[at] == '>' ? 1 : 0;
    if (depth == 0) {
      plain += name[at];
    }
    depth += name[at] == '<' ? 1 : 0;
  }
  return plain;
}

/// As a C++ programmer reads it; other names stay.
std::string Readable(const std::string& symbol) {
  if (!symbol.starts_with("_Z") || symbol.size() > kMaxMangled) {
    return symbol.substr(0, kMaxShown);
  }
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  if (status != 0 || name == nullptr) {
    return symbol.substr(0, kMaxShown);
  }
  std::string readable = WithoutParameters(name.get());
  if (readable.size() > kMaxArguments) {
    readable = WithoutTemplateArguments(readable);
  }
  return readable.substr(0, kMaxShown);
}

}  // namespace

/// Fills a SymbolTable from an ELF file.
class SymbolReader {
 public:
  explicit SymbolReader(Elf* elf) : elf_(elf) {}

  SymbolTable Read() {
    ReadSegments();
    if (!ReadFunctions(SHT_SYMTAB)) {
      ReadFunctions(SHT_DYNSYM);
    }
    std::sort(table_.functions_.begin(), table_.functions_.end(),
              [](const auto& a, const auto& b) { return a.address < b.address; });
    return std::move(table_);
  }

 private:
  void ReadSegments() {
    std::size_t count = 0;
    if (elf_getphdrnum(elf_, &count) != 0) {
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      GElf_Phdr header;
      if (gelf_getphdr(elf_, static_cast<int>(i), &header) != nullptr && header.p_type == PT_LOAD) {
        table_.segments_.push_back(
            {.offset = header.p_offset, .size = header.p_filesz, .address = header.p_vaddr});
      }
    }
  }

  bool ReadFunctions(GElf_Word type) {
    for (Elf_Scn* section = elf_nextscn(elf_, nullptr); section != nullptr;
         section = elf_nextscn(elf_, section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr || header.sh_type != type || header.sh_entsize == 0) {
        continue;
      }
      const std::size_t count = header.sh_size / header.sh_entsize;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (data == nullptr || count > kMaxSymbols) {
        continue;
      }
      for (std::size_t i = 0; i < count; ++i) {
        AddFunction(data, static_cast<int>(i), header.sh_link);
      }
    }
    return !table_.functions_.empty();
  }

  void AddFunction(Elf_Data* data, int index, std::size_t strings) {
    GElf_Sym symbol;
    if (gelf_getsym(data, index, &symbol) == nullptr || symbol.st_value == 0 ||
        GELF_ST_TYPE(symbol.st_info) != STT_FUNC) {
      return;
    }
    if (const char* name = elf_strptr(elf_, strings, symbol.st_name); name != nullptr && *name != '\0') {
      table_.functions_.push_back({.address = symbol.st_value, .size = symbol.st_size, .name = name});
    }
  }

  Elf* elf_;
  SymbolTable table_;
};

SymbolTable SymbolTable::Read(const std::string& path) {
  const ElfFile file = ElfFile::Open(path);
  return file.Get() == nullptr ? SymbolTable() : SymbolReader(file.Get()).Read();
}

std::optional<SymbolTable::Range> SymbolTable::MappedWith(std::uint64_t file_offset) const {
  constexpr std::uint64_t kInPage = 0xFFF;  // x86-64
  for (const Segment& segment : segments_) {
    if (file_offset >= segment.offset && file_offset - segment.offset < segment.size) {
      const std::uint64_t first = segment.offset & ~kInPage;
      return Range{.offset = first, .size = ((segment.offset + segment.size + kInPage) & ~kInPage) - first};
    }
  }
  return std::nullopt;
}

std::string SymbolTable::Find(std::uint64_t file_offset, bool is_return) const {
  const std::uint64_t step_back = is_return ? 1 : 0;
  const std::uint64_t looked_up = file_offset - step_back;
  const auto segment = std::find_if(segments_.begin(), segments_.end(), [&](const Segment& s) {
    return looked_up >= s.offset && looked_up - s.offset < s.size;
  });
  if (segment == segments_.end()) {
    return {};
  }
  const std::uint64_t address = looked_up - segment->offset + segment->address;
  auto function = std::upper_bound(functions_.begin(), functions_.end(), address,
                                   [](std::uint64_t value, const Function& f) { return value < f.address; });
  if (function == functions_.begin()) {
    return {};
  }
  --function;
  if (function->size != 0 && address - function->address >= function->size) {
    return {};
  }
  // Of several names at one address the plainest: "munmap" rather than "__munmap".
  auto best = function;
  for (auto other = function;; --other) {
    if (other->address != function->address) {
      break;
    }
    if (other->name.size() < best->name.size()) {
      best = other;
    }
    if (other == functions_.begin()) {
      break;
    }
  }
  return fmt::format("{}+{:#x}", Readable(best->name), address + step_back - best->address);
}

}  // namespace brink
