# SPDX-License-Identifier: PostgreSQL
"""Drawn queries give over live tables, with push-down, what they give over copies; each remote SQL is one clean SELECT.

LAKEHOUSE_TEST_SEED draws other queries, or again those of a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
import sqlglot
from local_copy import copied, use_schema
from outcome import read_as_text, run, settings
from query_generator import Column, Generator, Query, Table
from remote_plan import ForeignScan, foreign_scans
from sqlglot import exp

Connection = psycopg.Connection[tuple]

SEED = int(os.environ.get("LAKEHOUSE_TEST_SEED", "20261120"))
ROUNDS = 10
QUERIES_A_ROUND = 30

_DATES = ("1970-01-01", "1994-01-01", "1995-03-15", "2026-01-31", "0001-01-01", "9999-12-31")
_BIG = ("0", "1", "-1", "9223372036854775807", "-9223372036854775808", "1500")
_INTS = ("0", "1", "-1", "2147483647", "-2147483648", "42")
_DOUBLES = ("0", "-0", "0.01", "1.5", "NaN", "Infinity", "-Infinity", "4.9E-324", "2.25", "1.0E10")
_TEXTS = (
    *(
        "",
        "hello",
        "team",
        "free",
        "O",
        "F",
        "NaN",
        "\\N",
        "null",
        "a'b",
        "Infinity",
        "plain",
        "1-URGENT",
    ),
    *(
        "\U0001f469\u200d\U0001f680 na\u00efve \u65e5\u672c\u8a9e \u05e9\u05dc\u05d5\u05dd e\u0301",
        "abc",
        "abc  ",
    ),
)
_MOMENTS = (
    "1970-01-01 00:00:00Z",
    "2021-06-15 12:34:56.789123Z",
    "2026-02-28 12:00:00+05:30",
    "9999-12-31 23:59:59.999999Z",
)

USAGE = Table(
    *("usage", "customer_key, usage_date", "customer_key < 250"),
    (
        Column("customer_key", "bigint", ("7", "100", "250", "-1")),
        Column("usage_date", "date", _DATES),
        Column("active_seats", "integer", ("0", "1", "5", "40")),
        Column("api_calls", "bigint", ("0", "1000", "20000")),
        Column("storage_gb", "numeric", ("0", "10.5", "3.142", "100", "0.0001")),
        Column("error_rate", "double precision", ("0", "0.01", "0.05", "NaN", "Infinity")),
        Column("trial", "boolean", ("true", "false")),
        Column("last_event_at", "timestamptz", ("2026-01-31 00:00:00Z", *_MOMENTS)),
        Column("plan", "text", _TEXTS),
    ),
)
ORDERS = Table(
    *("orders", "o_orderkey", "o_custkey BETWEEN 100 AND 130"),
    (
        Column("o_orderkey", "bigint", ("1", "7", "100000", *_BIG)),
        Column("o_custkey", "bigint", ("101", "110", "130")),
        Column("o_orderstatus", "text", ("O", "F", "P", "")),
        Column("o_totalprice", "numeric", ("0", "1000.5", "100000.00", "-1", "99999.999")),
        Column("o_orderdate", "date", _DATES),
        Column("o_orderpriority", "text", ("1-URGENT", "5-LOW")),
        Column("o_clerk", "text", ("Clerk#000000050", "")),
        Column("o_shippriority", "integer", _INTS),
        Column("o_comment", "text", _TEXTS),
    ),
)
EVERY_TYPE = Table(
    *("every_type", "id", ""),
    (
        Column("id", "integer", ("1", "3", "12")),
        Column("a_byte", "smallint", ("1", "-128", "127")),
        Column("a_short", "smallint", ("2", "32767", "-32768")),
        Column("an_int", "integer", _INTS),
        Column("a_long", "bigint", _BIG),
        Column("a_float", "real", ("0", "-0", "1.5", "NaN", "Infinity", "-Infinity", "1e-5")),
        Column("a_double", "double precision", _DOUBLES),
        Column(
            "a_decimal",
            "numeric",
            ("0", "12345.6789", "0.0000000001", "-1", "9999999999999999999999999999.9999999999"),
        ),
        Column("a_boolean", "boolean", ("true", "false")),
        Column("a_string", "text", _TEXTS),
        Column("a_char", "text", ("abc", "abc  ", "", "12345")),
        Column("a_varchar", "text", ("varying", "", "\U0001f600\U0001f600")),
        Column("a_date", "date", ("2024-02-29", *_DATES)),
        Column("a_timestamp", "timestamptz", _MOMENTS),
        Column(
            "a_timestamp_ntz", "timestamp", ("2021-06-15 12:34:56.789123", "1970-01-01 00:00:00")
        ),
    ),
)
TABLES = (USAGE, ORDERS, EVERY_TYPE)


@dataclass(frozen=True)
class Sides:
    live: tuple[str, ...]
    copy: tuple[str, ...]
    columns: dict[str, set[str]]


@pytest.fixture(scope="module")
def sides(imported: Callable[[str], str]) -> Iterator[Sides]:
    live = tuple(imported(schema) for schema in ("product", "tpch", "types"))
    with (
        copied(live[0]) as product,
        copied(live[1], ["orders"]) as tpch,
        copied(live[2]) as types,
        psycopg.connect(autocommit=True) as connection,
    ):
        found = connection.execute(
            "SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns"
            " WHERE table_schema = ANY (%s) GROUP BY 1",
            [list(live)],
        )
        columns = {name: set(names) for name, names in found}
        yield Sides(live, (product, tpch, types), columns)


@pytest.fixture
def reader(session: Connection) -> Connection:
    return read_as_text(session)


def verify_remote_sql(scan: ForeignScan, columns: dict[str, set[str]]) -> None:
    """One SELECT of known names; no literal but row counts and the select list's 1."""
    statements = sqlglot.parse(scan.remote_sql, read="databricks")
    assert len(statements) == 1 and isinstance(statements[0], exp.Select), scan.remote_sql
    tree = statements[0]
    assert [table.name for table in tree.find_all(exp.Table)] == [scan.relation]
    assert len(list(tree.find_all(exp.Select))) == 1
    assert {column.name for column in tree.find_all(exp.Column)} <= columns[scan.relation]
    for literal in tree.find_all(exp.Literal):
        harmless = literal.find_ancestor(exp.Limit, exp.Offset, exp.DataType) is not None
        assert harmless or tree.expressions == [literal], scan.remote_sql


