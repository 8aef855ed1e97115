# SPDX-License-Identifier: PostgreSQL
"""An agent that goes on whatever happens to the server: it repeats a call, under the same idempotency
key, until it has an answer, and remembers what it sent and what it was answered."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mcp_server import MODERN, Client
from oauth_client import origin

ANSWER_S = 40.0
PATIENCE_S = 60.0  # one call, with all its repetitions
PAUSE_S = 0.05
LOST = (OSError, http.client.HTTPException)
# What a worker says that has lost something itself; the call may be repeated.
PASSING_FAILURES = {"UNAVAILABLE"}


Call = tuple[str, bytes]  # what the audit log knows of it: tool and SHA-256 of its arguments


@dataclass
class Calls:
    sent: Counter[Call] = field(default_factory=Counter)
    answered: Counter[Call] = field(default_factory=Counter)
    keys: dict[str, Call] = field(default_factory=dict)  # of writes, by idempotency key


@dataclass(frozen=True)
class Deal:
    """What one round of work has made, as the answers say."""

    name: str
    lead: str
    account: str
    contact: str
    opportunity: str
    version: int
    activity: str


class BusyClient(threading.Thread):
    """Turns leads into deals until told to end. A session that it has begun is never begun anew."""

    def __init__(self, token: str, version: str, name: str, query: str, table: str) -> None:
        super().__init__(daemon=True)
        self.client = Client(token, version)
        self.name, self.query, self.table = name, query, table
        self.calls = Calls()
        self.deals: list[Deal] = []
        self.answers = 0
        self.losses = 0  # calls that ended without an answer
        self.error: BaseException | None = None
        self._ending = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        if version != MODERN:
            self.client.shake_hands()

    def end(self) -> None:
        """After the round under way."""
        self._ending.set()

    def run(self) -> None:
        try:
            while not self._ending.is_set():
                self.deals.append(self._make_deal(f"{self.name} {len(self.deals)}"))
        except BaseException as error:  # the test's thread raises it
            self.error = error

    def _make_deal(self, name: str) -> Deal:
        made = self._write("create_lead", name, last_name=name, company=name, source="busy")
        turned = self._write("convert_lead", name, id=made["id"], close_date="2031-01-31")
        deal = turned["opportunity_id"]
        version = self._call("get_record", kind="opportunity", id=deal)["record"]["row_version"]
        moved = self._write(
            "update_opportunity_stage", name, id=deal, stage="Discovery", expected_version=version
        )
        assert moved["version"] == version + 1, moved
        self._count_rows(len(self.deals) % 30 + 5)
        noted = self._write(
            "create_activity", name, type="note", subject=name, opportunity_id=deal
        )
        return Deal(
            name,
            made["id"],
            turned["account_id"],
            turned["contact_id"],
            deal,
            moved["version"],
            noted["id"],
        )

    def _count_rows(self, below: int) -> None:
        statement = f"SELECT count(*) FROM {self.table} WHERE amount < {below}"
        counted = self._call(self.query, sql=statement)
        assert counted["rows"] == [[below]], counted

    def _write(self, tool: str, name: str, **arguments: object) -> dict[str, Any]:
        return self._call(tool, **arguments, idempotency_key=f"{tool} {name}")

    def _call(self, tool: str, **arguments: object) -> dict[str, Any]:
        what = (tool, hashlib.sha256(json.dumps(arguments).encode()).digest())
        if "idempotency_key" in arguments:
            self.calls.keys[str(arguments["idempotency_key"])] = what
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            result = self._attempt(what, tool, arguments)
            if result is not None:
                return result
            time.sleep(PAUSE_S)
        raise AssertionError(f"{tool} {arguments}: no answer within {PATIENCE_S} s")

    def _attempt(
        self, what: Call, tool: str, arguments: dict[str, object]
    ) -> dict[str, Any] | None:
        """Nothing if the call is to be repeated."""
        body, headers = self.client.message("tools/call", {"name": tool, "arguments": arguments})
        self.calls.sent[what] += 1
        try:
            status, text = self._post(json.dumps(body), headers)
        except LOST:
            self.losses += 1
            self._disconnect()
            return None
        if status == 503:
            return None
        assert status == 200, (tool, arguments, status, text)
        self.calls.answered[what] += 1
        self.answers += 1
        result = json.loads(text)["result"]
        if not result.get("isError"):
            return result["structuredContent"]
        failure = json.loads(result["content"][0]["text"])
        assert failure["code"] in PASSING_FAILURES, (tool, arguments, failure)
        return None

    def _post(self, body: str, headers: dict[str, str]) -> tuple[int, str]:
        if self._connection is None:
            target = urlsplit(origin())
            self._connection = http.client.HTTPConnection(
                target.hostname or "", target.port, timeout=ANSWER_S
            )
        headers["Content-Type"] = "application/json"
        self._connection.request("POST", "/mcp", body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
