// SPDX-License-Identifier: MIT
// Files that read and write whole requests or throw Failure with the operation, the path and errno.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>

namespace workload {

class File {
 public:
  /// Makes the file anew, or empties it.
  [[nodiscard]] static File Create(const std::filesystem::path& path);
  /// A file that lives in memory and has no name.
  [[nodiscard]] static File CreateInMemory();
  [[nodiscard]] static File OpenForReading(const std::filesystem::path& path);

  File(File&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  void Append(std::span<const std::byte> data);
  void WriteAt(std::span<const std::byte> data, std::uint64_t offset);
  /// Fills `data`; a file that ends before that is corrupt.
  void ReadAt(std::span<std::byte> data, std::uint64_t offset) const;
  [[nodiscard]] std::uint64_t Size() const;
  /// On disk when it returns (fdatasync).
  void Sync();
  [[nodiscard]] int Descriptor() const { return fd_; }
  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

 private:
  File(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_ = -1;
};

/// The bytes of a plain object, for files.
template <typename T>
[[nodiscard]] std::span<const std::byte> BytesOf(const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}
template <typename T>
[[nodiscard]] std::span<std::byte> WritableBytesOf(T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return std::as_writable_bytes(std::span<T, 1>(&value, 1));
}

}  // namespace workload
