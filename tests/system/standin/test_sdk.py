# SPDX-License-Identifier: PostgreSQL
"""The official SDK for Python, unchanged: REST bodies, sign-in, errors, chunk loops."""

from __future__ import annotations

import json
import time

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service import sql
from process import Standin


@pytest.fixture(autouse=True)
def no_foreign_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", f"{tmp_path}/none")


@pytest.fixture
def workspace(standin: Standin) -> WorkspaceClient:
    return WorkspaceClient(host=standin.url, token=standin.token)


def _principal(standin: Standin) -> WorkspaceClient:
    return WorkspaceClient(
        host=standin.url, client_id=standin.client_id, client_secret=standin.client_secret
    )


def _poll(
    workspace: WorkspaceClient, statement_id: str, seconds: float = 30
) -> sql.StatementResponse:
    deadline = time.monotonic() + seconds
    waiting = (sql.StatementState.PENDING, sql.StatementState.RUNNING)
    while (
        answer := workspace.statement_execution.get_statement(statement_id)
    ).status.state in waiting:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def test_token_runs_an_inline_statement(workspace: WorkspaceClient, standin: Standin) -> None:
    answer = workspace.statement_execution.execute_statement(
        "SELECT c_custkey, c_name FROM demo.tpch.customer ORDER BY c_custkey LIMIT 2",
        standin.warehouse_id,
    )
    assert answer.status.state is sql.StatementState.SUCCEEDED
    assert answer.result.data_array == [["1", "Customer#000000001"], ["2", "Customer#000000002"]]
    types = [column.type_name for column in answer.manifest.schema.columns]
    assert types == [sql.ColumnInfoTypeName.LONG, sql.ColumnInfoTypeName.STRING]


def test_service_principal_signs_in_by_discovery(standin: Standin) -> None:
    answer = _principal(standin).statement_execution.execute_statement(
        "SELECT 1", standin.warehouse_id
    )
    assert answer.result.data_array == [["1"]]
    seen = standin.state()["requests"]
    assert seen["workspace.config"] >= 1
    assert seen["oidc.metadata"] >= 1
    assert seen["oidc.token"] == 1


def test_service_principal_with_a_wrong_secret_is_refused(standin: Standin) -> None:
    workspace = WorkspaceClient(host=standin.url, client_id=standin.client_id, client_secret="no")
    with pytest.raises(ValueError, match="invalid_client"):
        workspace.statement_execution.execute_statement("SELECT 1", standin.warehouse_id)


def test_wrong_token_is_permission_denied(standin: Standin) -> None:
    workspace = WorkspaceClient(host=standin.url, token="dapi00")
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        workspace.statement_execution.execute_statement("SELECT 1", standin.warehouse_id)


def test_external_links_are_followed_chunk_by_chunk(
    workspace: WorkspaceClient, standin: Standin
) -> None:
    standin.settings(chunk_bytes=1 << 20)
    api = workspace.statement_execution
    answer = api.execute_statement(
        "SELECT o_orderkey FROM demo.tpch.orders ORDER BY o_orderkey",
        standin.warehouse_id,
        disposition=sql.Disposition.EXTERNAL_LINKS,
        wait_timeout="50s",
    )
    assert answer.manifest.total_chunk_count > 1
    keys: list[int] = []
    part = answer.result
    while True:
        link = part.external_links[0]
        assert link.row_offset == len(keys)
        keys += [int(row[0]) for row in requests.get(link.external_link, timeout=30).json()]
        if link.next_chunk_index is None:
            break
        part = api.get_statement_result_chunk_n(answer.statement_id, link.next_chunk_index)
    assert len(keys) == answer.manifest.total_row_count == 150_000
    assert keys == sorted(set(keys))


def test_async_statement_is_polled_to_its_result(
    workspace: WorkspaceClient, standin: Standin
) -> None:
    standin.settings(pending_ms=100, running_ms=100)
    answer = workspace.statement_execution.execute_statement(
        "SELECT 7 AS n", standin.warehouse_id, wait_timeout="0s"
    )
    assert answer.status.state is sql.StatementState.PENDING
    assert _poll(workspace, answer.statement_id).result.data_array == [["7"]]


def test_cancel_stops_a_running_query(workspace: WorkspaceClient, standin: Standin) -> None:
    answer = workspace.statement_execution.execute_statement(
        "SELECT sum(a.id * b.id % 7) FROM range(1000000) a, range(1000000) b",
        standin.warehouse_id,
        wait_timeout="0s",
    )
    standin.poll(answer.statement_id, "RUNNING")
    workspace.statement_execution.cancel_execution(answer.statement_id)
    final = _poll(workspace, answer.statement_id, seconds=10)
    assert final.status.state is sql.StatementState.CANCELED
    assert standin.state()["statements"]["open"] == 0


def test_wait_timeout_can_cancel(workspace: WorkspaceClient, standin: Standin) -> None:
    standin.settings(running_ms=60_000)
    answer = workspace.statement_execution.execute_statement(
        "SELECT 1",
        standin.warehouse_id,
        wait_timeout="5s",
        on_wait_timeout=sql.ExecuteStatementRequestOnWaitTimeout.CANCEL,
    )
    assert answer.status.state is sql.StatementState.CANCELED


