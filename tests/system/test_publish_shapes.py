# SPDX-License-Identifier: PostgreSQL
"""What may come to be published: every type and its extremes, names of all kinds, tables without rows
or keys, tables that change their shape. Each outcome is one that docs/publish.md states."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from published_rows import difference, quoted
from publishing import IN_BOTH, Publishing

# Column type, and what it holds beside NULL.
EXTREMES: dict[str, tuple[str, ...]] = {
    "boolean": ("true", "false"),
    "smallint": ("-32768", "32767"),
    "integer": ("-2147483648", "2147483647"),
    "bigint": ("-9223372036854775808", "9223372036854775807"),
    "real": ("1e-45", "-3.4028235e38", "NaN", "Infinity", "-Infinity", "-0"),
    "double precision": ("5e-324", "1.7976931348623157e308", "NaN", "Infinity", "-Infinity", "0.1"),
    "numeric": ("1e1000", "-1e-1000", "NaN", "Infinity", "0.0", "12345678901234567890123456789012345678901"),
    "numeric(1,0)": ("-9", "9"),
    "numeric(9,2)": ("-9999999.99", "9999999.99"),
    "numeric(18,18)": ("0.999999999999999999", "-0.000000000000000001"),
    "numeric(38,0)": ("9" * 38, "-" + "9" * 38),
    "numeric(38,10)": ("9" * 28 + "." + "9" * 10, "-0.0000000001"),
    "numeric(39,2)": ("9" * 37 + ".99", "NaN"),
    "numeric(2,-3)": ("99000", "-99000"),
    "numeric(3,5)": ("0.00999", "-0.00999"),
    "text": ("", " ", "NULL", "\\N", "{}", "a\tb\nc\rd", "🙂" * 40, "e\u0301", "\u0001\x7f", "\ufeff", "z" * 100_000),
    "varchar(8)": ("", "äöüßäöüß"),
    "char(8)": ("", "ab", "ab c    "),
    "name": ("x" * 63,),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "json": ('{"b": 1, "a":  2, "a": 3}', "null", '"\\u0041"'),
    "jsonb": ('{"b": 1, "a": 2, "a": 3}', "null", "[1e400]"),
    "inet": ("192.168.0.1/24", "::1", "0.0.0.0/0"),
    "cidr": ("10.0.0.0/8", "2001:db8::/32"),
    "macaddr": ("08:00:2b:01:02:03",),
    "macaddr8": ("08:00:2b:01:02:03:04:05",),
    "time": ("00:00:00", "24:00:00", "23:59:59.999999"),
    "timetz": ("00:00:00+15:59", "24:00:00-15:59"),
    "interval": ("-178000000 years", "1 mon -1 day 00:00:00.000001", "0"),
    "date": ("0001-01-01", "9999-12-31", "2000-02-29", "1582-10-10"),
    "timestamp": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"),
    "timestamptz": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "2026-03-29 02:30:00+01"),
    "bytea": ("", "\\x00ff", "\\x" + "00" * 5000),
    "mood": ("sad", "Très, \"gai\" {}"),
    "years": ("1", "150"),
    "integer[]": ("{}", "{NULL}", "{-2147483648,NULL,2147483647}", "[5:6]={1,2}"),
    "text[]": ("{}", '{NULL,"NULL","","a,b","\\""}'),
    "numeric(9,2)[]": ("{-9999999.99,NULL}",),
    "numeric[]": ("{NaN,1e100}",),
    "uuid[]": ("{ffffffff-ffff-ffff-ffff-ffffffffffff,NULL}",),
    "timestamptz[]": ('{"0001-01-01 00:00:00+00",NULL}',),
    "timestamp[]": ('{"9999-12-31 23:59:59.999999"}',),
    "date[]": ("{0001-01-01,9999-12-31}",),
    "bytea[]": ('{"\\\\x00",NULL}',),
    "boolean[]": ("{t,NULL,f}",),
    "real[]": ("{NaN,0.1}",),
    "double precision[]": ("{Infinity,NULL,-0}",),
    "jsonb[]": ('{"{\\"a\\": 1}",NULL}',),
    "mood[]": ("{sad,NULL}",),
}  # fmt: skip
TYPES = """
CREATE TYPE {0}.mood AS ENUM ('sad', 'Très, "gai" {{}}');
CREATE DOMAIN {0}.years AS smallint CHECK (VALUE > 0);
"""
# The table keeps its version, the column is named, all other tables are published.
UNFIT = (
    ("date", "infinity"), ("date", "-infinity"), ("date", "0001-12-31 BC"), ("date", "10000-01-01"),
    ("timestamptz", "infinity"), ("timestamptz", "0001-12-31 23:59:59 BC"), ("timestamptz", "10000-01-01"),
    ("timestamp", "-infinity"), ("timestamp", "4713-01-01 BC"), ("numeric(9,2)", "NaN"),
    ("date[]", "{infinity}"), ("numeric(9,2)[]", "{NaN}"), ("integer[]", "{{1,2},{3,4}}"),
)  # fmt: skip
# Not added to a share.
UNFIT_TYPES = ("tsvector", "int4range", "point", "bit(3)", "money", "xml", "pg_lsn", "oid", "record_type")
NAMES = (
    "Größe", "ORDER", "select", "a.b", 'quote"', "apo'strophe", "%41", "back\\slash", "🙂", "$1", "a/b",
    "_metadata", "é", "日本語", "x" * 63, "a-b", "a:b", "<b>", "`tick`", "a*", "?", "#",
)  # fmt: skip
UNFIT_NAMES = (
    "two words", "tab\tbed", "a,b", "a;b", "a=b", "a(b)", "{a}", "line\nend", "_change_type", "_COMMIT_VERSION",
)  # fmt: skip


@pytest.fixture(scope="module")
def tenant(publishing: Publishing) -> Iterator[str]:
    """With a share that has no table yet."""
    slug = "s" + secrets.token_hex(4)
    publishing.make_tenant(slug)
    publishing.session.execute(TYPES.format(slug))
    publishing.session.execute("SELECT lakehouse.create_share(%s, 'shapes', default_tables => false)", [slug])
    yield slug
    publishing.session.execute("SELECT lakehouse.drop_tenant(%s)", [slug])


@pytest.fixture
def published(publishing: Publishing, tenant: str) -> Iterator[Callable[..., str]]:
    """Makes and adds a table of these columns; returns its quoted name."""
    made: list[str] = []

    def make(columns: str, name: str = "", key: list[str] | None = None) -> str:
        relation = f"{quoted(tenant)}.{quoted(name or 't' + secrets.token_hex(4))}"
        publishing.session.execute(f"CREATE TABLE {relation} ({columns})")
        made.append(relation)
        add(publishing, tenant, relation, key)
        return relation

    publishing.session.execute(f"SET search_path = {tenant}")
    yield make
    publishing.session.execute("RESET search_path")
    for relation in made:
        publishing.session.execute(f"DROP TABLE IF EXISTS {relation} CASCADE")
    publishing.session.execute(
        "DELETE FROM lakehouse.published_tables WHERE tenant_id = lakehouse.find_tenant(%s)", [tenant]
    )


def add(publishing: Publishing, tenant: str, relation: str, key: list[str] | None = None) -> None:
    publishing.session.execute(
        "SELECT lakehouse.add_table_to_share(%s, 'shapes', %s::regclass, table_name => %s, key => %s)",
        [tenant, relation, "n" + secrets.token_hex(4), key],
    )


def check(publishing: Publishing, relation: str) -> None:
    """What readers find is what SQL says."""
    assert publishing.last_error(relation) is None
    found, expected = publishing.folder(relation).rows(), publishing.rows(relation)
    assert found == expected, difference(found, expected)


def insert_extremes(publishing: Publishing, relation: str) -> None:
    """Each value in a row where all else is NULL."""
    for number, (type_name, values) in enumerate(EXTREMES.items()):
        for value in values:
            publishing.session.execute(
                f"INSERT INTO {relation} (c{number}) VALUES (%s::text::{type_name})", [value]
            )


@IN_BOTH
def test_every_type_and_its_extremes(
    publishing: Publishing, tenant: str, published: Callable[..., str]
) -> None:
    columns = ", ".join(f"c{number} {name}" for number, name in enumerate(EXTREMES))
    relation = published(f"id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {columns}")
    insert_extremes(publishing, relation)
    publishing.publish(tenant)
    check(publishing, relation)
    # And as changes: they are read from the data files, and from the change files.
    before = publishing.folder(relation).rows()
    publishing.session.execute(f"UPDATE {relation} SET c0 = NOT coalesce(c0, false)")
    publishing.publish(tenant)
    check(publishing, relation)
    folder = publishing.folder(relation)
    (changes,) = folder.changes(folder.version(), folder.version()).values()
    assert changes.taken == before and changes.given == publishing.rows(relation)


@pytest.mark.parametrize(("type_name", "value"), UNFIT)
def test_value_that_no_reader_could_read_names_its_column(
    publishing: Publishing, tenant: str, published: Callable[..., str], type_name: str, value: str
) -> None:
    relation = published(f'id int PRIMARY KEY, "Other?" text, unfit {type_name}')
    other = published("id int PRIMARY KEY")
    publishing.publish(tenant)
    old = publishing.folder(relation).rows()
    publishing.session.execute(f"INSERT INTO {other} VALUES (1)")
    publishing.session.execute(f"INSERT INTO {relation} (id, unfit) VALUES (1, NULL), (2, %s)", [value])
    assert "unfit" in publishing.publish_in_part(tenant)
    error = publishing.last_error(relation)
    assert error is not None and "unfit" in error, error
    assert publishing.folder(relation).rows() == old
    check(publishing, other)
    publishing.session.execute(f"DELETE FROM {relation} WHERE id = 2")
    publishing.publish(tenant)
    check(publishing, relation)


@pytest.mark.parametrize("type_name", UNFIT_TYPES)
def test_type_that_delta_lacks_is_refused(
    publishing: Publishing, tenant: str, published: Callable[..., str], type_name: str
) -> None:
    if type_name == "record_type":
        publishing.session.execute(f"CREATE TYPE {tenant}.record_type AS (a int)")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="unfit"):
        published(f"id int PRIMARY KEY, unfit {type_name}")


@IN_BOTH
def test_names_of_all_kinds(publishing: Publishing, tenant: str, published: Callable[..., str]) -> None:
    columns = ", ".join(f"{quoted(name)} int" for name in NAMES)
    for name in ("Mixed Case", 'quote"d', "apo'strophe; DROP TABLE x", "日本/🙂", "%2e%2e", ".."):
        relation = published(f"id int PRIMARY KEY, {columns}", name)
        publishing.session.execute(f"INSERT INTO {relation} (id, {quoted(NAMES[0])}) VALUES (1, 1)")
        publishing.publish(tenant)
        check(publishing, relation)
        publishing.session.execute(f"UPDATE {relation} SET {quoted(NAMES[4])} = 2")
        publishing.publish(tenant)
        check(publishing, relation)


def test_keys_of_all_names(publishing: Publishing, tenant: str, published: Callable[..., str]) -> None:
    key = ", ".join(quoted(name) for name in NAMES[:8])
    columns = ", ".join(f"{quoted(name)} text" for name in NAMES[:8])
    relation = published(f"{columns}, n int, PRIMARY KEY ({key})")
    publishing.session.execute(
        f"INSERT INTO {relation} SELECT a, b, a, b, a, b, a, b, 0"
        " FROM unnest(ARRAY['', 'NULL', '\\', '\"', '{}', ',']) a, unnest(ARRAY['', ' ', '\\N']) b"
    )
    publishing.publish(tenant)
    check(publishing, relation)
    publishing.session.execute(f"UPDATE {relation} SET n = 1 WHERE \"select\" <> 'NULL'")
    publishing.session.execute(f"DELETE FROM {relation} WHERE \"select\" = '\"'")
    publishing.publish(tenant)
    check(publishing, relation)


@pytest.mark.parametrize("name", UNFIT_NAMES)
def test_column_name_that_delta_lacks_is_refused(
    publishing: Publishing, published: Callable[..., str], name: str
) -> None:
    with pytest.raises(psycopg.errors.InvalidName):
        published(f"id int PRIMARY KEY, {quoted(name)} int")


def test_columns_that_differ_in_case_are_refused(published: Callable[..., str]) -> None:
    with pytest.raises(psycopg.errors.DuplicateColumn):
        published('id int PRIMARY KEY, a int, "A" int')


def test_table_without_key_is_refused(publishing: Publishing, published: Callable[..., str]) -> None:
    with pytest.raises(psycopg.Error, match="key"):
        published("a int, b int")


# Rows and files


@IN_BOTH
def test_table_without_rows(publishing: Publishing, tenant: str, published: Callable[..., str]) -> None:
    relation = published("id int PRIMARY KEY, at timestamptz")
    publishing.publish(tenant)
    folder = publishing.folder(relation)
    assert folder.version() == 0 and folder.rows().total() == 0 and folder.live_files() == []
    assert [field.name for field in folder.table().schema().fields] == ["id", "at"]
    publishing.publish(tenant)
    assert folder.version() == 0  # nothing changed, no version
    publishing.session.execute(f"INSERT INTO {relation} SELECT n, now() FROM generate_series(1, 10) n")
    publishing.publish(tenant)
    check(publishing, relation)
    for emptied in (f"DELETE FROM {relation}", f"TRUNCATE {relation}"):
        publishing.session.execute(emptied)
        publishing.publish(tenant)
        check(publishing, relation)
        assert folder.live_files() == []
        publishing.session.execute(f"INSERT INTO {relation} VALUES (1, now())")
        publishing.publish(tenant)
        check(publishing, relation)


def test_change_that_is_taken_back_makes_no_version(
    publishing: Publishing, tenant: str, published: Callable[..., str]
) -> None:
    relation = published("id int PRIMARY KEY, n int")
    publishing.session.execute(f"INSERT INTO {relation} VALUES (1, 1)")
    publishing.publish(tenant)
    version = publishing.folder(relation).version()
    for statement in ("UPDATE {} SET n = 2", "UPDATE {} SET n = 1", "INSERT INTO {} VALUES (2, 2)",
                      "DELETE FROM {} WHERE id = 2", "UPDATE {} SET n = n"):  # fmt: skip
        publishing.session.execute(statement.format(relation))
    publishing.publish(tenant)
    assert publishing.folder(relation).version() == version
    assert publishing.value("SELECT count(*) FROM lakehouse.captured_changes") == 0


# Changes of shape

SHAPES = (
    ("add", "ADD COLUMN added int"),
    ("add with default", "ADD COLUMN added text NOT NULL DEFAULT 'old row'"),
    ("drop", "DROP COLUMN n"),
    ("rename", "RENAME COLUMN n TO renamed"),
    ("widen", "ALTER COLUMN n TYPE bigint"),
    ("narrow", "ALTER COLUMN n TYPE smallint"),
    ("another type", "ALTER COLUMN n TYPE text USING 'n' || n"),
    ("values", "ALTER COLUMN t TYPE text USING upper(t)"),
    ("digits", "ALTER COLUMN d TYPE numeric(12,4)"),
    ("filled", "ALTER COLUMN t SET NOT NULL"),
    ("not filled", "ALTER COLUMN d DROP NOT NULL"),
    ("drop and add", "DROP COLUMN n, ADD COLUMN n int"),
)


@pytest.mark.parametrize(("name", "change"), SHAPES, ids=[name for name, _ in SHAPES])
def test_change_of_shape(
    publishing: Publishing, tenant: str, published: Callable[..., str], name: str, change: str
) -> None:
    relation = published("id int PRIMARY KEY, n int, t text, d numeric(10,2) NOT NULL")
    session = publishing.session
    session.execute(f"INSERT INTO {relation} SELECT n, n, 'text ' || n, n FROM generate_series(1, 50) n")
    publishing.publish(tenant)
    old, ids = publishing.folder(relation).rows(), field_ids(publishing, relation)
    session.execute(f"ALTER TABLE {relation} {change}")
    session.execute(f"DELETE FROM {relation} WHERE id = 7")
    publishing.publish(tenant)
    check(publishing, relation)
    folder = publishing.folder(relation)
    assert folder.rows(0) == old
    now = field_ids(publishing, relation)
    if name == "drop and add":
        assert now["n"] not in ids.values()
    assert len(set(now.values())) == len(now)
    # And on from there.
    session.execute(f"UPDATE {relation} SET t = t || '!' WHERE id < 5")
    before = folder.rows()
    publishing.publish(tenant)
    check(publishing, relation)
    newest = folder.version()
    (changes,) = folder.changes(newest, newest).values()
    assert before - changes.taken + changes.given == publishing.rows(relation)


def field_ids(publishing: Publishing, relation: str) -> dict[str, int]:
    """As the files have them."""
    folder = publishing.folder(relation)
    with folder.files.open_input_file(folder.live_files()[0]["path"]) as file:
        schema = pa.parquet.read_schema(file)
    return {field.name: int(field.metadata[b"PARQUET:field_id"]) for field in schema}


def test_view_that_is_replaced(publishing: Publishing, tenant: str, published: Callable[..., str]) -> None:
    base = published("id int PRIMARY KEY, n int")
    session = publishing.session
    session.execute(f"INSERT INTO {base} SELECT n, n FROM generate_series(1, 50) n")
    session.execute(f"CREATE VIEW {tenant}.replaced AS SELECT id, n FROM {base}")
    session.execute(
        "SELECT lakehouse.add_table_to_share(%s, 'shapes', %s::regclass, table_name => 'replaced',"
        " key => ARRAY['id'], changes_of => %s::regclass)",
        [tenant, f"{tenant}.replaced", base],
    )
    publishing.publish(tenant)
    check(publishing, f"{tenant}.replaced")
    session.execute(f"CREATE OR REPLACE VIEW {tenant}.replaced AS SELECT id, n + 1 AS n FROM {base} WHERE n > 9")
    publishing.publish(tenant)
    check(publishing, f"{tenant}.replaced")


def test_partitioned_table(publishing: Publishing, tenant: str, published: Callable[..., str]) -> None:
    """Rows come and go by their partitions, too."""
    session = publishing.session
    relation = f"{tenant}.parted"
    columns = "id int, region text, PRIMARY KEY (id, region)"
    session.execute(f"CREATE TABLE {relation} ({columns}) PARTITION BY LIST (region)")
    session.execute(f"CREATE TABLE {tenant}.de PARTITION OF {relation} FOR VALUES IN ('de')")
    session.execute(f"INSERT INTO {relation} SELECT n, 'de' FROM generate_series(1, 9) n")
    add(publishing, tenant, relation)
    publishing.publish(tenant)
    check(publishing, relation)
    steps = (
        f"INSERT INTO {tenant}.de VALUES (10, 'de')",
        f"CREATE TABLE {tenant}.fr PARTITION OF {relation} FOR VALUES IN ('fr')",
        f"UPDATE {relation} SET region = 'fr' WHERE id < 4",
        f"TRUNCATE {tenant}.fr",
        f"CREATE TABLE {tenant}.it AS SELECT n AS id, 'it' AS region FROM generate_series(1, 5) n",
        f"ALTER TABLE {tenant}.it ALTER id SET NOT NULL, ALTER region SET NOT NULL",
        f"ALTER TABLE {relation} ATTACH PARTITION {tenant}.it FOR VALUES IN ('it')",
        f"ALTER TABLE {relation} DETACH PARTITION {tenant}.de",
        f"DROP TABLE {tenant}.it",
    )
    for step in steps:
        session.execute(step)
        publishing.publish(tenant)
        found, expected = publishing.folder(relation).rows(), publishing.rows(relation)
        assert found == expected, f"{step}: {difference(found, expected)}"
    session.execute(f"DROP TABLE {relation}")


def test_source_that_is_dropped(publishing: Publishing, tenant: str, published: Callable[..., str]) -> None:
    gone, other = published("id int PRIMARY KEY"), published("id int PRIMARY KEY")
    publishing.publish(tenant)
    table = publishing.value("SELECT id FROM lakehouse.published_tables WHERE source = %s::regclass", [gone])
    folder = publishing.folder(gone)
    publishing.session.execute(f"DROP TABLE {gone}")
    publishing.session.execute(f"INSERT INTO {other} VALUES (1)")
    assert "no longer exists" in publishing.publish_in_part(tenant)
    check(publishing, other)
    error = publishing.value("SELECT last_error FROM lakehouse.published_tables WHERE id = %s", [table])
    assert error is not None and "no longer exists" in error
    assert folder.version() == 0 and folder.rows().total() == 0


@IN_BOTH
def test_exact_values(publishing: Publishing, tenant: str, published: Callable[..., str]) -> None:
    """Said in words here, lest both sides of a comparison err alike."""
    relation = published("id int PRIMARY KEY, n numeric(5,2), t timestamp, u uuid, j jsonb, c char(4), b bytea")
    publishing.session.execute(
        f"INSERT INTO {relation} VALUES (1, 1.5, '2026-01-02 03:04:05.678901',"
        " 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{\"b\":1}', 'ab', '\\x00')"
    )
    publishing.publish(tenant)
    (row,) = pa.table(publishing.folder(relation).table().to_pyarrow_table()).to_pylist()
    assert row == {
        "id": 1,
        "n": Decimal("1.50"),
        "t": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "j": '{"b": 1}',
        "c": "ab",
        "b": b"\x00",
    }
