# SPDX-License-Identifier: PostgreSQL
"""The words of the sample catalog: schema, table, column. Types are written in Databricks SQL.

Both engines and information_schema read the same descriptions, so they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

CATALOG = "demo"


@dataclass(frozen=True)
class Column:
    """One column: its name, its Databricks type in lower case, and what it means."""

    name: str
    type: str
    comment: str | None = None
    nullable: bool = True


@dataclass(frozen=True)
class Table:
    """A table; its rows come from a Parquet file, or from `query` in Databricks SQL."""

    schema: str
    name: str
    comment: str | None
    columns: tuple[Column, ...]
    query: str | None = None

    @property
    def file_name(self) -> str:
        return f"{self.schema}.{self.name}.parquet"


@dataclass(frozen=True)
class Schema:
    name: str
    comment: str
    tables: tuple[Table, ...] = field(default=())


def quote(identifier: str) -> str:
    """Quote an identifier as Databricks does: backticks, doubled inside."""
    return "`" + identifier.replace("`", "``") + "`"
