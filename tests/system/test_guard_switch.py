# SPDX-License-Identifier: PostgreSQL
"""The worker's sessions: SQL that a model wrote is an agent's whoever the user is; tools run whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator

import psycopg
import pytest
from conftest import connect
from governed import HIDDEN_ROWS, VISIBLE_ROWS, Governed, act_as
from refusal import describe

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]

KINDS = ("admin", "member", "readonly", "agent")
PROBES = {
    "rt_probe_write": "INSERT INTO accounts (name) VALUES (arguments ->> 'name') RETURNING to_jsonb(name)",
    "rt_probe_count": "SELECT to_jsonb(count(*)) FROM sales",
    "rt_probe_fail": "SELECT to_jsonb((arguments ->> 'number')::integer)",
    "rt_probe_hidden": "SELECT to_jsonb(count(*)) FROM accounts",
}


@pytest.fixture(scope="module", autouse=True)
def probes(governed: Governed) -> Iterator[None]:
    """Tools of the test's own, one of which no row names; and the worker as a member of each user."""
    with connect() as session:
        for kind in KINDS:
            role = f"{governed.tenant}_{kind}_2"
            session.execute(f"GRANT {role} TO lakehouse_worker")
            session.execute(f"GRANT USAGE ON SCHEMA lakehouse TO {role}")
        for name, query in PROBES.items():
            session.execute(
                f"CREATE OR REPLACE FUNCTION lakehouse.{name}(arguments jsonb) RETURNS jsonb LANGUAGE plpgsql AS"
                f" $$ DECLARE found jsonb; BEGIN EXECUTE $q${query.replace('arguments', '$1')}$q$ INTO found"
                " USING arguments; RETURN found; END $$"
            )
            for kind in KINDS:
                session.execute(
                    f"GRANT EXECUTE ON FUNCTION lakehouse.{name} TO {governed.tenant}_{kind}_2"
                )
            if name != "rt_probe_hidden":
                session.execute(
                    "INSERT INTO lakehouse.tools (name, title, description, scope, function, input_schema,"
                    " output_schema, read_only, destructive, idempotent, open_world) VALUES (%s, 'T', 'D', 'crm:read',"
                    ' %s, \'{"type": "object"}\', \'{"type": "object"}\', false, false, false, false)',
                    [name, f"lakehouse.{name}"],
                )
    yield
    with connect() as session:
        session.execute("DELETE FROM lakehouse.tools WHERE name LIKE 'rt\\_probe%'")
        for name in PROBES:
            session.execute(f"DROP FUNCTION lakehouse.{name}")


@pytest.fixture
def worker(new_session: NewSession) -> Connection:
    return new_session(user="lakehouse_worker")


def run(
    session: Connection,
    tenant: str,
    kind: str,
    query: str,
    parameters: list[object] | None = None,
    switch: str = "off",
) -> list[tuple]:
    """As the worker does it: one round trip, whose end is the end of the transaction."""
    with session.pipeline():
        session.execute(
            "SELECT set_config('search_path', %s || ', pg_temp', true),"
            " set_config('lakehouse.agent_session', %s, true), set_config('role', %s, true)",
            [tenant, switch, f"{tenant}_{kind}_2"],
        )
        cursor = session.execute(query, parameters)
    return cursor.fetchall() if cursor.description else []


def run_model(session: Connection, tenant: str, kind: str, query: str) -> list[tuple]:
    return run(session, tenant, kind, query, switch="on")


def call(
    session: Connection, governed: Governed, kind: str, tool: str, **arguments: object
) -> object:
    query = f"SELECT lakehouse.{tool}(%s)"
    return run(session, governed.tenant, kind, query, [psycopg.types.json.Jsonb(arguments)])[0][0]


def refused(
    session: Connection, governed: Governed, kind: str, query: str, switch: str
) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        run(session, governed.tenant, kind, query, switch=switch)
    assert "is refused (" in (caught.value.diag.message_primary or ""), (
        query,
        describe(caught.value),
    )
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_model_sql_is_an_agents_whoever_the_user_is(
    worker: Connection, governed: Governed, kind: str
) -> None:
    found = run_model(worker, governed.tenant, kind, "SELECT count(*), min(note) FROM sales")
    assert found == [(VISIBLE_ROWS, "row 0")]
    for query in (
        "SELECT secret FROM sales",
        "INSERT INTO accounts (name) VALUES ('x')",
        "SELECT pg_sleep(1)",
    ):
        refused(worker, governed, kind, query, "on")


