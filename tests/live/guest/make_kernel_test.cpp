// SPDX-License-Identifier: MIT
// containers/guest/make-kernel, on kernels made up here and on one of Debian's; and QEMU as the accelerator's
// probe finds it.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "sandbox/accelerator.h"
#include "sandbox/kernels.h"
#include "sandbox/run_script.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kRelease = "6.99.0-test";

class MakeKernelTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    base_ = testing::TempDir() + "brink-kernels-" + std::to_string(::getpid()) + "-" + test->name();
    fs::remove_all(base_);
    fs::create_directories(base_);
  }
  void TearDown() override { fs::remove_all(base_); }

  void Write(const std::string& path, const std::string& text) const {
    fs::create_directories((fs::path(base_) / path).parent_path());
    std::ofstream(base_ + "/" + path, std::ios::binary) << text;
  }
  [[nodiscard]] std::string Read(const std::string& path) const {
    std::ifstream file(base_ + "/" + path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] int Shell(const std::string& command) const {
    return std::system(("cd '" + base_ + "' && { " + command + "; } >>shell.log 2>&1").c_str());
  }
  /// A folder of modules in which the given ones are built in, and no others are.
  void WriteModules(const std::vector<std::string>& names) const {
    std::string builtin;
    for (const std::string& name : names) {
      builtin += "kernel/drivers/" + name + ".ko\n";
    }
    const std::string folder = std::string("lib/modules/") + kRelease;
    Write(folder + "/modules.builtin", builtin);
    Write(folder + "/modules.order", builtin);
    ASSERT_EQ(Shell(std::string("PATH=$PATH:/sbin depmod -b . ") + kRelease), 0) << Read("shell.log");
  }
  /// A bzImage whose payload is the file `payload`, which `trailer` bytes of size follow.
  void WriteBzImage(const std::string& payload, std::size_t trailer) const {
    const std::string content = Read(payload) + std::string(trailer, '\0');
    std::string image(1024, '\0');  // the boot sector, and one sector of setup
    const auto put = [&image](std::size_t at, std::size_t value, std::size_t size) {
      for (std::size_t i = 0; i < size; ++i) {
        image[at + i] = static_cast<char>((value >> (8 * i)) & 0xff);
      }
    };
    put(0x1f1, 1, 1);  // sectors of setup
    image.replace(0x202, 4, "HdrS");
    put(0x20e, 0x300 - 0x200, 2);
    image.replace(0x300, std::string(kRelease).size(), kRelease);
    put(0x248, 16, 4);  // where the payload begins
    put(0x24c, content.size(), 4);
    Write("boot/vmlinuz", image + std::string(16, '\0') + content);
  }
  [[nodiscard]] Status Make(const std::string& destination) {
    said_.clear();
    return RunScript(BRINK_MAKE_KERNEL,
                     {"--file", base_ + "/boot/vmlinuz", "--modules", base_ + "/lib/modules/" + kRelease,
                      base_ + "/" + destination},
                     [this](const std::string& line) { said_ += line + "\n"; });
  }

  const std::vector<std::string> all_{"virtio_pci", "9pnet_virtio",  "9p", "overlay", "virtio_blk",
                                      "ext4",       "virtio_console"};
  /// The beginning of an ELF file, and the note by which QEMU finds the entry.
  const std::string kernel_ = std::string("\x7f") + "ELF" + std::string(4000, 'k') +
                              std::string("\x04\0\0\0\x04\0\0\0\x12\0\0\0Xen\0", 16);
  std::string base_;
  std::string said_;
};

