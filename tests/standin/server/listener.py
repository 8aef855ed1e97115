# SPDX-License-Identifier: PostgreSQL
"""One origin: an HTTP/1.1 server on 127.0.0.1, plain or TLS, a thread for each connection.

Files leave by sendfile when plain. Faults on the socket (reset, truncate, trickle) happen here.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from server.faults import Fault
from server.message import FilePart, Request, Response

Application = Callable[[Request], tuple[Response, list[Fault]]]

# Bodies at or above this size are compressed when the client accepts gzip.
GZIP_FROM_BYTES = 1024
_FILE_BLOCK = 1 << 20


class Listener(ThreadingHTTPServer):
    """Listens from construction on; serves between `start` and `stop`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(
        self, origin: str, port: int, application: Application, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.origin = origin
        self.application = application
        self.tls = tls
        self.compresses = True
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news: tests reset connections by the hundred."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The TLS handshake runs in the connection's thread, so a slow client holds nobody up."""
        if self.tls is not None:
            request.settimeout(30)
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 300
    server: Listener

    def handle_any(self) -> None:
        request = self._read()
        response, faults = self.server.application(request)
        if any(fault.action("reset") for fault in faults):
            self._reset()
            return
        self._write(request, response, faults)

    do_GET = do_POST = do_DELETE = do_PUT = do_HEAD = handle_any

    def _read(self) -> Request:
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(
            self.server.origin,
            self.command,
            path,
            query,
            headers,
            self._read_body(headers),
            self.client_address[0],
        )

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunked()
        return self.rfile.read(int(headers.get("content-length") or 0))

    def _read_chunked(self) -> bytes:
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(body)

    def _write(self, request: Request, response: Response, faults: list[Fault]) -> None:
        response = self._compressed(request, response)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(response.length))
        self.end_headers()
        if request.method == "HEAD":
            return
        cut = _first(faults, "truncate_after")
        trickle = _first(faults, "trickle")
        if cut is not None:
            self.wfile.write(response.bytes()[: int(cut)])
            self.wfile.flush()
            self._reset()
        elif trickle is not None:
            self._trickle(response.bytes(), trickle)
        else:
            self._send(response)

    def _compressed(self, request: Request, response: Response) -> Response:
        wanted = "gzip" in request.headers.get("accept-encoding", "")
        plain = isinstance(response.body, bytes) and "Content-Encoding" not in response.headers
        if not (self.server.compresses and wanted and plain and response.length >= GZIP_FROM_BYTES):
            return response
        headers = {**response.headers, "Content-Encoding": "gzip"}
        return Response(response.status, gzip.compress(response.bytes(), 1), headers)

    def _send(self, response: Response) -> None:
        if isinstance(response.body, bytes):
            self.wfile.write(response.body)
            return
        self.wfile.flush()
        with open(response.body.path, "rb") as file:
            if self.server.tls is None:
                self.connection.sendfile(file, response.body.offset, response.body.length)
            else:
                self._copy(file, response.body)

    def _copy(self, file: Any, part: FilePart) -> None:
        file.seek(part.offset)
        left = part.length
        while left and (block := file.read(min(left, _FILE_BLOCK))):
            self.wfile.write(block)
            left -= len(block)

    def _trickle(self, body: bytes, pace: dict[str, int]) -> None:
        step = max(1, int(pace.get("bytes", 1)))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            time.sleep(int(pace.get("every_ms", 100)) / 1000)

    def _reset(self) -> None:
        """Close so that the peer sees RST, not an orderly end."""
        linger = struct.pack("ii", 1, 0)
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
        self.close_connection = True
        raise ConnectionResetError

    def log_message(self, format: str, *args: Any) -> None:
        """No access log: the counters tell what came, and a URL may hold a signature."""


def _first(faults: list[Fault], name: str) -> Any:
    for fault in faults:
        if fault.action(name) is not None:
            return fault.action(name)
    return None
