# SPDX-License-Identifier: MIT
"""A program with REGIONS mappings of MIB each, of which it has touched nothing, that forks: fork_sparse.py MIB REGIONS."""
import mmap
import os
import sys

size, regions = int(sys.argv[1]) << 20, int(sys.argv[2])
held = [mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(regions)]
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
print(f"forked with {len(held)} regions of {size >> 20} MiB")
