# SPDX-License-Identifier: MIT
"""Keeps its data in a segment of System V shared memory, as databases and message brokers do.

segment_server.py IDS MEBIBYTES end|early crash|serve: it appends the segment's number to the file IDS, fills it, and marks it for
removal at its own end, or early, as soon as it is attached (the memory then lives as long as somebody has it attached). It
crashes once it is filled, or serves until SIGTERM.
"""
import ctypes
import os
import signal
import sys

IPC_PRIVATE, IPC_CREAT, IPC_RMID = 0, 0o1000, 0


def check(result):
    if result in (-1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def main(ids, mebibytes, remove, then):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
    libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    libc.shmat.restype = ctypes.c_void_p
    size = int(mebibytes) << 20
    segment = check(libc.shmget(IPC_PRIVATE, size, IPC_CREAT | 0o600))
    with open(ids, "a") as file:
        file.write(f"{segment}\n")
    address = check(libc.shmat(segment, None, 0))
    if remove == "early":
        check(libc.shmctl(segment, IPC_RMID, None))
    ctypes.memset(address, 1, size)
    print(f"a segment of {mebibytes} MiB is filled", flush=True)
    if then == "crash":
        os._exit(70)
    signal.sigwait({signal.SIGTERM})
    if remove == "end":
        check(libc.shmctl(segment, IPC_RMID, None))


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main(*sys.argv[1:])
