# SPDX-License-Identifier: PostgreSQL
"""Speaks the wire as the guard's backend does: records over one connection, an answer for each.

Runs as a program of its own, since the worker listens to the server's system user only:
    audit_client.py SOCKET TENANT_ID COUNT
Prints one line an answer: its seq, or `failure <message>`, which ends it.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
import uuid

PROTOCOL_VERSION = 4


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("=I", len(raw)) + raw


def texts(values: list[str]) -> bytes:
    return struct.pack("=I", len(values)) + b"".join(text(value) for value in values)


def number(value: int) -> bytes:
    return struct.pack("=q", value)


def frame(kind: str, body: bytes) -> bytes:
    return struct.pack("=I", len(body) + 1) + kind.encode() + body


def hello() -> bytes:
    return frame("H", struct.pack("=Ii", PROTOCOL_VERSION, 4711) + text("4711-1"))


def record(tenant_id: str) -> bytes:
    body = text(tenant_id) + text(str(uuid.uuid4())) + b"\x00"
    body += number(time.time_ns() // 1000)
    body += text("acme_agent_1") + text("acme_agent") + text("pytest")
    body += text(bytes(32)) + text("SELECT $1") + texts(["tpch.orders"]) + number(1)
    body += text("") + text("") + number(0) * 3 + texts([]) + b"\x00"
    return frame("J", body)


def receive(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        more = connection.recv(size - len(got))
        if not more:
            raise ConnectionResetError("the worker has gone")
        got += more
    return got


def answer(connection: socket.socket) -> str:
    length, kind = struct.unpack("=Ic", receive(connection, 5))
    body = receive(connection, length - 1)
    if kind == b"j":
        return str(struct.unpack("=q", body)[0])
    size = struct.unpack("=I", body[1:5])[0]
    return "failure " + body[5 : 5 + size].decode()


def main(path: str, tenant_id: str, count: int) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(hello())
        for _ in range(count):
            connection.sendall(record(tenant_id))
            said = answer(connection)
            print(said, flush=True)
            if said.startswith("failure"):
                return


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    except (ConnectionError, FileNotFoundError) as error:
        print("lost", error, flush=True)
