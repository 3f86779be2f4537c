// SPDX-License-Identifier: MIT
// Ranking at the size of a full catalogue: messages of documented incidents, most of them of one errno.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalogue/search.h"
#include "strangers.h"

namespace brink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Documented {
  const char* name;
  const char* symptom;
  const char* excerpt;  // a line of a log as it may really look
};

const std::vector<Documented>& All() {
  static const std::vector<Documented> kAll{
      {"ravendb-munmap", "ENOMEM on Failed to munmap",
       "Raven.Server: ENOMEM on Failed to munmap (0x7f10c0de0000, 8192)"},
      {"prometheus-blocks",
       "opening storage failed: reloadBlocks: <n> errors: corrupted block <id>: mmap, size <n>: cannot "
       "allocate memory",
       "level=error ts=2026-11-21T08:51:42.001Z caller=main.go:1139 err=\"opening storage failed: "
       "reloadBlocks: 336 errors: "
       "corrupted block 01BX5ZZKBKACTAV9WEVGEMMVRY: mmap, size 271: cannot allocate memory\""},
      {"clickhouse-alloc", "Allocator: Cannot realloc from <n> MiB to <n> MiB., errno: 12",
       "2026.11.21 08:51:42.001 [ 77 ] <Error> executeQuery: Code: 173, e.displayText() = "
       "DB::ErrnoException: Allocator: "
       "Cannot realloc from 2.00 MiB to 4.00 MiB., errno: 12, strerror: Cannot allocate memory"},
      {"java-threads", "os::commit_memory(<address>, <n>, 0) failed; error='Not enough space' (errno=12)",
       "OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x00007f8c2b1fe000, 16384, 0) failed; "
       "error='Not enough "
       "space' (errno=12)"},
      {"java-map-failed", "java.io.IOException: Map failed",
       "Exception in thread \"main\" java.io.IOException: Map failed cause=java.lang.OutOfMemoryError: Map "
       "failed"},
      {"jemalloc-mode2", "malloc(<n>) failed errno=12 (Cannot allocate memory)",
       "grow: malloc(237568) failed errno=12 (Cannot allocate memory) maps=4002"},
      {"fiber-guards", "Fail to mprotect <address>, stack <n>: Cannot allocate memory",
       "E1121 08:51:42.0 991 stack.cpp:117] Fail to mprotect 0x7f1 4096, stack #32754: Cannot allocate "
       "memory"},
      {"matrixone", "failed to unmap cached <n>-byte allocation",
       "panic: failed to unmap cached 344064-byte allocation [goroutine 12]"},
      {"redis-bgsave", "Can't save in background: fork: Cannot allocate memory",
       "2894:M 21 Nov 2026 09:10:11.124 # Can't save in background: fork: Cannot allocate memory"},
      {"redis-cow", "Background saving terminated by signal 9",
       "2894:M 21 Nov 2026 09:10:11.124 # Background saving terminated by signal 9"},
      {"java-fork", "Cannot run program \"<program>\": error=12, Cannot allocate memory",
       "java.io.IOException: Cannot run program \"/bin/true\": error=12, Cannot allocate memory"},
      {"python-fork", "OSError: [Errno 12] Cannot allocate memory",
       "    self.pid = os.fork()\nOSError: [Errno 12] Cannot allocate memory"},
      {"memcached-lock", "warning: -k invalid, mlockall() failed: Cannot allocate memory",
       "memcached[7]: warning: -k invalid, mlockall() failed: Cannot allocate memory"},
      {"qemu-lock", "mlockall: Cannot allocate memory",
       "qemu-system-x86_64: mlockall: Cannot allocate memory"},
      {"vmtouch", "FATAL: mlock: <file> (Cannot allocate memory)",
       "vmtouch: FATAL: mlock: /srv/data.bin (Cannot allocate memory)"},
      {"vault", "Failed to lock memory: cannot allocate memory",
       "Error initializing core: Failed to lock memory: cannot allocate memory"},
      {"ravendb-memlock", "Unable to lock memory <...> 16 MBytes",
       "Unable to lock memory for encryption, wanted 16 MBytes"},
      {"pg-hog", "server process (PID <n>) was terminated by signal 9: Killed",
       "2026-11-21 09:10:11 UTC [71] LOG:  server process (PID 812) was terminated by signal 9: Killed"},
      {"node-wasm",
       "RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance",
       "  cause: RangeError: WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new "
       "instance"},
      {"erlang-carrier", "erts_mmap: Failed to create super carrier of size <n> MB",
       "erts_mmap: Failed to create super carrier of size 1024 MB"},
      {"java-heap", "failed to map <n> bytes for committing reserved memory",
       "# Native memory allocation (mmap) failed to map 15032385536 bytes for committing reserved memory."},
      {"qemu-ram", "cannot set up guest memory 'pc.ram': Cannot allocate memory",
       "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory"},
      {"pg-shared", "could not map anonymous shared memory: Cannot allocate memory",
       "2026-11-21 09:10:11 UTC [1] FATAL:  could not map anonymous shared memory: Cannot allocate memory"},
      {"mariadb-pool", "Cannot map innodb_buffer_pool_size_max=<size>",
       "2026-11-21  9:10:11 0 [ERROR] InnoDB: Cannot map innodb_buffer_pool_size_max=8388608m"},
      {"sbcl", "os_alloc_gc_space(<n>,<n>,<address>,<n>) failed with ENOMEM",
       "os_alloc_gc_space(1,0,0x1000000000,17179869184) failed with ENOMEM"},
      {"asan", "AddressSanitizer failed to allocate <n> (<n>) bytes at address <address> (errno: 12)",
       "==77==ERROR: AddressSanitizer failed to allocate 0xdfff0001000 (15392894357504) bytes at address "
       "2008fff7000 (errno: 12)"},
      {"memcg-kill",
       "Memory cgroup out of memory: Killed process <pid> (<name>) total-vm:<n>kB, anon-rss:<n>kB",
       "[ 8273.128731] Memory cgroup out of memory: Killed process 1234 (java) total-vm:319552kB, "
       "anon-rss:193432kB, file-rss:8kB"},
      {"machine-kill", "Out of memory: Killed process <pid> (<name>) total-vm:<n>kB, anon-rss:<n>kB",
       "[ 8273.128731] Out of memory: Killed process 1234 (java) total-vm:319552kB, anon-rss:193432kB, "
       "file-rss:8kB"},
      {"pid-max", "pthread_create: Resource temporarily unavailable",
       "terminate called after throwing: pthread_create: Resource temporarily unavailable"}};
  return kAll;
}

