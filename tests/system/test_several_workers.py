# SPDX-License-Identifier: PostgreSQL
"""Two workers of one database: whatever a client begins at one goes on, ends and is limited at the
other. A load balancer may send each request to either."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from cluster import Cluster
from conftest import Connection
from governed import VISIBLE_ROWS, set_up, tear_down
from mcp_caller import sign_in
from mcp_server import LEGACY, Client
from mcp_stream import Pending
from oauth_client import User, make_client, oauth_tenant, returned
from running_query import best_of
from second_worker import SecondWorker, at
from warehouse import Warehouse, wait_until

ELSEWHERE_S = 1.0  # until another worker has heard
UPDATED = "notifications/resources/updated"
CHANGED = "notifications/tools/list_changed"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
PIPELINES = {"uri": "crm://pipelines"}
# One that takes its time, and one that asks its client.
TOOLS = """
CREATE FUNCTION lakehouse.sleep_on(arguments jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lakehouse.report_progress(1, 2);
    PERFORM pg_sleep((arguments ->> 'seconds')::float8);
    RETURN '{}';
END
$$;
CREATE FUNCTION lakehouse.ask_name(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input IS NULL THEN jsonb '{"resultType": "input_required", "inputRequests": {"who": {
        "method": "elicitation/create", "params": {"message": "Who?", "requestedSchema": {
            "type": "object", "properties": {"name": {"type": "string"}}}}}}}'
    ELSE jsonb_build_object('name', input #>> '{inputResponses,who,content,name}') END;
GRANT EXECUTE ON FUNCTION lakehouse.sleep_on(jsonb), lakehouse.ask_name(jsonb, jsonb) TO lakehouse_user;
INSERT INTO lakehouse.tools (name, title, description, scope, function, input_schema, output_schema,
                             read_only, destructive, idempotent, open_world)
SELECT n, n, n, 'crm:read', 'lakehouse.' || n, '{"type": "object"}', '{"type": "object"}',
       false, false, false, false
FROM unnest(ARRAY['sleep_on', 'ask_name']) n;
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("several") / "cluster")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        with made.connect() as connection:
            connection.execute(TOOLS)
        yield made
    made.stop()


@pytest.fixture(scope="module")
def there(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The second worker's URL."""
    worker = SecondWorker(cluster, tmp_path_factory.mktemp("second") / "worker.log")
    yield worker.url
    worker.stop()


@pytest.fixture
def admin(cluster: Cluster) -> Iterator[Connection]:
    with cluster.connect() as connection:
        yield connection


@pytest.fixture
def tenant(admin: Connection) -> Iterator[str]:
    with oauth_tenant(admin) as slug:
        yield slug


@pytest.fixture
def token(admin: Connection, tenant: str) -> str:
    return sign_in(admin, tenant, "member").token


def with_session(token: str, **capabilities: dict) -> Client:
    client = Client(token, LEGACY[0])
    client.shake_hands(capabilities)
    return client


def sleep_on(client: Client, seconds: float, number: int) -> Pending:
    """A call under way; calls differ, since equal ones run once."""
    named = {"name": "sleep_on", "arguments": {"seconds": seconds, "number": number}}
    call = Pending(client, "tools/call", {**named, "_meta": {"progressToken": number}})
    call.wait_for("notifications/progress")
    return call


def hear(client: Client) -> Pending:
    stream = Pending(client, "", verb="GET")
    wait_until(lambda: stream.status == 200, 5, "the stream is open")
    return stream


def sleepers(admin: Connection) -> int:
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    ).fetchone()
    assert row is not None
    return row[0]


def test_a_session_begun_at_one_goes_on_at_the_other(token: str, there: str) -> None:
    client = with_session(token)
    with at(there):
        assert client.call("whoami")["structuredContent"]["user"]
        other = with_session(token)
    assert other.result("tools/list")["tools"]
    assert other.end_session().status_code == 204
    with at(there):
        assert other.send("tools/list").status_code == 404
        assert client.send("tools/list").status_code == 200


def test_a_notification_at_the_other_cancels_the_right_call(
    admin: Connection, token: str, there: str
) -> None:
    client = with_session(token)

    def attempt() -> float:
        call = sleep_on(client, 30, 1)
        with at(there):
            bystander = sleep_on(client, 1, 2)
            began = time.monotonic()
            told = client.notify("notifications/cancelled", {"requestId": call.id})
        assert told.status_code == 202
        assert "result" not in call.wait_answer(10)
        took = time.monotonic() - began
        wait_until(lambda: sleepers(admin) <= 1, 1, "the statement has ended")
        assert "result" in bystander.wait_answer(10)
        return took

    for _ in range(3):  # which worker hears first is chance
        best_of(attempt, ELSEWHERE_S)


