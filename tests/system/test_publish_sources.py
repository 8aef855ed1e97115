# SPDX-License-Identifier: PostgreSQL
"""What no row tells, and what a source has become: the next publish has it right, or says why not."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from published import Published, Publisher

Connection = psycopg.Connection[tuple]


@pytest.fixture
def publisher(session: Connection) -> Iterator[Publisher]:
    made = Publisher(session)
    yield made
    made.drop()


def expect_equal(table: Published) -> None:
    assert table.rows() == table.sql_rows()


def operations(publisher: Publisher) -> list[str]:
    return [version["operation"] for version in publisher.publish()]


def test_replaced_view_shows_what_it_shows_now(publisher: Publisher) -> None:
    publisher.execute("CREATE TABLE item (id int PRIMARY KEY, size int)")
    publisher.execute("INSERT INTO item SELECT i, i FROM generate_series(1, 20) i")
    publisher.execute("CREATE VIEW shown AS SELECT id, size FROM item WHERE size > 10")
    shown = publisher.add("shown", key=["id"], changes_of="item")
    publisher.publish()
    expect_equal(shown)
    publisher.execute(
        "CREATE OR REPLACE VIEW shown AS SELECT id, size FROM item WHERE size < 5"
    )
    publisher.publish()
    expect_equal(shown)
    publisher.execute(
        "CREATE OR REPLACE VIEW shown AS SELECT id, size, size * 2 AS twice FROM item"
    )
    publisher.publish()
    expect_equal(shown)


def test_partitions_that_come_and_go_take_their_rows_along(
    publisher: Publisher,
) -> None:
    publisher.execute(
        "CREATE TABLE part (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region)"
    )
    publisher.execute("CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('eu')")
    publisher.execute("INSERT INTO part VALUES (1, 'eu'), (2, 'eu')")
    part = publisher.add("part")
    publisher.publish()
    expect_equal(part)
    for change in (
        "CREATE TABLE part_us (region text NOT NULL, id int NOT NULL)",
        "INSERT INTO part_us VALUES ('us', 3), ('us', 4)",
        "ALTER TABLE part ATTACH PARTITION part_us FOR VALUES IN ('us')",
        "UPDATE part SET region = 'us' WHERE id = 1",
        "ALTER TABLE part DETACH PARTITION part_us",
        "TRUNCATE part_eu",
        "ALTER TABLE part ATTACH PARTITION part_us FOR VALUES IN ('us')",
        "DROP TABLE part_us",
    ):
        publisher.execute(change)
        publisher.publish()
        expect_equal(part)


def test_rewritten_column_is_published_anew(publisher: Publisher) -> None:
    item = publisher.create("item", "id int PRIMARY KEY, word text")
    publisher.execute(
        "INSERT INTO item SELECT i, 'w' || i FROM generate_series(1, 50) i"
    )
    publisher.publish()
    publisher.execute("ALTER TABLE item ALTER word TYPE varchar(9) USING upper(word)")
    assert operations(publisher) == ["RELOAD"]
    expect_equal(item)


def test_salt_changes_every_contact(publisher: Publisher) -> None:
    publisher.execute(
        "INSERT INTO contacts (last_name, email, phone) SELECT 'n' || i, 'a' || i || '@example.test',"
        " '+49 30 ' || i FROM generate_series(1, 30) i"
    )
    publisher.execute(
        "SELECT lakehouse.create_contract_view(%s, 'contacts')", publisher.slug
    )
    contacts = publisher.add("published_contacts", changes_of="contacts")
    publisher.publish()
    before = {row["id"]: row["email_hash"] for row in contacts.rows()}
    publisher.execute("SELECT lakehouse.set_share_salt(%s, 'pepper')", publisher.slug)
    publisher.publish()
    expect_equal(contacts)
    after = {row["id"]: row["email_hash"] for row in contacts.rows()}
    assert before.keys() == after.keys()
    assert all(before[contact] != after[contact] for contact in before)


def test_source_that_goes_leaves_its_last_version_and_the_others_alone(
    publisher: Publisher,
) -> None:
    gone = publisher.create("gone", "id int PRIMARY KEY")
    kept = publisher.create("kept", "id int PRIMARY KEY")
    publisher.execute("INSERT INTO gone VALUES (1)")
    publisher.publish()
    folder = gone.folder
    publisher.execute("DROP TABLE gone")
    publisher.execute("INSERT INTO kept VALUES (2)")
    with pytest.raises(psycopg.Error, match="no longer exists"):
        publisher.publish()
    expect_equal(kept)
    error = publisher.connection.execute(
        "SELECT p.last_error, p.stored_version FROM lakehouse.published_tables p"
        " JOIN lakehouse.share_tables t ON t.table_id = p.id WHERE t.name = 'gone'"
    ).fetchone()
    assert error is not None
    assert "no longer exists" in error[0] and error[1] == 0
    assert (folder / "_delta_log" / f"{0:020}.json").exists()
    publisher.execute(
        "SELECT lakehouse.remove_table_from_share(%s, 'all', 'gone')", publisher.slug
    )
    publisher.execute("INSERT INTO kept VALUES (3)")
    publisher.publish()
    expect_equal(kept)


def test_view_of_a_tenant_does_nothing_as_the_worker(publisher: Publisher) -> None:
    """Its functions run while the worker reads it; they find the tenant's rights, and no way to others."""
    publisher.execute(
        "CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS"
        " 'BEGIN EXECUTE statement; RETURN ''done''; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END'"
    )
    publisher.execute(f"GRANT EXECUTE ON FUNCTION try TO {publisher.slug}_admin")
    publisher.execute(
        "CREATE VIEW bait AS SELECT 1 AS id, current_user::text AS reader,"
        " try('RESET ROLE') AS become, try('SELECT * FROM lakehouse.captured_changes') AS steal,"
        f" try('DELETE FROM {publisher.slug}.accounts') AS write, set_config('search_path', 'x', false) AS path"
    )
    bait = publisher.add("bait", key=["id"])
    publisher.publish()
    [row] = bait.rows()
    assert row["reader"] == f"{publisher.slug}_admin"
    assert "cannot set parameter" in row["become"]
    assert row["steal"] == "permission denied for table captured_changes"
    assert "read-only" in row["write"]
    publisher.execute(
        "INSERT INTO users (email, full_name) VALUES ('a@example.test', 'A')"
    )
    publisher.publish()


