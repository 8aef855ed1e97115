# SPDX-License-Identifier: PostgreSQL
"""Two hundred publishes of one table: what a checkpoint says is what the commits say, to two readers (the third is
Spark: ../readers/test_long_history.py); small files stay few; what is old goes when nobody can need it any more, and
not before."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from delta_folder import LOG, DeltaFolder, replay
from duckdb_reader import duckdb_rows
from published_rows import Rows, count_rows, difference
from publishing import Publishing

PUBLISHES = 200
CHECKPOINTS = 50  # versions from one to the next
# Eight files of a size are merged into one, once a publish; so at most eight are found after it.
SMALL_BYTES, MOST_SMALL = 256 << 10, 8
TABLE = """
CREATE TABLE {0} (id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2), at timestamptz, tags text[]);
INSERT INTO {0} SELECT n, 'name ' || n, n / 4.0, timestamptz '2026-01-01' + n * interval '1 s', ARRAY[n::text, NULL]
FROM generate_series(1, 2000) n;
"""
# Mostly recent rows, as people work on.
CHANGE = """
INSERT INTO {0} SELECT m + n, 'new', n, now(), '{{}}' FROM generate_series(1, 20) n, (SELECT max(id) AS m FROM {0}) l;
UPDATE {0} SET amount = amount + 1 WHERE id > (SELECT max(id) - 60 FROM {0}) AND id % 2 = {1} % 2;
UPDATE {0} SET name = 'old ' || {1} WHERE id = {1} * 7 % 1000;
DELETE FROM {0} WHERE id = {1} * 13 % 2000;
"""


@pytest.fixture
def relation(publishing: Publishing) -> Iterator[str]:
    """A published table of a tenant that has no other."""
    slug = "m" + secrets.token_hex(4)
    publishing.make_tenant(slug)
    session, name = publishing.session, f"{slug}.many"
    session.execute(TABLE.format(name))
    session.execute("SELECT lakehouse.create_share(%s, 'many', default_tables => false)", [slug])
    session.execute("SELECT lakehouse.add_table_to_share(%s, 'many', %s::regclass)", [slug, name])
    publishing.publish(slug)
    yield name
    session.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


def change_and_publish(publishing: Publishing, relation: str, number: int) -> None:
    with publishing.session.transaction():
        publishing.session.execute(CHANGE.format(relation, number))
    publishing.publish(relation.split(".")[0])


def state_of(folder: DeltaFolder, version: int) -> tuple[Any, ...]:
    """All that a log says: files with their stats, settings, protocol."""
    table = folder.table(version)
    metadata = table.metadata()
    return (
        sorted(folder.live_files(version), key=lambda file: file["path"]),
        (metadata.id, metadata.name, metadata.configuration, table.schema().to_json()),
        (table.protocol().min_reader_version, table.protocol().min_writer_version),
    )


def copies(folder: DeltaFolder, place: Path) -> tuple[DeltaFolder, DeltaFolder]:
    """Of the table: without its checkpoints, and without the commits before the last of them."""
    replayed, checkpointed = folder.copy(place / "replayed"), folder.copy(place / "checkpointed")
    checkpoints = folder.checkpoints()
    for version in checkpoints:
        replayed.files.delete_file(f"{LOG}{version:020}.checkpoint.parquet")
    replayed.files.delete_file(f"{LOG}_last_checkpoint")
    for version in range(checkpoints[-1] + 1):
        checkpointed.files.delete_file(f"{LOG}{version:020}.json")
    return replayed, checkpointed


def test_two_hundred_publishes(publishing: Publishing, relation: str, tmp_path: Path) -> None:
    folder = publishing.folder(relation)
    start = folder.rows(0)
    for number in range(1, PUBLISHES + 1):
        change_and_publish(publishing, relation, number)
        sizes = [file["size_bytes"] for file in folder.live_files()]
        assert sum(size < SMALL_BYTES for size in sizes) <= MOST_SMALL, (number, sizes)
    truth, newest = publishing.rows(relation), folder.version()
    assert newest >= PUBLISHES
    checkpoints = folder.checkpoints()
    assert checkpoints and newest - checkpoints[-1] < CHECKPOINTS
    replayed, checkpointed = copies(folder, tmp_path)
    for version in range(checkpoints[-1], newest + 1):
        assert state_of(replayed, version) == state_of(checkpointed, version)
    assert folder.rows() == truth
    for copy in (folder.copy(tmp_path / "whole"), replayed, checkpointed):
        check_rows(copy, truth, tmp_path)
    # Changes of all of them, asked for at once.
    assert replay(start, folder.changes(1, newest), 1, newest) == truth


def check_rows(folder: DeltaFolder, truth: Rows, scratch: Path) -> None:
    by_deltalake = folder.rows()
    assert by_deltalake == truth, difference(by_deltalake, truth)
    by_duckdb = count_rows(duckdb_rows(Path(folder.url), scratch))
    assert by_duckdb == truth, difference(by_duckdb, truth)


# Retention

RETENTION = "3h"
FILES = "SELECT count(*) FROM lakehouse.published_files WHERE removed_version IS NOT NULL"


@pytest.fixture
def short_retention(publishing: Publishing) -> Iterator[None]:
    publishing.set(delta_retention=RETENTION)
    yield
    publishing.session.execute("ALTER SYSTEM RESET lakehouse.delta_retention")
    publishing.set()


def age(publishing: Publishing, relation: str, minutes: int) -> None:
    """As if that much time had passed since everything."""
    session = publishing.session
    table = publishing.value("SELECT id FROM lakehouse.published_tables WHERE source = %s::regclass", [relation])
    past = minutes * 60_000
    session.execute(
        "UPDATE lakehouse.published_files SET added_ms = added_ms - %s, removed_ms = removed_ms - %s"
        " WHERE table_id = %s",
        [past, past, table],
    )
    session.execute(
        "UPDATE lakehouse.published_versions SET committed_ms = committed_ms - %s,"
        " snapshot_at = snapshot_at - make_interval(mins => %s), stored_at = stored_at - make_interval(mins => %s)"
        " WHERE table_id = %s",
        [past, minutes, minutes, table],
    )


def needed_files(folder: DeltaFolder) -> set[str]:
    """By the newest version and its changes."""
    changed = {
        action[kind]["path"]
        for action in folder.actions(folder.version())
        for kind in ("remove", "cdc")
        if kind in action
    }
    return changed | {file["path"] for file in folder.live_files()}


def test_files_stay_for_the_retention_and_go_after_it(
    publishing: Publishing, relation: str, short_retention: None
) -> None:
    tenant, folder = relation.split(".")[0], publishing.folder(relation)
    for number in range(1, CHECKPOINTS + 10):
        change_and_publish(publishing, relation, number)
    old, files = folder.rows(3), folder.stored_files()
    # Just within it, and the life of a URL and of a refresh token: nothing goes.
    age(publishing, relation, 4 * 60 + 50)
    publishing.publish(tenant)
    assert folder.stored_files() == files and folder.rows(3) == old
    # After it: all goes but what the newest version needs.
    age(publishing, relation, 15)
    publishing.publish(tenant)
    assert folder.stored_files() == needed_files(folder)
    assert folder.rows() == publishing.rows(relation)
    # And the table goes on; with its next checkpoint its log begins at the one before.
    for number in range(CHECKPOINTS + 10, 2 * CHECKPOINTS + 20):
        change_and_publish(publishing, relation, number)
    assert CHECKPOINTS <= folder.versions()[0] + 1 <= 2 * CHECKPOINTS
    before, newest = folder.rows(), folder.version()
    assert before == publishing.rows(relation)
    change_and_publish(publishing, relation, 1000)
    assert replay(before, folder.changes(newest + 1, folder.version()), newest + 1, folder.version()) == folder.rows()
