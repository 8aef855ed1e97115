# SPDX-License-Identifier: PostgreSQL
"""Another worker of the same database, started by hand as an operator would: with the settings of the
launcher's own, on another port, with a socket directory of its own."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from audit_client import frame, text, texts
from cluster import Cluster
from recording import keep
from warehouse import wait_until
from worker_program import setting

READY_S = 20
STOP_S = 10
RETENTION_MINUTES = 7 * 24 * 60
MAX_PUBLISHES = 2
TABLE_SECONDS = 30 * 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class SecondWorker:
    """Signs in over the server's socket, where the private cluster asks for no password."""

    def __init__(
        self, cluster: Cluster, log: Path, delta_directory: Path | None = None, steps: Path | None = None
    ) -> None:
        """`delta_directory`: where it publishes, by default as the launcher's; `steps`: where it may be held."""
        self._delta_directory = delta_directory or cluster.data_directory / "lakehouse_delta"
        self._steps = "" if steps is None else str(steps)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = log
        with cluster.connect() as session:
            program = setting(session, "lakehouse.worker_path")
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [program, "serve"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                user=cluster.owner if os.getuid() == 0 else None,
                cwd="/",
            )
        assert self._process.stdin is not None
        self._process.stdin.write(self._settings(cluster))
        self._process.stdin.flush()  # stays open: its end would be the worker's
        wait_until(self._is_ready, READY_S, "the second worker")

    def _settings(self, cluster: Cluster) -> bytes:
        environment = cluster.environment
        listen = self.url.removeprefix("http://")
        body = text(environment["PGHOST"]) + text(environment["PGDATABASE"])
        body += text("lakehouse_worker") + text("") + struct.pack("=H", int(environment["PGPORT"]))
        body += text(listen) + text(str(cluster.data_directory.parent / "second"))
        body += text(str(cluster.data_directory)) + text("") + text("")  # the same master key
        body += text("") * 3 + texts(["127.0.0.1"])
        body += text(environment["LAKEHOUSE_URL"]) + texts([]) * 2
        body += text(str(self._delta_directory))
        body += struct.pack("=III", RETENTION_MINUTES, MAX_PUBLISHES, TABLE_SECONDS) + text(self._steps) + text("")
        return frame("c", body)

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return requests.get(self.url + "/ready", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(STOP_S)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(STOP_S) == 0
        keep("logs", "second-worker.log", self.log.read_bytes())


@contextmanager
def at(url: str) -> Iterator[None]:
    """Clients of the block speak to the worker there."""
    before = os.environ["LAKEHOUSE_URL"]
    os.environ["LAKEHOUSE_URL"] = url
    try:
        yield
    finally:
        os.environ["LAKEHOUSE_URL"] = before
