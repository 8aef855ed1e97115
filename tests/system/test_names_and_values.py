# SPDX-License-Identifier: PostgreSQL
"""Names and values made to break quoting: identifiers, parameters, patterns, megabytes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect
from psycopg import sql
from refusal import refused
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]

NAMES = (
    "back`tick",
    'double"quote',
    "two words",
    "line\nbreak",
    "select",
    "MixedCase",
    "it's; DROP TABLE x --",
    "\u540d\u524d \U0001f600",
    "n" * 63,  # of 200 remotely; PostgreSQL keeps as many
)

VALUES = (
    "\\",
    "\\\\",
    "trailing\\",
    "\\'",
    "\\n",
    "'",
    "''",
    "' OR '1'='1",
    "'; DROP TABLE nation; --",
    "x:x",
    ":x",
    ":p1",
    ":1",
    "?",
    "$1",
    "${x}",
    "{{x}}",
    "%",
    "%s",
    "100%",
    "_",
    "a_b",
    "--",
    "-- comment",
    "/* comment */",
    "`",
    '"',
    "\U0001f600",
    "\U0001f469\u200d\U0001f52c",
    "e\u0301",
    "\u00e9",
    "\u202eright to left",
    "\u2028line separator",
    "\ufeffbyte order mark",
    "tab\there",
    "line\nbreak",
    "carriage\r\nreturn",
    "\x01\x1f\x7f",
    " leading and trailing ",
    "",
    "NULL",
    "null",
    "x" * 5000,
)


@pytest.mark.parametrize(
    "name", NAMES, ids=lambda name: name[:20].encode("unicode_escape").decode()
)
def test_odd_table_reads_and_filters_by_each_odd_column(
    name: str, warehouse: Warehouse, session: Connection, imported: Callable[[str], str]
) -> None:
    table = sql.Identifier(imported("odd"), name)
    for position, column in enumerate(NAMES, start=1):
        query = sql.SQL("SELECT id, {column} FROM {table} WHERE {column} = {value}").format(
            column=sql.Identifier(column), table=table, value=sql.Literal(f"value {position}")
        )
        assert session.execute(query).fetchall() == [(1, f"value {position}")]
        assert "Not Pushed" not in explain(session, query)


def test_odd_names_sort_remotely(
    warehouse: Warehouse, session: Connection, imported: Callable[[str], str]
) -> None:
    table = sql.Identifier(imported("odd"), NAMES[0])
    for column in NAMES:
        query = sql.SQL('SELECT id FROM {} ORDER BY {} COLLATE "C" DESC NULLS LAST LIMIT 1').format(
            table, sql.Identifier(column)
        )
        assert session.execute(query).fetchone() == (1,)
        assert "ORDER BY" in explain(session, query)


def explain(session: Connection, query: object, parameters: list[object] | None = None) -> str:
    plan = session.execute(sql.SQL("EXPLAIN (VERBOSE) ") + query, parameters)
    return "\n".join(row[0] for row in plan)


@pytest.fixture(scope="module")
def odd_values(tenant: str) -> Iterator[sql.Identifier]:
    """A remote table (id, v) of the values above, and a foreign table over it."""
    name = f"values_{secrets.token_hex(4)}"
    control = Warehouse.of_environment()
    rows = ", ".join(f"({i}, {remote_text(value)})" for i, value in enumerate(VALUES))
    control.execute(f"CREATE TABLE demo.default.{name} AS SELECT * FROM VALUES {rows} AS t(id, v)")
    with connect() as connection:
        connection.execute(
            f"CREATE FOREIGN TABLE public.{name} (id int OPTIONS (column_type 'int'), v text"
            f" OPTIONS (column_type 'string')) SERVER {tenant}_wh OPTIONS (schema 'default')"
        )
    yield sql.Identifier("public", name)
    with connect() as connection:
        connection.execute(f"DROP FOREIGN TABLE public.{name}")
    control.execute(f"DROP TABLE demo.default.{name}")


def remote_text(value: str) -> str:
    """A value that no quoting rule touches: its UTF-8 in hexadecimal."""
    return f"CAST(unhex('{value.encode().hex()}') AS STRING)"


def test_odd_values_arrive_as_they_are(
    warehouse: Warehouse, session: Connection, odd_values: sql.Identifier
) -> None:
    found = session.execute(sql.SQL("SELECT v FROM {} ORDER BY id").format(odd_values))
    assert [row[0] for row in found] == list(VALUES)


@pytest.mark.parametrize("style", ["literal", "parameter", "prepared", "list", "array"])
def test_odd_values_find_their_row(
    style: str, warehouse: Warehouse, session: Connection, odd_values: sql.Identifier
) -> None:
    conditions = {
        "literal": "v = {value}",
        "parameter": "v = %s",
        "prepared": "v = %s",
        "list": "v IN ({value}, 'no such value')",
        "array": "v = ANY (%s)",
    }
    for number, value in enumerate(VALUES):
        query = sql.SQL("SELECT id FROM {} WHERE " + conditions[style]).format(
            odd_values, value=sql.Literal(value)
        )
        given: list[object] | None = None
        if style in ("parameter", "prepared"):
            given = [value]
        elif style == "array":
            given = [[value, "no such value"]]
        found = session.execute(query, given, prepare=style == "prepared")
        assert found.fetchall() == [(number,)], repr(value)


def test_odd_values_are_compared_remotely(
    warehouse: Warehouse, session: Connection, odd_values: sql.Identifier
) -> None:
    query = sql.SQL("SELECT id FROM {} WHERE v = {}").format(odd_values, sql.Literal(VALUES[0]))
    assert "Not Pushed" not in explain(session, query)


@pytest.fixture
def local_values(session: Connection) -> str:
    """The same rows in a local table."""
    session.execute("CREATE TEMP TABLE local_values (id int, v text)")
    for row in enumerate(VALUES):
        session.execute("INSERT INTO local_values VALUES (%s, %s)", row)
    return "local_values"


# The whole set takes minutes on the stand-in, which plans each statement anew.
SETS = [
    pytest.param(VALUES[::7], id="some"),
    pytest.param(VALUES, id="all", marks=pytest.mark.long),
]


def same_rows(session: Connection, odd_values: sql.Identifier, condition: str, value: str) -> None:
    found = []
    for table in (odd_values, sql.Identifier("local_values")):
        query = sql.SQL("SELECT id FROM {} WHERE " + condition + " ORDER BY id").format(
            table, sql.Literal(value)
        )
        found.append(session.execute(query).fetchall())
    assert found[0] == found[1], (condition, value)


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("operator", ["<>", "<", ">="])
def test_odd_values_order_as_locally(
    operator: str,
    values: tuple[str, ...],
    warehouse: Warehouse,
    session: Connection,
    odd_values: sql.Identifier,
    local_values: str,
) -> None:
    for value in values:
        same_rows(session, odd_values, f'v {operator} {{}} COLLATE "C"', value)


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("pattern", ["{}", "%{}%", "{}%", "_{}"])
def test_odd_patterns_match_as_locally(
    pattern: str,
    values: tuple[str, ...],
    warehouse: Warehouse,
    session: Connection,
    odd_values: sql.Identifier,
    local_values: str,
) -> None:
    for value in values:
        if (len(value) - len(value.rstrip("\\"))) % 2 and pattern.endswith("{}"):
            continue  # PostgreSQL itself refuses a pattern that ends with its escape
        same_rows(session, odd_values, "v LIKE {}", pattern.replace("{}", value))


@pytest.mark.parametrize("size", [1 << 10, 1 << 20, (1 << 24) - 4096])
def test_long_text_is_sent_whole(
    size: int, warehouse: Warehouse, session: Connection, odd_values: sql.Identifier
) -> None:
    query = sql.SQL("SELECT count(*) FROM {} WHERE v = %s OR id = 3").format(odd_values)
    assert session.execute(query, ["x" * size]).fetchone() == (1,)
    warehouse.reset()  # the stand-in shows its latest statements in every state, however long


def test_long_list_is_sent_whole(warehouse: Warehouse, tpch: Connection) -> None:
    query = "SELECT count(n_name) FROM nation WHERE n_nationkey = ANY (%s)"
    assert tpch.execute(query, [list(range(-200, 13))]).fetchone() == (13,)


@pytest.fixture
def wide_table(session: Connection, tenant: str) -> Iterator[Callable[[int], str]]:
    """Makes a foreign table whose remote column names alone are about so many bytes together."""
    name = f"public.wide_{secrets.token_hex(4)}"

    def make(size: int) -> str:
        columns = ", ".join(
            f"c{i} text OPTIONS (column_name '{i}{'x' * 12_000}')" for i in range(size // 12_000)
        )
        session.execute(
            f"CREATE FOREIGN TABLE {name} ({columns}) SERVER {tenant}_wh"
            " OPTIONS (schema 'tpch', table_name 'nation')"
        )
        return name

    yield make
    session.execute(f"DROP FOREIGN TABLE {name}")


def test_long_statement_reaches_the_warehouse(
    warehouse: Warehouse, session: Connection, wide_table: Callable[[int], str]
) -> None:
    table = wide_table(1 << 20)
    refused(session, f"SELECT * FROM {table}", "HV005")
    warehouse.reset()


def test_statement_over_the_limit_is_refused(
    warehouse: Warehouse, session: Connection, wide_table: Callable[[int], str]
) -> None:
    table = wide_table((1 << 24) + 24_000)
    error = refused(session, f"SELECT * FROM {table}", "22023")
    assert str(1 << 24) in (error.diag.message_detail or "")


def test_value_with_more_digits_than_a_parameter_is_compared_here(tpch: Connection) -> None:
    """An average of PostgreSQL's has twenty digits after the point; no parameter carries as many."""
    mean = "(SELECT avg(x) FROM (VALUES (0.05), (0.06), (0.06)) v(x))"
    query = f"SELECT count(*) FROM lineitem WHERE l_discount > {mean}"
    expected = tpch.execute("SELECT count(*) FROM lineitem WHERE l_discount >= 0.06").fetchone()
    assert tpch.execute(query).fetchone() == expected
