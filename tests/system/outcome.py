# SPDX-License-Identifier: PostgreSQL
"""What a query gave: its rows as PostgreSQL prints them, or the SQLSTATE of its error.

Text, because Python has no dates before year 1 and no second zero; two equal texts are two equal values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg.types.string import TextLoader

Connection = psycopg.Connection[tuple]
Row = tuple[str | None, ...]

_LOADED_OTHERWISE = (
    *("bool", "bytea", "int2", "int4", "int8", "float4", "float8", "numeric", "oid", "uuid"),
    *("date", "timestamp", "timestamptz", "interval", "json", "jsonb"),
)


@dataclass(frozen=True)
class Outcome:
    rows: tuple[Row, ...] | None = None
    sqlstate: str | None = None
    message: str = ""

    def agrees(self, other: Outcome, *, in_order: bool) -> bool:
        """The same error, or the same rows as often; with `in_order` in the same order too."""
        if self.rows is None or other.rows is None:
            return self.sqlstate == other.sqlstate
        if in_order:
            return self.rows == other.rows
        return Counter(self.rows) == Counter(other.rows)

    def difference(self, other: Outcome) -> str:
        """A few rows that only one side has."""
        if self.rows is None or other.rows is None:
            return f"{self._kind()} against {other._kind()}"
        left, right = Counter(self.rows), Counter(other.rows)
        only_left, only_right = list((left - right).elements()), list((right - left).elements())
        if not only_left and not only_right:
            return f"the same {len(self.rows)} rows in another order"
        return (
            f"{len(self.rows)} against {len(other.rows)} rows;"
            f" only left {len(only_left)}: {only_left[:5]}, only right {len(only_right)}: {only_right[:5]}"
        )

    def _kind(self) -> str:
        return (
            f"{len(self.rows)} rows" if self.rows is not None else f"{self.sqlstate} {self.message}"
        )


def read_as_text(connection: Connection) -> Connection:
    """From here on the session's results arrive as PostgreSQL's own text."""
    # Compiling conditions of a thousand terms takes longer than evaluating them on these few rows.
    connection.execute("SET jit = off")
    return load_as_text(connection)


def load_as_text(connection: Connection) -> Connection:
    """The same for a session that may not change settings."""
    for name in _LOADED_OTHERWISE:
        connection.adapters.register_loader(name, TextLoader)
    return connection


def run(connection: Connection, query: str) -> Outcome:
    """Needs a session in autocommit that reads as text."""
    try:
        return Outcome(rows=tuple(connection.execute(query.encode()).fetchall()))
    except psycopg.Error as error:
        if connection.broken:
            raise
        return Outcome(sqlstate=error.sqlstate, message=error.diag.message_primary or "")


@contextmanager
def settings(connection: Connection, **values: str) -> Iterator[None]:
    """Settings for a while; `lakehouse__x` is lakehouse.x."""
    names = {key.replace("__", "."): value for key, value in values.items()}
    for name, value in names.items():
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    try:
        yield
    finally:
        for name in names:
            connection.execute(f"RESET {name}".encode())
