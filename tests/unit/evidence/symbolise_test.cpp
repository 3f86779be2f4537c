// SPDX-License-Identifier: MIT
#include "evidence/symbolise.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace brink {
namespace {

extern "C" __attribute__((noinline)) void FunctionWithAName() { asm volatile(""); }

TEST(Symbolise, NamesAFunctionOfThisProgram) {
  Symboliser symboliser;
  const std::array stack{reinterpret_cast<std::uint64_t>(&FunctionWithAName)};
  EXPECT_EQ(symboliser.Describe(::getpid(), stack, 0),
            std::vector<std::string>{"FunctionWithAName+0x0 (unit_evidence)"});
}

namespace sample {
struct Named {
  __attribute__((noinline)) static int Method(int value, const Named* other) {
    asm volatile("" : "+r"(value));
    return value + (other == nullptr ? 1 : 0);
  }
};
}  // namespace sample

TEST(Symbolise, NamesOfCxxFunctionsAreReadableAndHaveNoParameters) {
  Symboliser symboliser;
  const std::array stack{reinterpret_cast<std::uint64_t>(&sample::Named::Method)};
  EXPECT_EQ(
      symboliser.Describe(::getpid(), stack, 0),
      std::vector<std::string>{"brink::(anonymous namespace)::sample::Named::Method+0x0 (unit_evidence)"});
}

template <typename... Types>
struct AStructWithManyTypes {
  __attribute__((noinline)) static void Run(int value) { asm volatile("" : "+r"(value)); }
};

TEST(Symbolise, ALongNameGoesWithoutItsTemplateArguments) {
  Symboliser symboliser;
  using Long = AStructWithManyTypes<AStructWithManyTypes<std::string>, AStructWithManyTypes<std::less<>>>;
  const std::array stack{reinterpret_cast<std::uint64_t>(&Long::Run)};
  EXPECT_EQ(symboliser.Describe(::getpid(), stack, 0),
            std::vector<std::string>{
                "brink::(anonymous namespace)::AStructWithManyTypes<>::Run+0x0 (unit_evidence)"});
}

TEST(Symbolise, WhatWasLearntInTimeNamesTheFramesOfADeadProcess) {
  Symboliser symboliser;
  std::array<int, 2> released{};
  ASSERT_EQ(::pipe(released.data()), 0);
  const int pid = ::fork();
  if (pid == 0) {
    ::close(released[1]);
    char byte = 0;
    ::_exit(static_cast<int>(::read(released[0], &byte, 1)));
  }
  symboliser.Learn(pid);
  symboliser.Inherit(pid, pid + 1);
  ::close(released[0]);
  ::close(released[1]);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  const std::vector<std::string> named{"FunctionWithAName+0x0 (unit_evidence)"};
  const std::array stack{reinterpret_cast<std::uint64_t>(&FunctionWithAName)};
  EXPECT_EQ(symboliser.Describe(pid, stack, 0), named);
  EXPECT_EQ(symboliser.Describe(pid + 1, stack, 0), named);
  symboliser.Forget(pid);
  EXPECT_NE(symboliser.Describe(pid, stack, 0), named);
}

TEST(Symbolise, ACallAtTheEndOfAFunctionIsNotTakenForTheNextOne) {
  Symboliser symboliser;
  const auto start = reinterpret_cast<std::uint64_t>(&FunctionWithAName);
  const std::array stack{start, start};  // as a return address it belongs to what lies before
  const auto described = symboliser.Describe(::getpid(), stack, 0);
  ASSERT_EQ(described.size(), 2U);
  EXPECT_THAT(described[1], testing::Not(testing::StartsWith("FunctionWithAName")));
}

TEST(Symbolise, TheStackWordIsACallerOnlyIfItPointsIntoCode) {
  Symboliser symboliser;
  const auto code = reinterpret_cast<std::uint64_t>(&FunctionWithAName);
  const std::array stack{code};
  EXPECT_EQ(symboliser.Describe(::getpid(), stack, 0x1234).size(), 1U);
  EXPECT_EQ(symboliser.Describe(::getpid(), stack, code + 1).size(), 2U);
}

TEST(Symbolise, AChainThatLeavesTheCodeEnds) {
  Symboliser symboliser;
  const std::array<std::uint64_t, 3> stack{reinterpret_cast<std::uint64_t>(&FunctionWithAName), 0x10, 0x20};
  EXPECT_EQ(symboliser.Describe(::getpid(), stack, 0).size(), 1U);
}

TEST(Symbolise, AProcessThatIsGoneKeepsItsAddresses) {
  Symboliser symboliser("/nonexistent");
  const std::array<std::uint64_t, 2> stack{0x7f00, 0x7f10};
  EXPECT_EQ(symboliser.Describe(1, stack, 0), (std::vector<std::string>{"0x7f00 (?)", "0x7f10 (?)"}));
}

/// Where a function of this program lies in its file.
std::uint64_t FileOffsetOf(std::uint64_t address) {
  std::uint64_t offset = 0;
  ::dl_iterate_phdr(
      [](dl_phdr_info* library, std::size_t, void* out) {
        auto& found = *static_cast<std::uint64_t*>(out);
        for (int i = 0; i < library->dlpi_phnum; ++i) {
          const auto& segment = library->dlpi_phdr[i];
          const std::uint64_t start = library->dlpi_addr + segment.p_vaddr;
          if (segment.p_type == PT_LOAD && found >= start && found < start + segment.p_memsz) {
            found = found - start + segment.p_offset;
            return 1;
          }
        }
        return 0;
      },
      &(offset = address));
  return offset;
}

TEST(Symbolise, WhatTheKernelNotedNamesTheFramesOfADeadProcess) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  const auto id = ReadBuildId(program);
  ASSERT_TRUE(id);
  const auto address = reinterpret_cast<std::uint64_t>(&FunctionWithAName);
  const std::array stack{address};
  const std::array places{FramePlace{.build_id = id, .file_offset = FileOffsetOf(address)}};
  Symboliser symboliser("/nonexistent");
  EXPECT_EQ(symboliser.Describe(1, stack, 0, places),
            std::vector{fmt::format("{:#x} ({})", places[0].file_offset, BuildIdText(*id))});
  symboliser.Forget(1);
  symboliser.Offer(program);
  EXPECT_EQ(symboliser.Describe(1, stack, address + 1, places),
            (std::vector<std::string>{"FunctionWithAName+0x0 (unit_evidence)",
                                      "FunctionWithAName+0x1 (unit_evidence)"}));
}

TEST(BuildIds, TheCLibraryIsKnownUnoffered) {
  Dl_info library{};
  ASSERT_NE(::dladdr(reinterpret_cast<void*>(&::gnu_get_libc_version), &library), 0);
  const auto id = ReadBuildId(library.dli_fname);
  ASSERT_TRUE(id);
  EXPECT_EQ(BuildIds().Find(*id), library.dli_fname);
}

TEST(BuildIds, OfAFileThatIsNoProgramThereIsNone) {
  EXPECT_FALSE(ReadBuildId("/etc/passwd"));
  EXPECT_FALSE(ReadBuildId("/nonexistent"));
  BuildIds ids;
  ids.Offer("/etc/passwd");
  EXPECT_FALSE(ids.Find(BuildId{}));
}

TEST(SymbolTable, OfAFileThatIsNoProgramIsEmpty) {
  EXPECT_EQ(SymbolTable::Read("/etc/passwd").Find(0x10, false), "");
  EXPECT_EQ(SymbolTable::Read("/nonexistent").Find(0x10, false), "");
  EXPECT_EQ(SymbolTable::Read("/dev/zero").Find(0x10, false), "");
}

}  // namespace
}  // namespace brink