WAYS_OUT = [
    "RESET ROLE",
    "SET ROLE NONE",
    "SET LOCAL ROLE NONE",
    "SET ROLE lakehouse_worker",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET SESSION AUTHORIZATION postgres",
    "RESET SESSION AUTHORIZATION",
    "SET lakehouse.agent_session = off",
    "SET LOCAL lakehouse.agent_session = off",
    "RESET lakehouse.agent_session",
    "RESET ALL",
    "DISCARD ALL",
    "SELECT set_config('lakehouse.agent_session', 'off', true)",
    "SELECT set_config('lakehouse.agent_session', 'off', false)",
    "SELECT pg_catalog.set_config('role', 'none', true)",
    "SELECT (SELECT set_config('role', 'none', false)) FROM sales",
    "SELECT name FROM accounts WHERE set_config('lakehouse.agent_session', 'off', true) = 'off'",
    "UPDATE pg_settings SET setting = 'off' WHERE name = 'lakehouse.agent_session'",
    "COMMIT",
    "END",
    "ROLLBACK",
    "COMMIT AND CHAIN",
    "BEGIN",
    "SAVEPOINT a",
    "ROLLBACK TO SAVEPOINT a",
    "RELEASE SAVEPOINT a",
    "START TRANSACTION READ WRITE",
    "SET TRANSACTION READ WRITE",
    "PREPARE TRANSACTION 'a'",
    "DO $$ BEGIN PERFORM set_config('role', 'none', true); END $$",
    "EXECUTE kept",
    "DEALLOCATE kept",
    "DEALLOCATE ALL",
    "DECLARE c CURSOR FOR SELECT 1",
    "FETCH ALL FROM c",
    "EXPLAIN ANALYZE SELECT 1",
    "SHOW lakehouse.agent_session",
    "SELECT current_setting('lakehouse.agent_session')",
    'SELECT lakehouse.rt_probe_write(\'{"name": "x"}\')',
    "SELECT lakehouse.rt_probe_count('{}')",
    "SELECT lakehouse.take_tokens('{}', '{}', '{}')",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "COPY accounts TO STDOUT",
    "LISTEN lakehouse",
    "GRANT lakehouse_worker TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER SET lakehouse.agent_session = off",
]


@pytest.mark.parametrize("kind", ["admin", "member", "agent"])
def test_there_is_no_way_out_of_a_models_session(
    worker: Connection, governed: Governed, kind: str
) -> None:
    worker.execute("PREPARE kept AS SELECT set_config('role', 'none', true)")
    for query in WAYS_OUT:
        refused(worker, governed, kind, query, "on")
        state = worker.execute(
            "SELECT current_user::text, current_setting('lakehouse.agent_session')"
        )
        assert state.fetchone() == ("lakehouse_worker", "off"), query


def test_switch_is_the_transactions_alone(worker: Connection, governed: Governed) -> None:
    run_model(worker, governed.tenant, "member", "SELECT 1")
    assert run(
        worker,
        governed.tenant,
        "member",
        "INSERT INTO accounts (name) VALUES ('later') RETURNING name",
    ) == [("later",)]


def test_nobody_else_has_the_switch(new_session: NewSession, governed: Governed) -> None:
    for kind in KINDS:
        session = act_as(new_session(), f"{governed.tenant}_{kind}_2")
        for value in ("on", "off"):
            with pytest.raises(psycopg.Error):
                session.execute(f"SET lakehouse.agent_session = {value}")


def test_a_superuser_who_switches_is_an_agent(session: Connection) -> None:
    session.execute("SET lakehouse.agent_session = on")
    for query in ("SELECT * FROM pg_authid", "SET lakehouse.agent_session = off"):
        with pytest.raises(psycopg.Error) as caught:
            session.execute(query)
        assert "is refused (" in str(caught.value)


