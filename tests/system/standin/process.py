# SPDX-License-Identifier: PostgreSQL
"""Starts and stops a stand-in warehouse, and speaks to it as a plain HTTP client.

Other suites may use it too: `Standin.start(...)` gives a running service.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

SERVE = Path(__file__).resolve().parents[2] / "standin" / "serve.py"
STATEMENTS = "/api/2.0/sql/statements"
START_SECONDS = 300


class Standin:
    """A running service; every attribute of its ready file is an attribute here."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any], ca: str | None):
        self.process = process
        self.url: str = ready["url"]
        self.links_url: str = ready["links_url"]
        self.control_url: str = ready["control_url"]
        self.warehouse_id: str = ready["warehouse_id"]
        self.token: str = ready["token"]
        self.client_id: str = ready["client_id"]
        self.client_secret: str = ready["client_secret"]
        self.catalog: str = ready["catalog"]
        self.ca_file = ca
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = ca or True

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the control endpoint; fails the test when it is refused."""
        answer = self.http.request(method, f"{self.control_url}/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> dict[str, Any]:
        return self.control("GET", "state")

    def fault(self, **order: Any) -> None:
        self.control("POST", "faults", order)

    def settings(self, **values: Any) -> None:
        self.control("POST", "settings", values)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """A call of the API with the access token."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.http.request(
            method, self.url + path, json=body, headers=headers, allow_redirects=False, **more
        )

    def post(self, statement: str, **fields: Any) -> requests.Response:
        body = {"statement": statement, "warehouse_id": self.warehouse_id, **fields}
        return self.call("POST", STATEMENTS, body)

    def execute(self, statement: str, **fields: Any) -> dict[str, Any]:
        """Run a statement to its end and return the last answer."""
        answer = self.post(statement, **{"wait_timeout": "50s", **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, statement: str, **fields: Any) -> list[list[str | None]]:
        """The rows of an inline result; fails the test when the statement failed."""
        value = self.execute(statement, **fields)
        assert value["status"]["state"] == "SUCCEEDED", value["status"]
        return value["result"].get("data_array", [])

    def poll(self, statement_id: str, *states: str, seconds: float = 30) -> dict[str, Any]:
        """Ask for the status until it is one of `states`."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.call("GET", f"{STATEMENTS}/{statement_id}").json()
            if value["status"]["state"] in states:
                return value
            assert time.monotonic() < deadline, f"still {value['status']['state']}"
            time.sleep(0.02)

    def rss_bytes(self) -> int:
        """Resident memory of the service."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")


@contextlib.contextmanager
def running(
    data: Path,
    ready_file: Path,
    *options: str,
    tls: tuple[Path, Path, Path] | None = None,
    python: str | None = None,
) -> Iterator[Standin]:
    """Start a service, and stop it with SIGTERM; `tls` is (CA, certificate, key)."""
    python = python or os.environ.get("STANDIN_PYTHON", sys.executable)
    command = [python, str(SERVE), "--data", str(data), "--ready-file", str(ready_file), *options]
    if tls is not None:
        command += ["--tls-cert", str(tls[1]), "--tls-key", str(tls[2])]
    ready_file.unlink(missing_ok=True)
    process = subprocess.Popen(command)
    try:
        ready = _await(process, ready_file)
        yield Standin(process, ready, str(tls[0]) if tls else None)
    finally:
        process.terminate()
        assert process.wait(60) == 0


def _await(process: subprocess.Popen[bytes], ready_file: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while not ready_file.exists():
        assert process.poll() is None, f"the stand-in ended with {process.returncode}"
        assert time.monotonic() < deadline, "the stand-in did not become ready"
        time.sleep(0.05)
    return json.loads(ready_file.read_text(encoding="utf-8"))
