# SPDX-License-Identifier: PostgreSQL
"""What clients sent, kept in a file: for a test that looks for what should never have come here.

Without the credentials, which may come, and without what a test sends to set its tables up.
"""

from __future__ import annotations

import threading
from pathlib import Path

from server.message import FilePart, Request

SET_UP_HEADER = "x-standin-set-up"
_CREDENTIAL_PATHS = ("/oidc/v1/token",)


class Record:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._stream = open(file, "wb")  # noqa: SIM115  # open as long as the process lives

    def add(self, request: Request) -> None:
        if SET_UP_HEADER in request.headers:
            return
        headers = {k: v for k, v in request.headers.items() if k != "authorization"}
        lines = [f"{request.method} {request.path}?{request.query_string}", *map(": ".join, headers.items()), ""]
        body = b"" if request.path in _CREDENTIAL_PATHS else request.body
        with self._lock:
            self._stream.write("\n".join(lines).encode() + body + b"\n")

    def content(self) -> FilePart:
        with self._lock:
            self._stream.flush()
            return FilePart(self._file, 0, self._stream.tell())
