# SPDX-License-Identifier: PostgreSQL
"""Guarded statements leave a trail: intent before, outcome after, refusals too."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from conftest import connect
from fast_path import call_fast_path
from governed import Governed, act_as
from psycopg.rows import dict_row
from warehouse import Warehouse, wait_until
from ways_in import FORCE_PARALLEL

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]
STATUS = {"method": "POST", "path": "/statements$"}


@pytest.fixture
def agent(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_agent_2")


@pytest.fixture
def member(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_member_2")


def trail(governed: Governed, after: int = 0) -> list[dict]:
    with connect() as session, session.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            "SELECT l.* FROM lakehouse.audit_log l JOIN lakehouse.tenants t ON t.id = l.tenant_id"
            " WHERE t.slug = %s AND l.seq > %s ORDER BY l.seq",
            [governed.tenant, after],
        )
        return cursor.fetchall()


@pytest.fixture
def since(governed: Governed) -> int:
    """The last record before the test."""
    records = trail(governed)
    return records[-1]["seq"] if records else 0


def test_a_query_leaves_intent_and_outcome(
    governed: Governed, member: Connection, since: int
) -> None:
    member.execute("SET application_name = 'the analyst'")
    member.execute(
        f"SELECT note FROM {governed.table} WHERE note = 'row 3' OR amount = 12345"
    )
    intent, outcome = trail(governed, since)
    assert (intent["phase"], outcome["phase"]) == ("intent", "outcome")
    assert intent["audit_id"] == outcome["audit_id"]
    for record in (intent, outcome):
        assert record["role"] == f"{governed.tenant}_member_2"
        assert record["application_name"] == "the analyst"
        assert record["relations"] == [governed.table]
        assert record["policy_epoch"] > 0
        assert "row 3" not in record["statement"] and "12345" not in record["statement"]
        assert "$1" in record["statement"] and governed.table in record["statement"]
    assert (outcome["rows"], outcome["bytes"] > 0, outcome["sqlstate"]) == (
        1,
        True,
        None,
    )
    assert len(outcome["remote_query_ids"]) == 1


def test_a_failed_query_leaves_its_sqlstate(
    governed: Governed, agent: Connection, since: int
) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        agent.execute(f"SELECT 1 / (amount - amount) FROM {governed.table}")
    intent, outcome = trail(governed, since)
    assert (intent["phase"], outcome["phase"], outcome["sqlstate"]) == (
        "intent",
        "outcome",
        "22012",
    )


def test_a_rollback_erases_nothing(
    governed: Governed, member: Connection, since: int
) -> None:
    member.execute("BEGIN")
    member.execute(f"SELECT count(*) FROM {governed.table}")
    member.execute("ROLLBACK")
    assert [record["phase"] for record in trail(governed, since)] == [
        "intent",
        "outcome",
    ]


def test_an_abandoned_cursor_has_an_outcome(
    governed: Governed, member: Connection, since: int
) -> None:
    member.execute("BEGIN")
    member.execute(f"DECLARE c CURSOR FOR SELECT note FROM {governed.table}")
    member.execute("FETCH 2 FROM c")
    with pytest.raises(psycopg.errors.DivisionByZero):
        member.execute("SELECT 1/0")
    member.execute("ROLLBACK")
    records = trail(governed, since)
    assert [record["phase"] for record in records] == ["intent", "outcome"]
    assert records[1]["rows"] == 2


def test_a_refusal_is_recorded(
    governed: Governed, agent: Connection, since: int
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        agent.execute(
            f"SELECT secret FROM {governed.table} WHERE note = 'a guess'"
        )
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        agent.execute(f"DELETE FROM {governed.tenant}.accounts")
    column, write = trail(governed, since)
    assert (column["phase"], column["code"]) == ("refusal", "COLUMN_NOT_ALLOW_LISTED")
    assert column["sqlstate"] == "42501"
    assert "a guess" not in column["statement"]
    assert (write["phase"], write["code"]) == ("refusal", "DML_FORBIDDEN")


def test_a_filter_that_no_longer_fits_is_recorded_for_its_reader(
    governed: Governed, session: Connection, member: Connection, since: int
) -> None:
    """Policies are read as a superuser, who belongs to every tenant."""
    session.execute(f"ALTER FOREIGN TABLE {governed.table} RENAME region TO area")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            member.execute(f"SELECT id FROM {governed.table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"SELECT id FROM {governed.table}")
    finally:
        session.execute(f"ALTER FOREIGN TABLE {governed.table} RENAME area TO region")
    (record,) = trail(governed, since)
    assert (record["phase"], record["code"]) == ("refusal", "TABLE_NOT_ALLOW_LISTED")
    assert record["role"] == f"{governed.tenant}_member_2"


def test_a_refused_fast_path_call_is_recorded(
    governed: Governed, agent: Connection, since: int
) -> None:
    with connect() as superuser:
        (oid,) = superuser.execute(
            "SELECT 'pg_backend_pid()'::regprocedure::oid::int"
        ).fetchone()
    assert b"FUNCTION_NOT_ALLOW_LISTED" in call_fast_path(agent, oid)
    (record,) = trail(governed, since)
    assert (record["phase"], record["code"]) == ("refusal", "FUNCTION_NOT_ALLOW_LISTED")
    assert record["statement"] == "<fast-path call>"


def test_what_a_function_reads_in_a_parallel_worker_is_recorded(
    governed: Governed, session: Connection, since: int
) -> None:
    schema = governed.tenant
    session.execute(
        f"CREATE FUNCTION {schema}.elsewhere() RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS"
        f" $$ BEGIN RETURN (SELECT max(note) FROM {governed.table}) || pg_backend_pid(); END $$"
    )
    session.execute(f"CREATE TABLE {schema}.one AS SELECT 1 AS n")
    session.execute(f"GRANT SELECT ON {schema}.one TO {schema}_member")
    session.execute(FORCE_PARALLEL)
    act_as(session, f"{schema}_member_2")
    (answer,) = session.execute(f"SELECT {schema}.elsewhere() FROM {schema}.one").fetchone()
    assert answer.startswith("row 9") and not answer.endswith(str(session.info.backend_pid))
    intent, outcome = trail(governed, since)
    assert (intent["phase"], outcome["phase"]) == ("intent", "outcome")
    assert intent["relations"] == [governed.table]


def test_an_agents_crm_query_is_recorded(
    governed: Governed, agent: Connection, since: int
) -> None:
    agent.execute(f"SELECT count(*) FROM {governed.tenant}.accounts")
    assert [record["phase"] for record in trail(governed, since)] == [
        "intent",
        "outcome",
    ]


def test_superusers_and_explain_leave_no_trail(
    governed: Governed, session: Connection, member: Connection, since: int
) -> None:
    session.execute(f"SELECT count(*) FROM {governed.table}")
    session.execute("SELECT * FROM lakehouse.explain_guard('SELECT pg_sleep(1)')")
    member.execute(f"EXPLAIN SELECT id FROM {governed.table}")
    assert trail(governed, since) == []


def test_a_remote_error_is_named_by_the_audit_id(
    governed: Governed, agent: Connection, warehouse: Warehouse, since: int
) -> None:
    failed = {
        "state": "FAILED",
        "error": {"error_code": "BAD_REQUEST", "message": "canary"},
    }
    warehouse.order_fault(**STATUS, set={"status": failed}, drop=["manifest", "result"])
    with pytest.raises(psycopg.Error) as caught:
        agent.execute(f"SELECT note FROM {governed.table}")
    _, outcome = trail(governed, since)
    assert str(outcome["audit_id"]) in (caught.value.diag.message_detail or "")
    assert "canary" not in str(caught.value)
    assert outcome["sqlstate"] == "HV000"


def test_without_a_record_nothing_runs(
    governed: Governed, agent: Connection, warehouse: Warehouse
) -> None:
    """Fail closed: not even a CRM query, which needs no worker, when the log can't be written."""
    with connect() as session:
        session.execute("ALTER TABLE lakehouse.audit_log RENAME TO audit_log_away")
        try:
            with pytest.raises(psycopg.Error):
                agent.execute(f"SELECT count(*) FROM {governed.tenant}.accounts")
            with pytest.raises(psycopg.Error):
                agent.execute("SELECT pg_sleep(1)")
        finally:
            session.execute("ALTER TABLE lakehouse.audit_log_away RENAME TO audit_log")
    assert agent.execute(
        f"SELECT count(*) FROM {governed.tenant}.accounts"
    ).fetchone() == (0,)


def test_a_terminated_backend_leaves_both(
    governed: Governed, new_session: NewSession, warehouse: Warehouse, since: int
) -> None:
    warehouse.change_settings(running_ms=3000)
    reader = act_as(new_session(), f"{governed.tenant}_member_2")
    pid = reader.info.backend_pid
    reader.pgconn.send_query(f"SELECT note FROM {governed.table}".encode())
    wait_until(lambda: len(trail(governed, since)) == 1, 5, "the intent")
    with connect() as session:
        session.execute("SELECT pg_terminate_backend(%s)", [pid])
    wait_until(lambda: len(trail(governed, since)) == 2, 5, "the outcome")
    intent, outcome = trail(governed, since)
    assert (intent["audit_id"], outcome["phase"]) == (outcome["audit_id"], "outcome")


def test_the_chain_is_whole(governed: Governed, session: Connection) -> None:
    row = session.execute(
        "SELECT * FROM lakehouse.verify_audit(%s)", [governed.tenant]
    ).fetchone()
    assert row is not None and row[0] is True, row
