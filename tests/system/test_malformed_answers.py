# SPDX-License-Identifier: PostgreSQL
"""Answers that no service should give: never a wrong row, never a crash, and the next query works.

A broken answer to the POST hides the statement's id, so nobody can close that statement: tests
of it only count what still runs, and forget the rest.
"""

from __future__ import annotations

import psycopg
import pytest
from conftest import connect
from refusal import describe, refused
from warehouse import Warehouse, wait_until

Connection = psycopg.Connection[tuple]

QUERY = 'SELECT n_nationkey, n_name FROM nation ORDER BY n_comment COLLATE "C"'
POST = {"method": "POST", "path": "/statements$"}
# All polls: the first may still say RUNNING, and only the last has a manifest.
STATUS = {"method": "GET", "path": "/statements/[^/]+$", "count": 0}
LINK = {"method": "GET", "origin": "links"}
# So long that the POST is answered before the statement ends, and the worker has to poll.
RUNNING_MS = 20


@pytest.fixture
def rows(tpch: Connection, warehouse: Warehouse) -> list[tuple]:
    """What the query returns when nothing is broken."""
    warehouse.change_settings(running_ms=RUNNING_MS)
    found = tpch.execute(QUERY).fetchall()
    assert len(found) == 25
    return found


def server_started_at() -> object:
    with connect() as connection:
        row = connection.execute("SELECT pg_postmaster_start_time()").fetchone()
        worker = connection.execute("SELECT pid FROM lakehouse.worker_status").fetchone()
        return row, worker


@pytest.fixture(autouse=True)
def nothing_crashes() -> object:
    """Server and worker live through each test."""
    before = server_started_at()
    yield
    assert server_started_at() == before


def body_length(warehouse: Warehouse, session: Connection, place: dict[str, object]) -> int:
    """How long the answer at this place is: cutting it there does no harm, cutting before does."""
    low, high = 0, 1 << 16
    while high - low > 1:
        middle = (low + high) // 2
        warehouse.order_fault(**place, cut_at=middle)
        try:
            session.execute(QUERY)
            high = middle
        except psycopg.Error:
            low = middle
        warehouse.forget_faults()
    return high


def outcome(session: Connection, right: list[tuple]) -> str | None:
    """None if the rows are right, else the SQLSTATE of a proper error. Wrong rows fail the test."""
    try:
        assert session.execute(QUERY).fetchall() == right
        return None
    except psycopg.Error as error:
        diagnosis = error.diag
        assert diagnosis.message_primary and diagnosis.message_hint, describe(error)
        return error.sqlstate


def break_everywhere(
    warehouse: Warehouse,
    session: Connection,
    right: list[tuple],
    place: dict[str, object],
    fault: str,
    step: int,
) -> list[tuple[int, str | None]]:
    """Breaks the answer at every step-th byte; returns the outcomes that are not HV000."""
    strange = []
    for position in range(0, body_length(warehouse, session, place), step):
        warehouse.order_fault(**place, **{fault: position})
        seen = outcome(session, right)
        assert warehouse.struck() >= 1
        warehouse.forget_faults()
        if seen != "HV000":
            strange.append((position, seen))
    return strange


PLACES = {
    "post": (POST, 7),
    "status": (STATUS, 29),
    "link": (LINK, 31),
}