def verify_query(reader: Connection, sides: Sides, query: Query) -> int:
    """Constants and a generic plan against the copy; returns how many conditions were sent."""
    constants = query.with_constants()
    use_schema(reader, *sides.copy)
    wanted = run(reader, constants)
    use_schema(reader, *sides.live)
    scans = foreign_scans(reader, constants)
    for scan in scans:
        verify_remote_sql(scan, sides.columns)
    got = run(reader, constants)
    assert got.agrees(wanted, in_order=query.is_ordered), got.difference(wanted)
    with settings(reader, plan_cache_mode="force_generic_plan"):
        reader.execute(query.prepare("drawn").encode())
        prepared = run(reader, query.execute("drawn"))
        reader.execute("DEALLOCATE drawn")
    assert prepared.agrees(wanted, in_order=query.is_ordered), prepared.difference(wanted)
    return sum("WHERE" in scan.remote_sql for scan in scans)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_drawn_queries_give_what_copies_give(reader: Connection, sides: Sides, number: int) -> None:
    seed = SEED + number
    generator = Generator(seed, TABLES)
    pushed = 0
    for count in range(QUERIES_A_ROUND):
        query = generator.query()
        try:
            pushed += verify_query(reader, sides, query)
        except (AssertionError, psycopg.Error) as error:
            raise AssertionError(
                f"seed {seed}, query {count}: {query.with_constants()}\n{query.values}\n{error}"
            ) from error
    assert pushed > QUERIES_A_ROUND / 4, "hardly anything was pushed: the queries prove little"
