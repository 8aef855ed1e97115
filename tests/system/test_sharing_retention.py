# SPDX-License-Identifier: PostgreSQL
"""A published table whose versions grow older than retention: what may no longer be asked for is refused, and until
they end, URLs and refresh tokens find their files, whatever was vacuumed. Time passes by the rows alone: URLs and
tokens are the server's own, as old as the test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from conftest import Connection, connect
from sharing_client import Recipient, of_kind, refusal

TABLE = "/shares/sales/schemas/crm/tables/people"
INVALID = (400, "INVALID_PARAMETER_VALUE")
GONE = (404, "RESOURCE_DOES_NOT_EXIST")
MINUTE_MS = 60_000
AGE = (
    "UPDATE lakehouse.published_versions v SET committed_ms = committed_ms - %s FROM lakehouse.published_tables t"
    " WHERE v.table_id = t.id AND t.tenant_id = lakehouse.find_tenant(%s)"
)


@dataclass
class Aging:
    session: Connection
    tenant: str
    recipient: Recipient
    retention: int  # minutes
    passed: int = 0

    def pass_until(self, minutes: int) -> None:
        """As if version 0 had been replaced so long ago; then a publish vacuums."""
        self.session.execute(AGE, [(minutes - self.passed) * MINUTE_MS, self.tenant])
        self.passed = minutes
        self.publish()

    def publish(self) -> None:
        self.session.execute("SELECT lakehouse.publish_now(%s)", [self.tenant])

    def change(self) -> None:
        self.session.execute(f"UPDATE {self.tenant}.people SET name = name || '!'")
        self.publish()

    def query(self, **body: object) -> requests.Response:
        return self.recipient.query(TABLE, body)

    def time_of_version_0(self) -> str:
        row = self.session.execute(
            "SELECT min(committed_ms) FROM lakehouse.published_versions v JOIN lakehouse.published_tables t"
            " ON t.id = v.table_id WHERE t.tenant_id = lakehouse.find_tenant(%s)",
            [self.tenant],
        ).fetchone()
        assert row
        return f"{datetime.fromtimestamp(row[0] / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


@pytest.fixture
def aging() -> Iterator[Aging]:
    tenant = "a" + secrets.token_hex(4)
    with connect() as session:
        session.execute("SELECT lakehouse.create_tenant(%s)", [tenant])
        session.execute(
            f"CREATE TABLE {tenant}.people (id int PRIMARY KEY, name text);"
            f"INSERT INTO {tenant}.people SELECT n, 'name ' || n FROM generate_series(1, 9) n;"
            f"GRANT SELECT ON {tenant}.people TO {tenant}_admin"
        )
        session.execute(
            "SELECT lakehouse.create_share(%s, 'sales', default_tables => false)",
            [tenant],
        )
        session.execute(
            "SELECT lakehouse.add_table_to_share(%s, 'sales', %s::regclass)",
            [tenant, f"{tenant}.people"],
        )
        row = session.execute(
            "SELECT setting::int FROM pg_settings WHERE name = 'lakehouse.delta_retention'"
        ).fetchone()
        assert row
        made = Aging(session, tenant, Recipient.of(session, tenant, "Reader"), row[0])
        made.publish()
        yield made
        session.execute("SELECT lakehouse.drop_tenant(%s)", [tenant])


def urls(answer: requests.Response) -> list[str]:
    return [str(file["url"]) for file in of_kind(answer, "file")]


def read(url: str) -> requests.Response:
    return requests.get(url, timeout=20)


def token_of(answer: requests.Response) -> Any:
    return of_kind(answer, "endStreamAction")[0]["refreshToken"]


def test_versions_older_than_retention_are_refused_and_live_urls_are_not(
    aging: Aging,
) -> None:
    first = aging.query(includeRefreshToken=True)
    token, ids = token_of(first), [file["id"] for file in of_kind(first, "file")]
    aging.change()  # version 1
    within, beyond = aging.retention - 2, aging.retention + 2

    aging.pass_until(within)
    at_the_end = urls(aging.query(version=0))

    aging.pass_until(beyond)
    time = aging.time_of_version_0()
    for refused in (
        aging.query(version=0),
        aging.query(timestamp=time),
        aging.query(startingVersion=0),
        aging.recipient.get(TABLE + "/metadata?version=0"),
        aging.recipient.get(TABLE + f"/metadata?timestamp={time}"),
        aging.recipient.get(TABLE + f"/version?startingTimestamp={time}"),
        aging.recipient.get(TABLE + "/changes?startingVersion=0"),
        aging.recipient.get(TABLE + f"/changes?startingTimestamp={time}"),
    ):
        assert refusal(refused) == INVALID
    assert aging.query(version=1).status_code == 200
    assert aging.recipient.get(TABLE + "/changes?startingVersion=1").status_code == 200

    # A URL lives an hour from when it was given, and a refresh token too.
    aging.pass_until(aging.retention + 58)
    refreshed = aging.query(refreshToken=token, includeRefreshToken=True)
    assert [file["id"] for file in of_kind(refreshed, "file")] == ids
    assert {read(url).status_code for url in at_the_end + urls(refreshed)} == {200}

    # What the refresh gave lives an hour longer; a token made by it gives no more.
    aging.change()  # version 2
    aging.pass_until(aging.retention + 118)
    assert {read(url).status_code for url in urls(refreshed)} == {200}
    for old in (token, token_of(refreshed)):
        assert refusal(aging.query(refreshToken=old)) == INVALID

    aging.change()  # version 3
    aging.pass_until(2 * aging.retention + 300)
    assert {refusal(read(url)) for url in at_the_end + urls(refreshed)} == {GONE}
    assert refusal(aging.query(refreshToken=token)) == INVALID
    assert {read(url).status_code for url in urls(aging.query())} == {200}


def test_pages_end_with_their_version(aging: Aging) -> None:
    # A file for each of two publishes: two pages.
    aging.session.execute(
        f"INSERT INTO {aging.tenant}.people SELECT n, 'x' FROM generate_series(100, 120) n"
    )
    aging.publish()
    first = aging.query(maxFiles=1)
    ends = of_kind(first, "endStreamAction")
    if "nextPageToken" not in ends[0]:
        pytest.fail("the table has one file")
    aging.change()
    aging.pass_until(aging.retention + 58)
    page = {"maxFiles": 1, "pageToken": ends[0]["nextPageToken"]}
    assert {read(url).status_code for url in urls(aging.query(**page))} == {200}
    aging.pass_until(aging.retention + 62)
    assert refusal(aging.query(**page)) == INVALID
