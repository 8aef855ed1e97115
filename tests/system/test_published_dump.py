# SPDX-License-Identifier: PostgreSQL
"""A dump and its restore, as docs/operate.md has it, bring shares and capture whole to another database."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Connection, connect

SOURCE, COPY = "lakehouse_dumped", "lakehouse_restored"

# Everything about publishing that two databases can be compared by.
STATE = {
    "tables": "SELECT id, source::text, key_columns, changes_of::text, location, version"
    " FROM lakehouse.published_tables ORDER BY 1",
    "shares": "SELECT s.name, t.schema_name, t.name, t.table_id FROM lakehouse.shares s"
    " JOIN lakehouse.share_tables t ON t.share_id = s.id ORDER BY 1, 2, 3",
    "triggers": "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
    r" WHERE tgname LIKE 'lakehouse\_%' ORDER BY 1, 2",
    "captures": "SELECT table_id, key FROM lakehouse.captured_changes ORDER BY 1, 2",
    "jobs": "SELECT id, state FROM lakehouse.publish_jobs ORDER BY 1",
    "salt": "SELECT salt FROM pd_dump.share_options",
    "hash": "SELECT email_hash FROM pd_dump.published_contacts",
}


def use(database: str, *statements: str) -> list[list[tuple]]:
    with connect(dbname=database) as session:
        results = []
        for statement in statements:
            cursor = session.execute(statement)
            results.append(cursor.fetchall() if cursor.description else [])
        return results


@pytest.fixture
def databases(session: Connection) -> Iterator[None]:
    for name in (SOURCE, COPY):
        session.execute(f"DROP DATABASE IF EXISTS {name}")
        session.execute(f"CREATE DATABASE {name}")
    yield
    session.execute(f"DROP DATABASE {COPY}")
    use(SOURCE, "SELECT lakehouse.drop_tenant('pd_dump', if_exists => true)")
    session.execute(f"DROP DATABASE {SOURCE}")


def fill() -> None:
    use(
        SOURCE,
        "CREATE EXTENSION lakehouse CASCADE",
        "SELECT lakehouse.create_tenant('pd_dump')",
        "SELECT lakehouse.create_share('pd_dump', 'facts')",
        "SELECT lakehouse.set_share_salt('pd_dump', 'pepper')",
        "CREATE TABLE pd_dump.part (id integer PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE pd_dump.part_low PARTITION OF pd_dump.part FOR VALUES FROM (0) TO (9)",
        "CREATE MATERIALIZED VIEW pd_dump.summary AS SELECT id FROM pd_dump.part",
        "SELECT lakehouse.add_table_to_share('pd_dump', 'facts', 'pd_dump.part')",
        "SELECT lakehouse.add_table_to_share('pd_dump', 'facts', 'pd_dump.summary', key => '{id}')",
        "INSERT INTO pd_dump.part VALUES (1), (2)",
        "INSERT INTO pd_dump.contacts (last_name, email) VALUES ('Ann', 'ann@example.test')",
        "SELECT lakehouse.publish('pd_dump')",
    )


def run(program: str, *options: str) -> str:
    done = subprocess.run(
        [program, *options],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stderr


def test_restore_brings_shares_and_capture(databases: None, tmp_path: Path) -> None:
    fill()
    file = str(tmp_path / "dump")
    assert run("pg_dump", "-Fc", "-f", file, SOURCE) == ""
    assert run("pg_restore", "--exit-on-error", "-d", COPY, file) == ""

    before, after = (
        dict(zip(STATE, use(name, *STATE.values()), strict=True))
        for name in (SOURCE, COPY)
    )
    assert after == before
    assert before["captures"] and before["hash"]

    [_, job, _, captured] = use(
        COPY,
        "UPDATE lakehouse.publish_jobs SET state = 'done'",
        "SELECT lakehouse.publish('pd_dump')",
        "INSERT INTO pd_dump.part VALUES (3)",
        "SELECT count(*) FROM lakehouse.captured_changes WHERE key = '{3}'",
    )
    assert job == [(before["jobs"][-1][0] + 1,)]
    assert captured == [(1,)]
