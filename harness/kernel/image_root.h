// SPDX-License-Identifier: MIT
// A process's root folder changed to an image's (containers/make-image), between fork and exec.
#pragma once

#include <string>
#include <vector>

namespace brink {

/// What a process sees in place of this machine's root folder: the image, read-only; /dev and, read-only,
/// /sys of this machine; a /proc; /run, /tmp and /dev/shm of its own, empty, in memory (its group pays for
/// what it keeps there); and the given folders of this machine at the same paths.
struct ImageRoot {
  struct Shared {
    std::string folder;  // absolute; exists on this machine
    bool read_only = false;
  };
  std::string folder;  // absolute
  std::vector<Shared> shared;
};

/// The change, put together beforehand so that the child need not use any memory. It takes a mount namespace
/// of the process's own, so nothing of it is seen elsewhere or outlives the process and its descendants.
/// Needs CAP_SYS_ADMIN and, of the kernel, overlayfs: mount points for the shared folders are made in a layer
/// above the image, which itself is never written to.
class RootChange {
 public:
  explicit RootChange(const ImageRoot& image);

  /// In the child; the working folder afterwards is the image's root. Async-signal-safe. Gives -1, or the
  /// number of the step that failed, and leaves its errno.
  [[nodiscard]] int Enter() const;

  /// A step in words: "mount the image /var/cache/brink/images/redis".
  [[nodiscard]] std::string Describe(int step) const;

 private:
  struct Step {
    enum class Kind { kNewNamespace, kChdir, kMakeFolder, kMount, kMakeReadOnly, kPivot };
    Kind kind;
    std::string target = {};
    std::string source = {};
    std::string type = {};
    unsigned long flags = 0;
    std::string options = {};
  };

  void Add(Step step) { steps_.push_back(std::move(step)); }
  void AddFolders(const std::string& below, const std::string& folder);
  void AddImage(const ImageRoot& image);
  void AddSystem();
  void AddShared(const ImageRoot::Shared& shared);
  [[nodiscard]] static bool Do(const Step& step);

  std::vector<Step> steps_;
};

/// The remedy for a failed step.
[[nodiscard]] std::string ImageRootRemedy(int code);

}  // namespace brink
