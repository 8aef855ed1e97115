# SPDX-License-Identifier: PostgreSQL
"""Takes a database from one test cluster to another, as pg_dump and psql do."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from cluster import Cluster


@dataclass(frozen=True)
class DatabaseDump:
    roles: str
    content: str


def take(cluster: Cluster) -> DatabaseDump:
    return DatabaseDump(
        run(cluster, "pg_dumpall", "--roles-only", "--no-role-passwords"),
        run(cluster, "pg_dump", cluster.environment["PGDATABASE"]),
    )


def restore(dump: DatabaseDump, into: Cluster) -> None:
    """Instead of what the other's database has. An error in it fails the test.

    One in the roles does not: both clusters have some of them.
    """
    execute(into, "off", dump.roles)
    execute(into, "on", "DROP SCHEMA lakehouse CASCADE;\n" + dump.content)


def execute(cluster: Cluster, stops_on_error: str, script: str) -> None:
    run(cluster, "psql", "-X", "-q", f"--set=ON_ERROR_STOP={stops_on_error}", given=script)


def run(cluster: Cluster, program: str, *options: str, given: str | None = None) -> str:
    done = subprocess.run(
        [program, "--username", "postgres", *options],
        input=given,
        env={**os.environ, **cluster.environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
