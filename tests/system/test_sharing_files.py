# SPDX-License-Identifier: PostgreSQL
"""Files by their signed URLs: whole, in ranges, and refused as soon as they are not good any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from conftest import Connection
from sharing_client import Recipient, of_kind, refusal
from sharing_fixtures import TABLE, Shared, make_shared

SECONDS = 20
FORBIDDEN = (403, "PERMISSION_DENIED")


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with make_shared() as made:
        yield made


@pytest.fixture
def url(shared: Shared) -> str:
    return str(of_kind(shared.recipient.query(TABLE), "file")[0]["url"])


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=SECONDS)


def test_a_file_is_sent_whole(shared: Shared) -> None:
    file = of_kind(
        shared.recipient.query(TABLE, {"predicateHints": ["id = 15"]}), "file"
    )[0]
    answer = get(file["url"])
    assert answer.status_code == 200
    assert len(answer.content) == file["size"] == int(answer.headers["Content-Length"])
    assert answer.headers["Accept-Ranges"] == "bytes"
    rows = pq.read_table(pa.BufferReader(answer.content)).to_pylist()
    assert [row["id"] for row in rows] == list(range(10, 20))


def test_head_has_the_size_and_no_body(url: str) -> None:
    answer = requests.head(url, timeout=SECONDS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == get(url).headers["Content-Length"]


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("bytes=0-3", slice(0, 4)),
        ("bytes=4-", slice(4, None)),
        ("bytes=-8", slice(-8, None)),
        ("bytes=0-", slice(None)),
    ],
)
def test_ranges_are_206(url: str, given: str, part: slice) -> None:
    whole = get(url)
    answer = get(url, Range=given)
    assert answer.status_code == 206
    assert answer.content == whole.content[part]
    assert answer.headers["Content-Range"].endswith(f"/{len(whole.content)}")
    assert answer.headers["ETag"] == whole.headers["ETag"]


def test_preconditions(url: str) -> None:
    etag = get(url).headers["ETag"]
    assert get(url, **{"If-None-Match": etag}).status_code == 304
    assert get(url, **{"If-Match": '"other"'}).status_code == 412
    assert get(url, Range="bytes=99999999-").status_code == 416


def with_parameter(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query)) | {name: value}
    return urlunsplit(parts._replace(query=urlencode(query)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("e", str(int(time.time()) + 86_400)),
        ("e", "x"),
        ("t", "1"),
        ("s", "00000000-0000-0000-0000-000000000000"),
        ("k", "99"),
        ("k", "99999999999"),
        ("sig", "A" * 43),
        ("sig", ""),
    ],
)
def test_a_url_that_was_tampered_with_is_refused(
    url: str, name: str, value: str
) -> None:
    answer = get(with_parameter(url, name, value))
    assert refusal(answer) == FORBIDDEN
    assert len(answer.content) < 300


def test_a_url_is_good_for_its_file_alone(shared: Shared, url: str) -> None:
    other = of_kind(shared.recipient.query(TABLE), "file")[1]["url"]
    swapped = urlunsplit(urlsplit(other)._replace(query=urlsplit(url).query))
    assert refusal(get(swapped)) == FORBIDDEN
    bare = urlunsplit(urlsplit(url)._replace(query=""))
    assert refusal(get(bare)) == FORBIDDEN
    assert (
        refusal(get(bare, Authorization=f"Bearer {shared.recipient.token}"))
        == FORBIDDEN
    )


@pytest.mark.parametrize(
    "path", ["../../../etc/passwd", "%2e%2e/x", "_delta_log/x.json", "x%2Fy"]
)
def test_paths_that_lead_elsewhere_are_refused(url: str, path: str) -> None:
    parts = urlsplit(url)
    folder = parts.path.rsplit("/", 1)[0]
    request = requests.Request("GET", url).prepare()
    request.url = urlunsplit(parts._replace(path=f"{folder}/{path}"))
    with requests.Session() as session:
        assert session.send(request, timeout=SECONDS).status_code in (400, 403, 404)


def within_a_second(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return holds()


@pytest.mark.parametrize(
    "end",
    [
        "SELECT lakehouse.revoke_recipient(%(tenant)s, %(name)s)",
        "SELECT lakehouse.drop_recipient(%(tenant)s, %(name)s)",
        "SELECT lakehouse.revoke_share(%(tenant)s, 'sales', %(name)s)",
        "SELECT lakehouse.rotate_recipient_token(%(tenant)s, %(name)s, '0')",
        "SELECT lakehouse.set_recipient_networks(%(tenant)s, %(name)s, '{192.0.2.0/24}')",
        "UPDATE lakehouse.recipient_tokens SET expires_at = now() WHERE recipient_id ="
        " (SELECT id FROM lakehouse.recipients WHERE name = %(name)s)",
    ],
)
def test_what_ends_access_ends_urls_within_a_second(
    shared: Shared, session: Connection, end: str
) -> None:
    name = "r" + str(time.monotonic_ns())
    recipient = Recipient.of(session, shared.tenant, name)
    url = of_kind(recipient.query(TABLE), "file")[0]["url"]
    assert get(url).status_code == 200
    session.execute(end, {"tenant": shared.tenant, "name": name})
    assert recipient.query(TABLE).status_code in (401, 403, 404)  # at once
    assert within_a_second(lambda: get(url).status_code == 403)
    assert refusal(get(url)) == FORBIDDEN


def test_a_file_that_was_removed_is_404(shared: Shared) -> None:
    gone = shared.recipient.query(TABLE, {"predicateHints": ["id = 25"]})
    url = of_kind(gone, "file")[0]["url"]
    (path,) = (p for p, rows in shared.table.live.items() if rows[0][0] == 20)
    place = shared.table.folder / path
    content = place.read_bytes()
    place.unlink()
    try:
        assert refusal(get(url)) == (404, "RESOURCE_DOES_NOT_EXIST")
    finally:
        place.write_bytes(content)
        place.chmod(0o644)


def test_a_url_ends_with_its_token(shared: Shared, session: Connection) -> None:
    link = session.execute(
        "SELECT lakehouse.create_recipient(%s, 'Brief', expires_in => '10 minutes')",
        [shared.tenant],
    ).fetchone()
    assert link
    session.execute(
        "SELECT lakehouse.grant_share(%s, 'sales', 'Brief')", [shared.tenant]
    )
    brief = Recipient(requests.post(link[0], timeout=SECONDS).json())
    file = of_kind(brief.query(TABLE), "file")[0]
    assert file["expirationTimestamp"] <= (time.time() + 601) * 1000
    file = of_kind(shared.recipient.query(TABLE), "file")[0]
    assert 3500 < file["expirationTimestamp"] / 1000 - time.time() <= 3601
