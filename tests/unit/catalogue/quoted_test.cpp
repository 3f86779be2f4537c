// SPDX-License-Identifier: MIT
// What the documented incidents' own software printed, as their sources quote it, against the shipped
// catalogue: the incident itself comes first. Where the same mechanism is shown by a model and by the real
// program, either may.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "catalogue/search.h"
#include "shipped.h"
#include "strangers.h"

namespace brink {
namespace {

struct Quote {
  const char* message;
  std::set<std::string> incidents;
};

/// The name of the first match, with its kind; "nothing" where there is none.
std::string First(const std::string& message, bool typed) {
  static const SearchIndex kIndex(testing::Catalogue());
  const auto matches = testing::SearchLog(kIndex, message, typed);
  return matches.empty() ? "nothing"
                         : std::string(Name(matches.front().kind)) + " " +
                               testing::Catalogue()[matches.front().entry].name;
}

class Quoted : public ::testing::TestWithParam<Quote> {};

TEST_P(Quoted, MessageFindsItsIncidentFirst) {
  for (const bool typed : {false, true}) {
    const std::string first = First(GetParam().message, typed);
    const bool by_message = first.starts_with("message ") || first.starts_with("similar ");
    EXPECT_TRUE(by_message && GetParam().incidents.contains(first.substr(first.find(' ') + 1)))
        << (typed ? "typed: " : "in a log: ") << GetParam().message << "\n  finds " << first;
  }
}

INSTANTIATE_TEST_SUITE_P(
    MappingCount, Quoted,
    ::testing::ValuesIn(std::to_array<Quote>(
        {{"ENOMEM on Failed to munmap", {"ravendb-munmap-enomem"}},
         {"opening storage failed: reloadBlocks: 336 errors: corrupted block 01CJDJ9G: mmap, size 271: "
          "cannot "
          "allocate memory",
          {"prometheus-many-blocks", "cortex-tsdb-mmap"}},
         {"fatal error: runtime: cannot allocate memory", {"prometheus-many-blocks"}},
         {"got err persisting snapshot: error opening new segment at 00000000d7b1.zap, cannot allocate "
          "memory",
          {"cortex-tsdb-mmap"}},
         {"Code: 173, e.displayText() = DB::ErrnoException: Allocator: Cannot realloc from 2.00 MiB to "
          "4.00 MiB., "
          "errno: 12, strerror: Cannot allocate memory",
          {"clickhouse-query-mappings"}},
         {"DB::ErrnoException: Allocator: Cannot malloc 1.00 MiB., errno: 12, strerror: Cannot allocate "
          "memory",
          {"clickhouse-query-mappings"}},
         {"Allocator: Cannot mmap 4.00 KiB., errno: 12, strerror: Cannot allocate memory",
          {"clickhouse-query-mappings"}},
         {"It looks like that the process is near the limit on number of virtual memory mappings.",
          {"clickhouse-query-mappings"}},
         {"Error \"Allocator: Cannot mremap memory chunk from 4.00 GiB to 8.00 GiB., errno: 12",
          {"mremap-growing-buffers"}},
         {"FiberStack: cannot protect guard page, errno: 12, strerror: Cannot allocate memory",
          {"brpc-fibre-stacks"}},
         {"Fail to mprotect 0x7f1c2a000 length=4096: Cannot allocate memory [12]", {"brpc-fibre-stacks"}},
         {"error: Failed to (un-)protect a coroutine stack (`mprotect` failed with `ENOMEM`). Try "
          "increasing the "
          "value of `/proc/sys/vm/max_map_count`.",
          {"brpc-fibre-stacks"}},
         {"os::commit_memory(0x00007f8c2b1fe000, 16384, 0) failed; error='Not enough space' (errno=12)",
          {"openjdk-thread-mappings", "openjdk-heap-commit"}},
         {"[0.281s][warning][os,thread] Failed to start thread \"Thread-659\" - pthread_create failed "
          "(EAGAIN) for "
          "attributes: stacksize: 256k, guardsize: 0k, detached.",
          {"openjdk-thread-mappings"}},
         {"java.io.IOException: Map failed cause=java.lang.OutOfMemoryError: Map failed",
          {"openjdk-mapped-files"}},
         {"max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]",
          {"openjdk-mapped-files"}},
         {"max Java heap size (3072M). Please adjust /proc/sys/vm/max_map_count to allow for at\n"
          "least 5529 mappings (current limit is 1000). Continuing execution with the current limit",
          {"openjdk-zgc-warning"}},
         {"panic: internal error: failed to unmap cached 344064-byte allocation: cannot allocate memory",
          {"matrixone-munmap-panic"}},
         {"<jemalloc>: Error in munmap(): Cannot allocate memory", {"jemalloc-munmap-error"}},
         {"E0729 05:04:30.527725 14093 rdma_endpoint.cpp:70] Failed to create QP: Cannot allocate memory "
          "[12]",
          {"mooncake-dontfork"}},
         {"E0511 07:42:36.355509 10240 rdma_context.cpp:198] Failed to register memory 0x2e1cbac200: "
          "Cannot "
          "allocate memory [12]",
          {"mooncake-dontfork"}},
         {"std::exception::what(): thread constructor failed: Resource temporarily unavailable",
          {"threads-guard-pages"}}})));

INSTANTIATE_TEST_SUITE_P(
    Tasks, Quoted,
    ::testing::ValuesIn(std::to_array<Quote>(
        {{"runtime/cgo: pthread_create failed: Resource temporarily unavailable",
          {"tasks-thread-limits", "threads-guard-pages"}},
         {"runtime: failed to create new OS thread (have 5 already; errno=11)",
          {"tasks-thread-limits", "threads-guard-pages"}},
         {"Failed to create service entry worker thread: pthread_create failed", {"tasks-thread-limits"}},
         {"bash: fork: retry: Resource temporarily unavailable", {"tasks-thread-limits"}},
         {"lxcfs[1467]: fuse: error creating thread: Resource temporarily unavailable",
          {"tasks-thread-limits"}}})));

INSTANTIATE_TEST_SUITE_P(
    Fork, Quoted,
    ::testing::ValuesIn(std::to_array<Quote>(
        {{"# Can't save in background: fork: Cannot allocate memory",
          {"redis-bgsave-overcommit", "fork-snapshot-overcommit"}},
         {"# Background saving terminated by signal 9", {"redis-bgsave-cow", "fork-snapshot-cow"}},
         {"Scheduled command failed: erasedata: ExecFile::execute(...) Fork failed.",
          {"fork-snapshot-overcommit"}},
         {"Event 'event.download.finished' failed: ExecFile::execute(...) Fork failed",
          {"fork-snapshot-overcommit"}},
         {"java.io.IOException: Cannot run program \"/bin/true\": error=12, Cannot allocate memory",
          {"openjdk-spawn-overcommit"}},
         {"  File \"/usr/local/lib/python3.8/subprocess.py\", line 1637, in _execute_child\n"
          "    self.pid = _posixsubprocess.fork_exec(\n"
          "OSError: [Errno 12] Cannot allocate memory",
          {"python-spawn-overcommit"}},
         {"    self.pid = os.fork()\nOSError: [Errno 12] Cannot allocate memory",
          {"python-spawn-overcommit", "python-fork-larger-than-memory"}},
         {"LOG:  could not fork new process for connection: Cannot allocate memory",
          {"postgresql-commit-limit"}},
         {"LOG:  could not fork autovacuum worker process: Cannot allocate memory",
          {"postgresql-commit-limit"}}})));

INSTANTIATE_TEST_SUITE_P(
    LockedMemory, Quoted,
    ::testing::ValuesIn(std::to_array<Quote>(
        {{"warning: -k invalid, mlockall() failed: Cannot allocate memory", {"memcached-lock-memory"}},
         {"qemu-system-x86_64: mlockall: Cannot allocate memory\nqemu-system-x86_64: locking memory failed",
          {"qemu-lock-memory"}},
         {"vmtouch: FATAL: mlock: /srv/data.bin (Cannot allocate memory)", {"vmtouch-lock-file"}},
         {"Error initializing core: Failed to lock memory: cannot allocate memory",
          {"elasticsearch-memory-lock"}},
         {"Unable to lock JVM Memory: error=12, reason=Cannot allocate memory",
          {"elasticsearch-memory-lock"}},
         {"Unable to lock memory for "
          "/data/RavenData/Databases/TestEncryption/Temp/compression.0000000000.buffers "
          "with size 16 MBytes), with encrypted databases we lock some memory in order to avoid leaking "
          "secrets to "
          "disk. Treating this as a catastrophic error and aborting the current operation.",
          {"mlock-memlock-limit"}}})));

INSTANTIATE_TEST_SUITE_P(
    Reservations, Quoted,
    ::testing::ValuesIn(std::to_array<Quote>(
        {{"RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new "
          "instance",
          {"node-wasm-address-space"}},
         {"Failed to reserve virtual memory for CodeRange", {"node-wasm-address-space"}},
         {"erts_mmap: Failed to create super carrier of size 1024 MB", {"erlang-super-carrier"}},
         {"2023-06-09T12:07:38Z\tpanic\tbackend/backend.go:186\tfailed to open database\t{\"path\": "
          "\"/tmp/etcd/member/snap/db\", \"error\": \"cannot allocate memory\"}",
          {"etcd-address-space"}},
         {"2018-06-26 16:08:30.908343 C | mvcc/backend: cannot open database at data/member/snap/db (cannot "
          "allocate memory)",
          {"etcd-address-space"}},
         {"# Native memory allocation (mmap) failed to map 15032385536 bytes for committing reserved "
          "memory.",
          {"openjdk-heap-commit", "openjdk-mapped-files"}},
         {"==77==ERROR: AddressSanitizer failed to allocate 0xdfff0001000 (15392894357504) bytes at "
          "address "
          "2008fff7000 (errno: 12)",
          {"sanitizers-shadow-memory"}},
         {"==77==ReserveShadowMemoryRange failed while trying to map 0xdfff0001000 bytes. Perhaps you're "
          "using ulimit -v",
          {"sanitizers-shadow-memory"}},
         {"qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
          {"qemu-commit-limit"}},
         {"FATAL:  could not map anonymous shared memory: Cannot allocate memory",
          {"postgresql-commit-limit", "postgresql-huge-pages", "postgresql-huge-pages-pool"}},
         {"DETAIL:  Failed on request of size 20 in memory context \"ExecutorState\".",
          {"postgresql-commit-limit"}},
         {"[ERROR] InnoDB: Cannot map innodb_buffer_pool_size_max=8388608m", {"mariadb-buffer-pool"}},
         {"[ERROR] mariadbd: Out of memory (Needed 2147483648 bytes)", {"mariadb-buffer-pool"}},
         {"os_alloc_gc_space(1,0,0x1000000000,17179869184) failed with ENOMEM", {"sbcl-dynamic-space"}},
         {"lmdb.MemoryError: data.mdb: Cannot allocate memory", {"lmdb-map-size"}}})));

INSTANTIATE_TEST_SUITE_P(
    Kills, Quoted,
    ::testing::ValuesIn(std::to_array<Quote>(
        {{"LOG:  server process (PID 812) was terminated by signal 9: Killed", {"postgresql-one-hog"}},
         {"Memory cgroup out of memory: Kill process 123 (java) score 1001 or sacrifice child",
          {"victims-least-important-first"}},
         {"Out of memory: Kill process 77 (java) score 972 or sacrifice child", {"two-gigabyte-machine"}},
         {"WARN  CGroupElasticMemoryController: OOM was not resolved in 5004 ms",
          {"stalls-oom-kill-disable"}},
         {"Could not find any containers but CGroups reserved for containers ran out of memory. I am "
          "giving up",
          {"stalls-oom-kill-disable"}},
         {"[ERROR] Worker (pid:812) was sent SIGKILL! Perhaps out of memory?", {"gunicorn-worker-killed"}},
         {"WARNING: [pool www] child 12 exited on signal 9 (SIGKILL) after 3.2 seconds from start",
          {"php-fpm-child-killed"}},
         {"Tasks in /kubepods/pod1 are going to be killed due to memory.oom.group set",
          {"victims-oom-group"}}})));

}  // namespace
}  // namespace brink
