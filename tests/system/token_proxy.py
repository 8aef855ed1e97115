# SPDX-License-Identifier: PostgreSQL
"""A proxy that adds a bearer token, for clients that can't send one."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# RFC 9110, section 7.6.1: not for the next hop.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length"}


@contextmanager
def proxy_with_token(upstream: str, token: str) -> Iterator[str]:
    """The proxy's own origin. A request for this origin asks the upstream by its name; any other
    Host or Origin goes through as it came."""
    target = urlsplit(upstream)
    assert target.hostname and target.port

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    connection.putheader(name, translate(value))
            connection.putheader("Authorization", f"Bearer {token}")
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            self.answer(connection.getresponse())
            connection.close()

        def answer(self, response: http.client.HTTPResponse) -> None:
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                while piece := response.read1(65536):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass  # the client has gone, and so goes the connection to the upstream

        do_GET = do_POST = do_DELETE = do_OPTIONS = forward

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    own = f"127.0.0.1:{server.server_port}"

    def translate(value: str) -> str:
        local = own.replace("127.0.0.1", "localhost")
        return value.replace(own, target.netloc).replace(local, target.netloc)

    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{own}"
    finally:
        server.shutdown()
        server.server_close()
