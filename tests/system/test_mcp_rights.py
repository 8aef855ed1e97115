# SPDX-License-Identifier: PostgreSQL
"""Every tool for every scope set and role: done, or the exact challenge; and no tenant reads another's."""

from __future__ import annotations

import itertools
import os
import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg
import pytest
from conftest import connect, connect_warehouse
from governed import Governed
from mcp_caller import SCOPES, Caller, sign_in
from mcp_server import Client

ROLES = ("admin", "member", "readonly", "agent")
SCOPE_SETS = [
    list(chosen)
    for size in range(1, len(SCOPES) + 1)
    for chosen in itertools.combinations(SCOPES, size)
]
# Without these a write tool would refuse its arguments before anybody's rights matter.
WRITES: dict[str, dict] = {
    "create_account": {"name": "Rights GmbH"},
    "create_lead": {"last_name": "Rights", "company": "Rights GmbH"},
    "create_record": {"kind": "lead", "values": {"last_name": "Rights", "company": "Rights GmbH"}},
}


def unlimit(session: psycopg.Connection[tuple], tenant: str) -> None:
    session.execute("SELECT lakehouse.set_tenant_limits(%s, 1000000, 1000000)", [tenant])


@pytest.fixture(scope="module")
def scopes_of(governed: Governed) -> dict[str, str]:
    """Each tool of the tenant and the scope that it needs."""
    with connect() as session:
        unlimit(session, governed.tenant)
        rows = session.execute(
            "SELECT t ->> 'name', (SELECT f.scope FROM lakehouse.find_tool(n.id, t ->> 'name') f)"
            " FROM lakehouse.tenants n, jsonb_array_elements(lakehouse.list_tools(n.id, %s)) t"
            " WHERE n.slug = %s",
            [SCOPES, governed.tenant],
        ).fetchall()
    assert len(rows) >= 35
    return dict(rows)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("scopes", SCOPE_SETS, ids="+".join)
def test_a_tool_runs_or_names_the_scope_it_needs(
    role: str, scopes: list[str], governed: Governed, scopes_of: dict[str, str]
) -> None:
    with connect() as session:
        caller = sign_in(session, governed.tenant, role, scopes)
    client = Client(caller.token)
    listed = {tool["name"] for tool in client.result("tools/list")["tools"]}
    assert listed == {name for name, scope in scopes_of.items() if scope in scopes}
    origin = os.environ["LAKEHOUSE_URL"]
    for name, scope in scopes_of.items():
        arguments = dict(WRITES.get(name, {}))
        if name in WRITES:
            arguments["idempotency_key"] = str(uuid.uuid4())
        answer = client.send("tools/call", {"name": name, "arguments": arguments})
        if scope not in scopes:
            assert answer.status_code == 403, (name, answer.text)
            challenge = answer.headers["WWW-Authenticate"]
            assert challenge.startswith("Bearer ")
            assert 'error="insufficient_scope"' in challenge and f'scope="{scope}"' in challenge
            metadata = f'resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp"'
            assert metadata in challenge
            continue
        assert answer.status_code == 200, (name, answer.text)
        result = answer.json()["result"]
        if name in WRITES:
            is_denied = '"FORBIDDEN"' in result["content"][0]["text"]
            assert is_denied is (role == "readonly"), (name, result)
            assert bool(result.get("isError")) is is_denied, (name, result)


@dataclass
class Owned:
    """A tenant whose every text bears its own word, and ids of all kinds that belong to it."""

    slug: str
    word: str
    caller: Caller
    ids: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    session_id: str = ""


