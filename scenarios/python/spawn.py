# SPDX-License-Identifier: MIT
"""A program that holds MIB of memory and runs a command once: spawn.py MIB fork|vfork."""
import os
import subprocess
import sys

held = bytearray(int(sys.argv[1]) << 20)
if sys.argv[2] == "fork":
    child = os.fork()
    if child == 0:
        os.execvp("echo", ["echo", "hello"])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
else:
    status = subprocess.run(["echo", "hello"], check=False).returncode
print(f"command ended with {status}; {len(held) >> 20} MiB held")
