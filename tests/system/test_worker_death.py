# SPDX-License-Identifier: PostgreSQL
"""Processes that die: the worker, a backend, the server. Nobody waits, nothing runs on remotely."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from cluster import Cluster
from conftest import connect, connect_warehouse
from running_query import RunningQuery, best_of
from warehouse import Warehouse, wait_until

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

ERROR_S = 1.0
BACK_S = 5.0
# Wide rows leave the server's buffer at once, so that the client sees the first ones early.
WIDE = "SELECT l_orderkey, repeat('x', 9000) FROM lineitem"


def worker_pid(connection: Connection) -> int | None:
    found = connection.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running")
    row = found.fetchone()
    return row[0] if row else None


def hold_running(warehouse: Warehouse) -> None:
    warehouse.change_settings(running_ms=60_000)


def hold_rows(warehouse: Warehouse) -> None:
    """The first three chunks come at once, the others never end."""
    warehouse.change_settings(chunk_bytes=100_000)
    trickle = {"bytes": 64, "every_ms": 50}
    path = "/([3-9]|[1-9][0-9]+)$"
    warehouse.order_fault(origin="links", path=path, count=0, trickle=trickle)


def is_running(warehouse: Warehouse, _: RunningQuery) -> bool:
    return warehouse.state()["statements"]["running"] == 1


def has_rows(_: Warehouse, query: RunningQuery) -> bool:
    return query.rows > 0


PHASES = {"running": (hold_running, is_running), "rows": (hold_rows, has_rows)}


@pytest.fixture(params=list(PHASES))
def begin(
    request: pytest.FixtureRequest, warehouse: Warehouse, tpch_session: NewSession
) -> Callable[[], RunningQuery]:
    """Begins a query and returns it once it is in the phase."""
    hold, is_reached = PHASES[request.param]

    def begin_one() -> RunningQuery:
        connection = tpch_session()
        hold(warehouse)
        query = RunningQuery(connection, WIDE)
        query.wait_until(lambda: is_reached(warehouse, query), request.param)
        return query

    return begin_one


@pytest.fixture
def worker(session: Connection) -> Iterator[Callable[[], int]]:
    """The id of the running worker; whatever the test does, the next one finds a worker."""

    def pid() -> int:
        found = worker_pid(session)
        assert found is not None
        return found

    yield pid
    with connect() as connection:
        wait_until(lambda: worker_pid(connection) is not None, 20, "a worker after the test")


def is_gone(pid: int) -> bool:
    """Gone, or dead and not yet buried."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        return state == "Z"
    return True


def assert_lost_worker(error: psycopg.Error | None) -> None:
    assert error is not None
    assert error.sqlstate == "08001", error
    assert error.diag.message_hint


def test_killed_worker_ends_its_scans_with_a_clear_error(
    begin: Callable[[], RunningQuery], worker: Callable[[], int], warehouse: Warehouse
) -> None:
    def attempt() -> float:
        query = begin()
        killed_at = time.monotonic()
        os.kill(worker(), signal.SIGKILL)
        took = query.wait_end() - killed_at
        assert_lost_worker(query.error)
        warehouse.reset()  # a killed worker can't end its remote statement; the warehouse does
        return took

    best_of(attempt, ERROR_S)


def test_killed_worker_is_back_and_the_next_query_works(
    worker: Callable[[], int], warehouse: Warehouse, tpch: Connection, session: Connection
) -> None:
    killed = worker()
    os.kill(killed, signal.SIGKILL)
    took = wait_until(
        lambda: worker_pid(session) not in (None, killed), BACK_S, "the launcher has it back"
    )
    assert took < BACK_S
    assert tpch.execute("SELECT count(*) FROM nation").fetchone() == (25,)
    warehouse.reset()  # forgets the session of the worker that was killed


