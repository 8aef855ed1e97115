# SPDX-License-Identifier: PostgreSQL
"""Client of the stand-in's control endpoint, and of its API where a test needs a remote table."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable
from typing import Any


class Warehouse:
    """Orders faults and reads counters."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url

    @staticmethod
    def of_environment() -> Warehouse:
        return Warehouse(os.environ["STANDIN_CONTROL_URL"])

    def call(self, method: str, path: str, body: object | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}/{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def state(self) -> dict[str, Any]:
        return self.call("GET", "state")

    def order_fault(self, **fault: object) -> None:
        """See tests/standin/README.md for what a fault may say."""
        self.call("POST", "faults", fault)

    def forget_faults(self) -> None:
        self.call("DELETE", "faults")
        self.call("POST", "warehouse", {"state": "RUNNING"})

    def settings(self) -> dict[str, Any]:
        return self.call("GET", "settings")

    def change_settings(self, **values: object) -> None:
        self.call("POST", "settings", values)

    def event(self, name: str) -> None:
        self.call("POST", "events", {"event": name})

    def reset(self) -> None:
        """Forgets everything: statements, sessions, faults, settings."""
        self.call("POST", "reset", {})

    def struck(self) -> int:
        """How often the faults ordered so far were carried out."""
        return sum(fault["struck"] for fault in self.state()["faults"])

    def open_statements(self) -> dict[str, int]:
        statements = self.state()["statements"]
        return {name: statements[name] for name in ("open", "not_closed")}

    def is_quiet(self) -> bool:
        """No statement runs, and each one that ended was closed."""
        return not any(self.open_statements().values())

    def wait_quiet(self, seconds: float = 5) -> None:
        try:
            wait_until(self.is_quiet, seconds, "every remote statement closed")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.open_statements()}") from None

    def received(self) -> bytes:
        """Every request since the start, without credentials and without what execute() sent."""
        with urllib.request.urlopen(f"{self._url}/received", timeout=60) as answer:
            return bytes(answer.read())

    def execute(self, statement: str) -> None:
        """Runs a statement as another client of the warehouse would: CREATE TABLE, DROP VIEW."""
        body = {
            "warehouse_id": os.environ["WAREHOUSE_ID"],
            "statement": statement,
            "wait_timeout": "30s",
        }
        answer = self._api("POST", "statements", body)
        self._api("DELETE", f"statements/{answer['statement_id']}")
        if answer["status"]["state"] != "SUCCEEDED":
            raise AssertionError(f"{statement[:200]}: {answer['status']}")

    def _api(self, method: str, path: str, body: object | None = None) -> Any:
        url = f"{os.environ['WAREHOUSE_URL']}/api/2.0/sql/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method)
        request.add_header("Authorization", f"Bearer {os.environ['WAREHOUSE_TOKEN']}")
        request.add_header("X-Standin-Set-Up", "yes")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Waits for a condition; returns how long it took, fails after the deadline."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)
    return time.monotonic() - start