@pytest.mark.parametrize("fault", ["malformed_at", "cut_at", "corrupt_byte"])
@pytest.mark.parametrize("place", list(PLACES))
def test_broken_json_is_an_error(
    place: str, fault: str, warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    where, step = PLACES[place]
    assert break_everywhere(warehouse, tpch, rows, where, fault, step) == []
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows
    settle(warehouse)


@pytest.mark.long
@pytest.mark.parametrize("fault", ["malformed_at", "cut_at", "corrupt_byte"])
@pytest.mark.parametrize("place", list(PLACES))
def test_json_broken_at_any_byte_is_an_error(
    place: str, fault: str, warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    assert break_everywhere(warehouse, tpch, rows, PLACES[place][0], fault, 1) == []
    settle(warehouse)


def settle(warehouse: Warehouse) -> None:
    wait_until(lambda: warehouse.open_statements()["open"] == 0, 5, "no statement runs")
    warehouse.reset()


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", "null", "42", '"text"', "<html>Sign in</html>", '{"statement_id":null}'],
)
@pytest.mark.parametrize("place", [POST, STATUS], ids=["post", "status"])
def test_answer_that_is_something_else_is_an_error(
    place: dict[str, object], body: str, warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    warehouse.order_fault(**place, status=200, body=body)
    refused(tpch, QUERY, "HV000")
    assert warehouse.struck() >= 1
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows
    settle(warehouse)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[[]]",
        '[["1"]]',
        '[["1","x"],["2"]]',
        "[[1,2]]",
        '[["x","y"]]',
        '[["1","x",null]]',
    ],
)
def test_chunk_with_other_rows_is_an_error(
    body: str, warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    warehouse.order_fault(**LINK, status=200, body=body)
    assert outcome(tpch, rows) in ("HV000", "HV004")
    assert warehouse.struck() >= 1
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows


def test_truncated_result_is_refused(
    warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    warehouse.order_fault(**STATUS, set={"manifest.truncated": True})
    refused(tpch, QUERY, "53400")
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows


def test_result_without_rows_is_empty(warehouse: Warehouse, tpch: Connection) -> None:
    assert tpch.execute("SELECT n_name FROM nation WHERE n_nationkey = 99").fetchall() == []


@pytest.mark.parametrize(
    "change",
    [
        {"set": {"result": {}}},
        {"drop": ["result"]},
        {"drop": ["manifest.chunks"]},
        {"drop": ["manifest.total_chunk_count"]},
        {"drop": ["manifest.total_row_count"]},
        {"drop": ["manifest.schema"]},
        {"set": {"manifest.schema.columns.0.type_name": "GEOMETRY"}},
        {"set": {"manifest.schema.columns.1.type_text": "HOLOGRAM<INT>"}},
        {"set": {"manifest.unknown": {"a": [1, {"b": None}]}}},
    ],
    ids=str,
)
def test_part_that_is_missing_or_unknown_never_costs_a_row(
    change: dict[str, object], warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    warehouse.order_fault(**STATUS, **change)
    assert outcome(tpch, rows) in (None, "HV000", "HV004")
    assert warehouse.struck() >= 1
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows


@pytest.mark.parametrize(
    "change",
    [
        {"set": {"manifest.total_row_count": 24}},
        {"set": {"manifest.total_row_count": 26}},
        {"set": {"manifest.total_chunk_count": 0}},
        {"set": {"manifest.chunks.0.row_count": 24}},
        {"set": {"manifest.format": "ARROW_STREAM"}},
        {"set": {"manifest.schema.column_count": 3, "manifest.schema.columns": []}},
        {"set": {"result.external_links.0.chunk_index": 1}},
        {"set": {"status.state": "DREAMING"}},
        {"set": {"statement_id": "00000000-0000-0000-0000-000000000000"}},
        {"drop": ["manifest"]},
        {"drop": ["status"]},
    ],
    ids=str,
)
def test_answer_that_contradicts_itself_never_costs_a_row(
    change: dict[str, object], warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    warehouse.order_fault(**STATUS, **change)
    assert outcome(tpch, rows) in (None, "HV000")
    assert warehouse.struck() >= 1
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows


def test_statement_that_failed_remotely_tells_why(
    warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    state = {"state": "FAILED", "error": {"error_code": 418, "message": "The pot is short."}}
    warehouse.order_fault(**STATUS, set={"status": state})
    error = refused(tpch, QUERY, "HV000")
    assert "The pot is short." in (error.diag.message_detail or "")
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows


@pytest.mark.parametrize(("state", "sqlstate"), [("CANCELED", "57014"), ("CLOSED", "HV000")])
def test_statement_ended_by_someone_else_is_an_error(
    state: str, sqlstate: str, warehouse: Warehouse, tpch: Connection, rows: list[tuple]
) -> None:
    warehouse.order_fault(**STATUS, set={"status": {"state": state}}, drop=["manifest", "result"])
    refused(tpch, QUERY, sqlstate)
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchall() == rows