def test_key_that_tells_rows_not_apart_is_refused_at_once(publisher: Publisher) -> None:
    publisher.execute("CREATE TABLE item (id int PRIMARY KEY, size int)")
    publisher.execute("INSERT INTO item SELECT i, 1000000 + i FROM generate_series(1, 20000) i")
    publisher.execute("UPDATE item SET size = 1000007 WHERE id = 19999")
    publisher.execute('CREATE VIEW sizes AS SELECT id, size AS "TheSize" FROM item')
    sizes = publisher.add("sizes", key=["TheSize"])
    with pytest.raises(psycopg.Error, match="same key"):
        publisher.publish()
    error = sizes.row("last_error")
    assert 'The key is ("TheSize").' in error and "1000007" not in error
    assert sizes.row("stored_version") == -1 and sizes.files() == set()
    publisher.execute("UPDATE item SET size = 0 WHERE id = 19999")
    assert operations(publisher) == ["CREATE"]
    expect_equal(sizes)


def test_view_that_doubles_rows_of_changes_of_is_refused(publisher: Publisher) -> None:
    publisher.execute("CREATE TABLE item (id int PRIMARY KEY, size int)")
    publisher.execute("INSERT INTO item VALUES (1, 1), (2, 2)")
    publisher.execute("CREATE TABLE part (item_id int)")
    publisher.execute("INSERT INTO part VALUES (1), (1), (2)")
    publisher.execute("CREATE VIEW shown AS SELECT i.id, size FROM item i JOIN part ON item_id = i.id")
    for name in ("shown", "part"):
        publisher.execute(f"GRANT SELECT ON {name} TO {publisher.slug}_admin")
    publisher.add("shown", key=["id"], changes_of="item")
    with pytest.raises(psycopg.Error, match="same key"):
        publisher.publish()


def test_row_that_comes_twice_is_refused(publisher: Publisher) -> None:
    """Also where it equals the one that was published, so that nothing seems to have changed."""
    publisher.execute("CREATE TABLE item (id int, size int)")
    publisher.execute("INSERT INTO item SELECT i, i FROM generate_series(1, 100) i")
    publisher.execute("CREATE VIEW shown AS SELECT id, size FROM item")
    shown = publisher.add("shown", key=["id"])
    publisher.publish()
    before = shown.rows()
    publisher.execute("INSERT INTO item VALUES (7, 7)")
    with pytest.raises(psycopg.Error, match="same key"):
        publisher.publish()
    assert shown.rows() == before
    publisher.execute("UPDATE item SET id = 101 WHERE ctid = (SELECT max(ctid) FROM item)")
    publisher.publish()
    expect_equal(shown)


def test_index_that_proved_the_key_and_is_gone(publisher: Publisher) -> None:
    item = publisher.create("item", "id int PRIMARY KEY, size int")
    publisher.execute("INSERT INTO item VALUES (1, 1)")
    publisher.publish()
    publisher.execute("ALTER TABLE item DROP CONSTRAINT item_pkey")
    publisher.execute("INSERT INTO item VALUES (1, 2)")
    publisher.execute("ALTER TABLE item ADD COLUMN more int")
    with pytest.raises(psycopg.Error, match="same key"):
        publisher.publish()
    publisher.execute("DELETE FROM item WHERE size = 2")
    publisher.publish()
    expect_equal(item)
