// SPDX-License-Identifier: MIT
// Sealed files: written once with a header, then only ever read through a memory mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>

namespace workload {

/// Writes header and payload. On disk when it returns only if `sync`.
void WriteSealed(const std::filesystem::path& path, std::span<const std::byte> payload, bool sync = false);

/// A sealed file, mapped whole. The file itself is closed again at once: what is open is a mapping, not a
/// descriptor.
class MappedFile {
 public:
  /// Throws Failure: "PATH (271 bytes): mmap: cannot allocate memory" in the words of the modelled engines,
  /// or Exit::kCorrupt when the header does not fit the file.
  [[nodiscard]] static MappedFile Open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept
      : path_(std::move(other.path_)), whole_(std::exchange(other.whole_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(whole_, other.whole_);
    return *this;
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> Payload() const;
  /// Throws Failure with Exit::kCorrupt when the payload is not what was sealed.
  void Verify() const;
  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

 private:
  MappedFile(std::filesystem::path path, std::span<const std::byte> whole)
      : path_(std::move(path)), whole_(whole) {}
  std::filesystem::path path_;
  std::span<const std::byte> whole_;
};

}  // namespace workload
