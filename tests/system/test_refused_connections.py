# SPDX-License-Identifier: PostgreSQL
"""What the remote side refuses, connection, warehouse or object, is a clear error; work goes on."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from ledger import hidden_text
from psycopg import sql
from refusal import describe, refused
from warehouse import Warehouse

Connection = psycopg.Connection[tuple]
QUERY = "SELECT count(n_name) FROM nation"


def failed_step(session: Connection, tenant: str, name: str) -> tuple[str, str]:
    """The step at which test_connection() stops, and what it says."""
    steps = session.execute("SELECT * FROM lakehouse.test_connection(%s, %s)", [tenant, name])
    *passed, (step, ok, _, detail) = steps.fetchall()
    assert all(row[1] for row in passed) and not ok
    return step, detail


def test_wrong_token_is_refused(
    warehouse: Warehouse, session: Connection, connected: Callable[..., str]
) -> None:
    connected(token="dapi" + hidden_text())
    refused(session, QUERY, "28000")
    refused(session, QUERY, "28000")


def test_wrong_token_fails_the_step_authenticate(
    warehouse: Warehouse, session: Connection, tenant: str, connected: Callable[..., str]
) -> None:
    name = connected(token="dapi" + hidden_text())
    assert failed_step(session, tenant, name)[0] == "authenticate"
    row = session.execute(
        sql.SQL("SELECT status FROM {}.warehouse_connections WHERE name = {}").format(
            sql.Identifier(tenant), sql.Literal(name)
        )
    ).fetchone()
    assert row == ("error",)


def test_connection_without_a_secret_is_refused(
    warehouse: Warehouse, session: Connection, tenant: str, connected: Callable[..., str]
) -> None:
    connected(token=None)
    refused(session, QUERY, "28000")


@pytest.mark.parametrize("warehouse_id", ["0123456789abcdef", "not-an-id", "ÿ'\"\\"])
def test_unknown_warehouse_is_refused(
    warehouse_id: str,
    warehouse: Warehouse,
    session: Connection,
    tenant: str,
    connected: Callable[..., str],
) -> None:
    name = connected(id=warehouse_id)
    error = refused(session, QUERY, "HV00N")
    assert "warehouse" in str(error)
    assert failed_step(session, tenant, name)[0] in ("warehouse", "query")


def test_unreachable_workspace_is_refused(
    warehouse: Warehouse, session: Connection, tenant: str, connected: Callable[..., str]
) -> None:
    # Port 1 is privileged and unused: nothing listens there.
    name = connected(url="http://127.0.0.1:1")
    session.execute("SET statement_timeout = '30s'")
    refused(session, QUERY, "HV00N")
    assert failed_step(session, tenant, name)[0] == "connect"


def test_private_address_that_is_not_allowed_is_refused(
    warehouse: Warehouse, session: Connection, connected: Callable[..., str]
) -> None:
    connected(url="https://192.168.0.1")
    error = refused(session, QUERY, "22023")
    assert "private" in describe(error)


def test_deleted_warehouse_is_refused(warehouse: Warehouse, tpch: Connection) -> None:
    warehouse.call("POST", "warehouse", {"state": "DELETED"})
    refused(tpch, QUERY, "HV00N")
    warehouse.call("POST", "warehouse", {"state": "RUNNING"})
    assert tpch.execute(QUERY).fetchone() == (25,)


def test_stopped_warehouse_starts_by_itself(warehouse: Warehouse, tpch: Connection) -> None:
    warehouse.call("POST", "warehouse", {"state": "STOPPED"})
    assert tpch.execute(QUERY).fetchone() == (25,)


def test_warehouse_that_refuses_to_start_is_an_error(
    warehouse: Warehouse, tpch: Connection
) -> None:
    body = {"error_code": "BAD_REQUEST", "message": "Warehouse is stopped and can't be started."}
    warehouse.order_fault(method="POST", path="/statements$", count=0, status=400, body=body)
    error = refused(tpch, QUERY, "HV00N")
    assert "stopped" in str(error)
    warehouse.forget_faults()
    assert tpch.execute(QUERY).fetchone() == (25,)


def test_warehouse_that_stays_stopped_obeys_statement_timeout(
    warehouse: Warehouse, tpch: Connection
) -> None:
    warehouse.change_settings(warehouse_autostart=False)
    warehouse.call("POST", "warehouse", {"state": "STOPPED"})
    tpch.execute("SET statement_timeout = 700")
    with pytest.raises(psycopg.errors.QueryCanceled):
        tpch.execute(QUERY)
    warehouse.wait_quiet()


@pytest.mark.parametrize("code", [401, 403, 400, 7])
def test_error_code_may_be_a_number(code: int, warehouse: Warehouse, tpch: Connection) -> None:
    body = {"error_code": code, "message": "Something is wrong."}
    status = code if code >= 400 else 400
    warehouse.order_fault(method="POST", path="/statements$", status=status, body=body)
    refused_any(tpch, "28000" if code in (401, 403) else "HV000")
    assert tpch.execute(QUERY).fetchone() == (25,)


def refused_any(session: Connection, sqlstate: str) -> None:
    """A remote error of no known kind needs no hint; its text is in the DETAIL."""
    with pytest.raises(psycopg.Error) as caught:
        session.execute(QUERY)
    assert caught.value.sqlstate == sqlstate, describe(caught.value)
    assert "Something is wrong." in (caught.value.diag.message_detail or "")


@contextlib.contextmanager
def remote_table(warehouse: Warehouse, session: Connection, tenant: str) -> Iterator[str]:
    """A remote table (a, b) with a foreign table of the same name; both are gone afterwards."""
    name = f"vanishing_{secrets.token_hex(4)}"
    warehouse.execute(f"CREATE TABLE demo.default.{name} AS SELECT 1 AS a, 'x' AS b")
    session.execute(
        f"CREATE FOREIGN TABLE public.{name} (a int OPTIONS (column_type 'int'),"
        f" b text OPTIONS (column_type 'string')) SERVER {tenant}_wh OPTIONS (schema 'default')"
    )
    try:
        yield name
    finally:
        session.execute(f"DROP FOREIGN TABLE public.{name}")
        warehouse.execute(f"DROP TABLE IF EXISTS demo.default.{name}")


def test_vanished_table_is_named(warehouse: Warehouse, session: Connection, tenant: str) -> None:
    with remote_table(warehouse, session, tenant) as name:
        query = f"SELECT a, b FROM public.{name}"
        assert session.execute(query).fetchone() == (1, "x")
        warehouse.execute(f"DROP TABLE demo.default.{name}")
        error = refused(session, query, "HV00R")
        assert name in (error.diag.message_detail or "")
        assert "IMPORT FOREIGN SCHEMA" in (error.diag.message_hint or "")
        warehouse.execute(f"CREATE TABLE demo.default.{name} AS SELECT 2 AS a, 'y' AS b")
        assert session.execute(query).fetchone() == (2, "y")


def test_vanished_column_is_named(warehouse: Warehouse, session: Connection, tenant: str) -> None:
    with remote_table(warehouse, session, tenant) as name:
        query = f"SELECT a, b FROM public.{name}"
        warehouse.execute(f"DROP TABLE demo.default.{name}")
        warehouse.execute(f"CREATE TABLE demo.default.{name} AS SELECT 3 AS a")
        error = refused(session, query, "HV005")
        assert "`b`" in (error.diag.message_detail or "")
        assert session.execute(f"SELECT a FROM public.{name}").fetchone() == (3,)


def test_vanished_schema_is_named(warehouse: Warehouse, session: Connection, tenant: str) -> None:
    with remote_table(warehouse, session, tenant) as name:
        session.execute(f"ALTER FOREIGN TABLE public.{name} OPTIONS (SET schema 'nowhere')")
        refused(session, f"SELECT a FROM public.{name}", "HV00R")


def test_expired_oauth_token_is_renewed(
    warehouse: Warehouse, session: Connection, connected: Callable[..., str]
) -> None:
    connected(oauth=True)
    assert session.execute(QUERY).fetchone() == (25,)
    warehouse.event("expire_tokens")
    assert session.execute(QUERY).fetchone() == (25,)


def test_wrong_client_secret_is_refused(
    warehouse: Warehouse, session: Connection, connected: Callable[..., str]
) -> None:
    connected(oauth=True, client_secret="dose" + hidden_text())
    refused(session, QUERY, "28000")