const std::vector<CatalogueEntry>& Catalogue() {
  static const std::vector<CatalogueEntry> kEntries = [] {
    std::vector<CatalogueEntry> entries;
    for (const Documented& each : All()) {
      entries.push_back({.name = each.name, .title = "", .file = "", .system = ""});
      entries.back().incident = Incident{.kind = "fork",
                                         .systems = {},
                                         .symptoms = {each.symptom},
                                         .cause = "",
                                         .cure = "",
                                         .cost = "",
                                         .confirm = "",
                                         .exclude = ""};
    }
    return entries;
  }();
  return kEntries;
}

std::vector<std::string> Messages(const std::string& log, bool typed) {
  static const SearchIndex kIndex(Catalogue());
  std::vector<std::string> names;
  for (const SearchMatch& match : testing::SearchLog(kIndex, log, typed)) {
    if (match.kind == MatchKind::kMessage) {
      names.push_back(Catalogue()[match.entry].name);
    }
  }
  return names;
}

TEST(FullCatalogue, EachExcerptFindsItsOwnIncidentAndNoOtherByTheMessage) {
  for (const Documented& each : All()) {
    EXPECT_THAT(Messages(each.excerpt, false), ElementsAre(each.name)) << each.excerpt;
    EXPECT_THAT(Messages(each.excerpt, true), ElementsAre(each.name)) << each.excerpt;
  }
}

TEST(FullCatalogue, StrangersMatchNothing) {
  const SearchIndex index(Catalogue());
  for (const char* log : testing::kStrangers) {
    for (const bool typed : {false, true}) {
      const auto matches = testing::SearchLog(index, log, typed);
      EXPECT_THAT(matches, IsEmpty()) << Catalogue()[matches.front().entry].name << ": " << log;
    }
  }
}

}  // namespace
}  // namespace brink
