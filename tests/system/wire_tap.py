# SPDX-License-Identifier: PostgreSQL
"""Stands on the wire between the worker and its server: counts what the worker sends, and asks its idle sessions.

The server's socket moves into a folder beside it, and the tap's own takes its place.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CANCEL, SSL, GSS = 80877102, 80877103, 80877104
SIMPLE_QUERY, FUNCTION_CALL, PARSE = b"Q", b"F", b"P"
ASYNCHRONOUS = (b"A", b"S")  # for the worker also while a question of ours is open


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def question(query: str) -> bytes:
    """One statement by the extended protocol, its results as text."""
    return (
        message(b"P", b"\0" + query.encode() + b"\0\0\0")
        + message(b"B", b"\0\0" + b"\0\0" * 3)
        + message(b"E", b"\0\0\0\0\0")
        + message(b"S")
    )


def cut(buffer: bytearray, head: int) -> Iterator[tuple[bytes, bytes]]:
    """Takes whole messages off: (type and length, body)."""
    while len(buffer) >= head + 4:
        (length,) = struct.unpack_from("!i", buffer, head)
        assert length >= 4, bytes(buffer[:64])
        if len(buffer) < head + length:
            return
        whole = bytes(buffer[: head + length])
        del buffer[: head + length]
        yield whole[: head + 4], whole[head + 4 :]


class TappedSession:
    """A session of the worker."""

    def __init__(self, tap: Tap, worker: socket.socket, server: socket.socket) -> None:
        self._tap, self._worker, self._server = tap, worker, server
        self._sending = threading.Lock()  # towards the server
        self._open_syncs = 1  # the start-up ends as a statement does
        self._status = b"?"
        self._answer: list[tuple[bytes, bytes]] | None = None
        self._answered = threading.Event()
        self.user = ""
        self.spoken = 0  # messages of the worker
        self.has_ended = False
        for way in (self._listen_to_worker, self._listen_to_server):
            threading.Thread(target=self._run, args=[way], daemon=True).start()

    def _run(self, way: Any) -> None:
        try:
            way()
        except OSError:
            pass  # one side has gone
        except Exception as error:
            self._tap.failures.append(repr(error))
        self.has_ended = True
        for end in (self._worker, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._answered.set()

    def _listen_to_worker(self) -> None:
        buffer = bytearray()
        head = 0
        while received := self._worker.recv(65536):
            buffer += received
            out = bytearray()
            with self._sending:
                while head == 0 and (first := next(cut(buffer, 0), None)):
                    out += first[0] + first[1]
                    head = self._note_start(first[1])
                if head:
                    for kind, body in cut(buffer, 1):
                        out += kind + body
                        self._note(kind[:1], body)
                self._server.sendall(out)

    def _note_start(self, body: bytes) -> int:
        """Of the messages before the first with a type; how long the type is from now on."""
        (code,) = struct.unpack_from("!i", body)
        self._tap.count({CANCEL: "cancel", SSL: "ssl", GSS: "gss"}.get(code, "start"))
        if code in (CANCEL, SSL, GSS):
            return 0
        words = body[4:].split(b"\0")
        self.user = dict(zip(words[::2], words[1::2], strict=False))[b"user"].decode()
        return 1

    def _note(self, kind: bytes, body: bytes) -> None:
        self.spoken += 1
        self._tap.count(kind.decode())
        if kind in (b"S", SIMPLE_QUERY, FUNCTION_CALL):
            self._open_syncs += 1
        if kind == SIMPLE_QUERY:
            self._tap.simple.append(body.rstrip(b"\0").decode())
        if kind == PARSE:
            self._tap.parsed.add(body.split(b"\0")[1].decode())

    def _listen_to_server(self) -> None:
        buffer = bytearray()
        while received := self._server.recv(65536):
            buffer += received
            out = bytearray()
            for kind, body in cut(buffer, 1):
                if kind[:1] == b"Z":
                    self._status = body
                    self._open_syncs -= 1
                if self._answer is None or kind[:1] in ASYNCHRONOUS:
                    out += kind + body
                    continue
                self._answer.append((kind[:1], body))
                if kind[:1] == b"Z":
                    self._answered.set()
            self._worker.sendall(out)

    def ask(self, query: str) -> Any:
        """The JSON that a query of one cell gives in this session, between two of the worker's statements."""
        with self._sending:
            while self._open_syncs > 0:
                if self.has_ended:
                    return None
                time.sleep(0.0005)
            assert self._status == b"I", self._status
            self._answered.clear()
            self._answer = []
            self._open_syncs += 1
            self._server.sendall(question(query))
            assert self._answered.wait(30), "no answer"
            answer, self._answer = self._answer, None
        if self.has_ended:
            return None
        rows = [body for kind, body in answer if kind == b"D"]
        assert rows, answer
        return json.loads(rows[0][6:])


class Tap:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.direct = path.parent / "direct"  # a folder for PGHOST
        self.direct.mkdir()
        self.direct.chmod(0o755)
        path.rename(self.direct / path.name)
        self.messages: Counter[str] = Counter()
        self.simple: list[str] = []
        self.parsed: set[str] = set()  # texts of statements
        self.failures: list[str] = []
        self.sessions: list[TappedSession] = []
        self._counting = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o777)
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                worker, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.direct / self.path.name))
            except OSError:
                worker.close()
                continue
            self.sessions.append(TappedSession(self, worker, server))

    def count(self, kind: str) -> None:
        with self._counting:
            self.messages[kind] += 1

    def live(self) -> list[TappedSession]:
        return [session for session in self.sessions if session.user and not session.has_ended]

    def close(self) -> None:
        """Gives the server its socket back."""
        self._listener.close()
        self.path.unlink()
        (self.direct / self.path.name).rename(self.path)
        self.direct.rmdir()


@contextmanager
def tapped(path: Path) -> Iterator[Tap]:
    tap = Tap(path)
    try:
        yield tap
    finally:
        tap.close()
