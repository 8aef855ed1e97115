# SPDX-License-Identifier: PostgreSQL
"""What publish_now writes is what the database has, whoever reads the directory: after every kind of change."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from published import Published, Publisher, Row, delta_directory, replayed
from warehouse import wait_until
from worker_program import setting

Connection = psycopg.Connection[tuple]
COLUMNS = "id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2), tags text[], at timestamptz"


@pytest.fixture
def publisher(session: Connection) -> Iterator[Publisher]:
    made = Publisher(session)
    yield made
    made.drop()


@pytest.fixture
def deals(publisher: Publisher) -> Published:
    made = publisher.create("deals", COLUMNS)
    publisher.execute(
        "INSERT INTO deals SELECT i, 'deal ' || i, i * 1.25, ARRAY['a', NULL, i::text],"
        " '2024-02-29 12:00:00.123456Z'::timestamptz + i * interval '1 hour'"
        " FROM generate_series(1, 5000) i"
    )
    return made


def only(versions: list[Row]) -> Row:
    assert len(versions) == 1, versions
    return versions[0]


def expect_equal(table: Published, version: int | None = None) -> None:
    assert table.rows(version) == table.sql_rows()


def key(row: Row) -> object:
    return row["id"]


def counts(version: Row) -> tuple[object, ...]:
    return version["operation"], *(version[f"rows_{kind}"] for kind in ("added", "changed", "removed"))


def test_first_publish_holds_all_rows(publisher: Publisher, deals: Published) -> None:
    version = only(publisher.publish())
    assert version["table_name"] == f"{publisher.slug}.deals"
    assert counts(version) == ("CREATE", 5000, 0, 0)
    assert version["version"] == 0
    expect_equal(deals)
    protocol = deals.delta().protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 4)
    assert deals.delta().metadata().configuration["delta.enableChangeDataFeed"] == "true"


def test_empty_table_is_published_and_grows(publisher: Publisher) -> None:
    table = publisher.create("empty", COLUMNS)
    assert counts(only(publisher.publish())) == ("CREATE", 0, 0, 0)
    assert table.rows() == []
    publisher.execute("INSERT INTO empty VALUES (1, 'x', NULL, NULL, NULL)")
    assert counts(only(publisher.publish())) == ("WRITE", 1, 0, 0)
    expect_equal(table)


def test_every_kind_of_change_is_published_and_told(publisher: Publisher, deals: Published) -> None:
    publisher.publish()
    before = deals.rows()
    publisher.execute("INSERT INTO deals VALUES (9001, 'new', 1, '{}', now())")
    publisher.execute("UPDATE deals SET name = 'changed', tags = NULL WHERE id <= 10")
    publisher.execute("DELETE FROM deals WHERE id BETWEEN 20 AND 29")
    publisher.execute("UPDATE deals SET id = 10000 + id WHERE id BETWEEN 30 AND 34")
    version = only(publisher.publish())
    assert counts(version) == ("WRITE", 6, 10, 15)
    expect_equal(deals)
    assert deals.rows(0) == before
    changes = deals.changes(1, 1)
    kinds = [change["_change_type"] for change in changes]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "insert": 6,
        "delete": 15,
        "update_preimage": 10,
        "update_postimage": 10,
    }
    assert replayed(before, changes, key) == deals.rows()


def test_nothing_changed_makes_no_version(publisher: Publisher, deals: Published) -> None:
    publisher.publish()
    assert publisher.publish() == []
    publisher.execute("UPDATE deals SET name = name WHERE id < 50")
    publisher.execute("UPDATE deals SET name = 'for a moment' WHERE id = 7")
    publisher.execute("UPDATE deals SET name = 'deal 7' WHERE id = 7")
    publisher.execute("INSERT INTO deals VALUES (9002, 'gone', 1, '{}', now())")
    publisher.execute("DELETE FROM deals WHERE id = 9002")
    files = deals.files()
    assert publisher.publish() == []
    assert deals.files() == files
    assert deals.row("version") == 0


def test_truncate_loads_the_table_anew(publisher: Publisher, deals: Published) -> None:
    publisher.publish()
    publisher.execute("TRUNCATE deals")
    assert counts(only(publisher.publish())) == ("RELOAD", 0, 0, 5000)
    assert deals.rows() == []
    publisher.execute("INSERT INTO deals VALUES (1, 'x', NULL, NULL, NULL)")
    assert counts(only(publisher.publish())) == ("WRITE", 1, 0, 0)
    expect_equal(deals)


def test_late_commit_is_published_by_the_next(
    publisher: Publisher, deals: Published, new_session: Callable[[], Connection]
) -> None:
    publisher.publish()
    late = new_session()
    with late.transaction():
        late.execute(f"UPDATE {publisher.slug}.deals SET name = 'late' WHERE id = 5")
        publisher.execute("UPDATE deals SET name = 'early' WHERE id = 4")
        assert counts(only(publisher.publish())) == ("WRITE", 0, 1, 0)
        expect_equal(deals)
    assert counts(only(publisher.publish())) == ("WRITE", 0, 1, 0)
    expect_equal(deals)


def test_tables_are_published_at_one_snapshot(
    publisher: Publisher, new_session: Callable[[], Connection]
) -> None:
    left = publisher.create("left_side", "id int PRIMARY KEY, value bigint")
    right = publisher.create("right_side", "id int PRIMARY KEY, value bigint")
    for table in (left, right):
        publisher.execute(f"INSERT INTO {table.name} VALUES (1, 0)")
    publisher.publish()
    stop = threading.Event()
    writer = new_session()

    def write() -> None:
        while not stop.is_set():
            with writer.transaction():
                for table in (left, right):
                    writer.execute(f"UPDATE {publisher.slug}.{table.name} SET value = value + 1")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(5):
            publisher.publish()
            assert left.rows() == right.rows()
    finally:
        stop.set()
        thread.join()


def test_view_over_several_tables_is_compared(publisher: Publisher, deals: Published) -> None:
    publisher.execute("CREATE TABLE owners (deal bigint, owner text)")
    publisher.execute("INSERT INTO owners SELECT i, 'o' || i % 7 FROM generate_series(1, 4000) i")
    publisher.execute(
        "CREATE VIEW owned AS SELECT d.id, d.name, o.owner FROM deals d JOIN owners o ON o.deal = d.id"
    )
    owned = publisher.add("owned", key=["id"])
    publisher.publish()
    expect_equal(owned)
    before = owned.rows()
    publisher.execute("UPDATE owners SET owner = 'new' WHERE deal BETWEEN 1 AND 5")
    publisher.execute("DELETE FROM owners WHERE deal BETWEEN 6 AND 8")
    publisher.execute("INSERT INTO owners VALUES (4001, 'late')")
    assert counts(only(publisher.publish())) == ("WRITE", 1, 5, 3)
    expect_equal(owned)
    assert replayed(before, owned.changes(1, 1), key) == owned.rows()
    assert publisher.publish() == []


def test_added_and_dropped_columns_load_the_table_anew(
    publisher: Publisher, deals: Published
) -> None:
    publisher.publish()
    publisher.execute("ALTER TABLE deals ADD note text DEFAULT 'n', DROP tags")
    assert counts(only(publisher.publish())) == ("RELOAD", 5000, 0, 5000)
    expect_equal(deals)
    ids = {column["name"]: column["id"] for column in deals.row("columns")}
    publisher.execute("ALTER TABLE deals ALTER amount TYPE numeric(20,4)")
    publisher.publish()
    expect_equal(deals)
    later = {column["name"]: column["id"] for column in deals.row("columns")}
    assert later["name"] == ids["name"]
    assert later["amount"] > max(ids.values())


def test_comment_alone_rewrites_no_row(publisher: Publisher, deals: Published) -> None:
    publisher.publish()
    files = deals.files()
    publisher.execute("COMMENT ON COLUMN deals.name IS 'What it is called'")
    assert counts(only(publisher.publish())) == ("WRITE", 0, 0, 0)
    assert deals.files() == files
    fields = json.loads(deals.delta().schema().to_json())["fields"]
    assert [f["metadata"].get("comment") for f in fields if f["name"] == "name"] == [
        "What it is called"
    ]


def test_failing_table_says_why_and_the_others_go_on(
    publisher: Publisher, deals: Published
) -> None:
    broken = publisher.create("broken", "id int PRIMARY KEY, due date")
    publisher.execute("INSERT INTO broken VALUES (1, 'infinity')")
    with pytest.raises(psycopg.Error) as raised:
        publisher.publish()
    assert raised.value.sqlstate == "22003"
    assert f'could not publish "{publisher.slug}.broken"' in str(raised.value)
    assert 'Column "due".' in str(raised.value.diag.message_detail)
    assert 'Column "due".' in broken.row("last_error")
    expect_equal(deals)
    publisher.execute("UPDATE broken SET due = '2024-01-01'")
    publisher.publish()
    expect_equal(broken)
    assert broken.row("last_error") is None


def test_many_publishes_keep_few_files_and_make_a_checkpoint(
    publisher: Publisher, deals: Published
) -> None:
    publisher.publish()
    for turn in range(60):
        publisher.execute("UPDATE deals SET amount = %s WHERE id = %s", turn, 5000 - turn * 3)
        publisher.publish()
    expect_equal(deals)
    delta = deals.delta()
    assert len(delta.file_uris()) <= 40
    checkpoint = json.loads((deals.folder / "_delta_log" / "_last_checkpoint").read_text())
    assert checkpoint["version"] >= 49
    for log in (deals.folder / "_delta_log").glob("*.json"):
        if int(log.name[:20]) < checkpoint["version"]:
            log.unlink()
    expect_equal(deals)


def test_cancel_ends_the_publish_and_leaves_nothing(
    publisher: Publisher, new_session: Callable[[], Connection], tmp_path: Path
) -> None:
    slow = publisher.create("slow", "id int PRIMARY KEY, name text")
    publisher.execute("INSERT INTO slow SELECT i, 'n' FROM generate_series(1, 100000) i")
    publisher.execute(
        "CREATE VIEW slower AS SELECT id, name, pg_sleep(0.01)::text AS nothing FROM slow"
    )
    slower = publisher.add("slower", key=["id"])
    waiting = new_session()
    failures: list[psycopg.Error] = []

    def ask() -> None:
        try:
            waiting.execute("SELECT lakehouse.publish_now(%s)", [publisher.slug])
        except psycopg.Error as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()

    def is_loading() -> bool:
        found = publisher.connection.execute(
            "SELECT FROM lakehouse.progress_publish WHERE tenant = %s AND source = %s::regclass",
            [publisher.slug, f"{publisher.slug}.slower"],
        )
        return found.fetchone() is not None

    wait_until(is_loading, 30, "the publish")
    waiting.cancel()
    thread.join(30)
    assert [error.sqlstate for error in failures] == ["57014"]

    def is_quiet() -> bool:
        found = publisher.connection.execute(
            "SELECT FROM pg_stat_activity WHERE usename = 'lakehouse_worker' AND query LIKE 'COPY%%'"
            " AND state = 'active'"
        )
        return found.fetchone() is None

    wait_until(is_quiet, 10, "the end of its statement")
    publisher.execute("SELECT lakehouse.remove_table_from_share(%s, 'all', 'slower')",
                      publisher.slug)
    publisher.publish()
    expect_equal(slow)
    assert slow.files() == {Path(uri).name for uri in slow.delta().file_uris()}
    assert slower.name == "slower"


def test_only_admins_publish(publisher: Publisher, new_session: Callable[[], Connection]) -> None:
    other = new_session()
    other.execute(f"SET ROLE {publisher.slug}_member")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute("SELECT lakehouse.publish_now(%s)", [publisher.slug])


def test_dropped_tenant_leaves_no_file(session: Connection) -> None:
    gone = Publisher(session)
    table = gone.create("deals", COLUMNS)
    gone.execute("INSERT INTO deals VALUES (1, 'x', NULL, NULL, NULL)")
    gone.publish()
    folder = table.folder
    assert any(path.is_file() for path in folder.rglob("*"))
    gone.drop()
    wait_until(lambda: not folder.exists(), 20, "the end of its folder")
    assert folder.is_relative_to(delta_directory(session))
    assert setting(session, "lakehouse.delta_retention") == "7d"


def test_old_versions_go_with_their_files(publisher: Publisher, deals: Published) -> None:
    publisher.publish()
    publisher.execute("UPDATE deals SET name = 'second' WHERE id = 1")
    publisher.publish()
    publisher.execute("UPDATE deals SET name = 'third' WHERE id = 2")
    publisher.publish()
    assert len(deals.files()) > len(deals.delta().file_uris())
    table_id = deals.row("id")
    for statement in (
        "UPDATE lakehouse.published_versions SET committed_ms = committed_ms - 864000000"
        " WHERE table_id = %s",
        "UPDATE lakehouse.published_files SET removed_ms = removed_ms - 864000000"
        " WHERE table_id = %s",
    ):
        publisher.execute(statement, table_id)
    publisher.execute("UPDATE deals SET name = 'fourth' WHERE id = 3")
    publisher.publish()
    versions = publisher.connection.execute(
        "SELECT version, metadata IS NOT NULL FROM lakehouse.published_versions"
        " WHERE table_id = %s ORDER BY version",
        [table_id],
    ).fetchall()
    assert versions == [(2, True), (3, False)]
    expect_equal(deals)
    assert {row["name"] for row in deals.rows(2)} >= {"second", "third"}
    assert "fourth" not in {row["name"] for row in deals.rows(2)}
    known = publisher.connection.execute(
        "SELECT path FROM lakehouse.published_files WHERE table_id = %(id)s UNION ALL"
        " SELECT path FROM lakehouse.published_change_files WHERE table_id = %(id)s",
        {"id": table_id},
    ).fetchall()
    assert deals.files() == {path for (path,) in known}


def test_commit_of_another_ends_publishing_until_it_is_restarted(
    publisher: Publisher, deals: Published
) -> None:
    publisher.publish()
    foreign = deals.folder / "_delta_log" / f"{1:020}.json"
    foreign.write_text('{"commitInfo":{}}\n')
    publisher.execute("UPDATE deals SET name = 'ours' WHERE id = 1")
    with pytest.raises(psycopg.Error) as raised:
        publisher.publish()
    assert "the log has a commit that is not ours" in str(raised.value)
    assert "restart_publishing" in str(raised.value.diag.message_hint)
    assert foreign.read_text() == '{"commitInfo":{}}\n'
    assert deals.row("stored_version") == 0
    source = f"{publisher.slug}.deals"
    publisher.execute("SELECT lakehouse.restart_publishing(%s, %s)", publisher.slug, source)
    assert counts(only(publisher.publish())) == ("CREATE", 5000, 0, 0)
    expect_equal(deals)


def test_worker_killed_in_a_publish_leaves_it_to_the_next(
    publisher: Publisher, deals: Published
) -> None:
    publisher.publish()
    publisher.execute("UPDATE deals SET name = name || '!' WHERE id % 10 = 0")
    publisher.execute("SELECT lakehouse.publish(%s)", publisher.slug)
    found = publisher.connection.execute("SELECT pid FROM lakehouse.worker_status").fetchone()
    assert found is not None
    os.kill(found[0], signal.SIGKILL)
    wait_until(lambda: deals.row("stored_version") == 1, 60, "the publish")
    expect_equal(deals)
