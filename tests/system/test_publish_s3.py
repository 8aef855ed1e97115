# SPDX-License-Identifier: PostgreSQL
"""What is published into a bucket by a service that fails in ways of its own, and stores that change. All else that is
published is tested in both places: test_publish_fire.py, …_crash.py, …_shapes.py, ../readers."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import s3_service
from bucket import BucketPublished, BucketPublisher
from published import Published, Publisher, delta_directory
from s3_service import Answer, S3Service, Seen, error_answer

Connection = psycopg.Connection[tuple]


@pytest.fixture(scope="module")
def service() -> Iterator[S3Service]:
    with s3_service.running() as running:
        yield running


@pytest.fixture
def publisher(session: Connection, service: S3Service) -> Iterator[BucketPublisher]:
    service.gate.fault = service.gate.after = None
    made = BucketPublisher(session, service)
    yield made
    service.gate.fault = service.gate.after = None
    made.drop()


@pytest.fixture
def deals(publisher: BucketPublisher) -> BucketPublished:
    made = publisher.create(
        "deals", "id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2)"
    )
    publisher.execute(
        "INSERT INTO deals SELECT i, 'deal ' || i, i * 1.25 FROM generate_series(1, 5000) i"
    )
    return made


def failed(publisher: BucketPublisher) -> str:
    """Publishes in vain; what the database says of it."""
    with pytest.raises(psycopg.Error) as caught:
        publisher.publish()
    told = [str(caught.value)]
    with publisher.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(last_error, '') FROM lakehouse.published_tables")
        told += [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "SELECT coalesce(error, '') FROM lakehouse.publish_jobs ORDER BY id DESC LIMIT 1"
        )
        told += [row[0] for row in cursor.fetchall()]
    assert s3_service.kSecret not in "".join(told)
    return "\n".join(told)


def test_large_files_go_in_parts(publisher: BucketPublisher) -> None:
    blobs = publisher.create("blobs", "id bigint PRIMARY KEY, content bytea")
    publisher.execute(
        "INSERT INTO blobs SELECT i, convert_to(string_agg(md5(i * 10000 + j || ''), ''), 'UTF8')"
        " FROM generate_series(1, 1000) i, generate_series(1, 1024) j GROUP BY i"
    )
    before = len(publisher.service.gate.seen)
    publisher.publish()
    assert any("partNumber" in one.query for one in publisher.service.gate.seen[before:])
    assert blobs.rows() == blobs.sql_rows()


def test_an_outage_leaves_no_half_version(
    publisher: BucketPublisher, deals: BucketPublished
) -> None:
    publisher.publish()
    before = deals.sql_rows()
    publisher.execute("UPDATE deals SET amount = 7 WHERE id < 100")
    for part in (".parquet", "/_delta_log/"):

        def refuse(seen: Seen, part: str = part) -> Answer | None:
            is_hit = seen.method == "PUT" and part in seen.path
            return error_answer(403, "AccessDenied") if is_hit else None

        with publisher.service.failing(refuse):
            assert "object store refused access" in failed(publisher)
        assert deals.rows() == before
    publisher.publish()
    assert deals.rows() == deals.sql_rows()
    known = publisher.connection.execute(
        "SELECT path FROM lakehouse.published_files WHERE table_id = %s"
        " UNION SELECT path FROM lakehouse.published_change_files WHERE table_id = %s",
        [deals.row("id"), deals.row("id")],
    ).fetchall()
    assert {path for (path,) in known} == deals.files()


def test_a_commit_whose_answer_is_lost_is_found(
    publisher: BucketPublisher, deals: BucketPublished
) -> None:
    lost = []

    def lose(seen: Seen, answer: Answer) -> Answer:
        if seen.method != "PUT" or "/_delta_log/" not in seen.path or lost:
            return answer
        lost.append(seen)
        return error_answer(500, "InternalError")

    publisher.service.gate.after = lose
    publisher.publish()
    publisher.service.gate.after = None
    assert lost
    assert deals.rows() == deals.sql_rows()


def test_a_revoked_store_is_used_by_nobody(
    publisher: BucketPublisher, deals: BucketPublished
) -> None:
    publisher.publish()
    publisher.execute("SELECT lakehouse.revoke_store(%s, %s)", publisher.slug, publisher.bucket.url)
    publisher.execute("DELETE FROM deals WHERE id = 1")
    seen = len(publisher.service.gate.seen)
    assert "revoked" in failed(publisher)
    assert len(publisher.service.gate.seen) == seen
    publisher.execute(
        "SELECT lakehouse.set_s3_key(%s, %s, %s, 'wrong')",
        publisher.slug,
        publisher.bucket.url,
        s3_service.kKey,
    )
    assert "does not accept the secret key" in failed(publisher)
    publisher.execute(
        "SELECT lakehouse.set_s3_key(%s, %s, %s, %s)",
        publisher.slug,
        publisher.bucket.url,
        s3_service.kKey,
        s3_service.kSecret,
    )
    publisher.publish()
    assert deals.rows() == deals.sql_rows()


def test_a_restarted_table_moves_into_the_bucket(
    publisher: BucketPublisher, deals: BucketPublished
) -> None:
    publisher.execute("SELECT lakehouse.use_directory(%s)", publisher.slug)
    publisher.execute("SELECT lakehouse.restart_publishing(%s, 'deals'::regclass)", publisher.slug)
    publisher.publish()
    folder = deals.row("location")
    assert (delta_directory(publisher.connection) / folder).exists()
    assert publisher.bucket.objects(folder) == []
    publisher.execute(
        "SELECT lakehouse.use_s3(%s, %s, 'x', 'AKID', 'x', if_not_exists => true)",
        publisher.slug,
        publisher.bucket.url,
    )
    publisher.execute("SELECT lakehouse.restart_publishing(%s, 'deals'::regclass)", publisher.slug)
    publisher.publish()
    assert deals.rows() == deals.sql_rows()
    assert not (delta_directory(publisher.connection) / deals.row("location")).exists()


def test_a_store_that_fails_keeps_no_other_waiting(
    publisher: BucketPublisher, deals: BucketPublished
) -> None:
    """Not at once, nor when it is to be tidied up by the publishes that follow."""
    publisher.publish()
    publisher.execute("SELECT lakehouse.use_directory(%s)", publisher.slug)
    publisher.execute("CREATE TABLE others (id bigint PRIMARY KEY)")
    Publisher.add(publisher, "others")
    others = Published(publisher, "others")
    publisher.publish()
    publisher.execute("SELECT lakehouse.revoke_store(%s, %s)", publisher.slug, publisher.bucket.url)
    for number in range(3):
        publisher.execute("INSERT INTO others VALUES (%s)", number)
        publisher.execute("DELETE FROM deals WHERE id = %s", number + 1)
        assert "revoked" in failed(publisher)
        assert others.rows() == others.sql_rows()
        assert others.row("last_error") is None
        assert "revoked" in deals.row("last_error")