def test_an_answer_given_to_the_other_reaches_the_call_that_asked(token: str, there: str) -> None:
    client = with_session(token, elicitation={})
    asking = [ask_name(client)]
    with at(there):
        asking.append(ask_name(client))
    urls = [there, os.environ["LAKEHOUSE_URL"]]
    for call, url, name in zip(asking, urls, ["Ada", "Grace"], strict=True):
        asked = call.wait_for("elicitation/create")
        with at(url):
            answer_with(client, asked["id"], name)
    for call, name in zip(asking, ["Ada", "Grace"], strict=True):
        assert call.wait_answer(5)["result"]["structuredContent"] == {"name": name}


def ask_name(client: Client) -> Pending:
    return Pending(client, "tools/call", {"name": "ask_name", "arguments": {}})


def answer_with(client: Client, request_id: str, name: str) -> None:
    result = {"action": "accept", "content": {"name": name}}
    assert client.respond(request_id, result).status_code == 202


def test_the_end_of_a_session_at_the_other_ends_its_calls_and_streams(
    token: str, there: str
) -> None:
    def attempt() -> float:
        client, other = with_session(token), with_session(token)
        stream, bystander = hear(client), hear(other)
        call = sleep_on(client, 30, 3)
        began = time.monotonic()
        with at(there):
            assert client.end_session().status_code == 204
        assert "result" not in call.wait_answer(5)
        stream.join(5)
        assert not stream.is_alive() and stream.is_whole
        assert bystander.is_alive()
        bystander.drop()
        return time.monotonic() - began

    best_of(attempt, ELSEWHERE_S)


def test_subscriptions_at_the_other_reach_the_stream(
    admin: Connection, tenant: str, token: str, there: str
) -> None:
    client = with_session(token)
    stream = hear(client)
    with at(there):
        assert client.result("resources/subscribe", PIPELINES) == {}
    touch(admin, tenant)
    assert stream.wait_for(UPDATED, 5)["params"] == PIPELINES
    with at(there):
        assert client.result("resources/unsubscribe", PIPELINES) == {}
    touch(admin, tenant)
    admin.execute("NOTIFY lakehouse_catalog, 'prompts'")  # comes after it
    stream.wait_for("notifications/prompts/list_changed")
    assert [m["method"] for m in stream.messages].count(UPDATED) == 1
    stream.drop()


def test_a_change_that_no_worker_could_hear_is_told_afterwards(
    admin: Connection, tenant: str, token: str, there: str
) -> None:
    with at(there):
        client = with_session(token)
        client.result("resources/subscribe", PIPELINES)
        stream = hear(client)
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE usename = 'lakehouse_worker'"
    )
    touch(admin, tenant)
    stream.wait_for(UPDATED, 5)
    stream.drop()


def touch(admin: Connection, tenant: str) -> None:
    admin.execute(f"UPDATE {tenant}.pipelines SET name = name")


def test_listeners_at_both_hear_of_a_change(admin: Connection, token: str, there: str) -> None:
    listening = {"notifications": {"toolsListChanged": True}}
    streams = [hear(with_session(token))]
    listeners = [Pending(Client(token), "subscriptions/listen", listening)]
    with at(there):
        streams.append(hear(with_session(token)))
        listeners.append(Pending(Client(token), "subscriptions/listen", listening))
    for listener in listeners:
        listener.wait_for(ACKNOWLEDGED)
    admin.execute("UPDATE lakehouse.tools SET title = title WHERE name = 'sleep_on'")
    for stream in streams + listeners:
        stream.wait_for(CHANGED)
        stream.drop()


def test_what_one_revokes_the_other_refuses(admin: Connection, tenant: str, there: str) -> None:
    application = make_client(admin, tenant)
    user = User(f"member@{tenant}.example", tenant)
    token = signed_in_at_both(user, application, there)
    with at(there):
        stream = Pending(Client(token), "subscriptions/listen", {"notifications": {}})
        stream.wait_for(ACKNOWLEDGED)
        call = sleep_on(Client(token), 30, 4)
    assert application.revoke(token).status_code == 200
    revoked_at = time.monotonic()
    with at(there):
        assert Client(token).send("tools/list").status_code == 401
    assert "result" not in call.wait_answer(5)
    stream.wait_answer(5)
    assert time.monotonic() - revoked_at < 2 * ELSEWHERE_S


