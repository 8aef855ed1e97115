# SPDX-License-Identifier: PostgreSQL
"""Warehouse tools over /mcp: as the caller, under the guard, audited, and ended with the connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import connect
from governed import HIDDEN_ROWS, VISIBLE_ROWS, Governed, tool_of_warehouse
from mcp_caller import Caller, sign_in
from running_query import best_of
from warehouse import Warehouse, wait_until

KINDS = ("admin", "member", "readonly", "agent")


@pytest.fixture(scope="module")
def callers(governed: Governed) -> dict[str, Caller]:
    with connect() as session:
        return {kind: sign_in(session, governed.tenant, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def query_tool(governed: Governed) -> str:
    with connect() as session:
        return tool_of_warehouse(session, governed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_query_shows_what_is_exposed(
    callers: dict[str, Caller], query_tool: str, governed: Governed, kind: str
) -> None:
    caller = callers[kind]
    found = caller.call(query_tool, sql=f"SELECT count(*) AS n, min(note) FROM {governed.table}")
    assert found["rows"] == [[VISIBLE_ROWS, "row 0"]]
    assert found["columns"] == [
        {"name": "n", "type": "bigint"},
        {"name": "min", "type": "text"},
    ]
    assert found["truncated"] is False and found["as_of"]
    structured = caller.call(
        query_tool,
        select=["id"],
        where={"field": "amount", "op": "lt", "value": 3},
        order_by=["-id"],
    )
    assert [row[0] for row in structured["rows"]] == [2, 1, 0]


def test_a_cut_result_says_so(
    callers: dict[str, Caller], query_tool: str, governed: Governed
) -> None:
    sql = f"SELECT a.id FROM {governed.table} a CROSS JOIN {governed.table} b"
    found = callers["member"].call(query_tool, sql=sql)
    assert found["truncated"] is True
    assert len(found["rows"]) == found["row_count"] == 200


@pytest.mark.parametrize("kind", KINDS)
def test_refusals_name_code_and_token(
    callers: dict[str, Caller], query_tool: str, governed: Governed, kind: str
) -> None:
    for sql, code in {
        f"SELECT secret FROM {governed.table}": "COLUMN_NOT_ALLOW_LISTED",
        "SELECT pg_read_file('/etc/passwd')": "FUNCTION_NOT_ALLOW_LISTED",
        "SELECT * FROM pg_authid": "TABLE_NOT_ALLOW_LISTED",
        f"DELETE FROM {governed.table}": "DML_FORBIDDEN",
        "COMMIT": "STATEMENT_NOT_ALLOWED",
        "SET ROLE postgres": "STATEMENT_NOT_ALLOWED",
        "DEALLOCATE ALL": "STATEMENT_NOT_ALLOWED",
        "COPY (SELECT 1) TO PROGRAM 'id'": "STATEMENT_NOT_ALLOWED",
    }.items():
        failure = callers[kind].call(query_tool, sql=sql)["failure"]
        assert failure["code"] == "INVALID_QUERY", (sql, failure)
        assert failure["details"].startswith(code), (sql, failure)
    for sql in ("SELECT 1; SELECT 2", "COMMIT; DROP TABLE accounts", "not sql", ""):
        failure = callers[kind].call(query_tool, sql=sql)["failure"]
        assert failure["code"] in ("INVALID_QUERY", "INVALID_ARGUMENT"), (sql, failure)
    # The session that ran them serves the next caller as ever.
    assert callers["member"].call(query_tool, sql="SELECT 1")["rows"] == [[1]]


def test_audit_has_call_and_statement(
    callers: dict[str, Caller], query_tool: str, governed: Governed
) -> None:
    caller = callers["member"]
    caller.call(query_tool, sql=f"SELECT count(*) FROM {governed.table}")
    with connect() as session:
        rows = session.execute(
            "SELECT phase, role, statement FROM lakehouse.audit_log WHERE application_name = %s"
            " ORDER BY seq DESC LIMIT 4",
            [f"mcp:{caller.client_id}"],
        ).fetchall()
    role = f"{governed.tenant}_member_2"
    assert rows[0] == ("outcome", role, f"tool {query_tool}")
    assert rows[3] == ("intent", role, f"tool {query_tool}")
    assert [row[0] for row in rows[1:3]] == ["outcome", "intent"]


def test_a_closed_connection_cancels_the_remote_statement(
    callers: dict[str, Caller],
    query_tool: str,
    governed: Governed,
    warehouse: Warehouse,
) -> None:
    def attempt() -> float:
        warehouse.change_settings(running_ms=20_000)
        connection = callers["member"].open()
        callers["member"].send(connection, query_tool, sql=f"SELECT count(*) FROM {governed.table}")
        wait_until(lambda: warehouse.open_statements()["open"] == 1, 10, "a remote statement")
        began = time.monotonic()
        connection.close()
        wait_until(warehouse.is_quiet, 15, "the remote statement is cancelled")
        warehouse.change_settings(running_ms=0)
        return time.monotonic() - began

    best_of(attempt, 1.5)


def test_equal_queries_of_one_turn_run_once(
    callers: dict[str, Caller],
    query_tool: str,
    governed: Governed,
    warehouse: Warehouse,
) -> None:
    before = warehouse.state()["statements"]["executed"]
    warehouse.change_settings(running_ms=1_000)

    def ask(_: int) -> object:
        sql = f"SELECT sum(amount) FROM {governed.table}"
        return callers["member"].call(query_tool, sql=sql)["rows"]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert answers == [[[sum(range(VISIBLE_ROWS))]]] * 4
    assert warehouse.state()["statements"]["executed"] == before + 1


def test_hidden_rows_stay_hidden(
    callers: dict[str, Caller], query_tool: str, governed: Governed
) -> None:
    assert HIDDEN_ROWS > 0
    ask: Callable[..., dict] = callers["admin"].call
    for sql in (
        f"SELECT count(*) FROM {governed.table} WHERE region = 'US'",
        f"SELECT count(*) FROM {governed.table} WHERE note NOT LIKE 'row %'",
    ):
        assert ask(query_tool, sql=sql)["rows"] == [[0]]
