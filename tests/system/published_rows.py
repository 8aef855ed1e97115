# SPDX-License-Identifier: PostgreSQL
"""Rows of a source as its published table must have them: what SQL says, in Python's terms.

A row is the tuple of its values in the order of the columns' names. Rows are counted, not listed,
since a table has no order, and a row that is there twice is an error as much as one that is missing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
Row = tuple[Any, ...]
Rows = Counter[Row]

# What is published as itself; float4 has its exact value in a float8 alone.
_AS_ITSELF = {
    "bool": "{}",
    "int2": "{}",
    "int4": "{}",
    "int8": "{}",
    "float4": "{}::float8",
    "float8": "{}",
    "date": "{}",
    "bytea": "{}",
    "timestamptz": "{}",
    "timestamp": "({} AT TIME ZONE 'UTC')",
}
_MOST_DIGITS = 38

COLUMNS = """
SELECT a.attname, t.typname, e.typname, a.atttypmod
FROM pg_attribute a JOIN pg_type d ON d.oid = a.atttypid
JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attname COLLATE "C"
"""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _is_decimal(type_name: str, modifier: int) -> bool:
    digits, scale = (modifier - 4) >> 16, (modifier - 4) & 0x7FF
    return type_name == "numeric" and modifier >= 4 and digits <= _MOST_DIGITS and scale <= digits


def _expression(name: str, type_name: str, element: str | None, modifier: int) -> str:
    column = quoted(name)
    if element is not None:
        plain = {"float4": "float8[]", "timestamp": "timestamptz[]"}
        if element in _AS_ITSELF:
            return f"{column}::{plain.get(element, element + '[]')}"
        return column if _is_decimal(element, modifier) else f"{column}::text[]"
    if _is_decimal(type_name, modifier):
        return column
    return _AS_ITSELF.get(type_name, "{}::text").format(column)


def canonical(value: Any) -> Any:
    """Equal values are equal, whatever library they came from."""
    if isinstance(value, list):
        return tuple(canonical(item) for item in value)
    if isinstance(value, float) and math.isnan(value):
        return "not a number"
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, memoryview):
        return bytes(value)
    return value


def count_rows(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Of rows by column."""
    return Counter(tuple(canonical(row[name]) for name in sorted(row)) for row in rows)


def column_names(session: Connection, source: str) -> list[str]:
    return [row[0] for row in session.execute(COLUMNS, [source]).fetchall()]


def source_rows(session: Connection, source: str) -> Rows:
    """As this session sees them: of its snapshot, if its transaction has one."""
    columns = session.execute(COLUMNS, [source]).fetchall()
    wanted = ", ".join(_expression(*column) for column in columns)
    found = session.execute(f"SELECT {wanted} FROM {source}").fetchall()
    return Counter(tuple(canonical(value) for value in row) for row in found)


def difference(found: Rows, expected: Rows, most: int = 3) -> str:
    """What a failure shows; empty if they are equal."""
    if found == expected:
        return ""
    missing, surplus = expected - found, found - expected
    return (
        f"{missing.total()} rows missing, {surplus.total()} too many;"
        f" missing: {list(missing)[:most]}; too many: {list(surplus)[:most]}"
    )
