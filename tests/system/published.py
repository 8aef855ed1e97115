# SPDX-License-Identifier: PostgreSQL
"""A tenant with published tables, and their Delta tables as `deltalake` reads them from the directory."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from deltalake import DeltaTable
from psycopg import sql
from psycopg.rows import dict_row
from worker_program import setting

Row = dict[str, Any]
CHANGE_COLUMNS = ("_change_type", "_commit_version", "_commit_timestamp")


def delta_directory(connection: psycopg.Connection[tuple]) -> Path:
    return Path(
        setting(connection, "lakehouse.delta_directory")
        or Path(setting(connection, "data_directory")) / "lakehouse_delta"
    )


class Publisher:
    """A tenant of its own with one share, empty at first."""

    def __init__(self, connection: psycopg.Connection[tuple]) -> None:
        self.connection = connection
        self.slug = "p" + secrets.token_hex(4)
        self.execute("SELECT lakehouse.create_tenant(%s)", self.slug)
        self.execute("SELECT lakehouse.create_share(%s, 'all', default_tables => false)", self.slug)
        self.execute(f"SET search_path = {self.slug}, public")

    def drop(self) -> None:
        self.execute("RESET search_path")
        self.execute("SELECT lakehouse.drop_tenant(%s)", self.slug)

    def execute(self, statement: str, *values: object) -> None:
        self.connection.execute(statement, values or None)

    def create(self, name: str, columns: str, **options: object) -> Published:
        self.execute(f"CREATE TABLE {name} ({columns})")
        return self.add(name, **options)

    def add(self, name: str, **options: object) -> Published:
        named = "".join(f", {key} => %s" for key in options)
        self.execute(
            f"SELECT lakehouse.add_table_to_share(%s, 'all', %s::regclass{named})",
            self.slug,
            f"{self.slug}.{name}",
            *options.values(),
        )
        return Published(self, name)

    def publish(self) -> list[Row]:
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute("SELECT * FROM lakehouse.publish_now(%s)", [self.slug]).fetchall()


class Published:
    """A published table or view."""

    def __init__(self, publisher: Publisher, name: str) -> None:
        self.publisher = publisher
        self.name = name

    def row(self, column: str) -> Any:
        found = self.publisher.connection.execute(
            f"SELECT {column} FROM lakehouse.published_tables WHERE source = %s::regclass",
            [f"{self.publisher.slug}.{self.name}"],
        ).fetchone()
        assert found is not None
        return found[0]

    @property
    def folder(self) -> Path:
        return delta_directory(self.publisher.connection) / self.row("location")

    def delta(self, version: int | None = None) -> DeltaTable:
        return DeltaTable(str(self.folder), version=version)

    def rows(self, version: int | None = None) -> list[Row]:
        """As the Delta table has them, in the order of their first column."""
        return ordered(self.delta(version).to_pyarrow_table().to_pylist())

    def sql_rows(self) -> list[Row]:
        """As the database has them, columns as published."""
        names = self.publisher.connection.execute(
            "SELECT name, select_expression FROM lakehouse.published_columns(%s::regclass)",
            [f"{self.publisher.slug}.{self.name}"],
        ).fetchall()
        columns = sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))
            for name, expression in names
        )
        with self.publisher.connection.cursor(row_factory=dict_row) as cursor:
            query = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(self.name))
            return ordered([plain(row) for row in cursor.execute(query).fetchall()])

    def changes(self, first: int, last: int) -> list[Row]:
        feed = self.delta().load_cdf(starting_version=first, ending_version=last)
        table = feed.read_all() if hasattr(feed, "read_all") else feed
        return table.to_pylist() if hasattr(table, "to_pylist") else _pylist(table)

    def files(self) -> set[str]:
        """Data and change files that lie in the folder, unfinished ones too."""
        return {
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and "_delta_log" not in path.parts
        }


def _pylist(table: Any) -> list[Row]:
    import pyarrow

    return pyarrow.table(table).to_pylist()


def plain(row: Row) -> Row:
    from uuid import UUID

    return {
        name: str(value) if isinstance(value, UUID) else value for name, value in row.items()
    }


def ordered(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: str(next(iter(row.values()))))


def replayed(rows: list[Row], changes: list[Row], key: Callable[[Row], object]) -> list[Row]:
    """The rows after a change feed, version by version: what is removed first, then what comes."""
    state = {key(row): row for row in rows}
    by_version = sorted(changes, key=lambda change: change["_commit_version"])
    for kinds in _versions(by_version):
        for change in kinds:
            if change["_change_type"] in ("delete", "update_preimage"):
                assert state.pop(key(change)) == bare(change)
        for change in kinds:
            if change["_change_type"] in ("insert", "update_postimage"):
                assert key(change) not in state
                state[key(change)] = bare(change)
    return ordered(list(state.values()))


def _versions(changes: list[Row]) -> list[list[Row]]:
    numbers = sorted({change["_commit_version"] for change in changes})
    return [[c for c in changes if c["_commit_version"] == number] for number in numbers]


def bare(change: Row) -> Row:
    return {name: value for name, value in change.items() if name not in CHANGE_COLUMNS}
