# SPDX-License-Identifier: PostgreSQL
"""The sample catalog and the SQL a foreign data wrapper sends, on the default engine alone."""

from __future__ import annotations

import json

import pytest
from process import Standin

TABLES = {
    ("odd", "MixedCase"),
    ("odd", "back`tick"),
    ("odd", 'double"quote'),
    ("odd", "it's; DROP TABLE x --"),
    ("odd", "line\nbreak"),
    ("odd", "n" * 200),
    ("odd", "select"),
    ("odd", "two words"),
    ("odd", "\u540d\u524d \U0001f600"),
    ("product", "usage"),
    ("tpch", "customer"),
    ("tpch", "lineitem"),
    ("tpch", "nation"),
    ("tpch", "orders"),
    ("tpch", "part"),
    ("tpch", "partsupp"),
    ("tpch", "region"),
    ("tpch", "supplier"),
    ("types", "every_type"),
}


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def test_information_schema_lists_every_table_with_its_comment(standin: Standin) -> None:
    rows = standin.rows(
        "SELECT table_schema, table_name, table_type, comment FROM demo.information_schema.tables"
    )
    assert {(schema, table) for schema, table, _, _ in rows} == TABLES
    assert {kind for _, _, kind, _ in rows} == {"MANAGED"}
    assert all(comment for *_, comment in rows)


def test_information_schema_describes_every_column(standin: Standin) -> None:
    rows = standin.rows(
        "SELECT column_name, ordinal_position, is_nullable, data_type, full_data_type,"
        " numeric_precision, numeric_scale, comment FROM demo.information_schema.columns"
        " WHERE table_schema = 'product' AND table_name = 'usage' ORDER BY ordinal_position"
    )
    assert [row[0] for row in rows][:3] == ["customer_key", "usage_date", "active_seats"]
    assert rows[0][1:5] == ["1", "NO", "LONG", "bigint"]
    assert rows[4][3:7] == ["DECIMAL", "decimal(12,3)", "12", "3"]
    assert [row[3] for row in rows[7:10]] == ["ARRAY", "MAP", "STRUCT"]
    assert all(row[7] for row in rows)


def test_every_table_of_information_schema_can_be_read(standin: Standin) -> None:
    for schema, table in TABLES:
        (row,) = standin.rows(f"SELECT count(*) FROM `demo`.{_quote(schema)}.{_quote(table)}")
        assert int(row[0]) > 0


def test_every_column_with_a_hostile_name_can_be_read(standin: Standin) -> None:
    names = standin.rows(
        "SELECT column_name FROM demo.information_schema.columns WHERE table_schema = 'odd'"
        " AND table_name = 'MixedCase' ORDER BY ordinal_position"
    )
    for index, (name,) in enumerate(names[1:], start=1):
        quoted = _quote(name)
        rows = standin.rows(f"SELECT {quoted} FROM demo.odd.{quoted} ORDER BY {quoted} NULLS LAST")
        assert rows == [[f"value {index}"], [None]]


def test_new_and_vanished_objects_show_at_once(standin: Standin) -> None:
    standin.execute("CREATE TABLE demo.default.fresh AS SELECT 1 AS a, 'x' AS b")
    listed = (
        "SELECT column_name, full_data_type FROM demo.information_schema.columns"
        " WHERE table_name = 'fresh' ORDER BY ordinal_position"
    )
    assert standin.rows(listed) == [["a", "int"], ["b", "string"]]
    standin.execute("ALTER TABLE demo.default.fresh DROP COLUMN b")
    failed = standin.execute("SELECT b FROM demo.default.fresh")
    assert failed["status"]["sql_state"] == "42703"
    standin.execute("DROP TABLE demo.default.fresh")
    assert standin.execute("SELECT * FROM demo.default.fresh")["status"]["sql_state"] == "42P01"
    assert standin.rows(listed) == []


def test_defaults_of_the_request_complete_names(standin: Standin) -> None:
    statement = "SELECT count(*) FROM nation"
    assert standin.rows(statement, catalog="demo", schema="tpch") == [["25"]]
    assert standin.execute(statement)["status"]["sql_state"] == "42P01"


def test_usage_covers_two_thirds_of_the_first_customers(standin: Standin) -> None:
    rows = standin.rows(
        "SELECT count(*), count(DISTINCT customer_key), min(usage_date), max(usage_date),"
        " count_if(customer_key % 3 = 0), max(customer_key) FROM demo.product.usage"
    )
    assert rows == [["16008", "1334", "2025-11-30", "2026-10-31", "0", "2000"]]
    (row,) = standin.rows(
        "SELECT count(*) FROM demo.product.usage LEFT JOIN demo.tpch.customer"
        " ON customer_key = c_custkey WHERE c_custkey IS NULL"
    )
    assert row == ["0"]


def test_sample_of_a_table(standin: Standin) -> None:
    ((count,),) = standin.rows("SELECT count(*) FROM demo.tpch.lineitem TABLESAMPLE (10 PERCENT)")
    assert 20_000 < int(count) < 120_000


def test_explain_gives_a_plan(standin: Standin) -> None:
    value = standin.execute("EXPLAIN SELECT count(*) FROM demo.tpch.orders")
    assert value["manifest"]["schema"]["columns"][0]["name"] == "plan"
    assert value["result"]["data_array"][0][0]


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("count(*)", "count(1)"),
        ("1 + 1", "(1 + 1)"),
        ("'text'", "text"),
        ("NULL", "NULL"),
        ("CAST(1 AS BIGINT)", "CAST(1 AS BIGINT)"),
        ("1 AS `a``b`", "a`b"),
    ],
)
def test_columns_without_alias_are_named_as_spark_names_them(
    standin: Standin, expression: str, name: str
) -> None:
    (column,) = standin.execute(f"SELECT {expression}")["manifest"]["schema"]["columns"]
    assert column["name"] == name


def test_two_columns_may_have_one_name(standin: Standin) -> None:
    value = standin.execute("SELECT 1 AS a, 2 AS a")
    assert [c["name"] for c in value["manifest"]["schema"]["columns"]] == ["a", "a"]
    assert value["result"]["data_array"] == [["1", "2"]]


def test_text_survives_whatever_is_in_it(standin: Standin) -> None:
    text = "".join(chr(code) for code in range(1, 128)) + "\u2028\ufeff\U0001f600'\\\":x--/*"
    rows = standin.rows("SELECT :t, length(:t)", parameters=[{"name": "t", "value": text}])
    assert rows == [[text, str(len(text))]]


def test_nul_survives_in_a_parameter(standin: Standin) -> None:
    assert standin.rows("SELECT hex(:t)", parameters=[{"name": "t", "value": "a\0b"}]) == [
        ["610062"]
    ]


def test_cells_of_collections_hold_strings(standin: Standin) -> None:
    ((cell,),) = standin.rows("SELECT array(named_struct('a', 1.5, 'b', array(true, NULL)))")
    assert json.loads(cell) == [{"a": "1.5", "b": ["true", None]}]


def test_statement_without_rows_succeeds_empty(standin: Standin) -> None:
    value = standin.execute("USE SCHEMA tpch")
    assert value["status"]["state"] == "SUCCEEDED"
    assert value["result"] == {}