def own(session: psycopg.Connection[tuple]) -> Owned:
    slug = "r" + uuid.uuid4().hex[:8]
    word = "w" + uuid.uuid4().hex
    session.execute("SELECT lakehouse.create_tenant(%s)", [slug])
    unlimit(session, slug)
    session.execute(
        "SELECT lakehouse.create_user(%s, %s, %s, 'member')", [slug, f"m@{slug}.example", word]
    )
    ids: list[str] = []
    for table, columns, values in (
        ("accounts", "name, domain", f"'{word}', '{word}.example'"),
        ("leads", "last_name, company", f"'{word}', '{word}'"),
    ):
        row = session.execute(
            f"INSERT INTO {slug}.{table} ({columns}, owner_id)"
            f" SELECT {values}, id FROM {slug}.users LIMIT 1 RETURNING id::text"
        ).fetchone()
        assert row
        ids.append(row[0])
    for table in ("users", "pipelines", "pipeline_stages"):
        ids += [row[0] for row in session.execute(f"SELECT id::text FROM {slug}.{table}").fetchall()]
    connect_warehouse(session, slug, "wh")
    session.execute(f"IMPORT FOREIGN SCHEMA tpch LIMIT TO (nation) FROM SERVER {slug}_wh INTO {slug}")
    row = session.execute(
        "SELECT lakehouse.expose(%s, %s::regclass, NULL, NULL, description => %s)::text",
        [slug, f"{slug}.nation", word],
    ).fetchone()
    assert row
    ids.append(row[0])
    owned = Owned(slug, word, sign_in(session, slug, "member"), ids)
    client = Client(owned.caller.token)
    owned.tools = [tool["name"] for tool in client.result("tools/list")["tools"]]
    legacy = Client(owned.caller.token, "2025-11-25")
    legacy.shake_hands()
    assert legacy.session_id
    owned.session_id = legacy.session_id
    started = client.call("start_warehouse_query", sql=f"SELECT n_name FROM {slug}.nation LIMIT 1")
    owned.ids.append(started["structuredContent"]["query_id"])
    return owned


@pytest.fixture(scope="module")
def two_tenants() -> Iterator[tuple[Owned, Owned]]:
    with connect() as session:
        first, second = own(session), own(session)
        yield first, second
        for owned in (first, second):
            session.execute("SELECT lakehouse.drop_tenant(%s)", [owned.slug])


# Any argument that names something, of any tool.
NAMING = ("id", "record_id", "account_id", "lead_id", "query_id", "owner_id", "query", "cursor", "uri")


def attempt(chance: random.Random, mine: Owned, theirs: Owned) -> str:
    """One request as `mine` for something of the other tenant; returns all that came back."""
    client = Client(mine.caller.token)
    wanted = chance.choice([*theirs.ids, theirs.word, theirs.slug])
    kind = chance.choice(["account", "lead", "user", "opportunity", "pipeline"])
    roll = chance.random()
    if roll < 0.6:
        tool = chance.choice([*mine.tools, *theirs.tools])
        arguments: dict = {chance.choice(NAMING): wanted}
        if chance.random() < 0.7:
            arguments["kind"] = kind
        if chance.random() < 0.3:
            arguments = {"id": wanted, "kind": kind}
        answer = client.send("tools/call", {"name": tool, "arguments": arguments})
    elif roll < 0.7:
        table = chance.choice(["nation", "accounts", "users"])
        tool = chance.choice([*mine.tools, "start_warehouse_query"])
        sql = f"SELECT * FROM {theirs.slug}.{table}"
        answer = client.send("tools/call", {"name": tool, "arguments": {"sql": sql}})
    elif roll < 0.8:
        uri = chance.choice(["crm://schema", f"crm://{theirs.slug}", f"crm://accounts/{wanted}"])
        answer = client.send("resources/read", {"uri": uri})
    elif roll < 0.9:
        argument = {"name": "account", "value": theirs.word[:8]}
        ref = {"type": "ref/prompt", "name": "account_brief"}
        answer = client.send("completion/complete", {"ref": ref, "argument": argument})
    else:
        legacy = Client(mine.caller.token, "2025-11-25")
        legacy.session_id = theirs.session_id
        answer = legacy.send("tools/list")
        assert answer.status_code == 404, answer.text
    assert answer.status_code in (200, 400, 404), (answer.status_code, answer.text)
    return answer.text + str(answer.headers)


def swap(two_tenants: tuple[Owned, Owned], count: int, seed: int) -> None:
    chances = [random.Random(f"{seed}.{i}") for i in range(count)]

    def one(chance: random.Random) -> None:
        mine, theirs = chance.sample(two_tenants, 2)
        said = attempt(chance, mine, theirs)
        # What was asked for may come back as the name of what there is not; their word never does
        # unless it was sent.
        assert said.count(theirs.word) <= 1 or "does not exist" in said, said

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(one, chances):
            pass


def test_no_tenant_reads_anothers(two_tenants: tuple[Owned, Owned]) -> None:
    assert two_tenants[0].word != two_tenants[1].word
    swap(two_tenants, 1500, 4)


@pytest.mark.long
def test_no_tenant_reads_anothers_in_many_requests(two_tenants: tuple[Owned, Owned]) -> None:
    swap(two_tenants, 100_000, 5)
