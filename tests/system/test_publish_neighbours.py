# SPDX-License-Identifier: PostgreSQL
"""What one tenant does to the publishes of another: nothing. And to the tables beside its own slow one."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from publishing import Publishing
from warehouse import wait_until

SLEEP_S = 20
SOON_S = 10.0
LIMIT_S = 2


class Tenant:
    """With a share that has a table."""

    def __init__(self, publishing: Publishing) -> None:
        self.publishing = publishing
        self.slug = "n" + secrets.token_hex(4)
        self.table = f"{self.slug}.item"
        publishing.make_tenant(self.slug)
        session = publishing.session
        session.execute("SELECT lakehouse.create_share(%s, 'all', default_tables => false)", [self.slug])
        session.execute(f"CREATE TABLE {self.table} AS SELECT 1 AS id")
        session.execute(f"ALTER TABLE {self.table} ADD PRIMARY KEY (id)")
        self.add(self.table)

    def add(self, relation: str) -> None:
        self.publishing.session.execute(
            "SELECT lakehouse.add_table_to_share(%s, 'all', %s::regclass, key => ARRAY['id'])",
            [self.slug, relation],
        )

    def add_view(self, name: str, query: str) -> str:
        view = f"{self.slug}.{name}"
        self.publishing.session.execute(f"CREATE VIEW {view} AS {query}")
        self.add(view)
        return view

    def drop(self) -> None:
        self.publishing.session.execute("SELECT lakehouse.drop_tenant(%s)", [self.slug])


@contextmanager
def made(publishing: Publishing) -> Iterator[Tenant]:
    tenant = Tenant(publishing)
    yield tenant
    tenant.drop()


@pytest.fixture
def slow(publishing: Publishing) -> Iterator[Tenant]:
    with made(publishing) as tenant:
        yield tenant


@pytest.fixture
def quick(publishing: Publishing) -> Iterator[Tenant]:
    with made(publishing) as tenant:
        yield tenant


@pytest.fixture
def limit(publishing: Publishing) -> Iterator[None]:
    publishing.set(publish_table_timeout=f"{LIMIT_S}s")
    yield
    publishing.set(publish_table_timeout="30min")


def wait_reading(publishing: Publishing, view: str) -> None:
    query = "SELECT count(*) FROM lakehouse.progress_publish WHERE source = %s::regclass"
    wait_until(lambda: publishing.value(query, [view]) == 1, SOON_S, f"a publish that reads {view}")


def publish_soon(publishing: Publishing, tenant: Tenant) -> None:
    assert publishing.wait(publishing.request(tenant.slug), SOON_S) == ("done", None)
    assert publishing.folder(tenant.table).rows() == publishing.rows(tenant.table)


def test_a_view_that_sleeps_delays_no_other_tenant(
    publishing: Publishing, slow: Tenant, quick: Tenant
) -> None:
    view = slow.add_view("slow", f"SELECT 1 AS id, pg_sleep({SLEEP_S})::text AS nothing")
    job = publishing.request(slow.slug)
    wait_reading(publishing, view)
    publish_soon(publishing, quick)
    assert publishing.state(job) == ("queued", None)
    assert publishing.wait(job) == ("done", None)


def test_whoever_asks_again_and_again_takes_no_place_of_another(
    publishing: Publishing, slow: Tenant, quick: Tenant
) -> None:
    view = slow.add_view("slow", f"SELECT 1 AS id, pg_sleep({SLEEP_S})::text AS nothing")
    outcomes: list[list[tuple] | psycopg.Error] = []

    def ask() -> None:
        with publishing.cluster.connect() as session:
            try:
                outcomes.append(
                    session.execute("SELECT * FROM lakehouse.publish_now(%s)", [slow.slug]).fetchall()
                )
            except psycopg.Error as error:
                outcomes.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_reading(publishing, view)
    publish_soon(publishing, quick)
    assert outcomes == []
    # The first load; whoever comes after it finds nothing new, but compares what sleeps.
    publishing.session.execute(f"DROP VIEW {view}")
    for thread in threads:
        thread.join(2 * SLEEP_S)
        assert not thread.is_alive()


def test_one_that_can_only_be_published_alone_waits_for_a_place(
    publishing: Publishing, slow: Tenant, quick: Tenant
) -> None:
    """As many publishes as the setting says, whoever asks."""
    publishing.set(max_publishes="1")
    try:
        view = slow.add_view("slow", "SELECT 1 AS id, pg_sleep(3)::text AS nothing")
        job = publishing.request(slow.slug)
        wait_reading(publishing, view)
        publishing.session.execute("SELECT lakehouse.publish_now(%s)", [quick.slug])
        assert publishing.state(job) == ("done", None)
    finally:
        publishing.set(max_publishes="2")


SLOW_VIEWS = {
    "sleeps": "SELECT 1 AS id, pg_sleep(600)::text AS nothing",
    "trickles": "SELECT id, repeat('x', 9000) || pg_sleep(0.01)::text AS t FROM generate_series(1, 60000) id",
    "plans": "SELECT 1 AS id, {0}.planned() AS nothing",
}


@pytest.mark.parametrize("kind", SLOW_VIEWS)
def test_a_source_that_takes_too_long_is_left_and_says_so(
    publishing: Publishing, slow: Tenant, limit: None, kind: str
) -> None:
    publishing.session.execute(
        f"CREATE FUNCTION {slow.slug}.planned() RETURNS text IMMUTABLE LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(600); RETURN NULL; END'"
    )
    view = slow.add_view("slow", SLOW_VIEWS[kind].format(slow.slug))
    began = time.monotonic()
    assert "too long" in publishing.publish_in_part(slow.slug)
    assert time.monotonic() - began < SOON_S
    error = publishing.last_error(view)
    assert error is not None and "too long" in error and "DETAIL" in error, error
    assert publishing.last_error(slow.table) is None
    assert publishing.folder(slow.table).rows() == publishing.rows(slow.table)
    # What it was reading has ended with it.
    reading = (
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'lakehouse_worker' AND state = 'active'"
        " AND query LIKE '%%slow%%'"
    )
    wait_until(lambda: publishing.value(reading) == 0, SOON_S, "the end of its statement")


def test_no_other_role_can_hold_up_a_publish(publishing: Publishing, quick: Tenant) -> None:
    """By a lock that everybody may take, or a session that looks like the worker's."""
    with publishing.cluster.connect() as other:
        name = f"lakehouse publish {publishing.value('SELECT lakehouse.find_tenant(%s)', [quick.slug])}"
        other.execute("SELECT set_config('application_name', %s, false)", [name])
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        publish_soon(publishing, quick)


