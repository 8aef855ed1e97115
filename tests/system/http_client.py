# SPDX-License-Identifier: PostgreSQL
"""A client of the worker's HTTP server that says exactly the bytes it is told to."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit


def server_address() -> tuple[str, int]:
    url = urlsplit(os.environ["LAKEHOUSE_URL"])
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


def host() -> str:
    return "{}:{}".format(*server_address())


class RawClient:
    """One connection. Received bytes stay in `received`."""

    def __init__(
        self, seconds: float = 30, address: tuple[str, int] | None = None
    ) -> None:
        self._socket = socket.create_connection(
            address or server_address(), timeout=seconds
        )
        self.received = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, text: bytes) -> None:
        self._socket.sendall(text)

    def receive_all(self) -> bytes:
        """Until the server closes; a reset counts as that."""
        try:
            while block := self._socket.recv(65536):
                self.received += block
        except ConnectionResetError:
            pass
        return self.received

    def receive_until(self, marker: bytes) -> bytes:
        while marker not in self.received:
            block = self._socket.recv(65536)
            assert block, f"closed after {self.received!r}"
            self.received += block
        return self.received


def ask(text: bytes) -> bytes:
    """The whole answer to the bytes of one connection."""
    with RawClient() as client:
        client.send(text)
        return client.receive_all()
