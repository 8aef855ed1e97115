# SPDX-License-Identifier: PostgreSQL
"""The official Python client of MCP, which knows nothing of us: signs in, then does what mcp.mjs does.

Says it in the same words; mode is legacy, auto or a pinned revision.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx2
import mcp_types
from mcp import Client, MCPError
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

NOBODY = "00000000-0000-0000-0000-000000000000"


def say(**said: object) -> None:
    print(json.dumps(said), flush=True)


def hear() -> dict[str, Any]:
    return json.loads(sys.stdin.readline())


class Listener(HTTPServer):
    """Where the person's browser comes back to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Callback)
        self.redirect = f"http://127.0.0.1:{self.server_port}/callback"
        self.answer: dict[str, str] = {}

    async def open(self, url: str) -> None:
        say(open=url)

    async def wait(self) -> AuthorizationCodeResult:
        await anyio.to_thread.run_sync(self.handle_request)
        hear()
        return AuthorizationCodeResult.model_validate(self.answer)


class Callback(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        self.server.answer = dict(parse_qsl(urlsplit(self.path).query))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Signed in.")

    def log_message(self, *_: object) -> None:
        pass


class Store:
    """Of what the application keeps for the SDK: all that there is at first is the client."""

    def __init__(self, client: OAuthClientInformationFull) -> None:
        self.client = client

    async def get_client_info(self) -> OAuthClientInformationFull:
        return self.client

    async def set_client_info(self, client: OAuthClientInformationFull) -> None:
        self.client = client

    async def get_tokens(self) -> None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        pass


def sign_in_with(given: dict[str, Any], listener: Listener) -> OAuthClientProvider:
    about: dict[str, Any] = {
        "redirect_uris": [listener.redirect],
        "token_endpoint_auth_method": "none",
    }
    client = OAuthClientInformationFull(client_id=given["client_id"], **about)
    metadata = OAuthClientMetadata(**about)
    return OAuthClientProvider(
        given["url"], metadata, Store(client), listener.open, listener.wait
    )


async def visit(given: dict[str, Any]) -> dict[str, Any]:
    progress: list[float] = []

    async def hear_step(step: float, total: float | None, message: str | None) -> None:
        progress.append(step)

    with Listener() as listener:
        provider = sign_in_with(given, listener)
        async with httpx2.AsyncClient(auth=provider, timeout=60) as http:
            transport = streamable_http_client(given["url"], http_client=http)
            async with Client(transport, mode=given["mode"]) as client:
                seen = {"tools": await every_tool(client), **described(client)}
                seen |= await calls(client, provider, given)
                seen |= await library(client, given["name"])
                watched = await client.call_tool(given["progress"], {}, progress_callback=hear_step)
                seen["steps"] = wire(watched)
                try:
                    await client.call_tool("no_such_tool", {})
                except MCPError as refused:
                    seen["unknown"] = refused.error.code
    return {**seen, "progress": progress}


async def calls(
    client: Client, provider: OAuthClientProvider, given: dict[str, Any]
) -> dict[str, Any]:
    creation = {"name": given["name"], "idempotency_key": given["name"]}
    whoami = await structured(client, "whoami")
    created = await structured(client, "create_account", **creation)
    provider.context.token_expiry_time = 1  # an hour passes, here and at the server
    say(expire=given["client_id"])
    hear()
    fields = {"kind": "account", "fields": ["id", "name"]}
    return {
        "whoami": whoami,
        "created": created,
        "again": await structured(client, "create_account", **creation),
        "records": await structured(client, "list_records", **fields),
        "failed": wire(await client.call_tool("get_account", {"id": NOBODY})),
    }


async def library(client: Client, name: str) -> dict[str, Any]:
    reference = mcp_types.PromptReference(type="ref/prompt", name="account_brief")
    start = {"name": "account", "value": name[:6]}
    resources = await client.list_resources()
    return {
        "resources": [str(found.uri) for found in resources.resources],
        "pipelines": wire(await client.read_resource("crm://pipelines")),
        "prompts": [prompt.name for prompt in (await client.list_prompts()).prompts],
        "prompt": wire(await client.get_prompt("account_brief", {"account": name})),
        "completion": wire(await client.complete(reference, start)),
    }


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


def wire(model: Any) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True)


if __name__ == "__main__":
    say(seen=anyio.run(visit, hear()))