def test_whoever_takes_over_waits_for_a_worker_that_lost_the_job(
    publishing: Publishing, quick: Tenant
) -> None:
    writers = (
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'lakehouse_worker'"
        " AND application_name = 'lakehouse publish ' || lakehouse.find_tenant(%s)"
    )
    with publishing.held(quick.slug, "rows_recorded") as job:
        publishing.session.execute(
            "SELECT pg_terminate_backend(a.pid, 5000) FROM pg_stat_activity a JOIN pg_locks l USING (pid)"
            " WHERE a.usename = 'lakehouse_worker' AND a.state = 'idle in transaction'"
            " AND l.relation = 'lakehouse.publishers'::regclass"
        )
        wait_until(lambda: publishing.value(writers, [quick.slug]) == 2, SOON_S, "who takes over")
        time.sleep(1)  # were it not to wait, it would be at its work
        assert publishing.value(writers, [quick.slug]) == 2
        assert publishing.value("SELECT count(*) FROM lakehouse.published_versions v"
                                " JOIN lakehouse.published_tables t ON t.id = v.table_id"
                                " WHERE t.source = %s::regclass", [quick.table]) == 0  # fmt: skip
    assert publishing.wait(job) == ("done", None)
    folder = publishing.folder(quick.table)
    assert folder.rows() == publishing.rows(quick.table)
    assert {file["path"] for file in folder.live_files()} == folder.stored_files()
