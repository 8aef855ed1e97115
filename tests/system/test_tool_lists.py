# SPDX-License-Identifier: PostgreSQL
"""Lists of tools that the worker keeps: used while it hears of changes, and never after one was told.

What is changed in silence, with triggers off, tells a kept list from a fresh one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from conftest import Connection
from governed import Governed
from mcp_caller import sign_in
from mcp_server import LEGACY, Client
from mcp_stream import Pending
from oauth_client import oauth_tenant
from warehouse import wait_until

CHANGED = "notifications/tools/list_changed"
ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
LISTEN = ("subscriptions/listen", {"notifications": {"toolsListChanged": True}})


def listed(client: Client) -> dict[str, str]:
    """Names and descriptions."""
    tools = client.result("tools/list")["tools"]
    return {tool["name"]: tool["description"] for tool in tools}


def text_of(client: Client) -> str:
    """What is said of the one table."""
    (text,) = (text for name, text in listed(client).items() if name.startswith("warehouse_"))
    return text


def describe_silently(session: Connection, tenant: str, words: str) -> None:
    with session.transaction():
        session.execute("SET LOCAL session_replication_role = replica")
        session.execute(f"UPDATE {tenant}.data_sources SET description = %s", [words])


def announce(session: Connection) -> None:
    session.execute("SELECT pg_notify('lakehouse_catalog', 'tools')")


@pytest.fixture
def client(session: Connection, governed: Governed) -> Client:
    return Client(sign_in(session, governed.tenant, "member", ["warehouse:query"]).token)


@pytest.fixture
def words(session: Connection, governed: Governed) -> Iterator[str]:
    """A new description, which nobody has heard of when the test begins."""
    yield "as of " + secrets.token_hex(4)
    announce(session)


def keep_list(session: Connection, client: Client) -> None:
    """The worker has the list of this moment, and its client knows that nothing older will come."""
    listener = Pending(client, *LISTEN)
    listener.wait_for(ACKNOWLEDGED)
    announce(session)
    listener.wait_for(CHANGED)
    listener.drop()
    listed(client)


def keep_older(
    session: Connection, client: Client, asking: Client, tenant: str, words: str
) -> None:
    """The worker has a list from before these words. One that was kept off its processor for seconds keeps none."""
    for _ in range(3):
        describe_silently(session, tenant, "before")
        keep_list(session, client)
        text_of(asking)
        describe_silently(session, tenant, words)
        if words not in text_of(asking):
            return
    pytest.fail("no list is kept")


@pytest.mark.parametrize("version", ["", LEGACY[0]], ids=["modern", "legacy"])
def test_a_list_is_kept_until_a_change_is_told(
    client: Client, session: Connection, governed: Governed, words: str, version: str
) -> None:
    asking = client
    if version:
        asking = Client(client.token, version)
        asking.shake_hands()
    keep_older(session, client, asking, governed.tenant, words)
    keep_list(session, client)
    assert words in text_of(asking)


def test_who_is_told_of_a_change_sees_it_in_the_next_list(
    client: Client, session: Connection, governed: Governed
) -> None:
    schema = governed.tenant
    name = f"extra_{secrets.token_hex(3)}"
    make = (
        f"CREATE FOREIGN TABLE {schema}.{name} (id bigint OPTIONS (column_type 'bigint'))"
        f" SERVER {schema}_wh OPTIONS (schema 's', table_name 't')"
    )
    session.execute(make)
    steps = [
        (f"SELECT lakehouse.expose('{schema}', '{schema}.{name}')", name),
        (f"ALTER FOREIGN TABLE {schema}.{name} RENAME TO {name}_b", f"{name}_b"),
        (f"ALTER TABLE {schema}.{name}_b RENAME TO {name}_c", f"{name}_c"),
        (f"DROP FOREIGN TABLE {schema}.{name}_c", None),
    ]
    for statement, expected in steps:
        listed(client)
        listener = Pending(client, *LISTEN)
        listener.wait_for(ACKNOWLEDGED)
        session.execute(statement)
        listener.wait_for(CHANGED)
        found = [one for one in listed(client) if one.startswith(f"describe_{name}")]
        assert found == ([f"describe_{expected}"] if expected else []), statement
        listener.drop()


def test_no_list_is_kept_while_the_worker_hears_nothing(
    client: Client, session: Connection, governed: Governed, words: str
) -> None:
    keep_older(session, client, client, governed.tenant, words)
    ended = session.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'lakehouse-worker bus'"
    ).fetchone()
    assert ended == (1,)
    wait_until(lambda: words in text_of(client), 5, "the list of now")


def test_a_kept_list_is_nobody_elses(
    client: Client, session: Connection, governed: Governed
) -> None:
    keep_list(session, client)
    own = listed(client)
    with oauth_tenant(session) as tenant:
        for slug, scopes in (
            (tenant, ["warehouse:query"]),
            (governed.tenant, ["crm:read"]),
            (governed.tenant, ["crm:read", "warehouse:query"]),
        ):
            stranger = Client(sign_in(session, slug, "member", scopes).token)
            for _ in range(2):
                theirs = listed(stranger)
                has_table = any(name.startswith("warehouse_table__") for name in theirs)
                assert has_table is (slug == governed.tenant and "warehouse:query" in scopes)
                assert ("whoami" in theirs) is ("crm:read" in scopes)
    assert listed(client) == own


def test_a_kept_list_is_refused_to_a_revoked_token(
    client: Client, session: Connection, governed: Governed
) -> None:
    keep_list(session, client)
    session.execute("SELECT lakehouse.revoke_oauth_grants(%s)", [governed.tenant])
    assert client.send("tools/list").status_code == 401
