// SPDX-License-Identifier: MIT
#include "encrypted_stream/page_file.h"

#include <fmt/format.h>
#include <sodium.h>

#include "common/checksum.h"
#include "common/failure.h"

namespace workload {
namespace {

constexpr std::size_t kNonceSize = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
static_assert(kNonceSize + crypto_aead_xchacha20poly1305_ietf_ABYTES + kPageContentSize == kStoredPageSize);
static_assert(kKeySize == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

unsigned char* Raw(std::byte* data) { return reinterpret_cast<unsigned char*>(data); }
const unsigned char* Raw(const std::byte* data) { return reinterpret_cast<const unsigned char*>(data); }

void StartSodium() {
  if (::sodium_init() < 0) {
    throw Failure(Exit::kFailed, "sodium_init: libsodium could not be initialised");
  }
}

std::filesystem::path KeyPath(std::filesystem::path path) { return path += ".key"; }

using StoredPage = std::array<std::byte, kStoredPageSize>;

void Encrypt(std::uint64_t page, std::span<const std::byte> content, const std::byte* key,
             StoredPage& stored) {
  ::randombytes_buf(stored.data(), kNonceSize);
  unsigned long long length = 0;
  ::crypto_aead_xchacha20poly1305_ietf_encrypt(Raw(stored.data()) + kNonceSize, &length, Raw(content.data()),
                                               content.size(), Raw(BytesOf(page).data()), sizeof page,
                                               nullptr, Raw(stored.data()), Raw(key));
}

}  // namespace

PageFile PageFile::Create(const std::filesystem::path& path, std::uint64_t pages, std::uint64_t seed) {
  StartSodium();
  Key key{};
  ::randombytes_buf(key.data(), key.size());
  if (!path.empty()) {
    File::Create(KeyPath(path)).Append(key);
  }
  File file = path.empty() ? File::CreateInMemory() : File::Create(path);
  std::array<std::byte, kPageContentSize> content{};
  StoredPage stored{};
  for (std::uint64_t page = 0; page < pages; ++page) {
    FillPattern(content, seed ^ (page << 20U));
    Encrypt(page, content, key.data(), stored);
    file.Append(stored);
  }
  return {std::move(file), key, pages};
}

PageFile PageFile::Open(const std::filesystem::path& path) {
  StartSodium();
  Key key{};
  File::OpenForReading(KeyPath(path)).ReadAt(key, 0);
  File file = File::OpenForReading(path);
  const std::uint64_t size = file.Size();
  if (size == 0 || size % kStoredPageSize != 0) {
    FailCorrupt(fmt::format("{} has {} bytes, not a number of whole {}-byte pages", path.string(), size,
                            kStoredPageSize));
  }
  return {std::move(file), key, size / kStoredPageSize};
}

void PageFile::Read(std::uint64_t page, std::span<std::byte> content) const {
  StoredPage stored;
  file_.ReadAt(stored, page * kStoredPageSize);
  unsigned long long length = 0;
  const int verified = ::crypto_aead_xchacha20poly1305_ietf_decrypt(
      Raw(content.data()), &length, nullptr, Raw(stored.data()) + kNonceSize, kStoredPageSize - kNonceSize,
      Raw(BytesOf(page).data()), sizeof page, Raw(stored.data()), Raw(key_.data()));
  if (verified != 0 || length != kPageContentSize) {
    FailCorrupt(fmt::format("page {} of {} does not decrypt", page, file_.Path().string()));
  }
}

}  // namespace workload
