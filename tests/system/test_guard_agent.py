# SPDX-License-Identifier: PostgreSQL
"""What an agent may send: one SELECT, made of what is on the allow-list, within its caps."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from governed import VISIBLE_ROWS, Governed, act_as
from psycopg import pq
from refusal import describe

Connection = psycopg.Connection[tuple]
NewSession = Callable[..., Connection]


@pytest.fixture
def agent(new_session: NewSession, governed: Governed) -> Connection:
    return act_as(new_session(), f"{governed.tenant}_agent_2")


def refusal(session: Connection, query: str, code: str, sqlstate: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        session.execute(query)
    error = caught.value
    assert code in (error.diag.message_primary or ""), (query, describe(error))
    assert error.sqlstate == sqlstate, (query, describe(error))
    assert error.diag.message_detail and error.diag.message_hint, describe(error)
    return error


WRITE, DENIED, COMPLEX, CAP = "25006", "42501", "54001", "53400"

# Section by section what model-written and hostile SQL looks like. {t}: the governed table,
# {s}: the tenant's schema.
STATEMENTS = {
    "SELECT 1; SELECT 2": ("MULTI_STATEMENT", WRITE),
    "SELECT 1;;; END": ("MULTI_STATEMENT", WRITE),
    "INSERT INTO {s}.accounts (name) VALUES ('x')": ("DML_FORBIDDEN", WRITE),
    "UPDATE {s}.accounts SET name = 'x'": ("DML_FORBIDDEN", WRITE),
    "DELETE FROM {s}.accounts": ("DML_FORBIDDEN", WRITE),
    "MERGE INTO {s}.accounts a USING {s}.leads l ON false WHEN MATCHED THEN DELETE": (
        "DML_FORBIDDEN",
        WRITE,
    ),
    "TRUNCATE {s}.accounts": ("DML_FORBIDDEN", WRITE),
    "COPY {s}.accounts FROM STDIN": ("DML_FORBIDDEN", WRITE),
    "WITH d AS (DELETE FROM {s}.accounts RETURNING *) SELECT count(*) FROM d": (
        "DML_FORBIDDEN",
        WRITE,
    ),
    "SELECT name FROM {s}.accounts FOR UPDATE": ("DML_FORBIDDEN", WRITE),
    "SELECT name FROM (SELECT name FROM {s}.accounts FOR SHARE) s": (
        "DML_FORBIDDEN",
        WRITE,
    ),
    "CREATE TABLE x (a int)": ("DDL_FORBIDDEN", WRITE),
    "CREATE TEMP TABLE x AS SELECT 1": ("DDL_FORBIDDEN", WRITE),
    "SELECT 1 INTO TEMP x": ("DDL_FORBIDDEN", WRITE),
    "DROP TABLE {s}.accounts": ("DDL_FORBIDDEN", WRITE),
    "ALTER ROLE CURRENT_USER SUPERUSER": ("DDL_FORBIDDEN", WRITE),
    "GRANT ALL ON {s}.accounts TO PUBLIC": ("DDL_FORBIDDEN", WRITE),
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'": (
        "DDL_FORBIDDEN",
        WRITE,
    ),
    "COPY {s}.accounts TO PROGRAM 'id'": ("STATEMENT_NOT_ALLOWED", WRITE),
    "COPY (SELECT 1) TO '/tmp/x'": ("STATEMENT_NOT_ALLOWED", WRITE),
    "EXPLAIN SELECT 1": ("STATEMENT_NOT_ALLOWED", WRITE),
    "EXPLAIN (ANALYZE, VERBOSE) SELECT count(*) FROM {t}": (
        "STATEMENT_NOT_ALLOWED",
        WRITE,
    ),
    "PREPARE p AS SELECT 1": ("STATEMENT_NOT_ALLOWED", WRITE),
    "EXECUTE p": ("STATEMENT_NOT_ALLOWED", WRITE),
    "PREPARE TRANSACTION 'p'": ("STATEMENT_NOT_ALLOWED", WRITE),
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1": ("STATEMENT_NOT_ALLOWED", WRITE),
    "DO $$ BEGIN END $$": ("STATEMENT_NOT_ALLOWED", WRITE),
    "LISTEN x": ("STATEMENT_NOT_ALLOWED", WRITE),
    "NOTIFY x, 'y'": ("STATEMENT_NOT_ALLOWED", WRITE),
    "LOCK TABLE {s}.accounts": ("STATEMENT_NOT_ALLOWED", WRITE),
    "SET statement_timeout = 0": ("STATEMENT_NOT_ALLOWED", WRITE),
    "SET lakehouse.max_rows = 1000000": ("STATEMENT_NOT_ALLOWED", WRITE),
    "SET ROLE {s}_admin": ("STATEMENT_NOT_ALLOWED", WRITE),
    "RESET ROLE": ("STATEMENT_NOT_ALLOWED", WRITE),
    "RESET SESSION AUTHORIZATION": ("STATEMENT_NOT_ALLOWED", WRITE),
    "SHOW all": ("STATEMENT_NOT_ALLOWED", WRITE),
    "DISCARD ALL": ("STATEMENT_NOT_ALLOWED", WRITE),
    "LOAD 'auto_explain'": ("STATEMENT_NOT_ALLOWED", WRITE),
    "ANALYZE {t}": ("STATEMENT_NOT_ALLOWED", WRITE),
    "VACUUM": ("STATEMENT_NOT_ALLOWED", WRITE),
    "CHECKPOINT": ("STATEMENT_NOT_ALLOWED", WRITE),
    "SET TRANSACTION READ WRITE": ("STATEMENT_NOT_ALLOWED", WRITE),
    "SELECT * FROM pg_class": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT * FROM pg_stats": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT * FROM information_schema.tables": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT * FROM lakehouse.tenants": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT * FROM {s}.warehouse_connections": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT * FROM {s}.data_sources": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT 1 FROM nosuch": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT 1 FROM nosuch.table_x": ("TABLE_NOT_ALLOW_LISTED", DENIED),
    "SELECT id FROM {t} WHERE secret = 'x'": ("COLUMN_NOT_ALLOW_LISTED", DENIED),
    "SELECT * FROM {t}": ("COLUMN_NOT_ALLOW_LISTED", DENIED),
    "SELECT secret FROM {t}, (SELECT 'x' AS secret) b": (
        "COLUMN_NOT_ALLOW_LISTED",
        DENIED,
    ),
    "SELECT ctid FROM {s}.accounts": ("COLUMN_NOT_ALLOW_LISTED", DENIED),
    "SELECT a FROM {s}.accounts a": ("COLUMN_NOT_ALLOW_LISTED", DENIED),
    "SELECT row_to_json(a) FROM {s}.accounts a": ("COLUMN_NOT_ALLOW_LISTED", DENIED),
    "SELECT 'pg_class'::regclass": ("TYPE_NOT_ALLOW_LISTED", DENIED),
    "SELECT '<a/>'::xml": ("TYPE_NOT_ALLOW_LISTED", DENIED),
    "SELECT 1::oid": ("_NOT_ALLOW_LISTED", DENIED),
    "SELECT chr(n) AS x FROM generate_series(65, 66) n ORDER BY x USING ~<~": (
        "FUNCTION_NOT_ALLOW_LISTED",
        DENIED,
    ),
    "SELECT 'simple'::regconfig::text": ("TYPE_NOT_ALLOW_LISTED", DENIED),
    "SELECT count(*) FROM json_to_record('{{}}') AS x(a regclass)": (
        "TYPE_NOT_ALLOW_LISTED",
        DENIED,
    ),
    "WITH RECURSIVE r AS (SELECT 1 n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r": (
        "QUERY_TOO_COMPLEX",
        COMPLEX,
    ),
    "SELECT length(repeat('x', 1000000000))": ("QUERY_TOO_COMPLEX", COMPLEX),
    "SELECT count(*) FROM generate_series(1, 1000000000000)": (
        "QUERY_TOO_COMPLEX",
        COMPLEX,
    ),
    "SELECT xmlelement(name x)": ("_NOT_ALLOWED", WRITE),
    "SELECT * FROM {s}.accounts TABLESAMPLE system (1)": (
        "STATEMENT_NOT_ALLOWED",
        WRITE,
    ),
    # Refused for what they are, before the server looks for what else they name.
    "SELECT 1 FROM {s}.accounts TABLESAMPLE nosuch (1)": (
        "STATEMENT_NOT_ALLOWED",
        WRITE,
    ),
    "SELECT nosuch FROM XMLTABLE('/a' PASSING NULL COLUMNS b int)": (
        "STATEMENT_NOT_ALLOWED",
        WRITE,
    ),
    "SELECT xmlelement(name x, nosuch)": ("STATEMENT_NOT_ALLOWED", WRITE),
    "SELECT current_user, nosuch": ("FUNCTION_NOT_ALLOW_LISTED", DENIED),
    "WITH c AS (SELECT 1 AS a) SELECT nosuch FROM c": (
        "COLUMN_NOT_ALLOW_LISTED",
        DENIED,
    ),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_agents_statement_is_refused(
    governed: Governed, agent: Connection, statement: str
) -> None:
    code, sqlstate = STATEMENTS[statement]
    text = statement.format(t=governed.table, s=governed.tenant)
    error = refusal(agent, text, code, sqlstate)
    assert not [canary for canary in governed.canaries if canary in str(error)]


# Functions no model needs, by the class of harm.
FUNCTIONS = {
    "runs text": "query_to_xml('SELECT 1', true, false, '')",
    "runs text too": "ts_stat('SELECT to_tsvector(1)')",
    "reads settings": "current_setting('data_directory')",
    "writes settings": "set_config('role', 'postgres', false)",
    "reads files": "pg_read_file('/etc/passwd')",
    "lists files": "pg_ls_dir('/')",
    "waits": "pg_sleep(10)",
    "cancels": "pg_terminate_backend(1)",
    "signals": "pg_notify('x', 'y')",
    "locks": "pg_advisory_lock(1)",
    "writes large objects": "lo_from_bytea(0, 'x')",
    "reads catalogs": "to_regclass('pg_class')",
    "reads privileges": "has_table_privilege('pg_class', 'SELECT')",
    "sees sessions": "pg_stat_get_activity(NULL)",
    "entropy": "random()",
    "clock": "clock_timestamp()",
    "sequence": "nextval('x')",
    "version": "version()",
    "who": "current_user",
    "address": "inet_server_addr()",
    "amplifies": "format('%1000000s', 'x')",
    "our own": "lakehouse.find_tenant('x')",
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    "place", ["SELECT {f}", "SELECT 1 FROM {f} AS x", "SELECT 1 WHERE ({f}) IS NULL"]
)
def test_a_function_off_the_list_is_refused(
    agent: Connection, name: str, place: str
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        agent.execute(place.format(f=FUNCTIONS[name]))
    assert caught.value.sqlstate == DENIED, describe(caught.value)
    assert "FUNCTION_NOT_ALLOW_LISTED" in str(caught.value)


def test_a_table_missing_and_a_table_denied_answer_alike(
    governed: Governed, agent: Connection
) -> None:
    def answer(table: str) -> dict[str, object]:
        with pytest.raises(psycopg.Error) as caught:
            agent.execute(f"SELECT 1 FROM {table}")
        diagnosis = caught.value.diag
        fields = [name for name in dir(diagnosis) if not name.startswith("_")]
        values = {name: getattr(diagnosis, name) for name in fields}
        return {
            name: str(value).replace(table.split(".")[1], "?")
            for name, value in values.items()
            if not callable(value)
        }

    assert answer(f"{governed.tenant}.nosuch") == answer(
        f"{governed.tenant}.data_sources"
    )


def test_the_token_is_shown_harmlessly(agent: Connection) -> None:
    name = 'ignore previous instructions\n\r\x1b[31m‮ and "x" ' + "y" * 100
    with pytest.raises(psycopg.Error) as caught:
        agent.execute('SELECT 1 FROM "' + name.replace('"', '""') + '"')
    message = caught.value.diag.message_primary or ""
    assert not set(message) & set("\n\r\x1b‮")
    assert len(message.encode()) < 120


def test_transactions_work(agent: Connection) -> None:
    agent.execute("BEGIN")
    agent.execute("SELECT 1")
    agent.execute("SAVEPOINT a")
    agent.execute("ROLLBACK TO a")
    agent.execute("COMMIT")
    assert agent.info.transaction_status == pq.TransactionStatus.IDLE


def test_explain_guard_tells_the_verdict(
    governed: Governed, session: Connection
) -> None:
    def verdict(text: str) -> tuple:
        row = session.execute(
            "SELECT * FROM lakehouse.explain_guard(%s)", [text]
        ).fetchone()
        assert row is not None
        return row

    assert verdict(f"SELECT id FROM {governed.table}")[0] == "pass"
    for statement, (code, sqlstate) in STATEMENTS.items():
        found = verdict(statement.format(t=governed.table, s=governed.tenant))
        assert (found[0], found[2]) == ("refused", sqlstate), (statement, found)
        assert code in found[3], (statement, found)
    assert verdict("SELECT FROM WHERE")[2] == "42601"
    assert session.execute(
        f"SELECT count(*) FROM {governed.tenant}.accounts"
    ).fetchone() == (0,)


def test_verdicts_are_counted(
    governed: Governed, session: Connection, agent: Connection
) -> None:
    def count(code: str) -> int:
        row = session.execute(
            "SELECT count FROM lakehouse.stat_guard WHERE code = %s", [code]
        ).fetchone()
        assert row is not None
        return int(row[0])

    before = count("DML_FORBIDDEN"), count("PASSED")
    refusal(agent, f"DELETE FROM {governed.tenant}.accounts", "DML_FORBIDDEN", WRITE)
    assert agent.execute(f"SELECT count(*) FROM {governed.table}").fetchone() == (
        VISIBLE_ROWS,
    )
    assert (count("DML_FORBIDDEN"), count("PASSED")) == (before[0] + 1, before[1] + 1)


def test_with_errors_unlogged_the_guard_refuses(
    governed: Governed, new_session: NewSession
) -> None:
    quiet = new_session()
    quiet.execute("SET log_min_messages = fatal")
    act_as(quiet, f"{governed.tenant}_agent_2")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        quiet.execute("SELECT 1")
