# SPDX-License-Identifier: PostgreSQL
"""A connection that is revoked or dropped: whoever uses it is told within a second."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql
from refusal import refused
from running_query import RunningQuery, best_of
from warehouse import Warehouse, wait_until
from worker_program import succeed

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]
Connect = Callable[..., str]

SESSIONS = 16
END_S = 1.0
REVOKED = "warehouse connection was revoked"
PREPARED = "EXECUTE names"


@pytest.fixture
def crowd(session: Connection, connected: Connect, new_session: NewSession) -> list[Connection]:
    """Sessions that find the connection's table, each with a prepared statement that has run."""
    connected()
    row = session.execute("SHOW search_path").fetchone()
    assert row is not None
    members = [new_session() for _ in range(SESSIONS)]
    for member in members:
        member.execute(f"SET search_path = {row[0]}")
        member.execute("PREPARE names AS SELECT count(n_name) FROM nation")
        for _ in range(6):  # the sixth may run a generic plan
            assert member.execute(PREPARED).fetchone() == (25,)
    return members


def last_name(session: Connection, tenant: str) -> str:
    row = session.execute(
        sql.SQL("SELECT name FROM {}.warehouse_connections ORDER BY created_at DESC").format(
            sql.Identifier(tenant)
        )
    ).fetchone()
    assert row is not None
    return row[0]


def revoke(session: Connection, tenant: str, name: str) -> None:
    session.execute("SELECT lakehouse.revoke_connection(%s, %s)", [tenant, name])


def drop(session: Connection, tenant: str, name: str) -> None:
    session.execute(
        sql.SQL("DELETE FROM {}.warehouse_connections WHERE name = {}").format(
            sql.Identifier(tenant), sql.Literal(name)
        )
    )


def set_secret(session: Connection, tenant: str, name: str) -> None:
    given = os.environ["WAREHOUSE_TOKEN"]
    succeed(
        session, "secret", "set", "--tenant", tenant, "--connection", name, given=f"{given}\n"
    )


def hold_running(warehouse: Warehouse) -> None:
    warehouse.change_settings(running_ms=60_000)


def hold_rows(warehouse: Warehouse) -> None:
    """Statements succeed, and their results take minutes to arrive."""
    warehouse.order_fault(origin="links", count=0, trickle={"bytes": 1, "every_ms": 500})


PHASES = {
    "running": (hold_running, lambda warehouse: warehouse.open_statements()["open"]),
    "rows": (hold_rows, Warehouse.struck),
}


def begin_all(crowd: list[Connection], warehouse: Warehouse, phase: str) -> list[RunningQuery]:
    hold, count_held = PHASES[phase]
    hold(warehouse)
    queries = [RunningQuery(member, "SELECT n_name FROM nation") for member in crowd]
    queries[0].wait_until(lambda: count_held(warehouse) >= len(crowd), phase)
    return queries


def end_all(queries: list[RunningQuery], act: Callable[[], None]) -> float:
    """How long after the act the last query had ended."""
    act()
    acted_at = time.monotonic()
    return max(query.wait_end() for query in queries) - acted_at


def assert_revoked(error: psycopg.Error | None) -> None:
    assert error is not None
    assert error.sqlstate == "28000", error
    assert error.diag.message_primary == REVOKED
    assert error.diag.message_hint and "secret set" in error.diag.message_hint


@pytest.mark.parametrize("phase", list(PHASES))
def test_revocation_ends_every_scan_and_refuses_new_ones(
    phase: str, session: Connection, tenant: str, crowd: list[Connection], warehouse: Warehouse
) -> None:
    name = last_name(session, tenant)

    def attempt() -> float:
        queries = begin_all(crowd, warehouse, phase)
        took = end_all(queries, lambda: revoke(session, tenant, name))
        for query in queries:
            assert_revoked(query.error)
        print(f"{phase}: the last of {SESSIONS} ended {took:.3f} s after COMMIT")
        warehouse.wait_quiet(END_S + 1)
        warehouse.change_settings(running_ms=0)
        warehouse.forget_faults()
        for member in crowd:
            assert_revoked(refused(member, PREPARED, "28000"))
            assert_revoked(refused(member, "SELECT n_name FROM nation", "28000"))
        set_secret(session, tenant, name)
        for member in crowd:
            assert member.execute(PREPARED).fetchone() == (25,)
        return took

    best_of(attempt, END_S)


def test_dropped_connection_ends_every_scan(
    session: Connection, tenant: str, crowd: list[Connection], warehouse: Warehouse
) -> None:
    queries = begin_all(crowd, warehouse, "running")
    took = end_all(queries, lambda: drop(session, tenant, last_name(session, tenant)))
    assert took <= END_S
    for query in queries:
        assert query.error is not None and query.error.sqlstate == "HV00N", query.error
        assert query.error.diag.message_primary == "warehouse connection was dropped"
    warehouse.wait_quiet(END_S + 1)
    for member in crowd:
        refused(member, PREPARED, "HV00N")


