# SPDX-License-Identifier: PostgreSQL
"""Schema odd: tables and columns whose names break careless quoting."""

from __future__ import annotations

from data.model import Column, Schema, Table, quote

_LONG_NAME = "n" * 200

_NAMES = (
    ("back`tick", "A name with a backtick"),
    ('double"quote', "A name with a double quote"),
    ("two words", "A name with a space"),
    ("line\nbreak", "A name with a newline"),
    ("select", "A reserved word"),
    ("MixedCase", "A name in mixed case"),
    ("it's; DROP TABLE x --", "A name that looks like an attack"),
    ("\u540d\u524d \U0001f600", "A name beyond ASCII"),
    (_LONG_NAME, "A name of 200 characters"),
)


def _table(name: str, comment: str) -> Table:
    columns = (Column("id", "int", "Number of the row", nullable=False),) + tuple(
        Column(column, "string", text) for column, text in _NAMES
    )
    names = ", ".join(quote(column.name) for column in columns)
    values = ", ".join(f"'value {index}'" for index in range(1, len(_NAMES) + 1))
    nulls = ", ".join("CAST(NULL AS STRING)" for _ in _NAMES)
    query = f"SELECT * FROM VALUES (1, {values}), (2, {nulls}) AS t({names})"
    return Table("odd", name, comment, columns, query)


SCHEMA = Schema(
    "odd",
    "Names that need care: it's a `test`",
    tuple(_table(name, f'{comment}; it\'s a "table"') for name, comment in _NAMES),
)
