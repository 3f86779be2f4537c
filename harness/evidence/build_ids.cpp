// SPDX-License-Identifier: MIT
#include "evidence/build_ids.h"

#include <elf.h>
#include <fmt/format.h>
#include <gelf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "evidence/elf_file.h"

namespace brink {
namespace {

constexpr std::size_t kMaxOffered = 256;

std::optional<BuildId> BuildIdOfNotes(Elf_Data* notes) {
  GElf_Nhdr note;
  std::size_t name = 0;
  std::size_t text = 0;
  for (std::size_t at = 0; (at = gelf_getnote(notes, at, &note, &name, &text)) > 0;) {
    const auto* bytes = static_cast<const std::uint8_t*>(notes->d_buf);
    BuildId id{};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_descsz == id.size() &&
        note.n_namesz == sizeof(ELF_NOTE_GNU) &&
        std::memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0) {
      std::copy_n(bytes + text, id.size(), id.begin());
      return id;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<BuildId> ReadBuildId(const std::string& path) {
  const ElfFile file = ElfFile::Open(path);
  std::size_t count = 0;
  if (file.Get() == nullptr || elf_getphdrnum(file.Get(), &count) != 0) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(file.Get(), static_cast<int>(i), &header) == nullptr || header.p_type != PT_NOTE) {
      continue;
    }
    Elf_Data* notes = elf_getdata_rawchunk(file.Get(), static_cast<std::int64_t>(header.p_offset),
                                           header.p_filesz, header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    if (notes == nullptr) {
      continue;
    }
    if (const auto id = BuildIdOfNotes(notes)) {
      return id;
    }
  }
  return std::nullopt;
}

std::string BuildIdText(const BuildId& id) {
  return fmt::format("{}{:02x}", kBuildIdText, fmt::join(id, ""));
}

void BuildIds::Offer(const std::string& path) {
  if (!path.empty() && offered_.size() < kMaxOffered && offered_.insert(path).second) {
    unread_.push_back(path);
  }
}

void BuildIds::OfferOwn() {
  own_offered_ = true;
  const auto offer = [](dl_phdr_info* library, std::size_t, void* self) {
    static_cast<BuildIds*>(self)->Offer(library->dlpi_name);  // empty: the program itself
    return 0;
  };
  ::dl_iterate_phdr(offer, this);
}

std::optional<std::string> BuildIds::Find(const BuildId& id) {
  if (!own_offered_) {
    OfferOwn();
  }
  for (const std::string& path : std::exchange(unread_, {})) {
    if (const auto its = ReadBuildId(path)) {
      files_.emplace(*its, path);
    }
  }
  const auto known = files_.find(id);
  return known == files_.end() ? std::nullopt : std::optional(known->second);
}

}  // namespace brink
