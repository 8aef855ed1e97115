# SPDX-License-Identifier: PostgreSQL
"""sqlsmith, an independent generator of SQL, set before a catalog that we chose.

It reads tables, operators and functions from whatever database it connects to. So it gets one of
its own, where views stand in for the walled tenant's tables, and where the catalog shows only what
a test can judge: an answer must depend on nothing but the rows. Not on their order, the clock,
chance or the session.
"""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from conftest import connect
from psycopg import sql
from walled_tenant import CONTENTS

_SCHEMA = "smith"
# Aggregates and window functions that say in which order the rows came, or round as they come.
_BY_ORDER = (
    *("array_agg", "string_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"),
    *("xmlagg", "row_number", "ntile", "lag", "lead", "first_value", "last_value", "nth_value"),
)
_CATALOG = """
SET allow_system_table_mods = on;
ALTER TABLE pg_catalog.pg_operator RENAME TO pg_operator_whole;
CREATE TABLE information_schema.shown_functions AS
    SELECT oid FROM pg_catalog.pg_proc p
    WHERE CASE WHEN %(only)s THEN p.oid::regprocedure::text = ANY (%(functions)s)
               ELSE p.provolatile = 'i' END
    AND p.proname <> ALL (%(by_order)s)
    AND p.proname NOT IN ('now', 'transaction_timestamp', 'statement_timestamp')
    AND NOT (p.proname = 'age' AND p.pronargs = 1)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t
                    WHERE t.oid = ANY (p.proargtypes::oid[] || p.prorettype)
                    AND t.typname ~ '^any.')
    AND NOT (p.prokind = 'a' AND p.proargtypes::oid[] && ARRAY[700, 701]::oid[]);
CREATE VIEW information_schema.pg_proc AS
    SELECT * FROM pg_catalog.pg_proc
    WHERE oid IN (SELECT oid FROM information_schema.shown_functions);
CREATE VIEW pg_catalog.pg_operator AS
    SELECT * FROM pg_catalog.pg_operator_whole
    WHERE oprcode IN (SELECT oid FROM information_schema.shown_functions);
CREATE SCHEMA smith;
"""


@dataclass(frozen=True)
class Taste:
    """What sqlsmith finds; `least_rows` is the share of statements that then must have rows."""

    name: str
    shows_hidden: bool
    shows_denied: bool
    least_rows: float


MODEST = Taste("modest", shows_hidden=False, shows_denied=False, least_rows=0.4)
CURIOUS = Taste("curious", shows_hidden=True, shows_denied=False, least_rows=0.05)
BROAD = Taste("broad", shows_hidden=False, shows_denied=True, least_rows=0.3)
TASTES = (MODEST, CURIOUS, BROAD)


# sqlsmith knows no constants but NULL, numbers and truths.
_CONSTANTS = {
    "text": ("EU", "a", "plain", "2024-02-15", "0"),
    "varchar": ("EU", "x"),
    "bpchar": ("DE", "a"),
    "int2": ("1", "3"),
    "int4": ("0", "2", "7"),
    "int8": ("1", "11"),
    "numeric": ("10.5", "-9.75"),
    "float4": ("0.5",),
    "float8": ("1.5", "4"),
    "bool": ("true", "false"),
    "date": ("2024-02-15", "2001-12-31"),
    "timestamp": ("2024-03-10 05:00:00",),
    "timestamptz": ("2024-03-10 05:30:00.5Z",),
    "time": ("05:30:00",),
    "interval": ("1 day", "90 minutes"),
    "bytea": ("\\x61", "\\x00ff"),
    "jsonb": ('{"a": [1, null]}', "[2]"),
    "json": ('{"a": 1}',),
    "uuid": ("00000000-0000-0000-0000-000000000001",),
    "tsquery": ("plain",),
    "tsvector": ("late plain",),
    "int4range": ("[1,4)",),
    "numrange": ("[1.5,9]",),
    "daterange": ("[2024-01-01,2024-03-01)",),
    "_text": ("{EU,a}",),
}


def _value_for(match: re.Match[str]) -> str:
    """By where it stands, so that the same statement always becomes the same."""
    number, kind = match.start(), match[1]
    values = _CONSTANTS.get(kind)
    if values is None or number % 4 == 0:
        return match[0]
    return f"cast('{values[number % len(values)]}' as {kind})"


@contextmanager
def smith_database(taste: Taste) -> Iterator[str]:
    """A database for sqlsmith to read; its name is of no use to anybody else."""
    name = f"smith_{taste.name}_{secrets.token_hex(4)}"
    quoted = sql.Identifier(name)
    with connect() as session:
        session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(quoted))
        functions = _allowed_functions(session)
    try:
        with psycopg.connect(dbname=name, autocommit=True) as session:
            _show(session, taste, functions)
        yield name
    finally:
        with connect() as session:
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(quoted))


def _allowed_functions(session: psycopg.Connection[tuple]) -> list[str]:
    rows = session.execute("SELECT signature::text FROM lakehouse.list_guarded_functions()")
    return [signature for (signature,) in rows]


def _show(session: psycopg.Connection[tuple], taste: Taste, functions: list[str]) -> None:
    values = {
        "only": not taste.shows_denied,
        "functions": functions,
        "by_order": list(_BY_ORDER),
    }
    cursor = psycopg.ClientCursor(session)
    cursor.execute(_CATALOG, values)
    for content in CONTENTS:
        fields = content.fields if taste.shows_hidden else content.exposed
        if content.is_exposed or taste.shows_hidden:
            columns = ", ".join(f"NULL::{field.local} AS {field.name}" for field in fields)
            # Not a table, else it would be sampled and written to.
            session.execute(f"CREATE VIEW {_SCHEMA}.{content.name} AS SELECT {columns}")


def statements(database: str, seed: int, most_tables: int) -> Iterator[str]:
    """Without end, made comparable; those that read more tables than that are left out."""
    command = [
        *("sqlsmith", "--exclude-catalog", "--dry-run", f"--seed={seed}"),
        f"--target=dbname={database} options='-c search_path=information_schema,pg_catalog'",
    ]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **streams) as process:  # type: ignore[call-overload]
        try:
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if line.rstrip().endswith(";"):
                    text = "".join(lines).strip().rstrip(";")
                    lines.clear()
                    if text.count(f"{_SCHEMA}.") <= most_tables:
                        yield comparable(text)
        finally:
            process.terminate()


def comparable(text: str) -> str:
    """Names by search path, LIMIT gone or with an order, and most of its many NULLs now values."""
    text = text.replace(f"{_SCHEMA}.", "")
    text = re.sub(r'\bcast\(null as "?(\w+)"?\)', _value_for, text)
    text = re.sub(r"\blimit 1 offset\b", "order by 1 limit 1 offset", text)
    return re.sub(r"(?<!order by 1 )\blimit \d+(?! offset)", "", text)
