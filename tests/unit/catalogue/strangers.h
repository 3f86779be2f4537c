// SPDX-License-Identifier: MIT
// Logs of failures that no incident of the catalogue is about.
#pragma once

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "catalogue/search.h"

namespace brink::testing {

inline constexpr std::array kStrangers{
    "EMFILE too many open files", "accept4: Too many open files (errno 24)",
    "dial tcp 10.0.0.7:6379: connect: connection refused",
    // Redis prints them at each start, and most often all goes well.
    "# WARNING Memory overcommit must be enabled! Without it, a background save or replication may fail "
    "under low memory condition.",
    "# WARNING overcommit_memory is set to 0! Background save may fail under low memory condition.",
    "# WARNING you have Transparent Huge Pages (THP) support enabled in your kernel. This will create "
    "latency and memory usage issues with Redis.",
    "192.0.2.7 - - [21/Nov/2026:09:10:11 +0000] \"GET /memory/limits?page=2 HTTP/1.1\" 200 5316 \"-\" "
    "\"curl/7.88.1\"\n"
    "2026/11/21 09:10:12 [error] 31#31: *4 open() \"/srv/www/favicon.ico\" failed (2: No such file or "
    "directory)\n"
    "2026/11/21 09:10:13 [notice] 1#1: signal 17 (SIGCHLD) received from 29\n"
    "2026/11/21 09:10:13 [notice] 1#1: worker process 29 exited with code 0\n"
    "2026/11/21 09:10:14 [error] 31#31: *9 recv() failed (11: Resource temporarily unavailable) while "
    "reading",
    "[ 4242.000001] BUG: unable to handle page fault for address: ffffffffc0a81000\n"
    "[ 4242.000002] #PF: supervisor read access in kernel mode\n"
    "[ 4242.000003] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
    "[ 4242.000004] CPU: 1 PID: 3521 Comm: insmod Tainted: G           OE      6.1.0-18-amd64\n"
    "[ 4242.000005] Call Trace:\n"
    "[ 4242.000006]  ? __die_body.cold+0x1a/0x1f\n"
    "[ 4242.000007]  do_one_initcall+0x59/0x220\n"
    "[ 4242.000008] Kernel panic - not syncing: Fatal exception",
    "write /var/lib/postgresql/15/main/pg_wal/0000000100000: No space left on device",
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "SSL_do_handshake() failed (SSL: error:0A000126:SSL routines::unexpected eof while reading)",
    "ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.3' (using password: YES)",
    "panic: runtime error: invalid memory address or nil pointer dereference\n"
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a2f10]",
    // Like lines of incidents, but for the errno, the signal or the word that tells.
    "TypeError: Cannot read properties of undefined (reading 'length')",
    "panic backend/backend.go:247 failed to open database {\"path\": \"/var/lib/etcd/member/snap/db\", "
    "\"error\": "
    "\"permission denied\"}",
    "[21-Nov-2026 09:10:11] WARNING: [pool www] child 31 exited on signal 11 (SIGSEGV) after 3.1 seconds "
    "from start",
    "java.lang.OutOfMemoryError: Java heap space",
    "Exception in thread \"main\" java.lang.OutOfMemoryError: GC overhead limit exceeded",
    "java.lang.NullPointerException: Cannot invoke \"String.length()\" because \"s\" is null",
    "Redis is loading the dataset in memory\nReady to accept connections tcp\nDB saved on disk",
    "EXT4-fs error (device sda1): ext4_find_entry:1463: inode #2: comm ls: reading directory lblock 0",
    "systemd[1]: Started nginx.service - A high performance web server and a reverse proxy server.",
    // Of memory, too, but of none that brink can limit.
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 7.79 GiB total)",
    "kworker/1:2: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)",
    "vmap allocation for size 4198400 failed: use vmalloc=<size> to increase size",
    "SLUB: Unable to allocate memory on node -1, gfp=0xcc0(GFP_KERNEL)",
    "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 5.96 GiB for an array with shape (20000, "
    "40000) and data type float64"};

/// Of runs in which nothing was wrong.
inline constexpr std::array kHealthy{
    "2026-11-21  9:10:11 0 [Note] InnoDB: Loading buffer pool(s) from /var/lib/mysql/ib_buffer_pool",
    "qemu-system-x86_64: terminating on signal 15 from pid 4711 (/usr/bin/virtqemud)",
    "PostgreSQL init process complete; ready for start up.\n"
    "LOG:  checkpoint complete: wrote 44 buffers (0.3%); 0 WAL file(s) added, 0 removed, 0 recycled"};

