# SPDX-License-Identifier: PostgreSQL
"""How calls, streams and sessions end: by their client, with their token, or with the worker."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from conftest import Connection
from governed import VISIBLE_ROWS, Governed, expose, tool_of_warehouse
from mcp_caller import Caller, sign_in
from mcp_server import LEGACY, Client
from mcp_stream import Pending
from oauth_client import oauth_tenant
from running_query import best_of
from warehouse import Warehouse, wait_until

CHANGED = "notifications/tools/list_changed"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
LISTEN = ("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
SLEEPER = """
CREATE FUNCTION lakehouse.sleep_on(arguments jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lakehouse.report_progress(1, 2);
    PERFORM pg_sleep(60);
    RETURN '{}';
END
$$;
GRANT EXECUTE ON FUNCTION lakehouse.sleep_on(jsonb) TO lakehouse_user;
GRANT EXECUTE ON FUNCTION lakehouse.report_progress(float8, float8, text) TO lakehouse_user;
INSERT INTO lakehouse.tools (name, title, description, scope, function, input_schema, output_schema,
                             read_only, destructive, idempotent, open_world)
VALUES ('sleep_on', 'Sleep', 'Sleeps for a minute', 'crm:read', 'lakehouse.sleep_on',
        '{"type": "object"}', '{"type": "object"}', true, false, true, false);
"""


@pytest.fixture
def caller(session: Connection, governed: Governed) -> Caller:
    return sign_in(session, governed.tenant, "member")


@pytest.fixture
def query(session: Connection, governed: Governed) -> dict[str, object]:
    """Parameters of a call that runs a statement in the warehouse."""
    statement = {"sql": f"SELECT count(*) FROM {governed.table}"}
    return {"name": tool_of_warehouse(session, governed), "arguments": statement}


def with_session(caller: Caller, version: str = LEGACY[0]) -> Client:
    client = Client(caller.token, version)
    client.shake_hands()
    return client


def begin(
    client: Client, warehouse: Warehouse, query: dict, running_ms: int, **more: object
) -> Pending:
    """A call under way, down to the warehouse."""
    warehouse.change_settings(running_ms=running_ms)
    call = Pending(client, "tools/call", {**query, **more})
    wait_until(lambda: warehouse.open_statements()["open"] == 1, 10, "a remote statement")
    return call


def seconds_until_quiet(warehouse: Warehouse, end: Callable[[], object]) -> float:
    began = time.monotonic()
    end()
    warehouse.wait_quiet(15)
    return time.monotonic() - began


@pytest.mark.parametrize("meta", [{}, {"progressToken": 7}], ids=["whole", "stream"])
def test_a_modern_client_cancels_by_closing(
    caller: Caller, query: dict, warehouse: Warehouse, meta: dict
) -> None:
    def attempt() -> float:
        call = begin(Client(caller.token), warehouse, query, 20_000, _meta=meta)
        return seconds_until_quiet(warehouse, call.drop)

    best_of(attempt, 1.5)


def test_a_call_goes_on_while_an_equal_one_is_waited_for(
    caller: Caller, query: dict, warehouse: Warehouse
) -> None:
    client = Client(caller.token)
    first = begin(client, warehouse, query, 2_000)
    second = Pending(client, "tools/call", query)
    client.result("tools/list")  # by then the second waits, too
    first.drop()
    rows = second.wait_answer(20)["result"]["structuredContent"]["rows"]
    assert rows == [[VISIBLE_ROWS]]


@pytest.mark.parametrize("meta", [{}, {"progressToken": 7}], ids=["whole", "stream"])
def test_a_legacy_client_cancels_by_notification(
    caller: Caller, query: dict, warehouse: Warehouse, meta: dict
) -> None:
    client = with_session(caller)

    def attempt() -> float:
        call = begin(client, warehouse, query, 20_000, _meta=meta)

        def cancel() -> None:
            told = client.notify("notifications/cancelled", {"requestId": call.id})
            assert told.status_code == 202

        took = seconds_until_quiet(warehouse, cancel)
        assert "result" not in call.wait_answer(5)
        return took

    best_of(attempt, 1.5)


def test_a_notification_of_another_session_cancels_nothing(
    caller: Caller, query: dict, warehouse: Warehouse
) -> None:
    call = begin(with_session(caller), warehouse, query, 2_000)
    other = with_session(caller)
    told = other.notify("notifications/cancelled", {"requestId": call.id})
    assert told.status_code == 202
    rows = call.wait_answer(20)["result"]["structuredContent"]["rows"]
    assert rows == [[VISIBLE_ROWS]]


@pytest.mark.parametrize("meta", [{}, {"progressToken": 7}], ids=["whole", "stream"])
def test_a_legacy_call_outlives_its_connection(
    caller: Caller, query: dict, warehouse: Warehouse, meta: dict
) -> None:
    before = warehouse.state()["statements"]
    call = begin(with_session(caller), warehouse, query, 3_000, _meta=meta)
    call.drop()
    warehouse.wait_quiet(20)
    after = warehouse.state()["statements"]
    assert after.get("cancel_received") == before.get("cancel_received")
    assert after["executed"] == before["executed"] + 1


def test_a_revoked_token_ends_its_streams_and_calls(
    caller: Caller, session: Connection, governed: Governed, query: dict, warehouse: Warehouse
) -> None:
    bystander = Pending(Client(sign_in(session, governed.tenant, "admin").token), *LISTEN)
    legacy = with_session(caller)
    listener = Pending(Client(caller.token), *LISTEN)
    hearer = Pending(legacy, "", verb="GET")
    call = begin(Client(caller.token), warehouse, query, 20_000, _meta={"progressToken": 7})
    listener.wait_for(ACKNOWLEDGED)

    def revoke() -> None:
        session.execute(
            "SELECT lakehouse.revoke_oauth_grants(%s, %s)", [governed.tenant, caller.client_id]
        )

    assert seconds_until_quiet(warehouse, revoke) < 3
    assert "result" not in call.wait_answer(3)
    assert listener.wait_answer(3)["result"]["resultType"] == "complete"
    hearer.join(3)
    assert not hearer.is_alive() and hearer.is_whole
    assert Client(caller.token).send("tools/list").status_code == 401
    assert legacy.send("tools/list").status_code == 401
    assert bystander.is_alive()
    bystander.drop()


@pytest.mark.parametrize("version", LEGACY)
def test_a_session_is_its_own_users_alone(
    caller: Caller, session: Connection, governed: Governed, version: str
) -> None:
    client = with_session(caller, version)
    for kind in ("admin", "member"):  # another user; another client of the same user
        thief = Client(sign_in(session, governed.tenant, kind).token, version)
        thief.session_id = client.session_id
        assert thief.send("tools/list").status_code == 404
        assert thief.notify("notifications/cancelled", {"requestId": 1}).status_code == 404
    assert client.send("tools/list").status_code == 200


def test_delete_ends_a_session(caller: Caller, query: dict, warehouse: Warehouse) -> None:
    client = with_session(caller)
    hearer = Pending(client, "", verb="GET")
    wait_until(lambda: hearer.status == 200, 5, "the stream is open")
    call = begin(client, warehouse, query, 20_000)
    ending = Pending(client, "", verb="DELETE")
    ending.join(5)
    assert ending.status == 204
    warehouse.wait_quiet(5)
    assert "result" not in call.wait_answer(5)
    hearer.join(5)
    assert not hearer.is_alive() and hearer.is_whole
    assert client.send("tools/list").status_code == 404


def test_listeners_hear_of_an_exposed_table(
    caller: Caller, session: Connection, governed: Governed
) -> None:
    legacy = with_session(caller)
    hearer = Pending(legacy, "", verb="GET")
    wait_until(lambda: hearer.status == 200, 5, "the stream is open")
    listener = Pending(Client(caller.token), *LISTEN)
    listener.wait_for(ACKNOWLEDGED)
    deaf = Pending(Client(caller.token), LISTEN[0], {"notifications": {}})
    deaf.wait_for(ACKNOWLEDGED)
    expose(session, governed.tenant)
    told = listener.wait_for(CHANGED)
    assert told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == listener.id
    hearer.wait_for(CHANGED)
    assert [message["method"] for message in deaf.messages] == [ACKNOWLEDGED]
    for stream in (hearer, listener, deaf):
        stream.drop()


def test_who_is_told_to_wait_is_admitted_after_that(session: Connection) -> None:
    with oauth_tenant(session) as tenant:
        session.execute("SELECT lakehouse.set_tenant_limits(%s, 20)", [tenant])  # one in 3 s
        client = Client(sign_in(session, tenant, "member").token)
        answers = [client.send("tools/list") for _ in range(12)]
        refused = next(answer for answer in answers if answer.status_code != 200)
        assert answers.index(refused) >= 10  # the half of a minute's at once
        refused = client.send("tools/list")
        assert refused.status_code == 429
        told = int(refused.headers["Retry-After"])
        assert 1 <= told <= 3
        body = refused.json()
        assert body["id"] == client.last_id and body["error"]["data"]["retryAfter"] == told
        if told > 2:
            time.sleep(told - 2)
            assert client.send("tools/list").status_code == 429
            told = 2
        time.sleep(told)
        assert client.send("tools/list").status_code == 200


@pytest.fixture
def own_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Cluster, Connection]]:
    made = Cluster(tmp_path / "cluster")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    with made.connect() as connection:
        yield made, connection
    made.stop()


def test_a_worker_that_stops_ends_its_streams_first(
    own_cluster: tuple[Cluster, Connection],
) -> None:
    cluster, connection = own_cluster
    connection.execute(SLEEPER)
    with oauth_tenant(connection) as tenant:
        caller = sign_in(connection, tenant, "member")
        client = Client(caller.token)
        listeners = [Pending(client, *LISTEN) for _ in range(8)]
        for listener in listeners:
            listener.wait_for(ACKNOWLEDGED)
        hearer = Pending(with_session(caller), "", verb="GET")
        calls = [sleep_on(one, number) for number, one in enumerate((client, with_session(caller)))]
        for call in calls:
            call.wait_for("notifications/progress")
        stop_worker(connection)
        for listener in listeners:
            assert listener.wait_answer(5)["result"]["resultType"] == "complete"
        hearer.join(5)
        assert not hearer.is_alive() and hearer.is_whole
        for call in calls:
            assert "result" not in call.wait_answer(5)
        wait_until(lambda: is_serving(client), 10, "the next worker")
    assert "ended by signal" not in cluster.log()


def sleep_on(client: Client, number: int) -> Pending:
    """Calls that differ, since equal ones run once."""
    named = {"name": "sleep_on", "arguments": {"number": number}}
    return Pending(client, "tools/call", {**named, "_meta": {"progressToken": number}})


def stop_worker(connection: Connection) -> None:
    row = connection.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
    assert row
    os.kill(row[0], signal.SIGTERM)


def is_serving(client: Client) -> bool:
    try:
        return client.send("tools/list").status_code == 200
    except OSError:
        return False
