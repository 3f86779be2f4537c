// SPDX-License-Identifier: MIT
#include "common/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/failure.h"

namespace workload {

File File::Create(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    FailErrno(fmt::format("create {}", path.string()));
  }
  return {path, fd};
}

File File::CreateInMemory() {
  const int fd = ::memfd_create("workload", MFD_CLOEXEC);
  if (fd < 0) {
    FailErrno("memfd_create");
  }
  return {"(in memory)", fd};
}

File File::OpenForReading(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    FailErrno(fmt::format("open {}", path.string()));
  }
  return {path, fd};
}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void File::Append(std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t count = ::write(fd_, data.data(), data.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      FailErrno(fmt::format("write {}", path_.string()));
    }
    data = data.subspan(static_cast<std::size_t>(count));
  }
}

void File::WriteAt(std::span<const std::byte> data, std::uint64_t offset) {
  while (!data.empty()) {
    const ssize_t count = ::pwrite(fd_, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      FailErrno(fmt::format("write {}", path_.string()));
    }
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void File::ReadAt(std::span<std::byte> data, std::uint64_t offset) const {
  while (!data.empty()) {
    const ssize_t count = ::pread(fd_, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      FailErrno(fmt::format("read {}", path_.string()));
    }
    if (count == 0) {
      FailCorrupt(fmt::format("{} ends at {}, {} bytes too early", path_.string(), offset, data.size()));
    }
    data = data.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

std::uint64_t File::Size() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) {
    FailErrno(fmt::format("stat {}", path_.string()));
  }
  return static_cast<std::uint64_t>(status.st_size);
}

void File::Sync() {
  if (::fdatasync(fd_) != 0) {
    FailErrno(fmt::format("fdatasync {}", path_.string()));
  }
}

}  // namespace workload
