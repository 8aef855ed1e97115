# SPDX-License-Identifier: PostgreSQL
"""Copies foreign tables into local ones, so that PostgreSQL itself says what a query's answer is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple]


@contextmanager
def copied(schema: str, tables: Iterable[str] | None = None) -> Iterator[str]:
    """Copies tables of a foreign schema, all unless named, into a new schema; yields its name."""
    local = f"{schema}_copy"
    with psycopg.connect(autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(local)))
        for table in tables if tables is not None else foreign_tables(connection, schema):
            copy_table(connection, schema, local, table)
    yield local
    with psycopg.connect(autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(local)))


def foreign_tables(connection: Connection, schema: str) -> list[str]:
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'f'"
        " ORDER BY 1",
        [schema],
    )
    return [name for (name,) in rows]


def copy_table(connection: Connection, schema: str, local: str, table: str) -> None:
    """Every row and column, read by a scan without condition."""
    source, target = sql.Identifier(schema, table), sql.Identifier(local, table)
    connection.execute(sql.SQL("CREATE TABLE {} AS SELECT * FROM {}").format(target, source))
    connection.execute(sql.SQL("ANALYZE {}").format(target))


def use_schema(connection: Connection, *schemas: str) -> None:
    names = sql.SQL(", ").join(sql.Identifier(name) for name in schemas)
    connection.execute(sql.SQL("SET search_path = {}, public").format(names))
