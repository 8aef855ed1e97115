# SPDX-License-Identifier: PostgreSQL
"""Rows of different readers in one form, so that they can be compared with what SQL says."""

import math
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

Row = dict[str, Any]

# What readers of changes add to a row.
kChange = ("_change_type", "_commit_version", "_commit_timestamp")


def plain(value: Any) -> Any:
    """A value as every reader can have it. Some know whole numbers with gaps as floats alone."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, memoryview):
        return bytes(value)
    return value


def plain_rows(rows: Iterable[Row]) -> list[Row]:
    """In the order of their ids."""
    made = [{name: plain(value) for name, value in row.items()} for row in rows]
    return sorted(made, key=lambda row: (str(row["id"]), row.get("_commit_version", 0)))


def from_arrow(table: pa.Table) -> list[Row]:
    return plain_rows(table.to_pylist())


def within(columns: Iterable[str], rows: list[Row]) -> list[Row]:
    """The rows without columns that came later, where they are NULL."""
    known = {*columns, *kChange}
    assert all(row[name] is None for row in rows for name in row if name not in known)
    return [{name: value for name, value in row.items() if name in known} for row in rows]


def replay(rows: list[Row], changes: list[Row]) -> list[Row]:
    """The rows after the changes. Each change must find the row before it as it says.

    Readers lay changes into the newest columns or into those of the time.
    """
    found = {row["id"]: row for row in rows}
    order = {"delete": 0, "update_preimage": 0, "insert": 1, "update_postimage": 1}
    changes = within(rows[0], changes) if rows else changes
    for change in sorted(changes, key=lambda c: (c["_commit_version"], order[c["_change_type"]])):
        row = {name: value for name, value in change.items() if name not in kChange}
        if order[change["_change_type"]] == 0:
            assert found.pop(row["id"]) == row
        else:
            assert row["id"] not in found
            found[row["id"]] = row
    return plain_rows(found.values())