def test_worker_is_no_agent_by_being_a_member_of_one(
    worker: Connection, governed: Governed
) -> None:
    assert worker.execute("SELECT pg_has_role('lakehouse_agent', 'MEMBER')").fetchone() == (True,)
    worker.execute("SELECT set_config('application_name', 'x', false)")
    for kind in ("admin", "member", "readonly"):
        assert run(
            worker,
            governed.tenant,
            kind,
            "SELECT set_config('application_name', 'y', true)",
        ) == [("y",)]


def test_worker_bypasses_nothing_by_being_a_member(
    worker: Connection, governed: Governed, session: Connection
) -> None:
    role = f"{governed.tenant}_admin_2"
    session.execute(f"GRANT lakehouse_bypass_guard TO {role}")
    try:
        query = f"SELECT count(*) FROM {governed.table}"
        assert run(worker, governed.tenant, "admin", query) == [(VISIBLE_ROWS + HIDDEN_ROWS,)]
        assert run(worker, governed.tenant, "member", query) == [(VISIBLE_ROWS,)]
        assert run_model(worker, governed.tenant, "admin", query) == [(VISIBLE_ROWS,)]
    finally:
        session.execute(f"REVOKE lakehouse_bypass_guard FROM {role}")


@pytest.mark.parametrize("kind", KINDS)
def test_tools_run_for_agents_as_for_people(
    worker: Connection, governed: Governed, kind: str
) -> None:
    for _ in range(7):
        assert call(worker, governed, kind, "rt_probe_count") == VISIBLE_ROWS
    if kind == "readonly":
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            call(worker, governed, kind, "rt_probe_write", name="x")
    else:
        assert call(worker, governed, kind, "rt_probe_write", name=kind) == kind


def test_tools_errors_reach_an_agent_whole(worker: Connection, governed: Governed) -> None:
    for kind in ("agent", "member"):
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
            call(worker, governed, kind, "rt_probe_fail", number="many")
        assert '"many"' in str(caught.value)
    # And the next statement of an agent's own is presented as ever.
    with pytest.raises(psycopg.Error) as hidden:
        run(worker, governed.tenant, "agent", "SELECT 'many'::integer")
    assert "many" not in (hidden.value.diag.message_primary or "")


NO_TOOL_CALLS = [
    "SELECT lakehouse.rt_probe_hidden(%s)",
    "SELECT lakehouse.rt_probe_count(%s), lakehouse.rt_probe_write(%s)",
    "SELECT lakehouse.rt_probe_count(%s) FROM accounts",
    "SELECT lakehouse.rt_probe_count(%s) WHERE true",
    "SELECT lakehouse.rt_probe_count(%s) LIMIT 1",
    "SELECT lakehouse.rt_probe_count(%s) UNION ALL SELECT lakehouse.rt_probe_count(%s)",
    "SELECT (SELECT lakehouse.rt_probe_count(%s))",
    "SELECT lakehouse.rt_probe_count(%s || '{}')",
    "SELECT lakehouse.rt_probe_count(lakehouse.rt_probe_count(%s))",
    "SELECT lakehouse.rt_probe_count(to_jsonb(set_config('role', %s::jsonb #>> '{}', true)))",
    "SELECT to_jsonb(lakehouse.rt_probe_count(%s))",
    "SELECT * FROM lakehouse.rt_probe_count(%s)",
    "WITH a AS (SELECT 1) SELECT lakehouse.rt_probe_count(%s)",
    "INSERT INTO accounts (name) VALUES (lakehouse.rt_probe_count(%s)::text)",
    "SELECT lakehouse.take_tokens(ARRAY[%s]::text[], '{1}', '{1}')",
    "SELECT jsonb_pretty(%s)::jsonb",
]


