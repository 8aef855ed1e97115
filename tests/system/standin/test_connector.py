# SPDX-License-Identifier: PostgreSQL
"""The official SQL connector in SEA mode, unchanged, over TLS: sessions, Arrow, LZ4, links."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from databricks import sql
from databricks.sql.client import Connection
from process import Standin

Connect = Callable[..., Any]


@pytest.fixture
def connect(tls_standin: Standin) -> Connect:
    @contextmanager
    def opened(**options: Any) -> Iterator[Connection]:
        connection = sql.connect(
            server_hostname="127.0.0.1",
            http_path=f"/sql/1.0/warehouses/{tls_standin.warehouse_id}",
            access_token=tls_standin.token,
            use_sea=True,
            enable_telemetry=False,
            _port=tls_standin.port,
            _tls_trusted_ca_file=tls_standin.ca_file,
            **options,
        )
        try:
            yield connection
        finally:
            connection.close()

    return opened


def _fetch(connection: Connection, statement: str, *arguments: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, *arguments)
        return cursor.fetchall()


def test_arrow_with_lz4_over_links(connect: Connect, tls_standin: Standin) -> None:
    with connect() as connection:
        rows = _fetch(connection, "SELECT id, id * 2 AS twice FROM range(1000) ORDER BY id")
    assert [tuple(row) for row in rows] == [(n, 2 * n) for n in range(1000)]
    latest = tls_standin.state()["statements"]["latest"][-1]
    assert (latest["format"], latest["compression"]) == ("ARROW_STREAM", "LZ4_FRAME")
    assert tls_standin.state()["links"]["served"] == 1


def test_many_links_arrive_in_order(connect: Connect, tls_standin: Standin) -> None:
    tls_standin.settings(chunk_bytes=1 << 17, links_per_answer=3)
    with connect() as connection:
        rows = _fetch(connection, "SELECT o_orderkey FROM demo.tpch.orders ORDER BY 1")
    keys = [row[0] for row in rows]
    assert len(keys) == 150_000
    assert keys == sorted(set(keys))
    assert tls_standin.state()["links"]["served"] > 5


def test_last_file_of_several_lz4_frames_loses_no_row(
    connect: Connect, tls_standin: Standin
) -> None:
    with connect() as connection:
        rows = _fetch(connection, "SELECT id, repeat('x', 100) AS s FROM range(50000)")
    assert len(rows) == 50_000
    assert tls_standin.state()["links"]["served"] == 1


def test_without_compression(connect: Connect, tls_standin: Standin) -> None:
    with connect(enable_query_result_lz4_compression=False) as connection:
        assert [tuple(r) for r in _fetch(connection, "SELECT 1, 'a'")] == [(1, "a")]
    assert tls_standin.state()["statements"]["latest"][-1]["compression"] is None


def test_hybrid_disposition_attaches_small_results(connect: Connect, tls_standin: Standin) -> None:
    with connect(use_hybrid_disposition=True) as connection:
        assert [tuple(r) for r in _fetch(connection, "SELECT 1, 'a'")] == [(1, "a")]
    assert tls_standin.state()["links"]["served"] == 0


def test_hybrid_disposition_links_large_results(connect: Connect, tls_standin: Standin) -> None:
    tls_standin.settings(hybrid_inline_bytes=1000)
    with connect(use_hybrid_disposition=True) as connection:
        assert len(_fetch(connection, "SELECT * FROM range(5000)")) == 5000
    assert tls_standin.state()["links"]["served"] == 1


def test_inline_json_is_converted_by_the_client(connect: Connect) -> None:
    statement = (
        "SELECT 1.50BD, 2.5D, true, DATE'2024-02-29', TIMESTAMP'2021-06-15 12:34:56.789', X'00FF'"
    )
    with connect(use_cloud_fetch=False) as connection:
        (row,) = _fetch(connection, statement)
    moment = dt.datetime(2021, 6, 15, 12, 34, 56, 789000, tzinfo=dt.UTC)
    assert tuple(row)[:4] == (Decimal("1.50"), 2.5, True, dt.date(2024, 2, 29))
    assert row[4] == moment
    assert row[5] == b"\x00\xff"


def test_types_arrive_as_python_values(connect: Connect) -> None:
    with connect() as connection:
        (row,) = _fetch(connection, "SELECT * FROM demo.types.every_type WHERE id = 1")
    assert row["a_byte"] == 1
    assert row["a_decimal"] == Decimal("12345.6789")
    assert row["a_binary"] == b"\x00\xff\x10"
    assert row["a_date"] == dt.date(2024, 2, 29)
    assert row["a_timestamp"] == dt.datetime(2021, 6, 15, 12, 34, 56, 789123, tzinfo=dt.UTC)
    assert row["a_timestamp_ntz"] == dt.datetime(2021, 6, 15, 12, 34, 56, 789123)
    assert list(row["an_array"]) == [1, 2, 3]
    assert dict(row["a_map"]) == {"a": Decimal("1.50"), "b": Decimal("-2.00")}
    assert row["a_struct"] == {"name": "Ada", "born": dt.date(1815, 12, 10)}
    assert row["a_void"] is None


def test_description_names_types_as_the_client_expects(connect: Connect) -> None:
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT CAST(1 AS TINYINT) a, 1L b, 1.5BD c, INTERVAL '1-2' YEAR TO MONTH d")
        kinds = [column[1] for column in cursor.description]
    assert kinds == ["tinyint", "bigint", "decimal", "interval_year_month"]


def test_native_parameters(connect: Connect) -> None:
    with connect() as connection:
        rows = _fetch(
            connection,
            "SELECT :n + 1, :text, :none, :dec",
            {"n": 41, "text": "O'Brien \\", "none": None, "dec": Decimal("1.25")},
        )
    assert tuple(rows[0]) == (42, "O'Brien \\", None, Decimal("1.25"))


def test_session_settings_and_defaults(connect: Connect) -> None:
    options = {"session_configuration": {"timezone": "America/New_York"}}
    with connect(catalog="demo", schema="tpch", **options) as connection:
        (row,) = _fetch(connection, "SELECT current_timezone(), count(*) FROM nation")
    assert tuple(row) == ("America/New_York", 25)


def test_statements_and_sessions_are_closed(connect: Connect, tls_standin: Standin) -> None:
    with connect() as connection:
        assert tls_standin.state()["sessions"]["open"] == 1
        _fetch(connection, "SELECT 1")
    state = tls_standin.state()
    assert state["sessions"]["open"] == 0
    assert state["statements"]["not_closed"] == 0


def test_error_message_reaches_the_user(connect: Connect) -> None:
    with connect() as connection, pytest.raises(sql.exc.ServerOperationError, match="42P01"):
        _fetch(connection, "SELECT * FROM demo.tpch.no_such_table")


def test_cursor_cancel_stops_the_engine(connect: Connect, tls_standin: Standin) -> None:
    tls_standin.settings(running_ms=0)
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute_async("SELECT sum(a.id * b.id) FROM range(1000000) a, range(1000000) b")
        assert cursor.is_query_pending()
        threading.Thread(target=cursor.cancel).start()
        statement_id = tls_standin.state()["statements"]["latest"][-1]["statement_id"]
        final = tls_standin.poll(statement_id, "CANCELED", "FAILED", "SUCCEEDED", seconds=10)
    assert final["status"]["state"] == "CANCELED"


def test_metadata_calls(connect: Connect) -> None:
    with connect() as connection, connection.cursor() as cursor:
        catalogs = [row[0] for row in cursor.catalogs().fetchall()]
        schemas = [row[0] for row in cursor.schemas(catalog_name="demo").fetchall()]
        tables = [row[1] for row in cursor.tables("demo", "product").fetchall()]
        columns = [row[0] for row in cursor.columns("demo", "product", "usage").fetchall()]
    assert "demo" in catalogs
    assert {"tpch", "product", "types", "odd"} <= set(schemas)
    assert tables == ["usage"]
    assert columns[:2] == ["customer_key", "usage_date"]
