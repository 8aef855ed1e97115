# SPDX-License-Identifier: PostgreSQL
"""The protocol's fast-path call, spoken by hand: libpq still has it, psycopg does not."""

from __future__ import annotations

import os
import socket
import struct

import psycopg
from recording import keep_answer

Connection = psycopg.Connection[tuple]


def call_fast_path(session: Connection, oid: int) -> bytes:
    """Calls a function without arguments; the server's answer as it came, notices and errors too."""
    message = struct.pack("!IhhH", oid, 0, 0, 0)
    packet = b"F" + struct.pack("!I", 4 + len(message)) + message
    with socket.socket(fileno=os.dup(session.pgconn.socket)) as duplicate:
        duplicate.setblocking(True)
        duplicate.sendall(packet)
        received = b""
        while not received.endswith((b"Z\0\0\0\x05I", b"Z\0\0\0\x05E")):
            received += duplicate.recv(65536)
    keep_answer(received)
    return received
