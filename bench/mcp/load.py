# SPDX-License-Identifier: PostgreSQL
"""A request that can be sent many times: by wrk as load, or once, to see that its answer is right."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Measured:
    """Of one run of wrk."""

    p50_ms: float
    p95_ms: float
    per_second: float


@dataclass(frozen=True)
class Load:
    """POSTs to one URL. `bodies` are sent in turn; their JSON-RPC id is "@id@"."""

    url: str
    headers: dict[str, str]
    bodies: list[str]

    def ask_once(self) -> tuple[dict, float]:
        """The JSON-RPC result, and the milliseconds that it took on a connection of its own."""
        parts = urllib.parse.urlsplit(self.url)
        began = time.perf_counter()
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
        connection.request("POST", parts.path, self.bodies[0].replace('"@id@"', "1"), self.headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        took = 1000 * (time.perf_counter() - began)
        connection.close()
        return result_of(answer.status, text), took

    def run(self, connections: int, seconds: int, directory: Path) -> Measured:
        request = directory / "request"
        head = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        request.write_text(head + "\n" + "\n".join(self.bodies) + "\n", encoding="utf-8")
        words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "30s"]
        done = subprocess.run(
            [*words, "-s", str(SCRIPT), self.url],
            env={**os.environ, "LOAD_REQUEST": str(request)},
            capture_output=True,
            text=True,
            check=True,
        )
        counted = json.loads(done.stdout.splitlines()[-1])
        if counted["failed"] or not counted["requests"]:
            sys.exit(f"{self.url}: {counted['failed']} requests failed\n{done.stdout}")
        per_second = counted["requests"] / counted["seconds"]
        return Measured(counted["p50_ms"], counted["p95_ms"], per_second)


def result_of(status: int, text: str) -> dict:
    """Of an answer as JSON or as an event stream."""
    events = [line[6:] for line in text.splitlines() if line.startswith("data: ")]
    try:
        message = json.loads(events[-1] if events else text)
        result = message["result"]
    except (ValueError, KeyError):
        sys.exit(f"HTTP {status}, and no result: {text[:1000]}")
    if status != 200 or result.get("isError"):
        sys.exit(f"HTTP {status}: {text[:1000]}")
    return result
