# SPDX-License-Identifier: PostgreSQL
"""A cluster whose worker speaks through a tap, a tenant in it with a witness, and agents that call its tools."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from cluster import Cluster
from conftest import connect
from governed import set_up
from ledger import MARK
from mcp_caller import sign_in
from mcp_server import MODERN, Client
from tool_calls import Caller, caller
from valid_arguments import Records
from warehouse import Warehouse, wait_until
from wire_tap import Tap, TappedSession, tapped
from witness import SESSION, Rows, Witness

SETTINGS = [
    "listen_addresses = ''",
    "autovacuum = off",
]  # by the socket; catalogs change by calls alone
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WRITTEN = ("id", "account_id", "contact_id", "opportunity_id")
# Of a session of the worker that serves nobody.
AT_REST = {
    "users": ["lakehouse_worker", "lakehouse_worker", "none"],
    "search_path": '"$user", public',
    "modes": ["off", "off", "read committed", "off"],
    "setting": None,
    "temp": False,
    **dict.fromkeys(("cursors", "listens", "prepared", "locks"), 0),
    "settings": None,
}


def header_of(text: str) -> str:
    """As the modern era has it: what no header may hold goes in base64."""
    if re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", text) and not text.startswith("=?"):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


class Agent:
    """A client that keeps its connection."""

    def __init__(self, token: str, url: str, version: str = MODERN) -> None:
        self.client = Client(token, version)
        parts = urllib.parse.urlsplit(url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port or 80, timeout=60
        )
        self.written: set[str] = set()  # ids of the records that answers say were written

    def send(
        self, method: str, params: dict[str, Any], **changes: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer; `changes` replace members of the request itself."""
        body, headers = self.client.message(method, params)
        body.update(changes)
        headers = {key: header_of(value) for key, value in headers.items()}
        headers["Content-Type"] = "application/json"
        self._connection.request("POST", "/mcp", json.dumps(body).encode(), headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        assert MARK not in text, "a hidden value"
        if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            text = [line[6:] for line in text.splitlines() if line.startswith("data: ")][-1]
        return answer.status, json.loads(text) if text.startswith("{") else {"text": text}

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result; of a failed call {"failure": …}; of a request that is none {"error": …}."""
        status, answer = self.send("tools/call", {"name": tool, "arguments": arguments})
        if "result" not in answer:
            return {"error": answer, "status": status}
        if answer["result"].get("isError"):
            return {"failure": json.loads(answer["result"]["content"][0]["text"])}
        done = answer["result"]["structuredContent"]
        if "after" in done:
            self.written.update(done[key] for key in WRITTEN if key in done)
        return done

    def shake_hands(self) -> None:
        hello = {"name": "pytest", "version": "1"}
        version = {"protocolVersion": self.client.version, "capabilities": {}, "clientInfo": hello}
        body, headers = self.client.message("initialize", version)
        answer = requests.post(
            os.environ["LAKEHOUSE_URL"] + "/mcp", json=body, headers=headers, timeout=20
        )
        assert answer.status_code == 200, answer.text
        self.client.session_id = answer.headers["Mcp-Session-Id"]


@dataclass
class Stage:
    tap: Tap
    tenant: str
    superuser: psycopg.Connection[tuple]
    witness: Witness
    agents: dict[str, Agent]
    records: Records
    tools: list[dict[str, Any]]
    heard: dict[TappedSession, int] = field(default_factory=dict)

    def new_agent(self, kind: str, version: str) -> Agent:
        signed_in = sign_in(self.superuser, self.tenant, kind)
        return Agent(signed_in.token, signed_in.url, version)

    def meant(self, text: str) -> str:
        """A payload with the file that it would make."""
        return text.replace("<file>", str(self.witness.file))

    def strayed(self) -> list[Any]:
        """Sessions that spoke since the last look and are not as they were, and those that are gone."""
        found: list[Any] = []
        for session in self.tap.live():
            if self.heard.get(session) == session.spoken or session.user != "lakehouse_worker":
                continue
            self.heard[session] = session.spoken
            state = session.ask(SESSION)
            if state != AT_REST:
                found.append(state)
        return found + [session for session in self.heard if session.has_ended]

    def unexplained(self, before: Rows) -> list[tuple[str, str]]:
        """Records that went; that changed, or came, and no answer to a call says so."""
        after = self.witness.rows()
        written = set().union(*(agent.written for agent in self.agents.values()))
        known = written | self.records.made
        found = [key for key in before if key not in after]
        for key, text in after.items():
            is_changed = key in before and before[key] != text and key[1] not in written
            if is_changed or key not in before and not known & set(UUID.findall(text)):
                found.append(key)
        return found


def restart_worker(session: psycopg.Connection[tuple]) -> None:
    """So that all that it ever says goes through the tap."""
    sessions = "SELECT FROM pg_stat_activity WHERE usename = 'lakehouse_worker'"
    for value in ("off", "on"):
        session.execute(f"ALTER SYSTEM SET lakehouse.worker_autostart = {value}")
        session.execute("SELECT pg_reload_conf()")
        if value == "off":
            wait_until(lambda: not session.execute(sessions).fetchall(), 20, "the worker stops")
    wait_until(is_ready, 30, "the worker is ready")
    session.execute("ALTER SYSTEM RESET lakehouse.worker_autostart")


def is_ready() -> bool:
    try:
        return requests.get(os.environ["LAKEHOUSE_URL"] + "/ready", timeout=5).status_code == 200
    except requests.ConnectionError:
        time.sleep(0.05)
        return False


@contextmanager
def environment(changes: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def stage(directory: Path) -> Iterator[Stage]:
    cluster = Cluster(directory / "cluster", SETTINGS)
    names = cluster.environment
    socket = Path(names["PGHOST"]) / f".s.PGSQL.{names['PGPORT']}"
    try:
        with tapped(socket) as tap, environment(
            {**names, "PGHOST": str(tap.direct)}
        ), connect() as superuser:
            restart_worker(superuser)
            tenant = set_up(Warehouse.of_environment()).tenant
            with caller(tenant, "admin") as admin:
                yield prepared(tap, superuser, admin, socket.parents[1] / "left-behind")
    finally:
        cluster.stop()


def prepared(tap: Tap, superuser: psycopg.Connection[tuple], admin: Caller, file: Path) -> Stage:
    tenant = admin.tenant
    superuser.execute("SELECT lakehouse.set_tenant_limits(%s, 1000000, 1000000)", [tenant])
    witness = Witness(superuser, tenant, file)
    witness.set_up()
    agents = {}
    for kind in ("admin", "member", "readonly", "agent"):
        signed_in = sign_in(superuser, tenant, kind)
        agents[kind] = Agent(signed_in.token, signed_in.url)
    records = Records(admin)
    started = agents["admin"].call("start_warehouse_query", {"sql": "SELECT 1"})
    records.known["started"] = started["query_id"]
    listed = agents["admin"].send("tools/list", {})[1]["result"]
    assert len(listed["tools"]) >= 35 and "nextCursor" not in listed
    return Stage(tap, tenant, superuser, witness, agents, records, listed["tools"])
