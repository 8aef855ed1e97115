# SPDX-License-Identifier: PostgreSQL
"""Keeps what leaves the system while the tests run, for the scan at the end of the run.

Sessions are recorded by libpq's own trace: rows, errors, notices, parameters, as they came.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_ENDS_WITH_THE_RUN = tempfile.TemporaryDirectory(prefix="lakehouse-left-")
DIRECTORY = Path(_ENDS_WITH_THE_RUN.name)
_numbers = itertools.count()


def keep(place: str, name: str, content: bytes = b"") -> Path:
    """Writes a file into the folder of that place; no two calls share one."""
    folder = DIRECTORY / place
    folder.mkdir(exist_ok=True)
    path = folder / f"{next(_numbers):05}-{name}"
    path.write_bytes(content)
    return path


def kept(place: str) -> list[Path]:
    ctypes.CDLL(None).fflush(None)  # libpq's trace is buffered
    return sorted((DIRECTORY / place).glob("*"))


def keep_answer(content: bytes) -> None:
    """Of a governed session, where the trace does not see it."""
    keep("sessions", "by-hand", b"B\t0\t" + content)


class RecordedCursor(psycopg.Cursor[Any]):
    def execute(self, *arguments: Any, **options: Any) -> Any:
        self.connection.follow()
        try:
            return super().execute(*arguments, **options)
        finally:
            self.connection.follow()

    def copy(self, *arguments: Any, **options: Any) -> Any:
        assert not self.connection.is_recorded, "the trace leaves out what COPY brings"
        return super().copy(*arguments, **options)


class RecordedConnection(psycopg.Connection[Any]):
    """Recorded while its role is no superuser: superusers may see all."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = RecordedCursor
        self._trace: int | None = None
        self.follow()

    @property
    def is_recorded(self) -> bool:
        return self._trace is not None

    def follow(self) -> None:
        """Starts and stops as the server says that the role has changed."""
        if self.closed:
            return
        superuser = self.pgconn.parameter_status(b"is_superuser") != b"off"
        if superuser and self.is_recorded:
            self._stop()
        elif not superuser and not self.is_recorded:
            user = self.pgconn.parameter_status(b"session_authorization") or b""
            self._trace = os.open(keep("sessions", user.decode()), os.O_WRONLY)
            self.pgconn.trace(self._trace)
            self.pgconn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)

    def _stop(self) -> None:
        """Closes the file behind libpq's stream, which psycopg leaves open."""
        assert self._trace is not None
        self.pgconn.untrace()
        os.close(self._trace)
        self._trace = None

    def close(self) -> None:
        if self.is_recorded:
            self._stop()
        super().close()


def keep_relations(session: psycopg.Connection[Any]) -> None:
    """What tables and the server's and our own views show; a view of a test may show hidden rows."""
    relations = session.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname !~ '^pg_(toast|temp)' AND (c.relkind IN ('r', 'm')"
        " OR c.relkind = 'v' AND n.nspname IN ('pg_catalog', 'lakehouse'))"
    ).fetchall()
    texts = (relation_text(session, name) for name in relations)
    keep("relations", "all", b"\n".join(texts))


def relation_text(session: psycopg.Connection[Any], name: tuple[str, str]) -> bytes:
    query = sql.SQL("COPY (SELECT x::text FROM {} x) TO STDOUT").format(sql.Identifier(*name))
    with session.cursor().copy(query) as rows:
        return ".".join(name).encode() + b"\n" + b"".join(rows)
