# SPDX-License-Identifier: PostgreSQL
"""Apache Spark judges DuckDB: the same statements give the same types, "
"cells and error conditions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from process import STATEMENTS, Standin, running

EXPRESSIONS = (
    # literals and text
    r"""'a\'b', 'it''s', "dq", 'a\tb\nc', '\%\_', r'a\nb', 'x' 'y'""",
    "1, 1L, 1S, 1Y, 1.5, 1.5BD, 1.5D, 1e3, X'00FF', true, NULL",
    "'\U0001f600', length('\U0001f600'), upper('\u00e9'), hex('\u00e9'), 'a' || 'b', "
    "concat('a', NULL)",
    "substring('abcdef', 2, 3), substring('abc', 0, 2), substring('abc', -2, 2), "
    "substring('abc', 5)",
    "substring('abc', -5, 3), left('abc', 2), trim('  a '), instr('abc', 'c'), locate('b', 'abc')",
    "lower('ABC'), repeat('ab', 2), replace('aXb', 'X', '-'), split('a,b', ','), "
    "concat_ws('-', 'a', 'b')",
    # comparison and NULL
    "NULL <=> NULL, 1 <=> NULL, NULL = NULL, 1 = 1.0, 'a' < 'B', 'a' = 'a '",
    "1 IN (1, NULL), 2 IN (1, NULL), 2 NOT IN (1, NULL), NOT (NULL = 1)",
    "'a_b' LIKE 'a\\\\_b', 'axb' LIKE 'a\\\\_b', 'a%b' LIKE 'a\\\\%b', 'ABC' LIKE 'abc', "
    "'ab' LIKE 'a%'",
    "greatest(1, NULL, 3), least(1, NULL, 3), coalesce(NULL, 2), nullif(1, 1), nvl(NULL, 'x')",
    "CAST('NaN' AS DOUBLE) = CAST('NaN' AS DOUBLE), CAST('NaN' AS DOUBLE) > 1e300, 0.0D = -0.0D",
    # whole numbers
    "7 div 2, -7 div 2, 7 % 3, -7 % 3, 7 % -3, pmod(-7, 3), 7 / 2, -7 / 2, abs(-5), -(-5)",
    "2147483647L + 1, 1 + 1L, 1S + 1S, CAST(9223372036854775806 AS BIGINT) + 1L",
    # exact numbers
    "1.0 / 3, 1.5 * 2.25, 10.00 - 0.5, 1 + 0.5, 2 * 1.5, 1.5 % 0.4, round(2.5), round(-2.5), "
    "round(1.255, 2)",
    "CAST(1 AS DECIMAL(10,2)) / 3, CAST(1.005 AS DECIMAL(10,2)), CAST('1.005' AS DECIMAL(10,2))",
    "CAST(12345.678 AS DECIMAL(38,10)) * CAST(1.5 AS DECIMAL(38,10))",
    "CAST(2 AS DECIMAL(15,2)) / CAST(-3 AS DECIMAL(15,2)), CAST(1 AS DECIMAL(20,0)) / 7",
    # floating point text
    "1e10D, 1e7D, 9999999.0D, 0.001D, 0.00099D, 1.5e-7D, 1e20D, 123456789.125D, -1e10D, "
    "0.1D + 0.2D",
    "CAST(1e10 AS FLOAT), CAST(0.1 AS FLOAT), CAST(16777216 AS FLOAT), CAST(1.0E-5 AS FLOAT)",
    "CAST('NaN' AS DOUBLE), CAST('Infinity' AS DOUBLE), CAST('-Infinity' AS DOUBLE), -0.0D",
    "ceil(1.2D), floor(-1.2D), ceil(1.2), floor(-1.2), sqrt(16), power(2, 10)",
    "1 / NULL, NULL % 2, NULL div 2, CAST(NULL AS DOUBLE), CAST(NULL AS FLOAT), 1.5 * NULL, "
    "-CAST(NULL AS INT)",
    "0.4, .5, 0.05, -0.25, 10.00, 0.06 - 0.01, 0.1 + 0.2, 1.5 > 1, 0.1 * 0.1",
    # casts
    "CAST(1.7 AS INT), CAST(-1.7D AS INT), CAST(' 12 ' AS INT), CAST(true AS INT), "
    "CAST(0 AS BOOLEAN)",
    "CAST('t' AS BOOLEAN), CAST('no' AS BOOLEAN), CAST(1.50 AS STRING), CAST(1e10D AS STRING)",
    "CAST(array(1, NULL, 3) AS STRING), CAST(map('a', 1) AS STRING), CAST(named_struct('a', 1, "
    "'b', 'x') AS STRING)",
    "CAST(DATE'2024-02-29' AS STRING), CAST(TIMESTAMP'2024-01-02 03:04:05.600' AS STRING)",
    "CAST(TIMESTAMP'2024-01-02 03:04:05' AS DATE), CAST(DATE'2024-01-02' AS TIMESTAMP), "
    "CAST('ab' AS BINARY)",
    "CAST(TIMESTAMP'1970-01-02 00:00:00' AS BIGINT), CAST(86400 AS TIMESTAMP), "
    "CAST(X'6162' AS STRING)",
    "try_cast('x' AS INT), try_cast('1' AS INT), CAST('abc' AS CHAR(5)), "
    "CAST('abcdef' AS VARCHAR(6))",
    # dates and times
    "DATE'2024-01-31' + INTERVAL '1' MONTH, add_months(DATE'2024-01-31', 1), "
    "date_add(DATE'2024-02-28', 2)",
    "datediff(DATE'2024-03-01', DATE'2024-02-01'), year(DATE'2024-02-29'), month(DATE'2024-02-29')",
    "dayofweek(DATE'2024-01-07'), weekday(DATE'2024-01-07'), dayofyear(DATE'2024-03-01'), "
    "quarter(DATE'2024-05-01')",
    "extract(hour FROM TIMESTAMP'2024-01-01 12:34:56'), date_trunc('month', "
    "TIMESTAMP'2024-05-17 12:00:00')",
    "unix_micros(TIMESTAMP'2021-06-15 12:34:56.789123Z'), current_timezone(), "
    "last_day(DATE'2024-02-01')",
    "TIMESTAMP'2021-06-15 12:34:56.789123', TIMESTAMP_NTZ'2021-06-15 12:34:56.789123'",
    "DATE'0001-01-01', DATE'9999-12-31', CAST('+12000-01-01' AS DATE), CAST('-0044-03-15' AS DATE)",
    "INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 02:03:04.500000' DAY TO SECOND",
    # collections and JSON
    "array(1, 2)[0], map('k', 'v')['k'], named_struct('a', 1).a, size(array(1, 2)), "
    "array_contains(array(1), 1)",
    "array(1, NULL), array('a\"b', 'c\\\\d'), map('k', 1.50), named_struct('x', array(1.0D), "
    "'y', NULL)",
    "to_json(named_struct('a', 1.50, 'b', NULL, 'c', 'x\"y', 'd', array(1, NULL), 'e', "
    "DATE'2024-01-01'))",
    "to_json(map('a', 1.5D, 'b', CAST('NaN' AS DOUBLE))), "
    "to_json(array(TIMESTAMP'2024-01-01 00:00:00'))",
    "to_json(named_struct('t', true, 'n', X'00FF', 'u', TIMESTAMP_NTZ'2024-01-01 01:02:03'))",
    "hex(255), hex(-1L), hex(X'00FF'), unhex('00FF'), parse_json('{\"a\":[1,null]}')",
    "CASE WHEN 1 > 2 THEN 'a' END, if(true, 1, 2), CASE 1 WHEN 1 THEN 'one' ELSE 'other' END",
)

STATEMENTS_ALIKE = (
    "SELECT * FROM VALUES (1), (NULL), (3) AS t(a) ORDER BY a",
    "SELECT * FROM VALUES (1), (NULL), (3) AS t(a) ORDER BY a DESC",
    "SELECT * FROM VALUES (1), (NULL), (3) AS t(a) ORDER BY a NULLS LAST LIMIT 2 OFFSET 1",
    "SELECT * FROM VALUES ('b'), ('A'), ('a'), ('\u00e9'), ('\U0001f600') AS t(s) ORDER BY s",
    "SELECT * FROM VALUES (1, 'x'), (2, 'y') ORDER BY 1",
    "SELECT id FROM range(2, 9, 3) ORDER BY id",
    "SELECT id % 3 AS k, count(*), sum(id), avg(id), min(id), "
    "max(id) FROM range(10) GROUP BY 1 ORDER BY 1",
    "SELECT count(*), sum(o_totalprice), avg(o_totalprice), min(o_orderdate) FROM demo.tpch.orders",
    "SELECT sum(CAST(id AS INT)), avg(CAST(id AS DECIMAL(10,2))), "
    "count(DISTINCT id % 2) FROM range(7)",
    "SELECT sum(id), avg(id), max(id), count(id) FROM range(10) WHERE id > 100",
    "SELECT l_returnflag, sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS s"
    " FROM demo.tpch.lineitem GROUP BY l_returnflag ORDER BY l_returnflag",
    "SELECT id, row_number() OVER (ORDER BY id DESC) FROM range(3) ORDER BY id",
    "SELECT a.id FROM range(4) a LEFT ANTI JOIN range(2) b ON a.id = b.id ORDER BY a.id",
    "WITH t AS (SELECT 1 / 2 AS a) SELECT a / 2 AS h, a FROM t",
    "SELECT (SELECT max(id) / 2 FROM range(5)) AS half",
    "SELECT C_CustKey, `c_name` FROM DEMO.TPCH.Customer WHERE c_custkey <= 2 ORDER BY 1",
    "SELECT * FROM demo.odd.`MixedCase` ORDER BY id",
    "SELECT * FROM demo.odd.`select` ORDER BY id",
    "SELECT * FROM demo.types.every_type ORDER BY id",
    "SELECT to_json(profile), to_json(limits), to_json(features) FROM demo.product.usage"
    " ORDER BY customer_key, usage_date LIMIT 5",
    "SELECT column_name, full_data_type, comment FROM demo.information_schema.columns"
    " WHERE table_schema = 'product' ORDER BY ordinal_position",
    "SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 1",
    "SELECT n_name, "
    "r_name FROM demo.tpch.nation JOIN demo.tpch.region ON n_regionkey = r_regionkey"
    " WHERE r_name LIKE 'A%' ORDER BY n_name LIMIT 3",
)

FAILURES = (
    "SELEC 1",
    "SELECT (1",
    "SELECT 1; SELECT 2",
    "SELECT 'open",
    "SELECT * FROM demo.tpch.no_such_table",
    "SELECT no_such_column FROM demo.tpch.orders",
    "SELECT o.no_such_column FROM demo.tpch.orders o",
    "SELECT no_such_function(1)",
    "SELECT 1 / 0",
    "SELECT 1 % 0",
    "SELECT 1 div 0",
    "SELECT 1.5 / 0",
    "SELECT CAST('abc' AS INT)",
    "SELECT CAST('1.5' AS INT)",
    "SELECT CAST('x' AS DECIMAL(10,2))",
    "SELECT CAST('2024-13-01' AS DATE)",
    "SELECT CAST('nonsense' AS TIMESTAMP)",
    "SELECT CAST('maybe' AS BOOLEAN)",
    "SELECT CAST(1e30D AS INT)",
    "SELECT CAST(300 AS TINYINT)",
    "SELECT CAST(12345 AS DECIMAL(4,2))",
    "SELECT 2147483647 + 1",
    "SELECT 9223372036854775807L * 2",
    "SELECT raise_error('boom')",
    "SELECT array(1)[5]",
    "SELECT :missing",
    "SELECT (SELECT id FROM range(3))",
)


@pytest.fixture(scope="module")
def spark(standin_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """The stand-in on Spark; STANDIN_SPARK_PYTHON names a Python that has pyspark."""
    ready = tmp_path_factory.mktemp("spark") / "ready.json"
    python = os.environ.get("STANDIN_SPARK_PYTHON")
    with running(standin_data, ready, "--engine", "spark", python=python) as service:
        yield service


def _shape(value: dict[str, Any]) -> tuple[Any, ...]:
    """What must agree: types and cells of a success, condition and SQLSTATE of a failure."""
    status = value["status"]
    if status["state"] != "SUCCEEDED":
        condition = re.match(r"\[([A-Z_]+)", status["error"]["message"])
        return status["state"], condition and condition.group(1), status.get("sql_state")
    columns = value["manifest"]["schema"]["columns"]
    types = [(c["type_name"], c["type_text"], c.get("type_scale")) for c in columns]
    return status["state"], types, value["result"].get("data_array", [])


def _agree(spark: Standin, standin: Standin, statement: str, **fields: Any) -> None:
    wanted = _shape(spark.execute(statement, **fields))
    assert _shape(standin.execute(statement, **fields)) == wanted


@pytest.mark.parametrize("expressions", EXPRESSIONS)
def test_expressions(spark: Standin, standin: Standin, expressions: str) -> None:
    statement = f"SELECT {expressions}"
    _agree(spark, standin, statement)
    assert standin.execute(statement)["status"]["state"] == "SUCCEEDED"


@pytest.mark.parametrize("statement", STATEMENTS_ALIKE)
def test_statements(spark: Standin, standin: Standin, statement: str) -> None:
    _agree(spark, standin, statement)
    assert standin.execute(statement)["status"]["state"] == "SUCCEEDED"


@pytest.mark.parametrize("statement", FAILURES)
def test_failures(spark: Standin, standin: Standin, statement: str) -> None:
    _agree(spark, standin, statement)
    assert standin.execute(statement)["status"]["state"] == "FAILED"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("TINYINT", "-128"),
        ("SMALLINT", " 7 "),
        ("INT", "2147483648"),
        ("INT", "1.5"),
        ("BIGINT", "-9223372036854775808"),
        ("DECIMAL(10,2)", "1.005"),
        ("DECIMAL(4,2)", "123.4"),
        ("DOUBLE", "1e10"),
        ("DOUBLE", "NaN"),
        ("DOUBLE", "ten"),
        ("FLOAT", "-Infinity"),
        ("BOOLEAN", "yes"),
        ("BOOLEAN", "si"),
        ("DATE", "2024-02-29"),
        ("DATE", "2024-2"),
        ("DATE", "2023-02-29"),
        ("TIMESTAMP", "2021-06-15T12:34:56.789123+02:00"),
        ("TIMESTAMP_NTZ", "2021-06-15 12:34:56"),
        ("BINARY", "a\u00e9"),
        ("STRING", 'it\'s \\ "x" :y -- `z` \U0001f600 \n'),
        ("STRING", None),
        ("DECIMAL(10,2)", None),
        ("DATE", None),
    ],
)
def test_parameters(spark: Standin, standin: Standin, kind: str, value: str | None) -> None:
    parameters = [{"name": "p", "type": kind, "value": value}]
    _agree(spark, standin, "SELECT :p AS p, ':p' AS q /* :p */ -- :p", parameters=parameters)


def test_positional_parameters(spark: Standin, standin: Standin) -> None:
    parameters = [
        {"ordinal": 1, "type": "INT", "value": "1"},
        {"ordinal": 2, "type": "STRING", "value": "?"},
    ]
    _agree(spark, standin, "SELECT ? + 1, ?, '?'", parameters=parameters)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "+05:00"])
def test_time_zones(spark: Standin, standin: Standin, zone: str) -> None:
    shapes = []
    for service in (spark, standin):
        body = {"warehouse_id": service.warehouse_id, "session_confs": {"timezone": zone}}
        session = service.call("POST", "/api/2.0/sql/sessions", body).json()["session_id"]
        statement = (
            "SELECT TIMESTAMP'2021-06-15 12:34:56.789', TIMESTAMP'2021-12-15 00:00:00Z',"
            " CAST(TIMESTAMP'2021-12-15 23:00:00Z' AS DATE), "
            "hour(TIMESTAMP'2021-12-15 23:00:00Z'),"
            " CAST(TIMESTAMP'2021-12-15 23:00:00.5Z' AS STRING), "
            "CAST('2021-03-04 05:06:07' AS TIMESTAMP)"
        )
        shapes.append(_shape(service.execute(statement, session_id=session)))
    assert shapes[0] == shapes[1]
    assert shapes[1][0] == "SUCCEEDED"


def test_row_limit(spark: Standin, standin: Standin) -> None:
    for service in (spark, standin):
        value = service.execute("SELECT id FROM range(100)", row_limit=5)
        assert (value["manifest"]["truncated"], value["manifest"]["total_row_count"]) == (True, 5)


def test_spark_statement_is_cancelled(spark: Standin) -> None:
    heavy = "SELECT sum(a.id * b.id % 7) FROM range(10000000) a CROSS JOIN range(10000000) b"
    statement_id = spark.post(heavy, wait_timeout="0s").json()["statement_id"]
    spark.poll(statement_id, "RUNNING")
    spark.call("POST", f"{STATEMENTS}/{statement_id}/cancel")
    assert spark.poll(statement_id, "CANCELED", seconds=20)["status"]["state"] == "CANCELED"
    assert spark.rows("SELECT 1") == [["1"]]


def test_spark_streams_arrow_and_csv(spark: Standin) -> None:
    for result_format in ("ARROW_STREAM", "CSV"):
        value = spark.execute(
            "SELECT * FROM demo.types.every_type ORDER BY id",
            format=result_format,
            disposition="EXTERNAL_LINKS",
        )
        assert value["manifest"]["total_row_count"] == 12, value["status"]
        assert spark.http.get(value["result"]["external_links"][0]["external_link"]).ok
