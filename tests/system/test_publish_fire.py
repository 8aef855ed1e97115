# SPDX-License-Identifier: PostgreSQL
"""Equality under fire: sessions write at random while tables are published. Each version equals what
SQL says at the snapshot it was made of, and the changes of each lead from the version before to it."""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from delta_folder import DeltaFolder, replay
from publish_workload import ODD_TABLE, Gate, Writer
from published_rows import Connection, Rows, difference, source_rows
from publishing import CONTRACT, IN_BOTH, Publishing
from shared_rows import SharedTables, loosened_rows

WRITERS = 5
PATIENT = 2
SEEDS = ["1", *(pytest.param(str(seed), marks=pytest.mark.long) for seed in range(2, 12))]
ROUNDS = 6
# What a run must have done, else it proved nothing.
DEEDS = (
    "insert", "update", "delete", "upsert", "copy", "key change", "rollback", "rollback to", "late commit",
)  # fmt: skip


@pytest.fixture
def tenant(publishing: Publishing) -> Iterator[str]:
    """With the six tables of the contract, one with a key of three columns, and a view to compare."""
    slug = "f" + secrets.token_hex(4)
    publishing.make_tenant(slug, with_sample=True)
    session = publishing.session
    session.execute(ODD_TABLE.format(schema=slug))
    session.execute("SELECT lakehouse.create_share(%s, 'fire')", [slug])
    session.execute(
        "SELECT lakehouse.add_table_to_share(%s, 'fire', %s::regclass, table_name => 'odd')",
        [slug, f'{slug}."Odd Keys"'],
    )
    session.execute(
        "SELECT lakehouse.add_table_to_share(%s, 'fire', %s::regclass, key => ARRAY['id'])",
        [slug, f"{slug}.sales"],
    )
    yield slug
    session.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