TEST_F(MakeKernelTest, UnpacksTheKernelWhateverCompressedIt) {
  WriteModules(all_);
  struct Case {
    const char* command;
    std::size_t trailer;
  };
  for (const Case& each :
       {Case{"gzip -c", 0}, Case{"xz --check=crc32 -c", 4}, Case{"zstd -qc", 4}, Case{"cat", 0}}) {
    Write("kernel", kernel_);
    ASSERT_EQ(Shell(std::string(each.command) + " <kernel >payload"), 0) << Read("shell.log");
    WriteBzImage("payload", each.trailer);
    const auto made = Make("made");
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(Read("made/vmlinux") == kernel_) << each.command;
    fs::remove_all(base_ + "/made");
  }
}

TEST_F(MakeKernelTest, AKernelWithoutPvhNoteStaysAsItCame) {
  WriteModules(all_);
  Write("kernel", kernel_.substr(0, 4000));
  ASSERT_EQ(Shell("gzip -c <kernel >payload"), 0);
  WriteBzImage("payload", 0);
  ASSERT_TRUE(Make("made"));
  EXPECT_TRUE(Read("made/vmlinux") == Read("boot/vmlinuz"));
  EXPECT_THAT(said_, HasSubstr("boots more slowly"));
}

TEST_F(MakeKernelTest, TheInitramfsHoldsBusyboxAndInit) {
  WriteModules(all_);
  Write("payload", kernel_);
  WriteBzImage("payload", 0);
  ASSERT_TRUE(Make("made"));
  const auto made = RunScript(BRINK_MAKE_KERNEL, {"--initrd", base_ + "/made", "initrd-1.cpio"}, {});
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(Shell("mkdir root && cd root && busybox cpio -idm <../made/initrd-1.cpio"), 0)
      << Read("shell.log");
  EXPECT_EQ(Shell("cmp root/init '" + (fs::path(BRINK_MAKE_KERNEL).parent_path() / "init").string() + "'"),
            0);
  EXPECT_EQ(Shell("root/bin/busybox true"), 0);
  EXPECT_EQ(Shell("diff -r made/modules root/modules"), 0);
  for (const char* name : {"initrd-2.cpio", "initrd-3.cpio", "initrd-4.cpio"}) {
    ASSERT_TRUE(RunScript(BRINK_MAKE_KERNEL, {"--initrd", base_ + "/made", name}, {}));
  }
  EXPECT_FALSE(fs::exists(base_ + "/made/initrd-1.cpio"));  // the oldest goes
  EXPECT_TRUE(fs::exists(base_ + "/made/initrd-2.cpio"));
}

TEST_F(MakeKernelTest, TheInitramfsHoldsDebiansModulesWithoutTheirSignatures) {
  const std::string code(5000, 'c');
  // The signature's size is the last of the twelve bytes before the text.
  const std::string signed_module = code + std::string(300, 's') +
                                    std::string("\0\0\2\0\0\0\0\0\0\0\1\x2c", 12) +
                                    "~Module signature appended~\n";
  Write("made/modules/100-signed.ko", signed_module);
  Write("made/modules/101-unsigned.ko", code);
  Write("made/modules/102-empty.ko", "");
  for (const auto& [facts, expected] :
       {std::pair{"package=linux-image 6.1\n", code}, std::pair{"source=/boot/vmlinuz\n", signed_module}}) {
    Write("made/facts", facts);
    const auto made = RunScript(BRINK_MAKE_KERNEL, {"--initrd", base_ + "/made", "initrd.cpio"}, {});
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(Shell("rm -rf root; mkdir root && cd root && busybox cpio -idm <../made/initrd.cpio"), 0)
        << Read("shell.log");
    EXPECT_TRUE(Read("root/modules/100-signed.ko") == expected) << facts;
    EXPECT_TRUE(Read("root/modules/101-unsigned.ko") == code) << facts;
    EXPECT_EQ(Read("root/modules/102-empty.ko"), "");
    fs::remove(base_ + "/made/initrd.cpio");
  }
}

TEST_F(MakeKernelTest, WhatAKernelCanDoOnRequestIsFoundOutAndAddedToOneThatWasMadeBefore) {
  Write("payload", kernel_);
  WriteBzImage("payload", 0);
  WriteModules(all_);
  ASSERT_TRUE(Make("without"));
  EXPECT_TRUE(fs::is_directory(base_ + "/without/optional"));
  EXPECT_FALSE(fs::exists(base_ + "/without/optional/zram"));
  std::vector<std::string> more = all_;
  more.emplace_back("zram");
  WriteModules(more);
  ASSERT_TRUE(Make("with"));
  fs::remove_all(base_ + "/with/optional");
  Write("with/initrd-1.cpio", "of another brink");
  ASSERT_TRUE(Make("with"));
  EXPECT_TRUE(fs::is_directory(base_ + "/with/optional/zram"));
  EXPECT_EQ(Read("with/initrd-1.cpio"), "of another brink") << "its guests boot from it";
  Write("with/optional/zram/100-zram.ko", "module");
  ASSERT_TRUE(RunScript(BRINK_MAKE_KERNEL, {"--initrd", base_ + "/with", "initrd-2.cpio"}, {}));
  ASSERT_EQ(Shell("mkdir root && cd root && busybox cpio -idm <../with/initrd-2.cpio"), 0)
      << Read("shell.log");
  EXPECT_EQ(Read("root/optional/zram/100-zram.ko"), "module");
  fs::remove_all(base_ + "/with/optional");
  Write("with/facts", "release=of an older kernel\n");
  ASSERT_TRUE(Make("with"));
  EXPECT_FALSE(fs::exists(base_ + "/with/initrd-1.cpio")) << "its modules are of another kernel";
  EXPECT_TRUE(fs::is_directory(base_ + "/with/optional/zram"));
}

TEST_F(MakeKernelTest, AFileSystemThatTellsOfNoSizeIsNotFull) {
  Write("whole/vmlinux", "kernel");
  Write("whole/modules/100-9p.ko", "module");
  Write("whole/facts", "release=6.1\n");
  fs::create_directory(base_ + "/ram");
  EXPECT_EQ(Shell(std::string("unshare -m sh -c 'mount -t ramfs none ram && ") + BRINK_MAKE_KERNEL +
                  " --copy whole ram/kernel && diff -r whole ram/kernel'"),
            0)
      << Read("shell.log");
}

TEST_F(MakeKernelTest, ACopyIsWholeAndCompletesOneThatWasMadeBefore) {
  Write("whole/vmlinux", "kernel");
  Write("whole/modules/100-9p.ko", "module");
  Write("whole/facts", "release=6.1\n");
  const auto copy = [this] {
    const auto copied =
        RunScript(BRINK_MAKE_KERNEL, {"--copy", base_ + "/whole", base_ + "/users/kernel"}, {});
    EXPECT_TRUE(copied) << copied.error().message << "\n" << copied.error().remedy;
  };
  copy();
  Write("users/kernel/initrd-1.cpio", "of another brink");
  copy();
  EXPECT_EQ(Shell("diff -r whole users/kernel | grep -v 'Only in users/kernel: initrd-1.cpio'"), 256)
      << Read("shell.log");
  Write("whole/optional/zram/100-zram.ko", "module");
  copy();
  EXPECT_EQ(Read("users/kernel/optional/zram/100-zram.ko"), "module");
  EXPECT_EQ(Read("users/kernel/initrd-1.cpio"), "of another brink") << "its guests boot from it";
  fs::remove_all(base_ + "/users/kernel/optional");
  Write("whole/facts", "release=6.2\n");
  copy();
  EXPECT_EQ(Shell("diff -r whole users/kernel"), 0) << Read("shell.log");
}

