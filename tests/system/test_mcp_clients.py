# SPDX-License-Identifier: PostgreSQL
"""Clients of MCP that know nothing of us: the Inspector, and the official SDKs in both eras.

What they check by themselves counts: messages against the protocol, results against output schemas.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from browser import Person, converse
from conftest import Connection, connect
from mcp_server import CLIENTS, LEGACY, MODERN, NODE, SCRIPTS, run_node
from oauth_client import User, make_client, resource
from oauth_fixtures import own_tenant  # noqa: F401
from playwright.sync_api import Browser

INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
GO_CLIENT = CLIENTS.parent / "mcp-go"
GRANTS = "(SELECT id FROM lakehouse.oauth_grants WHERE client_id = %s)"
EXPIRE = f"UPDATE lakehouse.oauth_access_tokens SET expires_at = now() WHERE grant_id IN {GRANTS}"
IS_RENEWED = f"SELECT max(expires_at) > now() FROM lakehouse.oauth_access_tokens WHERE grant_id IN {GRANTS}"
# Long enough for a second page of tools; comes last.
STEPS = "zz_count_in_steps"
MAKE_STEPS = f"""
CREATE FUNCTION lakehouse.{STEPS}(arguments jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    FOR step IN 1 .. 3 LOOP
        PERFORM lakehouse.report_progress(step, 3);
    END LOOP;
    RETURN '{{"steps": 3}}';
END
$$;
GRANT EXECUTE ON FUNCTION lakehouse.{STEPS}(jsonb) TO lakehouse_user;
INSERT INTO lakehouse.tools (name, title, description, scope, function, input_schema, output_schema,
                             read_only, destructive, idempotent, open_world)
VALUES ('{STEPS}', 'Count', repeat('Counts. ', 16384), 'crm:read', 'lakehouse.{STEPS}', '{{"type": "object"}}',
        '{{"type": "object", "required": ["steps"], "properties": {{"steps": {{"type": "integer"}}}}}}',
        true, false, true, false);
"""
FORGET_STEPS = f"""
DELETE FROM lakehouse.tools WHERE name = '{STEPS}';
DROP FUNCTION lakehouse.{STEPS}(jsonb);
"""


@pytest.fixture(scope="module")
def token(tenant: str) -> str:
    with connect() as connection:
        user = User(f"member@{tenant}.example", tenant)
        return user.tokens(make_client(connection, tenant), scope=None)["access_token"]


@pytest.fixture(scope="module")
def person(browser: Browser, tenant: str) -> Person:
    return Person(browser, tenant)


@pytest.fixture(scope="module")
def steps() -> Iterator[str]:
    """A tool that tells of its progress."""
    with connect() as connection:
        connection.execute(MAKE_STEPS)
        yield STEPS
        connection.execute(FORGET_STEPS)


def inspect(token: str, era: str, method: str, *options: str) -> dict[str, Any]:
    done = run_node(
        INSPECTOR,
        *("--cli", resource(), "--transport", "http", "--protocol-era", era, "--format", "json"),
        *("--header", f"Authorization: Bearer {token}", "--method", method, *options),
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout)["result"]


@pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
def test_inspector_finds_everything_in_order(token: str, era: str) -> None:
    tools = inspect(token, era, "tools/list", "--strict")["tools"]
    assert {"whoami", "list_records", "create_account"} <= {tool["name"] for tool in tools}
    called = inspect(token, era, "tools/call", "--tool-name", "list_pipelines")
    assert called["structuredContent"] == json.loads(called["content"][0]["text"])
    uris = [found["uri"] for found in inspect(token, era, "resources/list")["resources"]]
    assert "crm://pipelines" in uris
    read = inspect(token, era, "resources/read", "--uri", "crm://pipelines")
    assert json.loads(read["contents"][0]["text"])
    prompts = inspect(token, era, "prompts/list")["prompts"]
    assert "account_brief" in [prompt["name"] for prompt in prompts]


def test_inspector_is_told_that_a_token_is_no_good() -> None:
    done = run_node(
        INSPECTOR,
        *("--cli", resource(), "--transport", "http", "--method", "tools/list"),
        *("--protocol-era", "auto", "--header", "Authorization: Bearer no-such-token"),
    )
    assert done.returncode == 3, done.stdout[-2000:] + done.stderr[-2000:]  # authorization


def check_visit(seen: dict[str, Any], name: str, revision: str) -> None:
    """What every SDK brings home, in the wire's own words."""
    assert seen["version"] == revision
    assert seen["server"]["name"] and seen["instructions"]
    assert seen["tools"]["names"] == sorted(set(seen["tools"]["names"]))
    assert seen["tools"]["names"][-1] == STEPS
    assert seen["tools"].get("pages", 2) == 2
    assert seen["whoami"]["user"]["email"].startswith("member@")
    assert seen["created"]["after"]["name"] == name
    assert seen["again"]["id"] == seen["created"]["id"]
    assert name in [record["name"] for record in seen["records"]["records"]]
    assert seen["failed"]["isError"] is True
    assert json.loads(seen["failed"]["content"][0]["text"])["code"] == "NOT_FOUND"
    assert {"crm://schema", "crm://pipelines", "crm://dashboards"} <= set(seen["resources"])
    assert seen["pipelines"]["contents"][0]["uri"] == "crm://pipelines"
    assert json.loads(seen["pipelines"]["contents"][0]["text"])
    assert "account_brief" in seen["prompts"]
    assert name in seen["prompt"]["messages"][0]["content"]["text"]
    assert name in seen["completion"]["completion"]["values"]
    assert seen["steps"]["structuredContent"] == {"steps": 3}
    assert seen["progress"] == [1, 2, 3]
    assert seen["unknown"] == -32602


def sdks() -> list[Any]:
    """Commands, their modes and the revision that is agreed on in each."""
    python = [sys.executable, str(SCRIPTS / "mcp_visit.py")]
    typescript = [str(NODE), str(SCRIPTS / "mcp.mjs")]
    eras = [("legacy", LEGACY[0]), ("auto", MODERN), (MODERN, MODERN)]
    return [
        pytest.param(command, mode, revision, id=f"{name}-{mode}")
        for name, command, modes in (
            ("typescript", typescript, [("sdk", LEGACY[0]), *eras]),
            ("python", python, eras),
            ("go", [str(GO_CLIENT)], [(revision, revision) for revision in (MODERN, *LEGACY)]),
        )
        for mode, revision in modes
    ]


@pytest.mark.parametrize(("command", "mode", "revision"), sdks())
def test_sdk_signs_in_by_browser_and_does_its_work(
    session: Connection,
    person: Person,
    steps: str,
    command: list[str],
    mode: str,
    revision: str,
) -> None:
    """Its person is asked once, though the token expires on the way."""
    application = make_client(
        session,
        person.tenant,
        redirect_uris=["http://127.0.0.1/callback"],
        is_public=True,
        allow_refresh_tokens=True,
    )

    def expire(client_id: str) -> None:
        assert session.execute(EXPIRE, [client_id]).rowcount == 1

    name = "Visit " + secrets.token_hex(8)
    given = {
        "url": resource(),
        "client_id": application.client_id,
        "mode": mode,
        "name": name,
        "progress": steps,
    }
    check_visit(converse(command, given, open=person.agree, expire=expire), name, revision)
    assert session.execute(IS_RENEWED, [application.client_id]).fetchone() == (True,)