/// Lines that incidents of the catalogue print, as does any failure of that program.
inline constexpr std::array kUsual{
    "LOG:  server process (PID 812) was terminated by signal 11: Segmentation fault\n"
    "LOG:  terminating any other active server processes\n"
    "WARNING:  terminating connection because of crash of another server process\n"
    "LOG:  all server processes terminated; reinitializing",
    "LOG:  server process (PID 812) was terminated by signal 6: Aborted\n"
    "LOG:  terminating any other active server processes\n"
    "LOG:  all server processes terminated; reinitializing",
    "psql: error: connection to server at \"db\" (10.0.0.3), port 5432 failed: server closed the connection "
    "unexpectedly\n"
    "\tThis probably means the server terminated abnormally\n"
    "\tbefore or while processing the request.",
    "Heap exhausted during allocation: 65536 bytes available, 8000016 requested.\n"
    "fatal error encountered in SBCL pid 4711 tid 4711:\n"
    "Heap exhausted, game over.",
    "7:C 21 Nov 2026 09:10:11.120 # Write error saving DB on disk: No space left on device\n"
    "7:M 21 Nov 2026 09:10:11.220 # Background saving error\n"
    "(error) MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
    "disk. "
    "Commands that may modify the data set are disabled",
    "[ 363.1] INFO: task jbd2/sda1-8:312 blocked for more than 120 seconds.\n"
    "[ 363.1]       Not tainted 6.1.0-18-amd64 #1 Debian 6.1.76-1",
    "task jbd2/sda1-8:312 blocked for more than 120 seconds",
    "curl: (52) Empty reply from server",
    "2026/11/21 09:10:14 [error] 31#31: *9 recv() failed (104: Connection reset by peer) while reading "
    "response "
    "header from upstream, client: 10.0.0.7, server: , request: \"GET / HTTP/1.1\", upstream: "
    "\"http://10.0.0.8:8080/\", host: \"app\"",
    "[ 91.4] Write-error on swap-device (8:16:2048)",
    "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Invalid argument",
    "[2026-11-21 09:10:11 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:12)\n"
    "[2026-11-21 09:10:12 +0000] [7] [ERROR] Worker (pid:12) was sent SIGKILL! Perhaps out of memory?",
    "Error occurred during initialization of VM\nInvalid maximum heap size: -Xmx4gb",
    "[ERROR] InnoDB: Operating system error number 13 in a file operation.\n"
    "[ERROR] Plugin 'InnoDB' registration as a STORAGE ENGINE failed."};

/// Failures for want of memory that are no incident of the catalogue: only their errno is known.
inline constexpr std::array kOfTheErrnoAlone{
    "myserver: mmap failed: Cannot allocate memory",
    "2026/11/21 09:10:12 [emerg] 31#31: malloc(4096) failed (12: Cannot allocate memory)",
    "ioctl(KVM_CREATE_VM) failed: 12 Cannot allocate memory",
    "failed to create shim task: OCI runtime create failed: unable to start container process: cannot "
    "allocate memory: unknown",
    "bpf: load program: cannot allocate memory", "OSError: [Errno 12] Cannot allocate memory",
    "fatal error: runtime: out of memory",
    // Incidents of vm.max_map_count that the catalogue does not have, as their reports quote them.
    "[Thu Mar 27 07:15:38.877 2025] [2314757] WARNING: rt: table tbl failed to load disk chunk after RAM "
    "save: "
    "disk chunk var/data//tbl/tbl.165: prealloc failed: failed to mmap file 'var/data//tbl/tbl.165.spa': "
    "Cannot "
    "allocate memory (length=4437816)",  // manticoresoftware/manticoresearch#3253
    "terminate called after throwing an instance of 'std::runtime_error' what(): mmap of file "
    "'/opt/vespa/var/db/vespa/search/cluster.abc/n12/documents/xyz/0.ready/index/index.fusion.43/field123/"
    "boolocc.bdat' with flags '1' failed with error: 'Cannot allocate memory'",  // vespa-engine/vespa#27229
    "[2021-07-29T11:22:20.715384003Z ERROR solana_runtime::append_vec] Failed to map the data file (size: "
    "34619392): Cannot allocate memory (os error 12).",  // solana-labs/solana#18967
    "thread 'main' panicked at 'failed to map the data file: Os { code: 12, kind: Other, message: \"Cannot "
    "allocate memory\" }', runtime/src/append_vec.rs:177:19",  // solana-labs/solana#12186
    "qemu-system-x86_64: -device vfio-pci,host=01:00.0: VFIO_MAP_DMA failed: Cannot allocate memory",
    "libbpf: map 'events': failed to create: Cannot allocate memory(-12)",
    "Error response from daemon: failed to create task for container: cannot allocate memory: unknown"};

struct OfALimit {
  const char* limit;
  std::vector<const char*> logs;
};

/// Failures that are not in the catalogue either, of which the log names the limit.
inline const std::vector<OfALimit> kOfALimit{
    {"vm.max_map_count",
     {"                        Please increase sysctl vm.max_map_count or equivalent for your platform.",
      "[2021-07-29T11:22:20.7Z ERROR solana_runtime::append_vec] Failed to map the data file (size: "
      "34619392): "
      "Cannot allocate memory (os error 12).\n"
      "                        Please increase sysctl vm.max_map_count or equivalent for your platform.",
      // vespa-engine/vespa#33027
      "vespa-start-services warning Could not increase vm.max_map_count - current value [65530] too low, "
      "should "
      "be at least 262144"}},
    {"RLIMIT_MEMLOCK",
     {"[  365.159219] vfio_pin_pages_remote: RLIMIT_MEMLOCK (4194304) exceeded",
      "libbpf: Error in bpf_object__probe_loading():Operation not permitted(1). Couldn't load trivial BPF "
      "program. Make sure your kernel supports BPF (CONFIG_BPF_SYSCALL=y) and/or that RLIMIT_MEMLOCK is set "
      "to "
      "big enough value."}},
    {"commit_limit", {"myserver: mmap: Cannot allocate memory\nmyserver: check vm.overcommit_memory"}}};

/// What a log matches, read line by line; or typed on the command line.
inline std::vector<SearchMatch> SearchLog(const SearchIndex& index, const std::string& log, bool typed) {
  Search search(index);
  if (typed) {
    static_cast<void>(search.AddWords(log));
  } else {
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      search.AddLine(line);
    }
  }
  return search.Matches();
}

}  // namespace brink::testing