def test_resting_cursor_is_closed_remotely(
    tenant: str, warehouse: Warehouse, tpch: Connection
) -> None:
    """The client does not read, so the worker may find no way to tell it why the scan ended."""
    warehouse.change_settings(chunk_bytes=100_000)
    with tpch.transaction(force_rollback=True):
        tpch.execute("DECLARE rest CURSOR FOR SELECT * FROM lineitem")
        tpch.execute("FETCH 10 FROM rest")
        assert warehouse.open_statements()["not_closed"] == 1
        try:
            with psycopg.connect(autocommit=True) as other:
                revoke(other, tenant, "wh")
            wait_until(warehouse.is_quiet, END_S + 1, "the remote statement is closed")
            with pytest.raises(psycopg.Error) as caught:
                tpch.execute("FETCH ALL FROM rest")
            assert caught.value.sqlstate in ("28000", "08001"), caught.value
        finally:
            with psycopg.connect(autocommit=True) as other:
                set_secret(other, tenant, "wh")
    assert tpch.execute("SELECT count(*) FROM nation").fetchone() == (25,)


def test_revocation_that_is_rolled_back_does_nothing(
    session: Connection,
    tenant: str,
    connected: Connect,
    new_session: NewSession,
    warehouse: Warehouse,
) -> None:
    name = connected()
    row = session.execute("SHOW search_path").fetchone()
    assert row is not None
    warehouse.change_settings(running_ms=1500)
    query = RunningQuery(
        new_session(), f"SELECT n_name FROM {row[0]}.nation"
    )
    query.wait_until(lambda: warehouse.state()["statements"]["running"] == 1, "running")
    with session.transaction(force_rollback=True):
        revoke(session, tenant, name)
    query.wait_end()
    assert (query.error, query.rows) == (None, 25)


def test_other_connections_go_on(
    session: Connection,
    tenant: str,
    connected: Connect,
    tpch_session: NewSession,
    warehouse: Warehouse,
) -> None:
    name, scanning = connected(), tpch_session()
    warehouse.change_settings(running_ms=1500)
    query = RunningQuery(scanning, "SELECT n_name FROM nation")
    query.wait_until(lambda: warehouse.state()["statements"]["running"] == 1, "running")
    revoke(session, tenant, name)
    query.wait_end()
    assert (query.error, query.rows) == (None, 25)


def test_secret_is_erased_and_its_copy_never_opens_again(
    session: Connection, tenant: str, connected: Connect
) -> None:
    name = connected()
    table = sql.Identifier(tenant, "warehouse_connections")
    find = sql.SQL("SELECT secret, secret_version, status FROM {} WHERE name = {}").format(
        table, sql.Literal(name)
    )
    before = session.execute(find).fetchone()
    assert before is not None
    revoke(session, tenant, name)
    revoke(session, tenant, name)
    assert session.execute(find).fetchone() == (None, before[1] + 1, "revoked")
    session.execute(
        sql.SQL("UPDATE {} SET secret = %s, status = 'active' WHERE name = {}").format(
            table, sql.Literal(name)
        ),
        [before[0]],
    )
    error = refused(session, "SELECT * FROM nation", "28000")
    assert error.diag.message_primary == "could not decrypt the stored secret"


def test_unknown_connection_is_named(session: Connection, tenant: str) -> None:
    revoking = "SELECT lakehouse.revoke_connection(%s, 'no_such')"
    error = refused(session, revoking, "42704", [tenant])
    assert error.diag.message_primary == f'connection "no_such" of tenant "{tenant}" does not exist'
    refused(session, revoking, "42704", ["nobody"])


def test_only_the_tenants_admin_may_revoke(
    session: Connection, tenant: str, connected: Connect, new_session: NewSession
) -> None:
    name = connected()
    other = f"{tenant}x"
    session.execute("SELECT lakehouse.create_tenant(%s)", [other])
    try:
        member = new_session()
        for role in (f"{tenant}_member", f"{tenant}_readonly", f"{other}_admin"):
            member.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            with pytest.raises(psycopg.Error) as caught:
                revoke(member, tenant, name)
            assert caught.value.sqlstate in ("42501", "42704"), caught.value
        assert session.execute("SELECT count(*) FROM nation").fetchone() == (25,)
        member.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(f"{tenant}_admin")))
        revoke(member, tenant, name)
        assert_revoked(refused(session, "SELECT count(*) FROM nation", "28000"))
    finally:
        session.execute("SELECT lakehouse.drop_tenant(%s)", [other])
