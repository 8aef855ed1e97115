# SPDX-License-Identifier: PostgreSQL
"""Values of every type arrive whole or not at all, and go out as parameters whole or not at all."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from local_copy import use_schema
from outcome import read_as_text, run
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]

INVALID_DATA_TYPE = "HV004"

# Id of the row, column, what PostgreSQL prints for it with ISO dates in UTC.
CELLS = (
    (3, "a_byte", "-128"),
    (3, "a_short", "-32768"),
    (3, "an_int", "-2147483648"),
    (3, "a_long", "-9223372036854775808"),
    (4, "a_long", "9223372036854775807"),
    (3, "a_float", "-3.4028235e+38"),
    (4, "a_double", "1.7976931348623157e+308"),
    (9, "a_float", "1e-45"),
    (9, "a_double", "5e-324"),
    (5, "a_double", "NaN"),
    (6, "a_float", "Infinity"),
    (7, "a_double", "-Infinity"),
    (8, "a_double", "-0"),
    (8, "a_float", "-0"),
    (3, "a_decimal", "-9999999999999999999999999999.9999999999"),
    (4, "a_decimal", "9999999999999999999999999999.9999999999"),
    (6, "a_decimal", "0.0000000001"),
    (8, "a_decimal", "0.0000000000"),
    (1, "a_boolean", "t"),
    (3, "a_string", ""),
    (8, "a_string", "\\N"),
    (7, "a_string", "null"),
    (9, "a_string", "quote ' double \" back\\slash\nline\ttab {brace} [x] :name -- ;"),
    (
        10,
        "a_string",
        "\U0001f469\u200d\U0001f680 na\u00efve \u65e5\u672c\u8a9e \u05e9\u05dc\u05d5\u05dd e\u0301",
    ),
    (10, "a_varchar", "\U0001f600\U0001f600"),
    (1, "a_binary", "\\x00ff10"),
    (3, "a_binary", "\\x"),
    (10, "a_binary", "\\xf09f9880"),
    (3, "a_date", "0001-01-01"),
    (4, "a_date", "9999-12-31"),
    (11, "a_date", "12000-06-15"),
    (12, "a_date", "0045-03-15 BC"),
    (1, "a_timestamp", "2021-06-15 12:34:56.789123+00"),
    (8, "a_timestamp", "1969-12-31 23:59:59.999999+00"),
    (4, "a_timestamp", "9999-12-31 23:59:59.999999+00"),
    (11, "a_timestamp", "12000-06-15 00:00:00+00"),
    (12, "a_timestamp", "0045-03-15 12:00:00+00 BC"),
    (8, "a_timestamp_ntz", "1969-12-31 23:59:59.999999"),
    (11, "a_timestamp_ntz", "12000-06-15 00:00:00"),
    (12, "a_timestamp_ntz", "0045-03-15 12:00:00 BC"),
    (4, "an_array", "[2147483647, null, 0]"),
    (1, "a_map", '{"a": 1.50, "b": -2.00}'),
    (1, "a_struct", '{"born": "1815-12-10", "name": "Ada"}'),
    (4, "a_nested", '[{"k": "x", "v": ["NaN", null]}, null]'),
    (3, "a_variant", "null"),
    (10, "a_variant", '{"\u00e9": "\U0001f600"}'),
    (3, "a_year_month", "-178956970 years -8 mons"),
    (4, "a_day_time", "10000 days 23:59:59.999999"),
)

REFUSED = (
    ("storage_gb", "numeric", "NaN"),
    ("storage_gb", "numeric", "Infinity"),
    ("storage_gb", "numeric", "-Infinity"),
    ("storage_gb", "numeric", "1e30"),
    ("storage_gb", "numeric", "0.00000000000000000001"),
    ("a_date", "date", "infinity"),
    ("a_date", "date", "-infinity"),
    ("a_date", "date", "0044-03-15 BC"),
    ("a_date", "date", "10000-01-01"),
    ("a_timestamp", "timestamptz", "infinity"),
    ("a_timestamp", "timestamptz", "10000-01-01 00:00:00+00"),
    ("a_timestamp_ntz", "timestamp", "-infinity"),
    ("a_timestamp_ntz", "timestamp", "0044-03-15 12:00:00 BC"),
)

MOMENTS = (
    "2021-06-15 12:34:56.789123+00",
    "2024-03-10 02:30:00 America/New_York",
    "1969-12-31 23:59:59.999999Z",
)
ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "+05:45")


@pytest.fixture
def types(session: Connection, imported: Callable[[str], str]) -> Connection:
    """A session that finds every_type and usage, and prints ISO dates in UTC."""
    use_schema(session, imported("types"), imported("product"))
    session.execute("SET datestyle = 'ISO'")
    session.execute("SET timezone = 'UTC'")
    session.execute("SET plan_cache_mode = 'force_generic_plan'")
    return read_as_text(session)


def home_of(column: str) -> str:
    return "usage" if column == "storage_gb" else "every_type"


def declared(connection: Connection, tenant: str, column: str, kind: str, remote: str) -> str:
    """A temporary foreign table that declares one column of every_type differently."""
    connection.execute("DROP FOREIGN TABLE IF EXISTS declared")
    connection.execute(
        f"CREATE FOREIGN TABLE pg_temp.declared (id int OPTIONS (column_type 'int'),"
        f" {column} {kind} OPTIONS (column_type '{remote}')) SERVER {tenant}_wh"
        " OPTIONS (schema 'types', table_name 'every_type')".encode()
    )
    return "pg_temp.declared"


@pytest.mark.parametrize(("number", "column", "wanted"), CELLS)
def test_cell_arrives_whole(types: Connection, number: int, column: str, wanted: str) -> None:
    got = run(types, f"SELECT {column} FROM every_type WHERE id = {number}")
    assert got.rows == ((wanted,),), got


def test_row_of_nulls_is_null_in_every_column(types: Connection) -> None:
    (row,) = run(types, "SELECT * FROM every_type WHERE id = 2").rows
    assert set(row[2:]) == {None}


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("numeric(12,2)", "12345.68"), ("numeric(5,0)", "12346"), ("numeric", "12345.6789000000")],
)
def test_number_is_rounded_as_its_column_says(
    types: Connection, tenant: str, kind: str, wanted: str
) -> None:
    table = declared(types, tenant, "a_decimal", kind, "decimal(38,10)")
    assert run(types, f"SELECT a_decimal FROM {table} WHERE id = 1").rows == ((wanted,),)


def test_number_too_wide_for_its_column_is_an_error(types: Connection, tenant: str) -> None:
    table = declared(types, tenant, "a_decimal", "numeric(4,2)", "decimal(38,10)")
    got = run(types, f"SELECT a_decimal FROM {table} WHERE id = 1")
    assert got.sqlstate is not None and got.sqlstate.startswith(("22", "HV")), got


@pytest.mark.parametrize("column", ["a_decimal", "a_date", "a_timestamp", "a_timestamp_ntz"])
def test_condition_on_a_rounded_column_stays_here(
    types: Connection, tenant: str, column: str
) -> None:
    """The remote value is finer than the local one: only the local one may decide."""
    kinds = {
        "a_decimal": ("numeric(30,1)", "decimal(38,10)", "12345.7"),
        "a_date": ("timestamp", "date", "2024-02-29"),
        "a_timestamp": ("date", "timestamp", "2021-06-15"),
        "a_timestamp_ntz": ("date", "timestamp_ntz", "2021-06-15"),
    }
    kind, remote, value = kinds[column]
    table = declared(types, tenant, column, kind, remote)
    assert run(types, f"SELECT id FROM {table} WHERE {column} = '{value}' AND id = 1").rows == (
        ("1",),
    )


@pytest.mark.parametrize(("column", "kind", "value"), REFUSED)
def test_parameter_without_counterpart_is_refused_with_a_hint(
    types: Connection, column: str, kind: str, value: str
) -> None:
    types.execute(
        f"PREPARE late ({kind}) AS SELECT count(*) FROM {home_of(column)} WHERE {column} < $1".encode()
    )
    with pytest.raises(psycopg.Error) as caught:
        types.execute(f"EXECUTE late ('{value}')".encode())
    assert caught.value.sqlstate == INVALID_DATA_TYPE
    assert caught.value.diag.message_hint


@pytest.mark.parametrize(("column", "kind", "value"), REFUSED)
def test_constant_without_counterpart_is_compared_here(
    types: Connection, column: str, kind: str, value: str
) -> None:
    query = f"SELECT count(*) FROM {home_of(column)} WHERE {column} < '{value}'::{kind}"
    pushed = run(types, query)
    types.execute("SET lakehouse.enable_pushdown = off")
    assert pushed.rows == run(types, query).rows


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_instant_means_the_same_in_every_session_zone(
    types: Connection, zone: str, moment: str
) -> None:
    types.execute(b"SELECT set_config('timezone', '%s', false)" % zone.encode())
    query = "SELECT id FROM every_type WHERE a_timestamp {} '" + moment + "'::timestamptz"
    for operator in ("=", "<", ">="):
        pushed = run(types, query.format(operator))
        types.execute("SET lakehouse.enable_pushdown = off")
        kept = run(types, query.format(operator))
        types.execute("RESET lakehouse.enable_pushdown")
        assert pushed.agrees(kept, in_order=False), pushed.difference(kept)


def test_instant_prints_in_the_session_zone_with_its_daylight_saving(types: Connection) -> None:
    types.execute("SET timezone = 'America/New_York'")
    got = run(types, "SELECT a_timestamp, a_timestamp_ntz FROM every_type WHERE id = 1")
    assert got.rows == (("2021-06-15 08:34:56.789123-04", "2021-06-15 12:34:56.789123"),)


def test_date_compared_with_an_instant_follows_the_session_zone(types: Connection) -> None:
    query = "SELECT count(*) FROM every_type WHERE a_date < a_timestamp"
    for zone in ZONES:
        types.execute(b"SELECT set_config('timezone', '%s', false)" % zone.encode())
        pushed = run(types, query)
        types.execute("SET lakehouse.enable_pushdown = off")
        assert pushed.rows == run(types, query).rows
        types.execute("RESET lakehouse.enable_pushdown")


def test_nul_in_remote_text_is_a_clear_error(
    types: Connection, tenant: str, warehouse: Warehouse
) -> None:
    name = f"{tenant}_nul"
    warehouse.execute(f"CREATE TABLE types.{name} AS SELECT concat('a', chr(0), 'b') AS t")
    try:
        types.execute(
            f"CREATE FOREIGN TABLE pg_temp.nul (t text OPTIONS (column_type 'string'))"
            f" SERVER {tenant}_wh OPTIONS (schema 'types', table_name '{name}')".encode()
        )
        with pytest.raises(psycopg.Error) as caught:
            types.execute("SELECT t FROM pg_temp.nul")
    finally:
        warehouse.execute(f"DROP TABLE types.{name}")
    assert caught.value.sqlstate.startswith(("22", "HV"))
    assert '"t"' in f"{caught.value.diag.message_primary} {caught.value.diag.message_detail}"
