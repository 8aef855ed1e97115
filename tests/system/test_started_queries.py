# SPDX-License-Identifier: PostgreSQL
"""Slow warehouse queries over /mcp: started, polled for and cancelled, down to the warehouse."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import Connection, connect
from governed import VISIBLE_ROWS, Governed
from mcp_caller import Caller, sign_in
from mcp_server import LEGACY, Client
from mcp_stream import Pending
from running_query import best_of
from warehouse import Warehouse, wait_until

KINDS = ("admin", "member", "readonly", "agent")
Start = Callable[[Caller], str]


@pytest.fixture(scope="module")
def callers(governed: Governed) -> dict[str, Caller]:
    with connect() as session:
        return {kind: sign_in(session, governed.tenant, kind) for kind in KINDS}


@pytest.fixture
def start(governed: Governed, warehouse: Warehouse) -> Start:
    """Starts a query that runs in the warehouse for a while when this returns; its id."""

    def start_one(caller: Caller) -> str:
        warehouse.change_settings(running_ms=20_000)
        found = caller.call("start_warehouse_query", sql=f"SELECT count(*) FROM {governed.table}")
        wait_until(lambda: warehouse.open_statements()["open"] == 1, 10, "a remote statement")
        return str(found["query_id"])

    return start_one


def status(caller: Caller, query_id: str) -> str:
    return str(caller.call("get_warehouse_query", query_id=query_id, wait_s=0)["status"])


def test_a_slow_query_is_started_and_polled(
    callers: dict[str, Caller], governed: Governed, warehouse: Warehouse
) -> None:
    warehouse.change_settings(running_ms=2_000)
    caller = callers["agent"]
    started = caller.call("start_warehouse_query", sql=f"SELECT count(*) FROM {governed.table}")
    first = caller.call("get_warehouse_query", query_id=started["query_id"], wait_s=0)
    assert first["status"] == "running" and first["poll_after_s"] > 0
    done = caller.call("get_warehouse_query", query_id=started["query_id"], wait_s=20)
    assert done["status"] == "done" and done["rows"] == [[VISIBLE_ROWS]]
    other = callers["member"].call("get_warehouse_query", query_id=started["query_id"])
    assert other["failure"]["code"] == "NOT_FOUND"


def outcome(session: Connection, query_id: str) -> tuple[str, str] | None:
    return session.execute(
        "SELECT application_name, code FROM lakehouse.audit_log WHERE statement = %s AND phase = 'outcome'",
        [f"started query {query_id}"],
    ).fetchone()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cancelled_query_ends_in_the_warehouse(
    callers: dict[str, Caller],
    kind: str,
    session: Connection,
    start: Start,
    warehouse: Warehouse,
) -> None:
    caller = callers[kind]

    def attempt() -> float:
        query_id = start(caller)
        asked_at = time.monotonic()
        for _ in range(2):
            told = caller.call("cancel_warehouse_query", query_id=query_id)
            assert told == {"query_id": query_id, "status": "cancelled"}
        warehouse.wait_quiet()
        took = time.monotonic() - asked_at
        print(f"{kind}: ended {took:.3f} s after the call")
        assert status(caller, query_id) == "cancelled"
        wait_until(lambda: outcome(session, query_id) is not None, 5, "the outcome")
        assert outcome(session, query_id) == (f"mcp:{caller.client_id}", "CANCELLED")
        return took

    best_of(attempt, 1.0)


def test_nobody_else_cancels_a_query(
    callers: dict[str, Caller], start: Start, warehouse: Warehouse
) -> None:
    query_id = start(callers["member"])
    told = [
        callers["admin"].call("cancel_warehouse_query", query_id=given)["failure"]
        for given in (query_id, "8d9f8f0e-6d5b-4b6e-9c58-0d5f7f2f4a11", "' OR true --")
    ]
    assert told[0]["code"] == "NOT_FOUND" and told == [told[0]] * 3
    assert status(callers["member"], query_id) == "running"
    assert warehouse.open_statements()["open"] == 1
    callers["member"].call("cancel_warehouse_query", query_id=query_id)


def test_a_query_ends_with_what_its_user_granted(
    session: Connection, governed: Governed, start: Start, warehouse: Warehouse
) -> None:
    def attempt() -> float:
        caller = sign_in(session, governed.tenant, "member")
        query_id = start(caller)
        session.execute(
            "SELECT lakehouse.revoke_oauth_grants(%s, %s)", [governed.tenant, caller.client_id]
        )
        revoked_at = time.monotonic()
        warehouse.wait_quiet()
        took = time.monotonic() - revoked_at
        again = sign_in(session, governed.tenant, "member")
        assert status(again, query_id) == "cancelled"
        return took

    best_of(attempt, 1.0)


def test_a_query_outlives_its_session(
    callers: dict[str, Caller], governed: Governed, warehouse: Warehouse
) -> None:
    client = Client(callers["member"].token, LEGACY[0])
    client.shake_hands()
    warehouse.change_settings(running_ms=2_000)
    arguments = {"sql": f"SELECT count(*) FROM {governed.table}"}
    started = client.call("start_warehouse_query", **arguments)["structuredContent"]
    ending = Pending(client, "", verb="DELETE")
    ending.join(5)
    assert ending.status == 204
    done = callers["member"].call("get_warehouse_query", query_id=started["query_id"], wait_s=20)
    assert done["rows"] == [[VISIBLE_ROWS]]


@pytest.fixture
def worker(session: Connection) -> Iterator[int]:
    found = worker_pid(session)
    assert found is not None
    yield found
    wait_until(lambda: worker_pid(session) is not None, 20, "a worker after the test")


def worker_pid(session: Connection) -> int | None:
    row = session.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
    return row[0] if row else None


def test_a_query_of_a_dead_worker_has_failed_and_can_not_be_cancelled(
    callers: dict[str, Caller], start: Start, warehouse: Warehouse, worker: int
) -> None:
    caller = callers["member"]
    query_id = start(caller)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: sessions_of(query_id) == 0, 5, "the end of its session")
    wait_until(lambda: is_serving(caller), 20, "the next worker")
    assert caller.call("cancel_warehouse_query", query_id=query_id)["status"] == "failed"
    found = caller.call("get_warehouse_query", query_id=query_id)
    assert found["status"] == "failed" and found["error"]["code"] == "UNAVAILABLE"
    warehouse.reset()  # a killed worker can't end its remote statement; the warehouse does


def is_serving(caller: Caller) -> bool:
    try:
        return Client(caller.token).send("tools/list").status_code == 200
    except OSError:
        return False


def sessions_of(query_id: str) -> int:
    with connect() as session:
        row = session.execute(
            "SELECT count(*) FROM lakehouse.started_queries q JOIN pg_stat_activity a"
            " ON a.pid = q.backend_pid AND a.backend_start = q.backend_start"
            " WHERE q.id = %s",
            [query_id],
        ).fetchone()
    assert row
    return int(row[0])
