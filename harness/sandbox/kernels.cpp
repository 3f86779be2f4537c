// SPDX-License-Identifier: MIT
#include "sandbox/kernels.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "base/shipped_files.h"
#include "kernel/files.h"
#include "sandbox/cache.h"
#include "sandbox/run_script.h"
#include "sandbox/saved_machine.h"
#include "sandbox/trust.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

constexpr const char* kImage = "vmlinux";
constexpr const char* kFacts = "facts";
/// What a kernel has no folder for in there, it cannot do; without this folder, nobody has looked.
constexpr const char* kOptional = "optional";
/// A kernel is replaced once, when brink has come to need more of it.
constexpr int kReplacements = 3;

bool IsPath(const std::string& name) { return name.find('/') != std::string::npos; }

/// A kernel of the user's own: what the user gives as "IMAGE" or "IMAGE:MODULES".
struct OwnKernel {
  std::string image;    // canonical
  std::string modules;  // canonical; empty: where make-kernel looks by itself
  std::string folder;   // in the cache
  [[nodiscard]] std::string Name() const { return modules.empty() ? image : image + ":" + modules; }
};

Result<OwnKernel> LocateOwn(const std::string& name) {
  std::error_code code;
  OwnKernel own;
  const std::size_t colon = name.rfind(':');
  if (colon == std::string::npos || fs::exists(name, code)) {
    own.image = name;
  } else {
    own.image = name.substr(0, colon);
    own.modules = fs::weakly_canonical(name.substr(colon + 1), code).string();
  }
  struct stat status {};
  if (::stat(own.image.c_str(), &status) != 0) {
    return FailErrno("kernel " + own.image, errno,
                     "give the path of a kernel's image, or one of: " +
                         fmt::format("{}", fmt::join(KnownKernelNames(), ", ")));
  }
  own.image = fs::canonical(own.image, code).string();
  own.folder = fmt::format("own-{}-{:016x}", fs::path(own.image).filename().string(),
                           Hash(fmt::format("{}\n{}\n{}.{}", own.Name(), status.st_size,
                                            status.st_mtim.tv_sec, status.st_mtim.tv_nsec)));
  return own;
}

/// Of a name that is no path.
Status CheckKnownName(const std::string& name) {
  const std::vector<std::string>& known = KnownKernelNames();
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    return {};
  }
  const std::string near = Nearest(name, known);
  return Fail(fmt::format("there is no kernel named '{}'", name),
              near.empty()
                  ? fmt::format("use one of {}, or the path of a kernel's image (with a slash: ./{})",
                                fmt::join(known, ", "), name)
                  : fmt::format("did you mean '{}'?", near));
}

/// The folder of a kernel in the cache, whether it is there or not.
Result<std::string> FolderOf(const std::string& name, const KernelPlaces& places) {
  if (auto checked = CheckKernelName(name); !checked) {
    return tl::unexpected(checked.error());
  }
  if (!IsPath(name)) {
    return places.cache + "/" + name;
  }
  const auto own = LocateOwn(name);
  return own ? Result<std::string>(places.cache + "/" + own->folder) : tl::unexpected(own.error());
}

Result<GuestKernel> ReadKernel(const std::string& folder) {
  const std::string path = folder + "/" + kFacts;
  const auto facts = ReadSmallFile(path);
  if (!facts) {
    return tl::unexpected(facts.error());
  }
  GuestKernel kernel;
  kernel.name = fs::path(folder).filename().string();
  kernel.image = folder + "/" + kImage;
  for (const std::string_view line : Split(*facts, '\n')) {
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    const std::string value(equals == std::string_view::npos ? "" : line.substr(equals + 1));
    if (key == "release") {
      kernel.release = value;
    } else if (key == "package") {
      kernel.packages.push_back(value);
    } else if (key == "cgroup_v1_memory") {
      kernel.cgroup_v1 = value == "yes";
    } else if (key == "source") {
      kernel.name = value;
    } else if (key == "pvpanic") {
      kernel.tells_panic = value == "yes";
    }  // a fact of another version of brink, which shares the cache
  }
  if (kernel.release.empty()) {
    return Fail(path + ": no release", "remove " + folder);
  }
  std::error_code code;
  kernel.complete = fs::is_directory(folder + "/" + kOptional, code);
  kernel.zram = fs::is_directory(folder + "/" + kOptional + "/zram", code);
  return kernel;
}

/// Makes the initramfs unless it is there. Init and the script are brink's own, and change with brink; the
/// kernel and its modules need no new download then. Several versions of brink share the cache, each with an
/// initramfs of its own.
Status MakeInitrd(GuestKernel& kernel, const std::string& folder, const KernelPlaces& places) {
  const auto init = ReadSmallFile(fs::path(places.script).parent_path() / "init");
  if (!init) {
    return tl::unexpected(init.error());
  }
  const auto script = ReadSmallFile(places.script);
  if (!script) {
    return tl::unexpected(script.error());
  }
  const std::string name =
      fmt::format("initrd-{:016x}.cpio", Hash(*init + *script + (kernel.complete ? kOptional : "")));
  kernel.initrd = folder + "/" + name;
  std::error_code code;
  return fs::exists(kernel.initrd, code) ? Status{}
                                         : RunScript(places.script, {"--initrd", folder, name}, {});
}

