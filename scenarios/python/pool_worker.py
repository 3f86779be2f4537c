# SPDX-License-Identifier: MIT
"""Builds tables in a pool of worker processes, one of them too large for the memory there is.

pool_worker.py pool|executor MEBIBYTES...: the kind of pool, and the size of each table. A worker builds one table after
another; the sums come back to the parent.
"""
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor


def table(mebibytes):
    rows = bytearray(b"\x01") * (mebibytes << 20)
    return sum(rows[::4096])


def main(kind, *sizes):
    sizes = [int(size) for size in sizes]
    if kind == "pool":
        with multiprocessing.Pool(2) as pool:
            sums = pool.map(table, sizes, chunksize=1)
            pool.close()
            pool.join()
    else:
        with ProcessPoolExecutor(2) as pool:
            sums = list(pool.map(table, sizes))
    print("sums", *sums, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
