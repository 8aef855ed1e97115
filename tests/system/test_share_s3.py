# SPDX-License-Identifier: PostgreSQL
"""What recipients of tables in a bucket are given: presigned URLs, and temporary credentials. That readers can read by
them: ../readers."""

from __future__ import annotations

import json
import secrets
import urllib.parse
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import psycopg
import pyarrow.fs
import pytest
import requests
import s3_service
from bucket import BucketPublished, BucketPublisher, storage_options
from deltalake import DeltaTable
from s3_service import S3Service
from sharing_client import Recipient, of_kind, refusal

Connection = psycopg.Connection[tuple]
TABLE = "/shares/all/schemas/crm/tables/deals"


@pytest.fixture(scope="module")
def service() -> Iterator[S3Service]:
    with s3_service.running() as running:
        yield running


@pytest.fixture
def publisher(session: Connection, service: S3Service) -> Iterator[BucketPublisher]:
    made = BucketPublisher(session, service)
    yield made
    made.drop()


@pytest.fixture
def deals(publisher: BucketPublisher) -> BucketPublished:
    """Two versions of it."""
    made = publisher.create("deals", "id bigint PRIMARY KEY, name text NOT NULL")
    publisher.execute("INSERT INTO deals SELECT i, 'deal ' || i FROM generate_series(1, 2000) i")
    publisher.publish()
    publisher.execute("UPDATE deals SET name = 'another' WHERE id % 10 = 0")
    publisher.publish()
    return made


@pytest.fixture
def recipient(publisher: BucketPublisher, deals: BucketPublished) -> Recipient:
    return Recipient.of(publisher.connection, publisher.slug, "Reader", "all")


def credentials(recipient: Recipient) -> dict[str, Any]:
    answer = recipient.ask("POST", f"{TABLE}/temporary-table-credentials", body={})
    assert answer.status_code == 200, answer.text
    return answer.json()["credentials"]


def test_urls_are_the_bucket_s_own_and_end(deals: BucketPublished, recipient: Recipient) -> None:
    answer = recipient.query(TABLE)
    files = of_kind(answer, "file")
    assert files
    for file in files:
        url = urllib.parse.urlsplit(file["url"])
        query = urllib.parse.parse_qs(url.query)
        assert url.netloc == deals.publisher.service.address
        assert url.path.startswith(f"/{deals.publisher.bucket.name}/prod/x/{deals.row('location')}/")
        assert 0 < int(query["X-Amz-Expires"][0]) <= 3600
        assert s3_service.kSecret not in file["url"]
        part = requests.get(file["url"], headers={"Range": "bytes=0-3"}, timeout=20)
        assert (part.status_code, part.content) == (206, b"PAR1")
        foreign = file["url"].replace("/part-", "/_delta_log/part-")
        assert requests.get(foreign, timeout=20).status_code == 403


def test_temporary_credentials_read_the_table_and_no_other(
    publisher: BucketPublisher, deals: BucketPublished, recipient: Recipient
) -> None:
    other = publisher.create("others", "id bigint PRIMARY KEY")
    publisher.execute("INSERT INTO others VALUES (1)")
    publisher.publish()
    given = credentials(recipient)
    keys = given["awsTempCredentials"]
    assert given["location"] == deals.location
    assert keys["accessKeyId"] != s3_service.kKey
    options = storage_options(
        publisher.service, keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"]
    )
    table = DeltaTable(given["location"], storage_options=options)
    assert table.version() == 1
    assert table.to_pyarrow_table().num_rows == 2000
    files = pyarrow.fs.S3FileSystem(
        access_key=keys["accessKeyId"],
        secret_key=keys["secretAccessKey"],
        session_token=keys["sessionToken"],
        endpoint_override=publisher.service.address,
        scheme="http",
        region=s3_service.kRegion,
    )
    path = given["location"].removeprefix("s3://")
    assert files.open_input_file(f"{path}/_delta_log/{0:020}.json").read().count(b"\n") > 2
    client = publisher.service.client(
        keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"]
    )
    folder = other.location.removeprefix(f"s3://{publisher.bucket.name}/")
    for denied in (
        lambda: client.get_object(Bucket=publisher.bucket.name, Key=f"{folder}/_delta_log/{0:020}.json"),
        lambda: client.list_objects_v2(Bucket=publisher.bucket.name, Prefix=f"{folder}/"),
        lambda: client.list_objects_v2(Bucket=publisher.bucket.name),
        lambda: client.delete_object(Bucket=publisher.bucket.name, Key=f"{path.partition('/')[2]}/x"),
    ):
        with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
            denied()


def test_the_policy_sent_names_the_folder_alone(
    deals: BucketPublished, recipient: Recipient
) -> None:
    credentials(recipient)
    service = deals.publisher.service
    sent = next(one for one in reversed(service.gate.seen) if b"Action=AssumeRole" in one.body)
    form = urllib.parse.parse_qs(sent.body.decode())
    folder = f"prod/x/{deals.row('location')}"
    bucket = f"arn:aws:s3:::{deals.publisher.bucket.name}"
    assert form["RoleArn"] == [s3_service.kRole]
    assert form["RoleSessionName"] == [f"lakehouse-{deals.row('id')}"]
    assert json.loads(form["Policy"][0])["Statement"] == [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/{folder}/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": f"{folder}/*"}},
        },
    ]


def test_metadata_tells_of_both_ways(deals: BucketPublished, recipient: Recipient) -> None:
    (metadata,) = of_kind(recipient.get(f"{TABLE}/metadata"), "metaData")
    assert metadata["accessModes"] == ["url", "dir"]


def test_a_revoked_recipient_or_store_gets_nothing_more(
    publisher: BucketPublisher, deals: BucketPublished, recipient: Recipient
) -> None:
    publisher.execute("SELECT lakehouse.revoke_store(%s, %s)", publisher.slug, publisher.bucket.url)
    permanent = (400, "UNSUPPORTED_OPERATION")
    assert refusal(recipient.query(TABLE)) == permanent
    answer = recipient.ask("POST", f"{TABLE}/temporary-table-credentials", body={})
    assert refusal(answer) == permanent
    publisher.execute("SELECT lakehouse.revoke_recipient(%s, 'Reader')", publisher.slug)
    assert recipient.query(TABLE).status_code in (401, 403)


def test_a_store_without_a_role_gives_no_credentials(
    session: Connection, publisher: BucketPublisher
) -> None:
    plain = f"s3://{publisher.bucket.name}/{secrets.token_hex(3)}"
    publisher.execute(
        "SELECT lakehouse.use_s3(%s, %s, %s, %s, %s, %s)",
        publisher.slug,
        plain,
        s3_service.kRegion,
        s3_service.kKey,
        s3_service.kSecret,
        publisher.service.endpoint,
    )
    publisher.create("deals", "id bigint PRIMARY KEY")
    publisher.publish()
    recipient = Recipient.of(session, publisher.slug, "Reader", "all")
    assert of_kind(recipient.query(TABLE), "metaData")
    answer = recipient.ask("POST", f"{TABLE}/temporary-table-credentials", body={})
    assert refusal(answer) == (400, "UNSUPPORTED_OPERATION")