def test_parameters_arrive_with_their_types(workspace: WorkspaceClient, standin: Standin) -> None:
    item = sql.StatementParameterListItem
    answer = workspace.statement_execution.execute_statement(
        "SELECT :n + 1, :day, :text, :nothing, ':text', `c` FROM VALUES (1) AS t(`c`) -- :no",
        standin.warehouse_id,
        parameters=[
            item(name="n", value="41", type="INT"),
            item(name="day", value="2024-02-29", type="DATE"),
            item(name="text", value="O'Brien \\ :n -- ; \U0001f600"),
            item(name="nothing", type="DECIMAL(10,2)"),
        ],
    )
    row = ["42", "2024-02-29", "O'Brien \\ :n -- ; \U0001f600", None, ":text", "1"]
    assert answer.result.data_array == [row]


def test_failed_statement_is_an_answer_with_an_error(
    workspace: WorkspaceClient, standin: Standin
) -> None:
    answer = workspace.statement_execution.execute_statement("SELECT 1/0", standin.warehouse_id)
    assert answer.status.state is sql.StatementState.FAILED
    assert answer.status.error.error_code is sql.ServiceErrorCode.BAD_REQUEST
    assert answer.status.sql_state == "22012"
    assert "[DIVIDE_BY_ZERO]" in answer.status.error.message


@pytest.mark.parametrize("code", list(sql.ServiceErrorCode))
def test_every_error_code_is_known_to_the_client(
    workspace: WorkspaceClient, standin: Standin, code: sql.ServiceErrorCode
) -> None:
    standin.fault(
        method="POST",
        set={"status": {"state": "FAILED", "error": {"error_code": code.value, "message": "m"}}},
        drop=["result", "manifest"],
    )
    answer = workspace.statement_execution.execute_statement("SELECT 1", standin.warehouse_id)
    assert answer.status.error.error_code is code


def test_refused_request_raises_the_right_error(
    workspace: WorkspaceClient, standin: Standin
) -> None:
    with pytest.raises(InvalidParameterValue, match="wait timeout"):
        workspace.statement_execution.execute_statement(
            "SELECT 1", standin.warehouse_id, wait_timeout="3s"
        )


def test_unknown_statement_is_not_found(workspace: WorkspaceClient) -> None:
    with pytest.raises(NotFound):
        workspace.statement_execution.get_statement("01ef0000-0000-0000-0000-000000000000")


def test_empty_result_is_understood(workspace: WorkspaceClient, standin: Standin) -> None:
    answer = workspace.statement_execution.execute_statement(
        "SELECT 1 AS n WHERE 1 = 2", standin.warehouse_id
    )
    assert answer.manifest.total_chunk_count == 0
    assert answer.manifest.total_row_count == 0
    assert answer.result.data_array is None


def test_row_limit_says_truncated(workspace: WorkspaceClient, standin: Standin) -> None:
    api = workspace.statement_execution
    cut = api.execute_statement("SELECT id FROM range(10)", standin.warehouse_id, row_limit=3)
    assert (cut.manifest.truncated, len(cut.result.data_array)) == (True, 3)
    whole = api.execute_statement("SELECT id FROM range(3)", standin.warehouse_id, row_limit=3)
    assert (whole.manifest.truncated, len(whole.result.data_array)) == (False, 3)


def test_warehouse_is_described_stopped_and_started(
    workspace: WorkspaceClient, standin: Standin
) -> None:
    assert workspace.warehouses.get(standin.warehouse_id).state is sql.State.RUNNING
    workspace.warehouses.stop(standin.warehouse_id)
    assert workspace.warehouses.get(standin.warehouse_id).state is sql.State.STOPPED
    workspace.warehouses.start(standin.warehouse_id)
    answer = workspace.statement_execution.execute_statement("SELECT 1", standin.warehouse_id)
    assert answer.result.data_array == [["1"]]
    assert workspace.warehouses.get(standin.warehouse_id).state is sql.State.RUNNING


def test_throttled_request_is_retried_by_the_client(
    workspace: WorkspaceClient, standin: Standin
) -> None:
    standin.fault(
        method="POST",
        path="statements$",
        status=429,
        headers={"Retry-After": "1"},
        body={"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Too many requests."},
    )
    answer = workspace.statement_execution.execute_statement("SELECT 1", standin.warehouse_id)
    assert answer.result.data_array == [["1"]]
    assert standin.state()["requests"]["statements.execute"] == 2


def test_every_type_parses(workspace: WorkspaceClient, standin: Standin) -> None:
    answer = workspace.statement_execution.execute_statement(
        "SELECT * FROM demo.types.every_type ORDER BY id", standin.warehouse_id
    )
    columns = {column.name: column for column in answer.manifest.schema.columns}
    assert columns["a_decimal"].type_precision == 38
    assert columns["a_decimal"].type_scale == 10
    assert columns["a_day_time"].type_interval_type == "DAY TO SECOND"
    first = dict(zip(columns, answer.result.data_array[0], strict=True))
    assert json.loads(first["an_array"]) == ["1", "2", "3"]
    assert answer.manifest.total_row_count == 12
