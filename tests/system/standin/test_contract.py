# SPDX-License-Identifier: PostgreSQL
"""The API's documented contract, where official clients never look."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests
from process import STATEMENTS, Standin

ORDERS = "SELECT * FROM demo.tpch.orders"


def _links(value: dict[str, Any]) -> list[dict[str, Any]]:
    return value["result"]["external_links"]


# --- sign-in ---------------------------------------------------------------------------------


def test_missing_credential_is_401_with_an_integer_code(standin: Standin) -> None:
    answer = standin.http.get(f"{standin.url}/api/2.0/sql/warehouses/{standin.warehouse_id}")
    assert answer.status_code == 401
    assert answer.json()["error_code"] == 401


def test_bad_token_is_403_with_an_integer_code(standin: Standin) -> None:
    answer = standin.call(
        "GET", f"{STATEMENTS}/x", headers={"Authorization": "Bearer dapi0123456789"}
    )
    assert answer.status_code == 403
    assert answer.json() == {"error_code": 403, "message": "Invalid access token."}


@pytest.mark.parametrize("status", [401, 403])
def test_minted_token_expires(standin: Standin, status: int) -> None:
    standin.settings(expired_token_status=status)
    form = {"grant_type": "client_credentials", "scope": "sql"}
    client = (standin.client_id, standin.client_secret)
    minted = standin.http.post(f"{standin.url}/oidc/v1/token", data=form, auth=client).json()
    assert minted["token_type"] == "Bearer"
    headers = {"Authorization": f"Bearer {minted['access_token']}"}
    path = f"/api/2.0/sql/warehouses/{standin.warehouse_id}"
    assert standin.call("GET", path, headers=headers).status_code == 200
    standin.control("POST", "events", {"event": "expire_tokens"})
    refused = standin.call("GET", path, headers=headers)
    assert (refused.status_code, refused.json()["error_code"]) == (status, status)


def test_client_may_send_its_secret_in_the_form(standin: Standin) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": standin.client_id,
        "client_secret": standin.client_secret,
    }
    answer = standin.http.post(f"{standin.url}/oidc/v1/token", data=form)
    assert answer.json()["expires_in"] == 3600


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "clusters"}, "invalid_scope"),
    ],
)
def test_token_endpoint_names_the_oauth_error(
    standin: Standin, form: dict[str, str], error: str
) -> None:
    client = (standin.client_id, standin.client_secret)
    answer = standin.http.post(f"{standin.url}/oidc/v1/token", data=form, auth=client)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_discovery_escapes_slashes_as_the_real_service(standin: Standin) -> None:
    answer = standin.http.get(f"{standin.url}/oidc/.well-known/oauth-authorization-server")
    assert b"http:\\/\\/127.0.0.1" in answer.content
    assert answer.json()["token_endpoint"] == f"{standin.url}/oidc/v1/token"


def test_no_credential_is_ever_shown(standin: Standin) -> None:
    standin.rows("SELECT :a", parameters=[{"name": "a", "value": "x"}])
    shown = json.dumps(standin.state()) + json.dumps(standin.control("GET", "settings"))
    for secret in (standin.token, standin.client_secret):
        assert secret not in shown


# --- requests that are refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"wait_timeout": "4s"},
        {"wait_timeout": "51s"},
        {"wait_timeout": "soon"},
        {"on_wait_timeout": "STOP"},
        {"disposition": "OUTLINE"},
        {"format": "XML"},
        {"format": "ARROW_STREAM"},
        {"format": "CSV"},
        {"statement": " "},
        {"row_limit": 0},
        {"byte_limit": "many"},
        {"warehouse_id": None},
        {"warehouse_id": "x"},
        {"parameters": [{"value": "1"}]},
        {"parameters": [{"name": "a"}, {"name": "a"}]},
        {"parameters": [{"name": "a", "type": "ARRAY<INT>", "value": "1"}]},
        {"query_tags": [{"value": "no key"}]},
        {"result_compression": "ZSTD"},
    ],
    ids=str,
)
def test_wrong_field_is_an_invalid_parameter(standin: Standin, fields: dict[str, Any]) -> None:
    answer = standin.post(**{"statement": "SELECT 1", **fields})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert answer.json()["details"] == []


def test_unknown_warehouse_does_not_exist(standin: Standin) -> None:
    answer = standin.post("SELECT 1", warehouse_id="0123456789abcdef")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_unknown_path_is_no_endpoint(standin: Standin) -> None:
    answer = standin.call("GET", "/api/2.0/nothing")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_body_that_is_no_json_is_malformed(standin: Standin) -> None:
    answer = standin.call("POST", STATEMENTS, data=b"{broken")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")


def test_statement_above_16_mib_is_refused(standin: Standin) -> None:
    text = "SELECT 1 -- "
    fits = text + "x" * ((16 << 20) - len(text))
    assert standin.rows(fits) == [["1"]]
    assert standin.post(fits + "x").json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_disabled_external_links_are_refused(standin: Standin) -> None:
    standin.settings(external_links_enabled=False)
    answer = standin.post("SELECT 1", disposition="EXTERNAL_LINKS")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST")


# --- life of a statement ------------------------------------------------------------------------


def test_trailing_slash_is_accepted(standin: Standin) -> None:
    body = {"statement": "SELECT 1", "warehouse_id": standin.warehouse_id}
    assert standin.call("POST", STATEMENTS + "/", body).json()["status"]["state"] == "SUCCEEDED"


def test_states_follow_the_settable_delays(standin: Standin) -> None:
    standin.settings(pending_ms=400, running_ms=400)
    value = standin.post("SELECT 1", wait_timeout="0s").json()
    assert value["status"]["state"] == "PENDING"
    assert "manifest" not in value
    standin.poll(value["statement_id"], "RUNNING")
    standin.poll(value["statement_id"], "SUCCEEDED")


def test_stopped_warehouse_keeps_statements_pending_until_it_runs(standin: Standin) -> None:
    standin.settings(warehouse_autostart=False)
    standin.control("POST", "warehouse", {"state": "STOPPED"})
    value = standin.post("SELECT 1", wait_timeout="5s").json()
    assert value["status"]["state"] == "PENDING"
    standin.control("POST", "warehouse", {"state": "RUNNING"})
    standin.poll(value["statement_id"], "SUCCEEDED")


def test_statement_wakes_a_stopped_warehouse(standin: Standin) -> None:
    standin.control("POST", "warehouse", {"state": "STOPPED"})
    assert standin.rows("SELECT 1") == [["1"]]
    assert standin.state()["warehouse"]["state"] == "RUNNING"


def test_deleted_warehouse_refuses_and_ends_what_waits(standin: Standin) -> None:
    standin.settings(warehouse_autostart=False)
    standin.control("POST", "warehouse", {"state": "STOPPED"})
    waiting = standin.post("SELECT 1", wait_timeout="0s").json()["statement_id"]
    standin.control("POST", "warehouse", {"state": "DELETED"})
    standin.poll(waiting, "CANCELED")
    assert standin.post("SELECT 1").status_code == 404


def test_more_statements_than_slots_wait_pending(standin: Standin) -> None:
    standin.settings(max_running=1, running_ms=60_000)
    first = standin.post("SELECT 1", wait_timeout="0s").json()["statement_id"]
    standin.poll(first, "RUNNING")
    second = standin.post("SELECT 2", wait_timeout="0s").json()["statement_id"]
    assert standin.poll(second, "PENDING")
    standin.call("POST", f"{STATEMENTS}/{first}/cancel")
    standin.poll(second, "RUNNING")


def test_cancel_while_pending(standin: Standin) -> None:
    standin.settings(pending_ms=60_000)
    statement_id = standin.post("SELECT 1", wait_timeout="0s").json()["statement_id"]
    assert standin.call("POST", f"{STATEMENTS}/{statement_id}/cancel").json() == {}
    value = standin.poll(statement_id, "CANCELED", seconds=5)
    assert "result" not in value


def test_cancel_after_the_end_changes_nothing(standin: Standin) -> None:
    statement_id = standin.execute("SELECT 1")["statement_id"]
    assert standin.call("POST", f"{STATEMENTS}/{statement_id}/cancel").status_code == 200
    assert standin.poll(statement_id, "SUCCEEDED")["result"]["data_array"] == [["1"]]


def test_closed_statement_has_lost_its_result(standin: Standin) -> None:
    statement_id = standin.execute("SELECT 1")["statement_id"]
    assert standin.call("DELETE", f"{STATEMENTS}/{statement_id}").status_code == 200
    value = standin.call("GET", f"{STATEMENTS}/{statement_id}").json()
    assert value == {"statement_id": statement_id, "status": {"state": "CLOSED"}}
    chunk = standin.call("GET", f"{STATEMENTS}/{statement_id}/result/chunks/0")
    assert chunk.status_code == 404


def test_closing_a_running_statement_stops_it(standin: Standin) -> None:
    heavy = "SELECT sum(a.id * b.id) FROM range(1000000) a, range(1000000) b"
    statement_id = standin.post(heavy, wait_timeout="0s").json()["statement_id"]
    standin.poll(statement_id, "RUNNING")
    standin.call("DELETE", f"{STATEMENTS}/{statement_id}")
    assert standin.state()["statements"]["open"] == 0
    started = time.monotonic()
    assert standin.rows("SELECT 1") == [["1"]]
    assert time.monotonic() - started < 5


def test_result_is_forgotten_after_its_lifetime(standin: Standin) -> None:
    statement_id = standin.execute("SELECT 1")["statement_id"]
    standin.settings(result_lifetime_s=0.0)
    answer = standin.call("GET", f"{STATEMENTS}/{statement_id}")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")


def test_statement_timeout_of_the_session_fails_the_statement(standin: Standin) -> None:
    session = _session(standin, STATEMENT_TIMEOUT="1")
    heavy = "SELECT sum(a.id * b.id) FROM range(1000000) a, range(1000000) b"
    value = standin.execute(heavy, session_id=session)
    assert value["status"]["state"] == "FAILED"
    assert value["status"]["sql_state"] == "57014"


# --- results ------------------------------------------------------------------------------------


def test_empty_result_is_an_empty_object(standin: Standin) -> None:
    value = standin.execute("SELECT 1 AS n WHERE false", disposition="EXTERNAL_LINKS")
    assert value["result"] == {}
    assert value["manifest"]["total_chunk_count"] == 0
    assert "chunks" not in value["manifest"]


def test_manifest_can_leave_out_its_chunks(standin: Standin) -> None:
    assert "chunks" in standin.execute("SELECT 1")["manifest"]
    standin.settings(manifest_chunks="never")
    assert "chunks" not in standin.execute("SELECT 1")["manifest"]


def test_inline_has_no_total_byte_count_and_links_have(standin: Standin) -> None:
    assert "total_byte_count" not in standin.execute("SELECT 1")["manifest"]
    linked = standin.execute("SELECT 1", disposition="EXTERNAL_LINKS")["manifest"]
    assert linked["total_byte_count"] == len(b'[["1"]]')


def test_inline_chunks_can_be_read_in_any_order_and_again(standin: Standin) -> None:
    standin.settings(chunk_bytes=1000)
    value = standin.execute("SELECT id FROM range(1000) ORDER BY id")
    total = value["manifest"]["total_chunk_count"]
    assert total > 3
    assert value["result"]["next_chunk_index"] == 1
    chunks = {}
    for index in [*reversed(range(total)), 0]:
        path = f"{STATEMENTS}/{value['statement_id']}/result/chunks/{index}"
        part = standin.call("GET", path).json()
        assert part["chunk_index"] == index
        assert part["row_count"] == len(part["data_array"])
        assert ("next_chunk_index" in part) == (index + 1 < total)
        chunks[index] = part["data_array"]
    rows = [row for index in range(total) for row in chunks[index]]
    assert rows == [[str(n)] for n in range(1000)]


def test_chunk_out_of_range_is_not_found(standin: Standin) -> None:
    statement_id = standin.execute("SELECT 1")["statement_id"]
    assert standin.call("GET", f"{STATEMENTS}/{statement_id}/result/chunks/1").status_code == 404


def test_inline_above_25_mib_aborts(standin: Standin) -> None:
    value = standin.execute("SELECT repeat('x', 1000) FROM range(30000)")
    assert value["status"]["state"] == "FAILED"
    assert "INLINE" in value["status"]["error"]["message"]
    linked = standin.execute(
        "SELECT repeat('x', 1000) FROM range(30000)", disposition="EXTERNAL_LINKS"
    )
    assert linked["status"]["state"] == "SUCCEEDED"


def test_byte_limit_truncates(standin: Standin) -> None:
    value = standin.execute(
        "SELECT repeat('x', 1000) FROM range(1000)",
        byte_limit=100_000,
        disposition="EXTERNAL_LINKS",
    )
    assert value["manifest"]["truncated"] is True
    assert 0 < value["manifest"]["total_row_count"] < 1000


def test_csv_has_one_header_and_bare_nulls(standin: Standin) -> None:
    standin.settings(chunk_bytes=200)
    value = standin.execute(
        "SELECT concat('id-', id) AS strCol, id AS intCol, null AS nullCol, 'a,\"b' AS odd"
        " FROM range(30) ORDER BY id",
        format="CSV",
        disposition="EXTERNAL_LINKS",
    )
    text = b""
    for index in range(value["manifest"]["total_chunk_count"]):
        path = f"{STATEMENTS}/{value['statement_id']}/result/chunks/{index}"
        link = _links({"result": standin.call("GET", path).json()})[0]
        text += requests.get(link["external_link"], timeout=30).content
    lines = text.decode().split("\r\n")
    assert lines[:2] == ["strCol,intCol,nullCol,odd", 'id-0,0,null,"a,""b"']
    assert len(lines) == 32


def test_identical_statement_is_answered_from_kept_chunks(standin: Standin) -> None:
    statement = "SELECT id, repeat('y', 50) AS s FROM range(200000)"
    kept = standin.control("POST", "prerender", {"statement": statement, "chunk_bytes": 1 << 20})
    assert kept["total_chunk_count"] > 5
    value = standin.execute(statement, disposition="EXTERNAL_LINKS")
    assert value["manifest"]["total_chunk_count"] == kept["total_chunk_count"]
    standin.call("DELETE", f"{STATEMENTS}/{value['statement_id']}")
    again = standin.execute(statement, disposition="EXTERNAL_LINKS")
    link = _links(again)[0]
    body = requests.get(link["external_link"], timeout=30).content
    assert len(body) == link["byte_count"]
    other = standin.execute(statement + " LIMIT 1", disposition="EXTERNAL_LINKS")
    assert other["manifest"]["total_row_count"] == 1


# --- sessions -----------------------------------------------------------------------------------


def _session(standin: Standin, **confs: str) -> str:
    body = {"warehouse_id": standin.warehouse_id, "session_confs": confs}
    answer = standin.call("POST", "/api/2.0/sql/sessions", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["session_id"]


def test_session_pins_the_time_zone(standin: Standin) -> None:
    session = _session(standin, TIMEZONE="America/Los_Angeles")
    statement = "SELECT TIMESTAMP'2021-06-15 12:34:56.789', current_timezone()"
    rows = standin.rows(statement, session_id=session)
    assert rows == [["2021-06-15T12:34:56.789-07:00", "America/Los_Angeles"]]
    assert standin.rows(statement) == [["2021-06-15T12:34:56.789Z", "UTC"]]


def test_session_without_ansi_mode_gives_null(standin: Standin) -> None:
    session = _session(standin, ansi_mode="false")
    assert standin.rows("SELECT 1/0, CAST('x' AS INT)", session_id=session) == [[None, None]]


@pytest.mark.parametrize(
    "confs", [{"TIMEZONE": "Mars/Base"}, {"ANSI_MODE": "perhaps"}, {"spark.sql.x": "1"}], ids=str
)
def test_wrong_session_configuration_is_refused(standin: Standin, confs: dict[str, str]) -> None:
    body = {"warehouse_id": standin.warehouse_id, "session_confs": confs}
    answer = standin.call("POST", "/api/2.0/sql/sessions", body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "BAD_REQUEST")


def test_closed_session_is_unknown(standin: Standin) -> None:
    session = _session(standin)
    path = f"/api/2.0/sql/sessions/{session}"
    assert standin.call("DELETE", path).status_code == 200
    assert standin.call("DELETE", path).status_code == 404
    assert standin.post("SELECT 1", session_id=session).status_code == 404


# --- links --------------------------------------------------------------------------------------


def test_link_refuses_an_authorization_header(standin: Standin) -> None:
    url = _links(standin.execute("SELECT 1", disposition="EXTERNAL_LINKS"))[0]["external_link"]
    assert not url.startswith(standin.url)
    refused = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=30)
    assert refused.status_code == 400
    assert b"<Code>InvalidArgument</Code>" in refused.content
    assert requests.get(url, timeout=30).content == b'[["1"]]'


def test_link_expires_and_is_handed_out_anew(standin: Standin) -> None:
    value = standin.execute("SELECT 1", disposition="EXTERNAL_LINKS")
    old = _links(value)[0]["external_link"]
    standin.control("POST", "events", {"event": "expire_links"})
    refused = requests.get(old, timeout=30)
    assert refused.status_code == 403
    assert b"Request has expired" in refused.content
    path = f"{STATEMENTS}/{value['statement_id']}/result/chunks/0"
    fresh = standin.call("GET", path).json()["external_links"][0]["external_link"]
    assert requests.get(fresh, timeout=30).content == b'[["1"]]'


def test_link_lifetime_is_settable(standin: Standin) -> None:
    standin.settings(link_lifetime_s=0.0)
    url = _links(standin.execute("SELECT 1", disposition="EXTERNAL_LINKS"))[0]["external_link"]
    assert requests.get(url, timeout=30).status_code == 403


def test_link_with_a_changed_signature_is_refused(standin: Standin) -> None:
    url = _links(standin.execute("SELECT 1", disposition="EXTERNAL_LINKS"))[0]["external_link"]
    flipped = url[:-1] + ("0" if url[-1] != "0" else "1")
    assert requests.get(flipped, timeout=30).status_code == 403


def test_link_may_demand_headers(standin: Standin) -> None:
    standin.settings(links_need_headers=True)
    link = _links(standin.execute("SELECT 1", disposition="EXTERNAL_LINKS"))[0]
    assert link["http_headers"]
    assert requests.get(link["external_link"], timeout=30).status_code == 400
    answer = requests.get(link["external_link"], headers=link["http_headers"], timeout=30)
    assert answer.content == b'[["1"]]'


def test_link_serves_ranges(standin: Standin) -> None:
    url = _links(standin.execute(ORDERS + " LIMIT 10", disposition="EXTERNAL_LINKS"))[0]
    whole = requests.get(url["external_link"], timeout=30).content
    part = requests.get(url["external_link"], headers={"Range": "bytes=5-9"}, timeout=30)
    assert (part.status_code, part.content) == (206, whole[5:10])


def test_several_links_come_at_once(standin: Standin) -> None:
    standin.settings(chunk_bytes=1 << 20, links_per_answer=3)
    value = standin.execute(ORDERS, disposition="EXTERNAL_LINKS")
    assert [link["chunk_index"] for link in _links(value)] == [0, 1, 2]
    assert [link["next_chunk_index"] for link in _links(value)] == [1, 2, 3]
    sizes = [chunk["byte_count"] for chunk in value["manifest"]["chunks"]]
    assert sum(sizes) == value["manifest"]["total_byte_count"]
    assert all(size <= (1 << 20) + 2 for size in sizes)


def test_arrow_link_counts_compressed_bytes(standin: Standin) -> None:
    value = standin.execute(
        "SELECT repeat('x', 100) AS s FROM range(10000)",
        format="ARROW_STREAM",
        disposition="EXTERNAL_LINKS",
        result_compression="LZ4_FRAME",
    )
    link, chunk = _links(value)[0], value["manifest"]["chunks"][0]
    assert value["manifest"]["result_compression"] == "LZ4_FRAME"
    assert link["byte_count"] < chunk["byte_count"] / 10
    assert len(requests.get(link["external_link"], timeout=30).content) == link["byte_count"]
