# SPDX-License-Identifier: MIT
"""Passes blocks of shared memory on, one after another, as a data loader does: each is filled, handed over and closed.

shared_blocks.py PREFIX COUNT MEBIBYTES close|collect|unlink: what is done with a block that nobody uses any more. At its end
it unlinks all that it has made. Blocks are named PREFIX-0 and so on.
"""
import gc
import sys
from multiprocessing.shared_memory import SharedMemory


def main(prefix, count, mebibytes, after):
    names = [f"{prefix}-{number}" for number in range(int(count))]
    size = int(mebibytes) << 20
    for number, name in enumerate(names):
        block = SharedMemory(name, create=True, size=size)
        for place in range(0, size, 4096):
            block.buf[place] = number + 1
        print(f"block {number} sums to {sum(block.buf[::4096])}", flush=True)
        block.close()
        if after == "collect":
            del block
            gc.collect()
        elif after == "unlink":
            block.unlink()
    if after != "unlink":
        for name in names:
            SharedMemory(name).unlink()
    print("all blocks were passed on", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
