# SPDX-License-Identifier: PostgreSQL
"""However a query ends early: its client has the answer at once, nothing runs on remotely."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest
from running_query import RunningQuery, best_of
from warehouse import Warehouse, wait_until

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

# What the client may wait for its answer, from the moment the query is ended.
ANSWER_S = 0.5
TIMEOUT_S = 1.5
LONG_MS = 60_000
# So slow that no chunk of more than a few bytes ever arrives whole.
TRICKLE = {"bytes": 64, "every_ms": 50}
# By number, not by order of arrival: chunks are asked for side by side.
ALL_BUT_FIRST = "[1-9][0-9]*"

PLAIN = "SELECT l_comment FROM lineitem"
# Rows of 9 kB leave the server's buffer at once; the subquery makes each of them take a while.
BUSY = (
    "SELECT l_orderkey, repeat('x', 9000),"
    " (SELECT sum(i) FROM generate_series(1, 20000) i WHERE i <> l_orderkey) FROM lineitem"
)


@dataclass(frozen=True)
class Phase:
    """How to hold a query in a phase, and how to see that it is there."""

    name: str
    statement: str
    hold: Callable[[Warehouse], None]
    is_reached: Callable[[Warehouse, RunningQuery], bool]


def statements(warehouse: Warehouse, state: str) -> int:
    return warehouse.state()["statements"][state]


def trickle_links(warehouse: Warehouse, chunks: str = "[0-9]+") -> None:
    path = f"/{chunks}$"
    warehouse.order_fault(origin="links", path=path, count=0, trickle=TRICKLE)


PHASES = (
    Phase(
        "pending",
        PLAIN,
        lambda warehouse: warehouse.change_settings(pending_ms=LONG_MS),
        lambda warehouse, _: statements(warehouse, "pending") == 1,
    ),
    Phase(
        "running",
        PLAIN,
        lambda warehouse: warehouse.change_settings(running_ms=LONG_MS),
        lambda warehouse, _: statements(warehouse, "running") == 1,
    ),
    Phase(
        "download",
        PLAIN,
        trickle_links,
        lambda warehouse, _: warehouse.struck() > 0,
    ),
    Phase(
        "rows",
        BUSY,
        lambda warehouse: warehouse.change_settings(chunk_bytes=1 << 20),
        lambda _, query: query.rows > 0,
    ),
)


@pytest.fixture(params=PHASES, ids=lambda phase: phase.name)
def phase(request: pytest.FixtureRequest) -> Phase:
    return request.param


def begin(phase: Phase, warehouse: Warehouse, connection: Connection) -> RunningQuery:
    warehouse.call("DELETE", "faults")
    phase.hold(warehouse)
    query = RunningQuery(connection, phase.statement)
    query.wait_until(lambda: phase.is_reached(warehouse, query), f"phase {phase.name}")
    return query


def test_cancel_request_is_answered_at_once(
    phase: Phase, warehouse: Warehouse, tpch_session: NewSession
) -> None:
    def attempt() -> float:
        query = begin(phase, warehouse, tpch_session())
        asked_at = time.monotonic()
        query.connection.cancel()
        took = query.wait_end() - asked_at
        assert isinstance(query.error, psycopg.errors.QueryCanceled), query.error
        warehouse.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def test_statement_timeout_ends_the_query_in_time(
    phase: Phase, warehouse: Warehouse, tpch_session: NewSession
) -> None:
    def attempt() -> float:
        connection = tpch_session()
        connection.execute(f"SET statement_timeout = {int(TIMEOUT_S * 1000)}")
        query = begin(phase, warehouse, connection)
        took = query.wait_end() - query.started_at - TIMEOUT_S
        assert isinstance(query.error, psycopg.errors.QueryCanceled), query.error
        warehouse.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def test_terminated_backend_leaves_at_once(
    phase: Phase, warehouse: Warehouse, tpch_session: NewSession, session: Connection
) -> None:
    def attempt() -> float:
        query = begin(phase, warehouse, tpch_session())
        asked_at = time.monotonic()
        session.execute("SELECT pg_terminate_backend(%s)", [query.process_id])
        took = query.wait_end() - asked_at
        assert isinstance(query.error, psycopg.errors.AdminShutdown), query.error
        warehouse.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def test_psql_answers_ctrl_c_at_once(
    phase: Phase, warehouse: Warehouse, imported: Callable[[str], str]
) -> None:
    schema = imported("tpch")

    def attempt() -> float:
        warehouse.call("DELETE", "faults")
        phase.hold(warehouse)
        command = ["psql", "-X", "-q", "-v", "FETCH_COUNT=1", "-c", phase.statement]
        environment = {**os.environ, "PGOPTIONS": f"-c search_path={schema}"}
        psql = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        # The backend is in its scan as soon as the worker has begun one for it.
        wait_until(lambda: statements(warehouse, "not_closed") == 1, 20, "the scan begun")
        asked_at = time.monotonic()
        psql.send_signal(signal.SIGINT)
        _, complaint = psql.communicate(timeout=10)
        took = time.monotonic() - asked_at
        assert "canceling statement due to user request" in complaint
        warehouse.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def test_session_works_on_after_a_cancel(
    phase: Phase, warehouse: Warehouse, tpch_session: NewSession
) -> None:
    connection = tpch_session()
    query = begin(phase, warehouse, connection)
    connection.cancel()
    query.wait_end()
    warehouse.reset()
    assert connection.execute("SELECT count(*) FROM nation").fetchone() == (25,)


# From here on: the first chunk comes at once, and the rest of the result is under way when the
# query has what it wants, or fails.


@pytest.fixture
def slow_rest(warehouse: Warehouse) -> Warehouse:
    warehouse.change_settings(chunk_bytes=100_000)
    trickle_links(warehouse, ALL_BUT_FIRST)
    return warehouse


def hold_again(warehouse: Warehouse) -> None:
    warehouse.call("DELETE", "faults")
    trickle_links(warehouse, ALL_BUT_FIRST)


def test_closed_cursor_ends_its_scan(slow_rest: Warehouse, tpch: Connection) -> None:
    def attempt() -> float:
        hold_again(slow_rest)
        with tpch.transaction():
            tpch.execute("DECLARE rows CURSOR FOR SELECT c_comment FROM customer")
            assert len(tpch.execute("FETCH 5 FROM rows").fetchall()) == 5
            wait_until(lambda: slow_rest.struck() > 0, 10, "the rest under way")
            asked_at = time.monotonic()
            tpch.execute("CLOSE rows")
            took = time.monotonic() - asked_at
            slow_rest.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def test_rolled_back_cursor_ends_its_scan(slow_rest: Warehouse, tpch: Connection) -> None:
    def attempt() -> float:
        hold_again(slow_rest)
        tpch.execute("BEGIN")
        tpch.execute("DECLARE rows CURSOR FOR SELECT c_comment FROM customer")
        assert len(tpch.execute("FETCH 5 FROM rows").fetchall()) == 5
        asked_at = time.monotonic()
        tpch.execute("ROLLBACK")
        took = time.monotonic() - asked_at
        slow_rest.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def test_local_limit_ends_the_scan(slow_rest: Warehouse, tpch: Connection) -> None:
    query = "SELECT c_custkey FROM customer WHERE md5(c_comment) <> '' LIMIT 5"
    plan = "\n".join(row[0] for row in tpch.execute(f"EXPLAIN (VERBOSE) {query}"))
    assert "Not Pushed" in plan and "LIMIT" not in plan

    def attempt() -> float:
        hold_again(slow_rest)
        asked_at = time.monotonic()
        assert len(tpch.execute(query).fetchall()) == 5
        took = time.monotonic() - asked_at
        slow_rest.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def fails_at_once(warehouse: Warehouse, session: Connection, query: str) -> None:
    def attempt() -> float:
        hold_again(warehouse)
        asked_at = time.monotonic()
        with pytest.raises(psycopg.errors.DivisionByZero):
            session.execute(query)
        took = time.monotonic() - asked_at
        warehouse.wait_quiet()
        return took

    best_of(attempt, ANSWER_S)


def test_local_expression_that_fails_ends_the_scan(slow_rest: Warehouse, tpch: Connection) -> None:
    tpch.execute("CREATE TEMP SEQUENCE rows_seen CYCLE MAXVALUE 100")
    fails_at_once(slow_rest, tpch, "SELECT 1 / (100 - nextval('rows_seen')) FROM customer")


def test_local_join_that_fails_ends_the_scan(slow_rest: Warehouse, tpch: Connection) -> None:
    tpch.execute("CREATE TEMP TABLE divisors AS SELECT k, 0 AS d FROM generate_series(1, 9999) k")
    tpch.execute("ANALYZE divisors")
    tpch.execute("SET enable_nestloop = off")
    fails_at_once(
        slow_rest,
        tpch,
        "SELECT c.c_acctbal / d.d FROM customer c JOIN divisors d ON d.k = c.c_custkey",
    )