TEST_F(MakeKernelTest, TheConfigurationTellsOfTheMemoryControllerOfV1) {
  WriteModules(all_);
  Write("payload", kernel_);
  WriteBzImage("payload", 0);
  ASSERT_TRUE(Make("made"));
  EXPECT_THAT(Read("made/facts"), HasSubstr("cgroup_v1_memory=no\n"));
  EXPECT_THAT(Read("made/facts"), HasSubstr("release=6.99.0-test\n"));
  Write(std::string("boot/config-") + kRelease, "CONFIG_MEMCG_V1=y\n");
  ASSERT_TRUE(Make("again"));
  EXPECT_THAT(Read("again/facts"), HasSubstr("cgroup_v1_memory=yes\n"));
}

TEST_F(MakeKernelTest, AMissingModuleIsNamedAndNothingIsLeft) {
  std::vector<std::string> most = all_;
  most.erase(std::find(most.begin(), most.end(), "overlay"));
  WriteModules(most);
  Write("payload", kernel_);
  WriteBzImage("payload", 0);
  const auto made = Make("made/kernel");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("no module overlay"));
  EXPECT_EQ(Shell("test \"$(ls -A made)\" = .lock"), 0);
}

TEST_F(MakeKernelTest, TwoAtOnceTakeTurnsAndMakeOne) {
  WriteModules(all_);
  Write("payload", kernel_);
  WriteBzImage("payload", 0);
  const auto make = [this] {
    return RunScript(BRINK_MAKE_KERNEL,
                     {"--file", base_ + "/boot/vmlinuz", "--modules", base_ + "/lib/modules/" + kRelease,
                      base_ + "/made/kernel"},
                     {});
  };
  auto other = std::async(std::launch::async, make);
  const auto first = make();
  const auto second = other.get();
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(Read("made/kernel/vmlinux") == kernel_);
  EXPECT_EQ(Shell("test \"$(ls -A made | tr '\\n' ' ')\" = '.lock kernel '"), 0);
}

TEST_F(MakeKernelTest, WhatIsNoKernelIsRefused) {
  WriteModules(all_);
  Write("boot/vmlinuz", std::string(2000, 'x'));
  const auto made = Make("made");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("neither a bzImage nor a vmlinux"));
}

TEST_F(MakeKernelTest, KnowsTheNamesThatBrinkKnows) {
  ASSERT_EQ(Shell(std::string(BRINK_MAKE_KERNEL) + " --names >names"), 0) << Read("shell.log");
  std::string known;
  for (const std::string& name : KnownKernelNames()) {
    known += name + "\n";
  }
  EXPECT_EQ(Read("names"), known);
}

TEST_F(MakeKernelTest, DebiansKernelComesFromTheNetwork) {
  if (Shell("busybox timeout 20 busybox wget -q -O Release "
            "http://deb.debian.org/debian/dists/bookworm/Release") != 0) {
    GTEST_SKIP() << "deb.debian.org does not answer: connect this machine to the network to test fetching";
  }
  const KernelPlaces places{.cache = base_ + "/cache", .machine = "", .script = BRINK_MAKE_KERNEL};
  const auto kernel = FetchKernel("debian-12", {}, places);
  ASSERT_TRUE(kernel) << kernel.error().message << "\n" << kernel.error().remedy;
  EXPECT_THAT(kernel->release, StartsWith("6.1."));
  EXPECT_TRUE(kernel->cgroup_v1);
  EXPECT_THAT(Read("cache/debian-12/vmlinux"), StartsWith("\x7f"
                                                          "ELF"));
  EXPECT_LT(fs::file_size(kernel->image), 100U << 20U);
}

TEST(AcceleratorProbeTest, EmulationPassesTheProbe) {
  const auto probed = ProbeAccelerator("/usr/bin/qemu-system-x86_64", "tcg", std::chrono::minutes(1));
  EXPECT_TRUE(probed) << probed.error().message;
}

TEST(AcceleratorProbeTest, AnAcceleratorThatDoesNotExistFailsAtOnce) {
  EXPECT_FALSE(ProbeAccelerator("/usr/bin/qemu-system-x86_64", "nonesuch", std::chrono::minutes(1)));
}

}  // namespace
}  // namespace brink::live
