# SPDX-License-Identifier: MIT
"""A WSGI application whose answers take as many MiB of memory as the path says: GET /160 takes 160 MiB for its answer."""


def application(environ, start_response):
    mebibytes = int(environ["PATH_INFO"].strip("/") or 0)
    rows = bytearray(b"\x01") * (mebibytes << 20)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"sum {sum(rows[::4096])}\n".encode()]
