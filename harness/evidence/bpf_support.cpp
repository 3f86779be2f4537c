// SPDX-License-Identifier: MIT
#include "evidence/bpf_support.h"

#include <bpf/bpf.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <vector>

#include "base/unique_fd.h"

namespace brink {
namespace {

constexpr const char* kBtf = "/sys/kernel/btf/vmlinux";

__attribute__((format(printf, 2, 0))) int Log(libbpf_print_level level, const char* format,
                                              va_list arguments) {
  if (level == LIBBPF_DEBUG || !spdlog::should_log(spdlog::level::debug)) {
    return 0;  // libbpf's own debug level is thousands of lines
  }
  std::array<char, 2048> text{};
  const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
  std::string_view line(text.data());
  while (line.ends_with('\n')) {
    line.remove_suffix(1);
  }
  spdlog::debug("{}", line);
  return size;
}

}  // namespace

void ForwardLibbpfLog() { libbpf_set_print(Log); }

tl::unexpected<Error> BpfFailure(std::string_view operation, int code) {
  if (::access(kBtf, R_OK) != 0) {
    return FailErrno(
        std::string(operation) + " needs " + kBtf, errno,
        "use a kernel built with CONFIG_DEBUG_INFO_BTF (5.10 or later; every Debian kernel since 11 is)");
  }
  if (code == EPERM || code == EACCES) {
    return FailErrno(
        operation, code,
        "run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_RESOURCE; in a container also without a "
        "seccomp filter on bpf(2)");
  }
  return FailErrno(
      operation, code,
      "this kernel may be too old: 5.10 is the oldest it is written for; set SPDLOG_LEVEL=debug to see what "
      "libbpf says");
}

Status RunIterator(const bpf_link* link, std::size_t record_size,
                   const std::function<void(std::span<const std::byte>)>& sink) {
  const UniqueFd records(bpf_iter_create(bpf_link__fd(link)));
  if (!records.Valid()) {
    return FailErrno("start the BPF task iterator");
  }
  // The kernel hands over whole records only as far as the buffer allows, so a piece may stay for the next
  // round.
  std::vector<std::byte> buffer(record_size * 256);
  std::size_t filled = 0;
  while (true) {
    const ssize_t got = ::read(records.Get(), buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    if (got < 0) {
      return FailErrno("read the BPF task iterator");
    }
    if (got == 0) {
      return {};
    }
    filled += static_cast<std::size_t>(got);
    const std::span<const std::byte> all(buffer.data(), filled);
    std::size_t used = 0;
    for (; filled - used >= record_size; used += record_size) {
      sink(all.subspan(used, record_size));
    }
    std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(used),
              buffer.begin() + static_cast<std::ptrdiff_t>(filled), buffer.begin());
    filled -= used;
  }
}

}  // namespace brink
