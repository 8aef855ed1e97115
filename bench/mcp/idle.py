# SPDX-License-Identifier: PostgreSQL
"""What streams cost that say nothing: the worker's memory before and with them."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from load import Load

MARK = b"notifications/subscriptions/acknowledged"


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    sys.exit(f"process {pid} has no memory")


@contextlib.contextmanager
def open_streams(load: Load, count: int) -> Iterator[None]:
    parts = urllib.parse.urlsplit(load.url)
    body = load.bodies[0].replace('"@id@"', "1").encode()
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in load.headers.items())
    request = head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            stream = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30)
            opened.enter_context(contextlib.closing(stream))
            stream.sendall(request)
            answer = b""
            while MARK not in answer:
                block = stream.recv(65536)
                if not block:
                    sys.exit(f"a stream did not begin: {answer.decode(errors='replace')}")
                answer += block
        yield


def megabytes(load: Load, pid: int, count: int, idle_seconds: float) -> tuple[float, float]:
    """Before the streams, and after they were idle for a while."""
    before = resident_bytes(pid)
    with open_streams(load, count):
        time.sleep(idle_seconds)
        return before / 1e6, resident_bytes(pid) / 1e6