def test_for_an_agent_only_a_bare_call_of_a_tool_passes(
    worker: Connection, governed: Governed
) -> None:
    empty = psycopg.types.json.Jsonb({})
    for query in NO_TOOL_CALLS:
        given = [empty] * query.count("%s")
        if query == "SELECT jsonb_pretty(%s)::jsonb":
            assert run(worker, governed.tenant, "agent", query, given) == [({},)]
            continue
        with pytest.raises(psycopg.Error) as caught:
            run(worker, governed.tenant, "agent", query, given)
        assert "is refused (" in str(caught.value), (query, describe(caught.value))
    # Nor is anything of it computed while it is planned: the value would be in the error.
    with pytest.raises(psycopg.Error) as planned:
        run(worker, governed.tenant, "agent", "SELECT chr(%s)", [1_200_000])
    assert "is refused (" in str(planned.value), describe(planned.value)
    for query in (
        "SELECT lakehouse.rt_probe_count('{}')",
        "INSERT INTO accounts (name) VALUES ('x')",
    ):
        refused(worker, governed, "agent", query, "off")


def test_an_agent_calls_no_tool_in_psql(new_session: NewSession, governed: Governed) -> None:
    agent = act_as(new_session(), f"{governed.tenant}_agent_2")
    direct = new_session(user=f"{governed.tenant}_agent_2")
    for session in (agent, direct):
        for name in PROBES:
            with pytest.raises(psycopg.Error) as caught:
                session.execute(f"SELECT lakehouse.{name}(%s)", [psycopg.types.json.Jsonb({})])
            assert "FUNCTION_NOT_ALLOW_LISTED" in str(caught.value)


def test_a_tool_that_is_taken_back_is_refused_at_once(
    worker: Connection, governed: Governed, session: Connection
) -> None:
    for _ in range(12):  # until its plan is kept
        call(worker, governed, "agent", "rt_probe_count")
    taken = session.execute(
        "DELETE FROM lakehouse.tools WHERE name = 'rt_probe_count' RETURNING to_jsonb(tools)"
    ).fetchone()
    assert taken is not None
    try:
        with pytest.raises(psycopg.Error) as caught:
            call(worker, governed, "agent", "rt_probe_count")
        assert "FUNCTION_NOT_ALLOW_LISTED" in str(caught.value)
    finally:
        session.execute(
            "INSERT INTO lakehouse.tools SELECT * FROM jsonb_populate_record(NULL::lakehouse.tools, %s)",
            [json.dumps(taken[0])],
        )
    assert call(worker, governed, "agent", "rt_probe_count") == VISIBLE_ROWS


def test_plans_of_one_strength_serve_no_other(worker: Connection, governed: Governed) -> None:
    """One prepared statement, with the switch and without, by several roles: right, or made anew."""
    query = f"SELECT count(*) FROM {governed.table}"
    worker.prepare_threshold = 0
    stale = 0
    for kind, switch in [("member", "off"), ("member", "on"), ("agent", "off")] * 4:
        found = 0
        while found < 3:
            try:
                assert run(worker, governed.tenant, kind, query, switch=switch) == [(VISIBLE_ROWS,)]
                found += 1
            except psycopg.errors.ObjectNotInPrerequisiteState:
                assert found == 0
                stale += 1
    assert 0 < stale <= 12


def test_audit_knows_the_user_behind_the_worker(
    worker: Connection, governed: Governed, session: Connection
) -> None:
    mark = "m" + os.urandom(4).hex()
    run_model(
        worker,
        governed.tenant,
        "member",
        f"SELECT count(*) AS {mark} FROM sales",
    )
    rows = session.execute(
        "SELECT DISTINCT session_role, role FROM lakehouse.audit_log WHERE statement LIKE %s",
        [f"%{mark}%"],
    ).fetchall()
    assert rows == [("lakehouse_worker", f"{governed.tenant}_member_2")]


def test_switch_holds_in_parallel_workers(
    worker: Connection, governed: Governed, session: Connection
) -> None:
    """A superuser's parallel plan under the switch: refused before, and never run unguarded after."""
    session.execute("SET min_parallel_table_scan_size = 0")
    session.execute("SET parallel_setup_cost = 0")
    session.execute("SET parallel_tuple_cost = 0")
    session.execute("SET force_parallel_mode = on")
    assert session.execute("SELECT count(*) FROM pg_class").fetchone() != (0,)
    session.execute("SET lakehouse.agent_session = on")
    rows = session.execute(f"SELECT count(*), min(name) FROM {governed.tenant}.accounts").fetchall()
    assert len(rows) == 1
    with pytest.raises(psycopg.Error):
        session.execute("SELECT count(*) FROM pg_class")
