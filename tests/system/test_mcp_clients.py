# SPDX-License-Identifier: PostgreSQL
"""Clients of MCP that know nothing of us: the Inspector, and the official SDKs in both eras.

What they check by themselves counts: messages against the protocol, results against output schemas.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import mcp_types
import pytest
from conftest import connect
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_server import CLIENTS, LEGACY, MODERN, run_node
from oauth_client import User, make_client, oauth_tenant, resource

INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
SCRIPT = CLIENTS.parents[2] / "tests" / "clients" / "mcp.mjs"
GO_CLIENT = CLIENTS.parent / "mcp-go"
NEWEST_LEGACY = LEGACY[0]
NOBODY = "00000000-0000-0000-0000-000000000000"
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
def token() -> Iterator[str]:
    with connect() as connection, oauth_tenant(connection) as tenant:
        user = User(f"member@{tenant}.example", tenant)
        yield user.tokens(make_client(connection, tenant), scope=None)["access_token"]


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


@pytest.mark.parametrize(
    ("mode", "revision"),
    [("sdk", NEWEST_LEGACY), ("legacy", NEWEST_LEGACY), ("auto", MODERN), (MODERN, MODERN)],
)
def test_typescript_client_does_its_work(
    token: str, steps: str, mode: str, revision: str
) -> None:
    name = "Visit " + secrets.token_hex(8)
    given = {"url": resource(), "token": token, "mode": mode, "name": name, "progress": steps}
    done = run_node(str(SCRIPT), given=json.dumps(given))
    assert done.returncode == 0, done.stderr[-4000:]
    check_visit(json.loads(done.stdout), name, revision)


@pytest.mark.parametrize("revision", [MODERN, *LEGACY])
def test_go_client_does_its_work(token: str, steps: str, revision: str) -> None:
    name = "Visit " + secrets.token_hex(8)
    given = {"url": resource(), "token": token, "mode": revision, "name": name, "progress": steps}
    done = subprocess.run(
        [GO_CLIENT], input=json.dumps(given), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-4000:]
    check_visit(json.loads(done.stdout), name, revision)


@pytest.mark.parametrize(
    ("mode", "revision"), [("legacy", NEWEST_LEGACY), ("auto", MODERN), (MODERN, MODERN)]
)
def test_python_client_does_its_work(token: str, steps: str, mode: str, revision: str) -> None:
    name = "Visit " + secrets.token_hex(8)
    check_visit(anyio.run(visit, token, mode, name, steps), name, revision)


async def visit(token: str, mode: str, name: str, steps: str) -> dict[str, Any]:
    """The same as clients/mcp.mjs."""
    headers = {"Authorization": f"Bearer {token}"}
    progress: list[float] = []

    async def hear(step: float, total: float | None, message: str | None) -> None:
        progress.append(step)

    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(resource(), http_client=http)
        async with Client(transport, mode=mode) as client:
            seen = {"tools": await every_tool(client), **described(client)}
            creation = {"name": name, "idempotency_key": name}
            seen["whoami"] = await structured(client, "whoami")
            seen["created"] = await structured(client, "create_account", **creation)
            seen["again"] = await structured(client, "create_account", **creation)
            fields = {"kind": "account", "fields": ["id", "name"]}
            seen["records"] = await structured(client, "list_records", **fields)
            seen["failed"] = wire(await client.call_tool("get_account", {"id": NOBODY}))
            resources = await client.list_resources()
            seen["resources"] = [str(found.uri) for found in resources.resources]
            seen["pipelines"] = wire(await client.read_resource("crm://pipelines"))
            seen["prompts"] = [prompt.name for prompt in (await client.list_prompts()).prompts]
            seen["prompt"] = wire(await client.get_prompt("account_brief", {"account": name}))
            seen["completion"] = wire(await complete(client, name[:6]))
            seen["steps"] = wire(await client.call_tool(steps, {}, progress_callback=hear))
            with pytest.raises(MCPError) as refused:
                await client.call_tool("no_such_tool", {})
            return {**seen, "progress": progress, "unknown": refused.value.error.code}


def described(client: Client) -> dict[str, Any]:
    """What the server says of itself; who pins a revision did not ask."""
    information = client.server_info or mcp_types.Implementation(name="-", version="-")
    return {
        "version": client.protocol_version,
        "server": wire(information),
        "instructions": client.instructions or (client.server_info is None and "-"),
    }


async def every_tool(client: Client) -> dict[str, Any]:
    names: list[str] = []
    pages, cursor = 0, None
    while pages == 0 or cursor is not None:
        page = await client.list_tools(cursor=cursor)
        names += [tool.name for tool in page.tools]
        pages, cursor = pages + 1, page.next_cursor
    return {"names": names, "pages": pages}


async def structured(client: Client, tool: str, **arguments: object) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error and result.structured_content is not None, result
    return result.structured_content


async def complete(client: Client, start: str) -> mcp_types.CompleteResult:
    reference = mcp_types.PromptReference(type="ref/prompt", name="account_brief")
    return await client.complete(reference, {"name": "account", "value": start})


def wire(model: Any) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True)