Result<UniqueFd> OpenToRead(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return file.Valid() ? Result<UniqueFd>(std::move(file)) : FailErrno("open " + path);
}

/// All that there is to know of a kernel, and its files.
Result<GuestKernel> OpenKernel(const std::string& folder, const KernelPlaces& places) {
  if (auto trusted = CheckTrusted(folder, SavedMachine::kFolder); !trusted) {
    return tl::unexpected(trusted.error());
  }
  auto kernel = ReadKernel(folder);
  if (!kernel) {
    return kernel;
  }
  if (auto made = MakeInitrd(*kernel, folder, places); !made) {
    return Within("make its initramfs", made.error());
  }
  auto image = OpenToRead(kernel->image);
  auto initrd = OpenToRead(kernel->initrd);
  if (!image || !initrd) {
    return tl::unexpected(!image ? image.error() : initrd.error());
  }
  kernel->files =
      std::make_shared<BootFiles>(BootFiles{.image = *std::move(image), .initrd = *std::move(initrd)});
  return kernel;
}

/// Whether this name is still the open folder's. While it is open, no other gets its number.
bool IsStill(const std::string& path, const UniqueFd& folder) {
  struct stat named {};
  struct stat opened {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(folder.Get(), &opened) == 0 &&
         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/// Copies a kernel of which the user's cache lacks `part` ("" for the whole), and the machine's has it, to
/// `folder`. One that somebody else could have put there counts as none.
Status TakeFromMachine(const std::string& folder, const std::string& part, const KernelPlaces& places) {
  const std::string source = places.machine + "/" + fs::path(folder).filename().string();
  std::error_code code;
  if (places.machine.empty() || fs::exists(folder + part, code) || !fs::exists(source + part, code) ||
      !CheckTrusted(source, SavedMachine::kFolder)) {
    return {};
  }
  return RunScript(places.script, {"--copy", source, folder}, {});
}

/// The kernels that one cache holds.
Result<std::vector<GuestKernel>> ListFolder(const std::string& cache) {
  std::vector<GuestKernel> kernels;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(cache, code)) {
    if (entry.path().filename().string().starts_with('.') || !entry.is_directory(code)) {
      continue;  // the lock, what is being made, and what is nothing of brink's
    }
    auto kernel = ReadKernel(entry.path().string());
    if (!kernel) {
      return tl::unexpected(kernel.error());
    }
    kernels.push_back(std::move(*kernel));
  }
  if (code && code != std::errc::no_such_file_or_directory) {
    return FailErrno("list " + cache, code.value());
  }
  return kernels;
}

std::vector<std::string> MakeArguments(const std::string& name, const std::string& folder) {
  if (!IsPath(name)) {
    return {name, folder};
  }
  const auto own = LocateOwn(name);
  std::vector<std::string> arguments{"--file", own ? own->image : name};
  if (own && !own->modules.empty()) {
    arguments.insert(arguments.end(), {"--modules", own->modules});
  }
  arguments.push_back(folder);
  return arguments;
}

}  // namespace

const char* const kGuestKernelWords =
    "console=ttyS0 quiet panic=-1 random.trust_cpu=on cryptomgr.notests 8250.nr_uarts=1 audit=0 apparmor=0 "
    "no_timer_check";

Result<KernelPlaces> DefaultKernelPlaces() {
  auto cache = CacheFolder();
  if (!cache) {
    return tl::unexpected(cache.error());
  }
  const std::string machine = MachineCacheFolder();
  return KernelPlaces{
      .cache = *cache + "/kernels",
      .machine = machine.empty() ? "" : machine + "/kernels",
      .script = FirstFolder({ProgramFolder() / "../share/brink/guest", BRINK_SOURCE_GUEST}) + "/make-kernel"};
}

const std::vector<std::string>& KnownKernelNames() {
  static const std::vector<std::string> names{"debian-11", "debian-12", "debian-12-backports", "debian-13",
                                              "sid"};
  return names;
}

Status CheckKernelName(const std::string& name) {
  if (!IsPath(name)) {
    return CheckKnownName(name);
  }
  const auto own = LocateOwn(name);
  if (!own) {
    return tl::unexpected(own.error());
  }
  std::error_code code;
  if (!fs::is_regular_file(own->image, code)) {
    return Fail("kernel " + own->image + " is not a file", "give the path of a kernel's image");
  }
  if (!own->modules.empty() && !fs::is_directory(own->modules, code)) {
    return Fail("the kernel's modules " + own->modules + " are not a folder",
                "give the folder of its modules after the colon, as /lib/modules/RELEASE");
  }
  return {};
}

