// SPDX-License-Identifier: MIT
#include "tsdb_mmap/mapped_file.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cctype>
#include <cstring>

#include "common/checksum.h"
#include "common/failure.h"
#include "common/file.h"

namespace workload {
namespace {

constexpr std::uint64_t kMagic = 0x4244535470616d6dU;  // "mmapTSDB"

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t payload_size = 0;
  std::uint64_t checksum = 0;
};

Header HeaderOf(std::span<const std::byte> whole) {
  Header header;
  std::memcpy(&header, whole.data(), sizeof header);
  return header;
}

/// Go prints errno texts in lower case; people search for the message in those words.
std::string GoErrnoText(int code) {
  std::string text = ::strerrordesc_np(code);
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

void WriteSealed(const std::filesystem::path& path, std::span<const std::byte> payload, bool sync) {
  const Header header{.magic = kMagic, .payload_size = payload.size(), .checksum = Checksum(payload)};
  File file = File::Create(path);
  file.Append(BytesOf(header));
  file.Append(payload);
  if (sync) {
    file.Sync();
  }
}

MappedFile MappedFile::Open(const std::filesystem::path& path) {
  const File file = File::OpenForReading(path);
  const std::uint64_t size = file.Size();
  if (size < sizeof(Header)) {
    FailCorrupt(fmt::format("{} has {} bytes, less than a header", path.string(), size));
  }
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.Descriptor(), 0);
  if (address == MAP_FAILED) {
    const int code = errno;
    throw Failure(Exit::kFailed,
                  fmt::format("{} ({} bytes): mmap: {}", path.string(), size, GoErrnoText(code)));
  }
  MappedFile mapped(path, {static_cast<const std::byte*>(address), size});
  const Header header = HeaderOf(mapped.whole_);
  if (header.magic != kMagic || header.payload_size != size - sizeof(Header)) {
    FailCorrupt(fmt::format("{} has a bad header", path.string()));
  }
  return mapped;
}

MappedFile::~MappedFile() {
  if (!whole_.empty()) {
    ::munmap(const_cast<std::byte*>(whole_.data()), whole_.size());
  }
}

std::span<const std::byte> MappedFile::Payload() const { return whole_.subspan(sizeof(Header)); }

void MappedFile::Verify() const {
  if (Checksum(Payload()) != HeaderOf(whole_).checksum) {
    FailCorrupt(fmt::format("{} does not have the checksum it was sealed with", path_.string()));
  }
}

}  // namespace workload
