# SPDX-License-Identifier: PostgreSQL
"""The tool that docs/mcp.md adds, word for word: it runs as its caller, with progress, for every role."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Connection, connect
from mcp_caller import Caller, sign_in
from mcp_server import Client
from oauth_client import oauth_tenant

PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"


def example() -> str:
    blocks = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found = [block for block in blocks if "INSERT INTO lakehouse.tools" in block]
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def tenant() -> Iterator[str]:
    with connect() as session, oauth_tenant(session) as slug:
        session.execute(example())
        try:
            yield slug
        finally:
            session.execute("DELETE FROM lakehouse.tools WHERE name = 'stale_deals'")
            session.execute("DROP FUNCTION lakehouse.stale_deals")


@pytest.fixture(scope="module")
def callers(tenant: str) -> dict[str, Caller]:
    kinds = ("admin", "member", "readonly", "agent")
    with connect() as session:
        signed_in = {kind: sign_in(session, tenant, kind) for kind in kinds}
    account = signed_in["member"].call("create_account", name="Mills")["id"]
    signed_in["member"].call(
        "create_opportunity", name="Flour", account_id=account, close_date="2027-01-31"
    )
    return signed_in


@pytest.mark.parametrize("kind", ["admin", "member", "readonly", "agent"])
def test_it_answers_every_role(callers: dict[str, Caller], kind: str) -> None:
    deals = callers[kind].call("stale_deals", days=0)["deals"]
    assert [(deal["name"], deal["owner"]) for deal in deals] == [("Flour", "Member")]
    assert callers[kind].call("stale_deals") == {"deals": []}


def test_its_schema_is_enforced(callers: dict[str, Caller]) -> None:
    for arguments in ({"days": -1}, {"days": "many"}, {"weeks": 1}):
        failure = callers["member"].call("stale_deals", **arguments)["failure"]
        assert failure["code"] == "INVALID_ARGUMENT", failure


def test_it_reports_progress_to_who_wants_it(callers: dict[str, Caller]) -> None:
    answer = Client(callers["member"].token).send(
        "tools/call", {"name": "stale_deals", "arguments": {}, "_meta": {"progressToken": "p"}}
    )
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = [
        json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")
    ]
    steps = [event["params"] for event in events[:-1]]
    assert [(step["progress"], step["total"]) for step in steps] == [
        (number, 4) for number in range(1, 5)
    ]
    assert {step["message"] for step in steps} == {"Admin", "Member", "Readonly", "Agent"}
    assert events[-1]["result"]["structuredContent"] == {"deals": []}


def test_psql_has_it_too(session: Connection, tenant: str, callers: dict[str, Caller]) -> None:
    session.execute(f"SET search_path = {tenant}")
    row = session.execute("""SELECT lakehouse.stale_deals('{"days": 0}') -> 'deals'""").fetchone()
    assert row and [deal["name"] for deal in row[0]] == ["Flour"]