def signed_in_at_both(user: User, application: object, there: str) -> str:
    """Each step of the sign-in at the worker that did not do the one before."""
    page = user.open(application)
    with at(there):
        signed_in = user.sign_in(page)
        assert signed_in.status_code == 303, signed_in.text
    page = user.get(signed_in.headers["Location"])
    assert page.status_code == 200, page.text
    with at(there):
        code = returned(user.decide(page))["code"]
    token = application.redeem(code).json()["access_token"]
    with at(there):
        assert application.redeem(code).status_code == 400  # once, wherever
    assert Client(token).send("tools/list").status_code == 401  # and so it is revoked
    return user.tokens(application)["access_token"]


def test_the_rate_limit_counts_both(admin: Connection, tenant: str, there: str) -> None:
    admin.execute("SELECT lakehouse.set_tenant_limits(%s, 60)", [tenant])  # 30 at once, 1 a second
    token = sign_in(admin, tenant, "member").token
    statuses: list[int] = []

    def ask(url: str) -> None:
        body, headers = Client(token).message("tools/list")
        for _ in range(25):
            statuses.append(requests.post(url + "/mcp", json=body, headers=headers).status_code)

    began = time.monotonic()
    in_parallel([lambda url=url: ask(url) for url in (os.environ["LAKEHOUSE_URL"], there) * 2])
    took = time.monotonic() - began
    assert set(statuses) == {200, 429}
    assert 30 <= statuses.count(200) <= 30 + took


def in_parallel(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_writes_at_both_are_done_once_and_recorded_in_one_chain(
    admin: Connection, tenant: str, token: str, there: str
) -> None:
    made: list[str] = []

    def write(url: str) -> None:
        client = Client(token)
        for number in range(20):
            arguments = {"last_name": "X", "company": "X", "idempotency_key": f"lead {number}"}
            body, headers = client.message("tools/call", {"name": "create_lead", "arguments": arguments})
            answer = requests.post(url + "/mcp", json=body, headers=headers)
            made.append(answer.json()["result"]["structuredContent"]["id"])

    in_parallel([lambda url=url: write(url) for url in (os.environ["LAKEHOUSE_URL"], there) * 2])
    assert len(made) == 80 and len(set(made)) == 20
    leads = admin.execute(f"SELECT id::text FROM {tenant}.leads").fetchall()
    assert {row[0] for row in leads} == set(made)
    # The launcher's worker verifies; of what the other one wrote it knows no head of its own.
    verdict = admin.execute("SELECT intact, records FROM lakehouse.verify_audit(%s)", [tenant])
    assert verdict.fetchone() == (True, 160)


def test_a_query_started_at_one_is_polled_and_cancelled_at_the_other(admin: Connection, there: str) -> None:
    control = Warehouse.of_environment()
    governed = set_up(control)
    client = Client(sign_in(admin, governed.tenant, "member").token)
    counting = f"SELECT count(*) FROM {governed.table}"
    started = client.call("start_warehouse_query", sql=counting)["structuredContent"]
    with at(there):
        polled = client.call("get_warehouse_query", query_id=started["query_id"], wait_s=20)
        again = client.call("start_warehouse_query", sql=counting)["structuredContent"]
    assert polled["structuredContent"]["rows"] == [[VISIBLE_ROWS]]
    polled = client.call("get_warehouse_query", query_id=again["query_id"], wait_s=20)
    assert polled["structuredContent"]["rows"] == [[VISIBLE_ROWS]]

    def attempt() -> float:
        control.change_settings(running_ms=20_000)
        begun = client.call("start_warehouse_query", sql=counting)["structuredContent"]
        wait_until(lambda: control.open_statements()["open"] == 1, 10, "a remote statement")
        asked_at = time.monotonic()
        with at(there):
            told = client.call("cancel_warehouse_query", query_id=begun["query_id"])
        assert told["structuredContent"]["status"] == "cancelled"
        control.wait_quiet()
        return time.monotonic() - asked_at

    best_of(attempt, ELSEWHERE_S)
    control.change_settings(running_ms=0)
    tear_down(governed, control)


def test_one_goes_on_while_the_other_is_killed(
    admin: Connection, token: str, there: str
) -> None:
    client = with_session(token)
    row = admin.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
    assert row is not None
    with at(there):
        call = sleep_on(client, 1, 5)
        os.kill(row[0], signal.SIGKILL)
        for _ in range(20):
            assert client.call("whoami")["structuredContent"]["user"]
        assert "result" in call.wait_answer(5)
    wait_until(lambda: is_serving(client), 10, "the launcher's worker is back")


def is_serving(client: Client) -> bool:
    try:
        return client.send("tools/list").status_code == 200
    except requests.ConnectionError:
        return False