Result<GuestKernel> FindKernel(const std::string& name, const KernelPlaces& places) {
  const auto folder = FolderOf(name, places);
  if (!folder) {
    return tl::unexpected(folder.error());
  }
  if (auto taken = TakeFromMachine(*folder, "", places); !taken) {
    return Within("copy kernel " + name, taken.error());
  }
  // Another brink may replace the folder at any time, as a whole: what was read is of one kernel if its
  // name is still the same folder's afterwards. More than one replacement in a row would be strange.
  Result<GuestKernel> kernel = Fail("its folder changes all the time", "run it again");
  for (int left = kReplacements; left >= 0; --left) {
    const UniqueFd opened(::open(folder->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!opened.Valid()) {
      return Fail(fmt::format("the kernel {} is not in {}", name, places.cache),
                  "`brink guest fetch " + name + "`");
    }
    auto read = OpenKernel(*folder, places);
    if (IsStill(*folder, opened)) {
      kernel = std::move(read);
      break;
    }
  }
  return kernel ? std::move(kernel) : Within("kernel " + name, kernel.error());
}

Result<GuestKernel> FetchKernel(const std::string& name, const KernelProgress& progress,
                                const KernelPlaces& places) {
  const auto folder = FolderOf(name, places);
  if (!folder) {
    return tl::unexpected(folder.error());
  }
  const std::string optional = std::string("/") + kOptional;
  if (auto taken = TakeFromMachine(*folder, optional, places); !taken) {
    return Within("copy kernel " + name, taken.error());
  }
  std::error_code code;
  if (!fs::exists(*folder + optional, code)) {
    if (auto made = RunScript(places.script, MakeArguments(name, *folder), progress); !made) {
      return Within("fetch kernel " + name, made.error());
    }
  }
  return FindKernel(name, places);
}

Result<std::vector<GuestKernel>> ListKernels(const KernelPlaces& places) {
  auto kernels = ListFolder(places.cache);
  if (!kernels) {
    return kernels;
  }
  // What this user may not read of the machine's is not there for this user.
  auto others = places.machine.empty() ? std::vector<GuestKernel>()
                                       : ListFolder(places.machine).value_or(std::vector<GuestKernel>());
  for (GuestKernel& other : others) {
    if (std::none_of(kernels->begin(), kernels->end(),
                     [&](const GuestKernel& kernel) { return kernel.name == other.name; })) {
      kernels->push_back(std::move(other));
    }
  }
  std::sort(kernels->begin(), kernels->end(),
            [](const GuestKernel& left, const GuestKernel& right) { return left.name < right.name; });
  return kernels;
}

namespace {

tl::unexpected<Error> FailToFind(const std::string& name, const KernelPlaces& places) {
  std::error_code code;
  const bool of_machine =
      !IsPath(name) && !places.machine.empty() && fs::exists(places.machine + "/" + name, code);
  return Fail(fmt::format("the kernel {} is not in {}", name, places.cache),
              of_machine ? fmt::format("it is in {}, which is root's to change", places.machine)
                         : "`brink guest list` shows what is");
}

}  // namespace

Result<std::vector<std::string>> RemoveKernel(const std::string& name, const KernelPlaces& places) {
  const auto kernels = ListFolder(places.cache);
  if (!kernels) {
    return tl::unexpected(kernels.error());
  }
  // By what it was made of: the image itself may have changed since, or be gone.
  std::error_code code;
  const std::string source = IsPath(name) ? fs::weakly_canonical(name, code).string() : name;
  std::vector<std::string> removed;
  for (const GuestKernel& kernel : *kernels) {
    if (kernel.name != source && kernel.name != name) {
      continue;
    }
    // Gone at once or not at all; what a killed brink leaves under this name the next make-kernel removes.
    const std::string folder = fs::path(kernel.image).parent_path().string();
    const std::string gone = fmt::format("{}/.making-gone-{}", places.cache, ::getpid());
    fs::rename(folder, gone, code);
    if (code) {
      return FailErrno("remove " + folder, code.value());
    }
    fs::remove_all(gone, code);
    removed.push_back(folder);
  }
  return removed.empty() ? Result<std::vector<std::string>>(FailToFind(name, places)) : removed;
}

Result<GuestKernel> FindKernel(const std::string& name) {
  const auto places = DefaultKernelPlaces();
  return places ? FindKernel(name, *places) : tl::unexpected(places.error());
}

Result<GuestKernel> FetchKernel(const std::string& name, const KernelProgress& progress) {
  const auto places = DefaultKernelPlaces();
  return places ? FetchKernel(name, progress, *places) : tl::unexpected(places.error());
}

Result<std::vector<GuestKernel>> ListKernels() {
  const auto places = DefaultKernelPlaces();
  return places ? ListKernels(*places) : tl::unexpected(places.error());
}

Result<std::vector<std::string>> RemoveKernel(const std::string& name) {
  const auto places = DefaultKernelPlaces();
  return places ? RemoveKernel(name, *places) : tl::unexpected(places.error());
}

}  // namespace brink
