# SPDX-License-Identifier: PostgreSQL
"""The commands of lakehouse-worker, called as an administrator would."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg


def setting(connection: psycopg.Connection[tuple], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return row[0]


def run_worker(
    connection: psycopg.Connection[tuple], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a command against the worker of this server; what it is given comes by standard input."""
    data_directory = Path(setting(connection, "data_directory"))
    directory = setting(connection, "lakehouse.socket_directory") or data_directory / "lakehouse"
    command = [setting(connection, "lakehouse.worker_path"), *words]
    command += ["--socket-directory", str(directory)]
    # The gateway speaks to the server's own user only.
    user = data_directory.stat().st_uid if os.getuid() == 0 else None
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=60, user=user, cwd="/"
    )


def succeed(connection: psycopg.Connection[tuple], *words: str, given: str = "") -> str:
    done = run_worker(connection, *words, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout
