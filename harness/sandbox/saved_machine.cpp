// SPDX-License-Identifier: MIT
#include "sandbox/saved_machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/hash.h"
#include "sandbox/trust.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

/// Kinds of machines a kernel has kept; scenarios differ in little more than the size of memory.
constexpr std::size_t kMostKept = 4;

/// Of the file that is open, if one is.
std::string FileIdentity(const std::string& path, const UniqueFd* file = nullptr) {
  struct stat status {};
  return (file == nullptr ? ::stat(path.c_str(), &status) : ::fstat(file->Get(), &status)) == 0
             ? fmt::format("{} {} {}.{}", path, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
             : path;
}

std::string Identity(const QemuOptions& options) {
  QemuOptions alike = options;
  alike.run_dir.clear();  // the shares are connected when the guest has gone on
  constexpr QemuDescriptors kAny{.console = 0, .monitor = 0, .channel = 0, .scratch = 0, .swap = -1};
  const BootFiles* files = options.files.get();
  std::string identity =
      fmt::format("{}\n{}\n{}\nswap {}\nbrink {}\n", FileIdentity(FindQemu().value_or("")),
                  FileIdentity(options.image, files == nullptr ? nullptr : &files->image),
                  FileIdentity(options.initrd, files == nullptr ? nullptr : &files->initrd),
                  options.swap_bytes, kScratchBytes);
  for (const std::string& word : QemuArguments(alike, kAny)) {
    identity += word + "\n";
  }
  return identity;
}

/// False, too, when it is not there.
bool IsOwnFolder(const std::string& folder) {
  struct stat status {};
  if (::lstat(folder.c_str(), &status) != 0) {
    return false;
  }
  if (!IsTrusted(status) || !S_ISDIR(status.st_mode)) {
    spdlog::info("no machine is saved in {}: somebody else can write to it", folder);
    return false;
  }
  return true;
}

}  // namespace

SavedMachine::SavedMachine(const QemuOptions& options)
    : folder_(fs::path(options.image).parent_path() / kFolder) {
  if (options.accelerator == "tcg") {
    path_ = fmt::format("{}/{:016x}", folder_, Hash(Identity(options)));
  }
}

UniqueFd SavedMachine::Open() const {
  if (path_.empty() || !IsOwnFolder(folder_)) {
    return {};
  }
  // Not to wait for a writer of what turns out to be a pipe.
  UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (file.Valid() && (::fstat(file.Get(), &status) != 0 || !IsTrusted(status))) {
    spdlog::info("{} is not used: somebody else could have changed it", path_);
    return {};
  }
  if (file.Valid()) {
    ::futimens(file.Get(), nullptr);  // used now; not ours to mark: then it only goes earlier
  }
  return file;
}

UniqueFd SavedMachine::Create() const {
  if (path_.empty()) {
    return {};
  }
  const bool there = ::mkdir(folder_.c_str(), 0755) == 0 || errno == EEXIST;
  if (there && !IsOwnFolder(folder_)) {
    return {};
  }
  UniqueFd file(there ? ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0644) : -1);
  if (!file.Valid()) {
    spdlog::info("no machine is saved in {}: {}", folder_, std::generic_category().message(errno));
  }
  return file;
}

void SavedMachine::Keep(const UniqueFd& file) const {
  // Another brink may have been first; its machine is as good.
  static_cast<void>(::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", file.Get()).c_str(), AT_FDCWD,
                             path_.c_str(), AT_SYMLINK_FOLLOW));
  struct Kept {
    fs::file_time_type used;
    fs::path path;
  };
  std::vector<Kept> kept;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(folder_, code)) {
    kept.push_back({.used = entry.last_write_time(code), .path = entry.path()});
  }
  std::sort(kept.begin(), kept.end(),
            [](const Kept& left, const Kept& right) { return left.used > right.used; });
  for (std::size_t at = kMostKept; at < kept.size(); ++at) {
    fs::remove(kept[at].path, code);
  }
}

void SavedMachine::Remove() const {
  std::error_code code;
  fs::remove(path_, code);
}

SavedMachines SavedMachinesOf(const std::string& image) {
  constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks (inode(7))
  SavedMachines saved;
  std::error_code code;
  for (const auto& entry :
       fs::directory_iterator(fs::path(image).parent_path() / SavedMachine::kFolder, code)) {
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) == 0) {
      ++saved.count;
      saved.bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
    }
  }
  return saved;
}

}  // namespace brink
