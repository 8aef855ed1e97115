# SPDX-License-Identifier: PostgreSQL
"""What piles up where nobody publishes, or for long, is bounded: the worker sees to it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from publishing import Publishing
from warehouse import wait_until

TIDIED_S = 90.0  # it looks every minute
LOOK_S = 5.0
MOST = 1_000_000
MOST_KEYS = 500_000


@pytest.fixture
def tenant(publishing: Publishing) -> Iterator[str]:
    slug = "h" + secrets.token_hex(4)
    publishing.make_tenant(slug)
    publishing.session.execute("SELECT lakehouse.create_share(%s, 'all', default_tables => false)", [slug])
    yield slug
    publishing.session.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


def add_table(publishing: Publishing, tenant: str, name: str, rows: int) -> str:
    table = f"{tenant}.{name}"
    publishing.session.execute(f"CREATE TABLE {table} (id bigint PRIMARY KEY, n int)")
    publishing.session.execute(f"INSERT INTO {table} SELECT i, 0 FROM generate_series(1, {rows}) i")
    publishing.session.execute("SELECT lakehouse.add_table_to_share(%s, 'all', %s::regclass)", [tenant, table])
    return table


def capture(publishing: Publishing, table: str, keys: int) -> None:
    """More than so many changes, as the trigger would note them, of so many rows."""
    publishing.session.execute(
        "INSERT INTO lakehouse.captured_changes (table_id, key)"
        " SELECT t.id, ARRAY[(1 + i %% %s)::text] FROM lakehouse.published_tables t,"
        " generate_series(1, %s) i WHERE t.source = %s::regclass",
        [keys, MOST + 1, table],
    )


def captured(publishing: Publishing, table: str) -> tuple[int, int]:
    """How many, and how many that say that every row may have changed."""
    row = publishing.session.execute(
        "SELECT count(*), count(*) FILTER (WHERE key IS NULL) FROM lakehouse.captured_changes"
        " WHERE table_id = (SELECT id FROM lakehouse.published_tables WHERE source = %s::regclass)",
        [table],
    ).fetchone()
    assert row is not None
    return row


def last_operation(publishing: Publishing, table: str) -> str:
    return publishing.value(
        "SELECT operation FROM lakehouse.publish_history WHERE source = %s::regclass"
        " ORDER BY version DESC LIMIT 1",
        [table],
    )


def test_captures_that_nobody_publishes_are_folded(publishing: Publishing, tenant: str) -> None:
    few = add_table(publishing, tenant, "few", 1000)
    many = add_table(publishing, tenant, "many", 1000)
    publishing.publish(tenant)
    capture(publishing, few, 10)
    capture(publishing, many, MOST_KEYS + 1)
    publishing.kill_worker()  # the next one looks at once
    wait_until(lambda: captured(publishing, few) == (10, 0), TIDIED_S, "few keys, each once")
    wait_until(lambda: captured(publishing, many) == (1, 1), TIDIED_S, "what stands for too many keys")
    publishing.session.execute(f"UPDATE {few} SET n = 1 WHERE id = 5")
    publishing.session.execute(f"UPDATE {many} SET n = 1 WHERE id = 5")
    publishing.publish(tenant)
    assert last_operation(publishing, few) == "WRITE"
    assert last_operation(publishing, many) == "RELOAD"
    for table in (few, many):
        assert publishing.folder(table).rows() == publishing.rows(table)
        assert captured(publishing, table) == (0, 0)


@pytest.mark.parametrize(("keys", "operation"), [(10, "WRITE"), (MOST_KEYS + 1, "RELOAD")])
def test_more_captures_than_keys_that_a_publish_takes(
    publishing: Publishing, tenant: str, keys: int, operation: str
) -> None:
    table = add_table(publishing, tenant, "item", 1000)
    publishing.publish(tenant)
    with publishing.held(tenant, "claimed") as job:  # holds the tenant, so that nothing is folded
        capture(publishing, table, keys)
        publishing.session.execute(f"UPDATE {table} SET n = 1 WHERE id = 5")
    assert publishing.wait(job) == ("done", None)
    assert last_operation(publishing, table) == operation
    assert publishing.folder(table).rows() == publishing.rows(table)
    assert captured(publishing, table) == (0, 0)


def test_a_publish_under_way_keeps_what_it_consumes(
    publishing: Publishing, tenant: str, tmp_path: Path
) -> None:
    table = add_table(publishing, tenant, "held", 1000)
    publishing.publish(tenant)
    publishing.session.execute(f"UPDATE {table} SET n = 1 WHERE id = 5")
    with publishing.held(tenant, "snapshot_taken") as job:
        capture(publishing, table, 10)
        looking = publishing.another_worker(tmp_path / "log")  # at once
        time.sleep(LOOK_S)
        assert captured(publishing, table)[0] > MOST
        looking.stop()
    assert publishing.wait(job) == ("done", None)
    assert publishing.folder(table).rows() == publishing.rows(table)
    wait_until(lambda: captured(publishing, table) == (10, 0), TIDIED_S, "the fold after it")


def test_jobs_of_long_ago_are_forgotten(publishing: Publishing, tenant: str) -> None:
    add_table(publishing, tenant, "item", 1)
    old, kept = publishing.publish(tenant), publishing.publish(tenant)
    for job, days in ((old, 31), (kept, 29)):
        publishing.session.execute(
            "UPDATE lakehouse.publish_jobs SET finished_at = now() - %s * interval '1 day' WHERE id = %s",
            [days, job],
        )
    there = "SELECT count(*) FROM lakehouse.publish_jobs WHERE id = %s"
    publishing.kill_worker()
    wait_until(lambda: publishing.value(there, [old]) == 0, TIDIED_S, "the end of the old job")
    assert publishing.value(there, [kept]) == 1
