# SPDX-License-Identifier: PostgreSQL
"""Busy services, broken connections, links that expire or lead elsewhere: rows or an error."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest
from refusal import describe, refused
from running_query import RunningQuery, best_of
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]

QUERY = "SELECT count(n_name) FROM nation"
# Every row of a result of some thirty chunks counts exactly once in this.
CHECKSUM = (
    "SELECT count(*), count(DISTINCT c_custkey), sum(c_acctbal), sum(hashtext(c_comment)::bigint)"
    " FROM customer"
)
POST = {"method": "POST", "path": "/statements$"}
STATUS = {"method": "GET", "path": "/statements/[^/]+$"}
CHUNK = {"method": "GET", "path": "/result/chunks/"}
LINK = {"method": "GET", "origin": "links"}
# So long that the POST is answered before the statement ends, and the worker has to poll.
RUNNING_MS = 20
SAFE_TO_REPEAT = {"status": STATUS, "chunk": CHUNK, "link": LINK}


@pytest.fixture
def checksum(warehouse: Warehouse, tpch: Connection) -> tuple:
    """Of the table read in one piece; the tests then read it in many."""
    row = tpch.execute(CHECKSUM).fetchone()
    assert row is not None and row[0] == row[1] == 15_000
    warehouse.change_settings(chunk_bytes=100_000)
    return row


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["plain", "retry-after"])
def test_busy_service_is_asked_again(
    status: int, headers: dict[str, str], warehouse: Warehouse, tpch: Connection
) -> None:
    warehouse.order_fault(**POST, count=1, status=status, headers=headers, body={})
    asked_at = time.monotonic()
    assert tpch.execute(QUERY).fetchone() == (25,)
    assert warehouse.struck() == 1
    if headers:
        assert time.monotonic() - asked_at >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_service_that_stays_busy_is_an_error(
    status: int, warehouse: Warehouse, tpch: Connection
) -> None:
    body = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "Come back later."}
    warehouse.order_fault(**POST, count=0, status=status, body=body)
    error = refused(tpch, QUERY, "HV00N")
    assert "Come back later." in describe(error)
    assert warehouse.struck() > 1
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchone() == (25,)


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_wait_for_a_busy_service_can_be_ended(
    how: str, warehouse: Warehouse, tpch_session: Callable[[], Connection]
) -> None:
    def attempt() -> float:
        warehouse.call("DELETE", "faults")
        warehouse.order_fault(**POST, count=0, status=503, headers={"Retry-After": "20"}, body={})
        connection = tpch_session()
        if how == "timeout":
            connection.execute("SET statement_timeout = '1s'")
        query = RunningQuery(connection, QUERY)
        query.wait_until(lambda: warehouse.struck() > 0, "the service was asked")
        ended_at = time.monotonic() if how == "cancel" else query.started_at + 1
        if how == "cancel":
            connection.cancel()
        took = query.wait_end() - ended_at
        assert isinstance(query.error, psycopg.errors.QueryCanceled)
        return took

    best_of(attempt, 0.5)


@pytest.mark.parametrize("fault", [{"reset": True}, {"truncate_after": 10}], ids=["reset", "cut"])
@pytest.mark.parametrize("place", list(SAFE_TO_REPEAT))
def test_broken_connection_is_repeated_where_that_is_safe(
    place: str,
    fault: dict[str, object],
    warehouse: Warehouse,
    tpch: Connection,
    checksum: tuple,
) -> None:
    warehouse.change_settings(running_ms=RUNNING_MS)
    warehouse.order_fault(**SAFE_TO_REPEAT[place], count=2, **fault)
    assert tpch.execute(CHECKSUM).fetchone() == checksum
    assert warehouse.struck() == 2


def test_statement_that_may_have_begun_is_not_sent_twice(
    warehouse: Warehouse, tpch: Connection
) -> None:
    tpch.execute(QUERY)
    before = warehouse.state()["statements"]["executed"]
    warehouse.order_fault(**POST, count=1, reset=True)
    refused(tpch, QUERY, "HV00N")
    assert warehouse.state()["statements"]["executed"] == before + 1
    assert tpch.execute(QUERY).fetchone() == (25,)
    warehouse.reset()  # the lost answer held the statement's id, so nobody could close it


def test_links_that_never_work_are_an_error(warehouse: Warehouse, tpch: Connection) -> None:
    warehouse.order_fault(**LINK, count=0, reset=True)
    refused(tpch, QUERY, "HV00N")
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchone() == (25,)


@pytest.mark.parametrize("after", [0, 1, 7])
def test_links_that_expire_in_mid_scan_cost_no_row(
    after: int, warehouse: Warehouse, tpch: Connection, checksum: tuple
) -> None:
    warehouse.change_settings(links_per_answer=10)
    warehouse.order_fault(**LINK, after=after, count=1, event="expire_links")
    refused_before = warehouse.state()["links"]["refused"]
    assert tpch.execute(CHECKSUM).fetchone() == checksum
    assert warehouse.struck() == 1
    assert warehouse.state()["links"]["refused"] > refused_before


def test_links_that_expire_all_the_time_are_an_error_or_the_right_rows(
    warehouse: Warehouse, tpch: Connection, checksum: tuple
) -> None:
    warehouse.order_fault(**LINK, count=0, event="expire_links")
    refused(tpch, CHECKSUM, "HV00N")
    warehouse.forget_faults()
    assert tpch.execute(CHECKSUM).fetchone() == checksum


@pytest.mark.parametrize("status", [403, 404, 400])
def test_refused_link_is_asked_for_again(
    status: int, warehouse: Warehouse, tpch: Connection, checksum: tuple
) -> None:
    body = '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
    warehouse.order_fault(**LINK, after=3, count=2, status=status, body=body)
    assert tpch.execute(CHECKSUM).fetchone() == checksum
    assert warehouse.struck() == 2


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "https://example.com/", "file:///etc/passwd", "/"],
)
def test_link_that_leads_elsewhere_is_not_followed(
    target: str, warehouse: Warehouse, tpch: Connection
) -> None:
    warehouse.order_fault(**LINK, count=0, redirect=target)
    refused(tpch, QUERY, "HV000")
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchone() == (25,)


@pytest.mark.parametrize(
    ("link", "sqlstate"),
    [
        ("http://169.254.169.254/latest/", "22023"),
        ("http://10.0.0.1/chunk", "22023"),
        ("file:///etc/passwd", "22023"),
        ("not a url", "22023"),
        ("", "HV000"),
    ],
)
def test_link_to_a_forbidden_place_is_not_fetched(
    link: str, sqlstate: str, warehouse: Warehouse, tpch: Connection
) -> None:
    warehouse.change_settings(running_ms=RUNNING_MS)
    warehouse.order_fault(**STATUS, count=0, set={"result.external_links.0.external_link": link})
    with pytest.raises(psycopg.Error) as caught:
        tpch.execute(QUERY)
    assert caught.value.sqlstate in (sqlstate, "HV000"), describe(caught.value)
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchone() == (25,)


def test_api_that_redirects_gets_no_token_elsewhere(warehouse: Warehouse, tpch: Connection) -> None:
    warehouse.order_fault(**POST, count=0, redirect="http://127.0.0.1:1/api/2.0/sql/statements")
    refused(tpch, QUERY, "HV000")
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchone() == (25,)


def test_links_that_need_headers_get_them(warehouse: Warehouse, tpch: Connection) -> None:
    warehouse.change_settings(links_need_headers=True)
    assert tpch.execute(QUERY).fetchone() == (25,)


def test_workspace_without_external_links_is_read_inline(
    warehouse: Warehouse, session: Connection, connected: Callable[..., str]
) -> None:
    connected()  # a connection of its own, since it remembers what the workspace can't do
    warehouse.change_settings(external_links_enabled=False)
    assert session.execute(QUERY).fetchone() == (25,)
    assert session.execute(QUERY).fetchone() == (25,)


def test_result_that_the_service_drops_is_an_error(warehouse: Warehouse, tpch: Connection) -> None:
    body = {"error_code": "NOT_FOUND", "message": "The statement was not found."}
    warehouse.order_fault(**CHUNK, count=0, status=404, body=body)
    warehouse.order_fault(**LINK, count=0, status=403, body="")
    with pytest.raises(psycopg.Error) as caught:
        tpch.execute(QUERY)
    assert caught.value.sqlstate in ("HV00N", "HV000"), describe(caught.value)
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchone() == (25,)
