// SPDX-License-Identifier: MIT
// A file of 8 KiB pages, each encrypted and authenticated on its own (XChaCha20-Poly1305 with the page number
// as associated data): a changed byte, or a page in another's place, does not decrypt.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>

#include "common/file.h"

namespace workload {

/// A page on disk, and the size of a buffer for its content.
inline constexpr std::size_t kStoredPageSize = 8192;
/// What a page holds: the rest of its 8 KiB on disk is nonce and authentication tag.
inline constexpr std::size_t kPageContentSize = kStoredPageSize - 24 - 16;
inline constexpr std::size_t kKeySize = 32;

class PageFile {
 public:
  /// Makes a new file with a new key and content that follows from `seed`. The key is kept in PATH.key (a
  /// model's key: nothing secret is in the file). An empty path makes a file without a name, in memory.
  [[nodiscard]] static PageFile Create(const std::filesystem::path& path, std::uint64_t pages,
                                       std::uint64_t seed);
  /// Opens what Create made.
  [[nodiscard]] static PageFile Open(const std::filesystem::path& path);

  [[nodiscard]] std::uint64_t Pages() const { return pages_; }

  /// Reads a page and decrypts it into `content` (kPageContentSize bytes). Throws Failure with Exit::kCorrupt
  /// when the page is not what was written. Safe from several threads.
  void Read(std::uint64_t page, std::span<std::byte> content) const;

 private:
  using Key = std::array<std::byte, kKeySize>;
  PageFile(File file, const Key& key, std::uint64_t pages)
      : file_(std::move(file)), key_(key), pages_(pages) {}
  File file_;
  Key key_;
  std::uint64_t pages_;
};

}  // namespace workload
