# SPDX-License-Identifier: PostgreSQL
"""One request, sent once to see that its answer is right, then many times by wrk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Measured:
    per_second: float
    mb_per_second: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Request:
    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def ask_once(self) -> tuple[dict[str, str], bytes]:
        """Headers, in lower case, and body."""
        data = self.body.encode() or None
        asked = urllib.request.Request(self.url, data, dict(self.headers), method=self.method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, answer.read()

    def run(self, connections: int, seconds: int, directory: Path, pause_ms: int = 0) -> Measured:
        """By one thread; a pause makes each connection wait between its requests."""
        file = directory / "request"
        head = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        file.write_text(f"{self.method}\n{head}\n{self.body}", encoding="utf-8")
        words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "30s", "-s", str(SCRIPT)]
        environment = {**os.environ, "LOAD_REQUEST": str(file), "LOAD_PAUSE_MS": str(pause_ms)}
        done = subprocess.run([*words, self.url], env=environment, capture_output=True, text=True, check=True)
        counted = json.loads(done.stdout.splitlines()[-1])
        if counted["failed"] or not counted["requests"]:
            sys.exit(f"{self.url}: {counted['failed']} requests failed\n{done.stdout}")
        took = counted["seconds"]
        return Measured(
            counted["requests"] / took, counted["bytes"] / took / 1e6, counted["p50_ms"], counted["p99_ms"]
        )