@contextmanager
def fire(publishing: Publishing, tenant: str, seed: str, gate: Gate) -> Iterator[None]:
    """Writers at work, each from its own seed."""
    writers = [
        Writer(publishing.cluster.connect(), tenant, f"{seed}-{number}", gate, number < PATIENT)
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    yield
    for writer in writers:
        writer.end()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive() and writer.error is None, writer.error
    done = sum((writer.done for writer in writers), Counter())
    print("done:", dict(done))
    assert all(done[deed] for deed in DEEDS), done


class History:
    """Of one table: what each version must have been, and what readers say."""

    def __init__(self, source: str, folder: DeltaFolder) -> None:
        self.source, self.folder = source, folder
        self.expected: dict[int, Rows] = {}

    def check_publish(self, truth: Rows) -> None:
        """The newest version has these rows, and its changes lead to them, version by version."""
        newest = self.folder.version()
        known = max(self.expected, default=-1)
        found = self.folder.rows(newest)
        assert found == truth, f"{self.source} at {newest}: {difference(found, truth)}"
        if newest > known:
            changes = self.folder.changes(known + 1, newest)
            replayed = replay(self.expected.get(known, Counter()), changes, known + 1, newest)
            assert replayed == truth, f"{self.source} to {newest}: {difference(replayed, truth)}"
            # A publish makes one version, and perhaps one that only merges files.
            assert newest - known <= 2
            self.expected.update({version: truth for version in range(known + 1, newest + 1)})

    def check_all(self, place: Path) -> None:
        """From each version to each later one, as one question to the reader. Of a copy: a bucket answers slowly."""
        newest, folder = max(self.expected), self.folder.copy(place)
        for first in range(newest + 1):
            found = folder.rows(first)
            assert found == self.expected[first], f"{self.source} at {first} as of {newest}"
            if first < newest:
                changes = folder.changes(first + 1, newest)
                for last in range(first + 1, newest + 1):
                    replayed = replay(found, changes, first + 1, last)
                    assert replayed == self.expected[last], f"{self.source}: {first} to {last}"


def publish_and_look(publishing: Publishing, tenant: str, gate: Gate) -> dict[str, Rows]:
    """Publishes while others write. Returns the rows at the publish's snapshot: nobody commits
    between it and the one that is read here."""
    steps = publishing.steps
    with publishing.cluster.connect() as truth, steps.holding("snapshot_taken"):
        with gate.shut():
            # A table that is truncated after a snapshot would be empty to it, but for the lock.
            truth.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for source in publishing.tables(tenant):
                truth.execute(f"LOCK TABLE {source} IN ACCESS SHARE MODE")
            truth.execute("SELECT FROM lakehouse.published_tables")
            job = publishing.request(tenant)
            steps.wait("snapshot_taken")
        steps.release("snapshot_taken")
        rows = {source: source_rows(truth, source) for source in publishing.tables(tenant)}
    assert publishing.wait(job) == ("done", None)
    return rows


def check_shared(shared: SharedTables, histories: dict[str, History], most: int) -> None:
    """The sharing server tells the same, in both formats, of so many tables, and their changes too."""
    for source, history in random.sample(sorted(histories.items()), most):
        name = source.split(".")[1].removeprefix("published_").replace('"Odd Keys"', "odd")
        newest = max(history.expected)
        expected = loosened_rows(history.expected[newest])
        for form in ("parquet", "delta"):
            found = shared.rows(name, form)
            assert found == expected, f"{name}, {form}: {difference(found, expected)}"
        first = random.randint(0, newest)
        if first < newest:
            replayed = shared.replayed(name, history.expected[first], first + 1, newest)
            assert replayed == expected, f"{name}: {difference(replayed, expected)}"


@IN_BOTH
@pytest.mark.parametrize("seed", SEEDS)
def test_each_version_equals_its_snapshot(
    publishing: Publishing, tenant: str, seed: str, tmp_path: Path
) -> None:
    gate = Gate()
    shared = SharedTables(publishing.session, tenant, "fire", tmp_path)
    histories = {s: History(s, f) for s, f in publishing.tables(tenant).items()}
    assert len(histories) == len(CONTRACT) + 2
    with fire(publishing, tenant, seed, gate):
        for _ in range(ROUNDS):
            truth = publish_and_look(publishing, tenant, gate)
            for source, rows in truth.items():
                assert publishing.last_error(source) is None
                histories[source].check_publish(rows)
            check_shared(shared, histories, 1)
    publishing.publish(tenant)  # what was committed last
    for number, (source, history) in enumerate(histories.items()):
        history.check_publish(publishing.rows(source))
        history.check_all(tmp_path / str(number))
        assert len(history.expected) >= 3, source
    check_shared(shared, histories, len(histories))
    check_nothing_left(publishing)


def check_nothing_left(publishing: Publishing) -> None:
    """Once all is published and nobody writes, no change waits."""
    assert publishing.value("SELECT count(*) FROM lakehouse.captured_changes") == 0


# Numbers of publish_history


def expected_counts(before: Rows, after: Rows, key: int) -> tuple[int, int, int]:
    gone, come = before - after, after - before
    gone_keys, come_keys = ({row[key] for row in rows} for rows in (gone, come))
    changed = gone_keys & come_keys
    return len(come_keys - changed), len(changed), len(gone_keys - changed)


def test_history_counts_rows(publishing: Publishing, tenant: str) -> None:
    source = f"{tenant}.published_leads"
    publishing.publish(tenant)
    session, draw = publishing.session, random.Random(7)
    for _ in range(4):
        before = publishing.rows(source)
        change_leads(session, tenant, draw)
        publishing.publish(tenant)
        after = publishing.rows(source)
        row = session.execute(
            "SELECT rows_added, rows_changed, rows_removed, total_rows FROM lakehouse.published_versions"
            " WHERE table_id = (SELECT id FROM lakehouse.published_tables WHERE source = %s::regclass)"
            " AND operation = 'WRITE' ORDER BY version DESC LIMIT 1",
            [source],
        ).fetchone()
        names = sorted(publishing.folder(source).table().schema().to_arrow().names)
        assert row is not None
        assert row[:3] == expected_counts(before, after, names.index("id"))
        assert row[3] == after.total()


def change_leads(session: Connection, tenant: str, draw: random.Random) -> None:
    pick = f"(SELECT id FROM {tenant}.leads ORDER BY random() LIMIT {draw.randint(1, 20)})"
    statements: list[Any] = [
        f"UPDATE {tenant}.leads SET score = 1 + coalesce(score, 0) % 100 WHERE id IN {pick}",
        f"UPDATE {tenant}.leads SET deleted_at = now() WHERE id IN {pick}",
        f"INSERT INTO {tenant}.leads (last_name, company) SELECT 'n', 'c' FROM generate_series(1, 9)",
        f"UPDATE {tenant}.leads SET id = gen_random_uuid() WHERE id IN"
        f" (SELECT id FROM {tenant}.leads ORDER BY random() LIMIT 2)"
        f" AND NOT EXISTS (SELECT FROM {tenant}.activities a WHERE a.lead_id = leads.id)",
    ]
    for statement in statements:
        session.execute(statement)