def test_query_right_after_a_kill_waits_for_the_new_worker(
    worker: Callable[[], int], warehouse: Warehouse, tpch: Connection
) -> None:
    os.kill(worker(), signal.SIGKILL)
    asked_at = time.monotonic()
    # The kernel may let a first connection reach the dead worker's socket: that one is an error.
    with contextlib.suppress(psycopg.errors.SqlclientUnableToEstablishSqlconnection):
        assert tpch.execute("SELECT count(*) FROM nation").fetchone() == (25,)
    assert tpch.execute("SELECT count(*) FROM region").fetchone() == (5,)
    assert time.monotonic() - asked_at < BACK_S
    warehouse.reset()


def test_stopped_worker_tells_its_scans_and_closes_their_statements(
    begin: Callable[[], RunningQuery], worker: Callable[[], int], warehouse: Warehouse
) -> None:
    query = begin()
    stopped = worker()
    os.kill(stopped, signal.SIGTERM)
    asked_at = time.monotonic()
    assert query.wait_end() - asked_at < ERROR_S
    assert_lost_worker(query.error)
    warehouse.wait_quiet()
    wait_until(lambda: is_gone(stopped), BACK_S, "the worker has ended")


def test_worker_frees_the_scan_of_a_killed_backend(
    begin: Callable[[], RunningQuery], worker: Callable[[], int], warehouse: Warehouse
) -> None:
    query = begin()
    os.kill(query.process_id, signal.SIGKILL)
    query.wait_end()
    assert isinstance(query.error, psycopg.OperationalError)
    warehouse.wait_quiet()
    wait_until(accepts_connections, 20, "the server is back")
    with connect() as connection:
        wait_until(lambda: worker_pid(connection) is not None, 20, "the worker is back")
        scans = connection.execute("SELECT open_scans FROM lakehouse.worker_status").fetchone()
        assert scans == (0,)


def accepts_connections() -> bool:
    with contextlib.suppress(psycopg.OperationalError), connect():
        return True
    return False


def test_next_query_works_after_a_backend_was_killed(
    worker: Callable[[], int], warehouse: Warehouse, tpch_session: NewSession
) -> None:
    os.kill(tpch_session().info.backend_pid, signal.SIGKILL)
    wait_until(accepts_connections, 20, "the server is back")
    wait_until(lambda: tpch_count(tpch_session) == 25, 20, "the next query")


def tpch_count(tpch_session: NewSession) -> int:
    with contextlib.suppress(psycopg.OperationalError):
        row = tpch_session().execute("SELECT count(*) FROM nation").fetchone()
        return row[0] if row else 0
    return 0


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path / "cluster")
    yield cluster
    cluster.stop()


HOW_TO_STOP = [
    pytest.param(signal.SIGINT, id="fast"),
    pytest.param(signal.SIGQUIT, id="immediate", marks=pytest.mark.long),
]


@pytest.mark.parametrize("how", HOW_TO_STOP)
def test_server_takes_its_worker_along(how: signal.Signals, own_cluster: Cluster) -> None:
    warehouse = Warehouse(own_cluster.environment["STANDIN_CONTROL_URL"])
    warehouse.change_settings(running_ms=60_000)
    connection = own_cluster.connect()
    connection.execute("SELECT lakehouse.create_tenant('last')")
    environment = own_cluster.environment
    names = ("url", "id", "catalog", "token")
    connect_warehouse(
        connection, "last", "wh", **{key: environment[f"WAREHOUSE_{key.upper()}"] for key in names}
    )
    connection.execute(
        "CREATE FOREIGN TABLE nation (n_name text) SERVER last_wh OPTIONS (schema 'tpch')"
    )
    worker = worker_pid(connection)
    assert worker is not None
    query = RunningQuery(connection, "SELECT n_name FROM nation")
    query.wait_until(lambda: warehouse.state()["statements"]["running"] == 1, "running")
    server = own_cluster.server_pid()
    os.kill(server, how)
    query.wait_end()
    wait_until(lambda: is_gone(worker), BACK_S, "the worker has ended with its server")
    warehouse.wait_quiet()
    wait_until(lambda: is_gone(server), BACK_S, "the server has ended")
