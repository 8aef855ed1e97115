# SPDX-License-Identifier: PostgreSQL
"""A client with an access token of its own, which calls tools over /mcp as the modern era has it.

The token is made in the database, as if its user had just signed in and agreed.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import secrets
import urllib.parse
import zlib
from dataclasses import dataclass
from typing import Any

import psycopg
from mcp_server import META, MODERN

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SCOPES = ["crm:read", "crm:write", "warehouse:query"]


def new_token() -> str:
    text = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    number, checksum = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        checksum = BASE62[digit] + checksum
    return f"lkh_at_{text}{checksum}"


@dataclass(frozen=True)
class Caller:
    """A user of a tenant, by a client."""

    token: str
    client_id: str
    url: str

    def open(self) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)

    def send(self, connection: http.client.HTTPConnection, tool: str, **arguments: object) -> None:
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": META},
        }
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": "tools/call",
            "Mcp-Name": tool,
        }
        connection.request("POST", "/mcp", json.dumps(body), headers)

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """The tool's result; of a failed call {"failure": …}."""
        connection = self.open()
        try:
            self.send(connection, tool, **arguments)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == 200, (answer.status, text)
        result = json.loads(text)["result"]
        if result.get("isError"):
            return {"failure": json.loads(result["content"][0]["text"])}
        return result["structuredContent"]


def sign_in(
    session: psycopg.Connection[tuple], tenant: str, kind: str, scopes: list[str] | None = None
) -> Caller:
    """As the tenant's user of this kind, with all scopes unless some are named."""
    scopes = scopes or SCOPES
    url = os.environ["LAKEHOUSE_URL"]
    client_id = "crm_" + secrets.token_hex(16)
    session.execute(
        "INSERT INTO lakehouse.oauth_clients (client_id, tenant_id, name, kind, redirect_uris, scopes)"
        " VALUES (%s, lakehouse.find_tenant(%s), %s, 'public', ARRAY['https://client.example/callback'], %s)",
        [client_id, tenant, f"{kind} {client_id[-6:]}", scopes],
    )
    grant = session.execute(
        "INSERT INTO lakehouse.oauth_grants (client_id, tenant_id, user_id, scopes, resource)"
        f" SELECT %s, lakehouse.find_tenant(%s), u.id, %s, %s FROM {tenant}.users u WHERE u.role = %s LIMIT 1"
        " RETURNING id",
        [client_id, tenant, scopes, f"{url}/mcp", kind],
    ).fetchone()
    assert grant is not None
    token = new_token()
    session.execute(
        "SELECT lakehouse.issue_oauth_tokens(%s, %s, %s, 3600, NULL)",
        [grant[0], scopes, hashlib.sha256(token.encode()).digest()],
    )
    return Caller(token, client_id, url)
