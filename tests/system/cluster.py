# SPDX-License-Identifier: PostgreSQL
"""A further private cluster, for tests that stop their server or need another one beside it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
from recording import keep
from warehouse import Warehouse

PROGRAM = Path(__file__).parents[2] / "tools" / "cluster"


class Cluster:
    """Server, worker and stand-in of its own, started by tools/cluster into `directory`."""

    def __init__(self, directory: Path, settings: Sequence[str] = ()) -> None:
        self._directory = directory
        self._call("start", *(word for setting in settings for word in ("--set", setting)))
        exports = (directory / "env").read_text(encoding="utf-8")
        words = (line.removeprefix("export ") for line in exports.splitlines())
        self.environment = dict(shlex.split(word)[0].split("=", 1) for word in words)

    def _call(self, action: str, *options: str) -> None:
        command = [str(PROGRAM), action, str(self._directory), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr

    def stop(self) -> None:
        """What it has left is kept for the scan at the end of the run."""
        keep("received", "private", Warehouse(self.environment["STANDIN_CONTROL_URL"]).received())
        self._call("stop")
        for log in (self._directory / "log").glob("*.log"):
            keep("logs", f"private-{log.name}", log.read_bytes())

    @property
    def data_directory(self) -> Path:
        return Path(self.environment["PGHOST"]).parent / "data"

    @property
    def owner(self) -> int:
        """The system user that runs the server."""
        return self.data_directory.stat().st_uid

    def log(self) -> str:
        return (self.data_directory.parent / "log" / "server.log").read_text(encoding="utf-8")

    def server_pid(self) -> int:
        lines = (self.data_directory / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return int(lines[0])

    def connect(self) -> psycopg.Connection[tuple]:
        names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER"}
        given = {key: self.environment[name] for key, name in names.items()}
        return psycopg.connect(autocommit=True, **given)
