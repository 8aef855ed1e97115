# SPDX-License-Identifier: PostgreSQL
"""The protocol of Delta Sharing, endpoint by endpoint, with every error it may answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import shared_table
from conftest import Connection
from shared_table import DAY, DAY_BEFORE
from sharing_client import lines, of_kind, refusal
from sharing_fixtures import TABLE, Shared, make_shared

INVALID = (400, "INVALID_PARAMETER_VALUE")
MALFORMED = (400, "MALFORMED_REQUEST")
ABSENT = (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with make_shared() as made:
        yield made


# ---- version and metadata


def test_version_is_a_header(shared: Shared) -> None:
    for method, path in [("GET", TABLE + "/version"), ("HEAD", TABLE)]:
        answer = shared.recipient.ask(method, path)
        assert (answer.status_code, answer.text) == (200, "")
        assert answer.headers["Delta-Table-Version"] == "2"


@pytest.mark.parametrize(
    ("timestamp", "version"),
    [
        (f"{DAY}T00:00:00Z", "0"),
        (f"{DAY_BEFORE}T23:59:59Z", "0"),
        (f"{DAY}T00:00:00.001Z", "1"),
        (f"{DAY_BEFORE}T17:00:00-08:00", "1"),
        (f"{DAY}T03:00:00%2B01:00", "2"),
    ],
)
def test_version_by_starting_timestamp(
    shared: Shared, timestamp: str, version: str
) -> None:
    answer = shared.recipient.get(f"{TABLE}/version?startingTimestamp={timestamp}")
    assert answer.headers["Delta-Table-Version"] == version


@pytest.mark.parametrize(
    "timestamp",
    [DAY, "yesterday", f"{DAY}T00:00:00", "2030-01-01T00:00:00Z"],
)
def test_version_by_a_time_that_can_not_be(shared: Shared, timestamp: str) -> None:
    assert (
        refusal(shared.recipient.get(f"{TABLE}/version?startingTimestamp={timestamp}"))
        == INVALID
    )


def test_metadata_is_two_lines(shared: Shared) -> None:
    answer = shared.recipient.get(TABLE + "/metadata")
    protocol, metadata = lines(answer)
    assert protocol == {"protocol": {"minReaderVersion": 1}}
    assert metadata["metaData"]["id"] == shared.table.table_id
    assert metadata["metaData"]["format"] == {"provider": "parquet"}
    assert metadata["metaData"]["partitionColumns"] == []
    assert metadata["metaData"]["numFiles"] == 4
    assert answer.headers["Delta-Table-Version"] == "2"
    assert answer.headers["delta-sharing-capabilities"] == "responseformat=parquet"
    protocol, metadata = lines(
        shared.recipient.get(
            TABLE + "/metadata", delta_sharing_capabilities="responseformat=delta"
        )
    )
    assert protocol["protocol"]["deltaProtocol"]["minReaderVersion"] == 1
    assert metadata["metaData"]["deltaMetadata"]["configuration"] == {
        "delta.enableChangeDataFeed": "true"
    }


def test_metadata_of_a_version(shared: Shared) -> None:
    for query in ("version=1", f"timestamp={DAY}T01:30:00Z"):
        answer = shared.recipient.get(f"{TABLE}/metadata?{query}")
        assert answer.headers["Delta-Table-Version"] == "1"
        assert of_kind(answer, "metaData")[0]["numFiles"] == 4


@pytest.mark.parametrize(
    "query",
    [f"version=1&timestamp={DAY}T00:00:00Z", "version=3", "version=-1", "version=x",
     "timestamp=2025-01-01T00:00:00Z", f"timestamp={DAY}", "timestamp=2999-01-01T00:00:00Z"],
)  # fmt: skip
def test_metadata_of_a_version_that_can_not_be(shared: Shared, query: str) -> None:
    assert refusal(shared.recipient.get(f"{TABLE}/metadata?{query}")) == INVALID


# ---- capabilities


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (
            "responseformat=parquet,delta;readerfeatures=deletionvectors",
            "responseformat=parquet",
        ),
        ("ResponseFormat=Delta", "responseformat=delta"),
        ("responseformat=both", "responseformat=parquet"),
        ("readerfeatures=deletionvectors;asyncquery=true", "responseformat=parquet"),
        (
            "includeendstreamaction=TRUE",
            "responseformat=parquet;includeendstreamaction=true",
        ),
    ],
)
def test_capabilities_are_said_back(shared: Shared, asked: str, granted: str) -> None:
    answer = shared.recipient.query(TABLE, delta_sharing_capabilities=asked)
    assert answer.headers["delta-sharing-capabilities"] == granted
    has_end = "endStreamAction" in lines(answer)[-1]
    assert has_end == ("includeendstreamaction" in granted)


def test_an_unknown_response_format_is_refused(shared: Shared) -> None:
    answer = shared.recipient.query(
        TABLE, delta_sharing_capabilities="responseformat=csv"
    )
    assert refusal(answer) == INVALID


def test_file_ids_by_either_hash(shared: Shared) -> None:
    default = of_kind(shared.recipient.query(TABLE), "file")
    for given, length in (("parquet", 32), ("DELTA", 64)):
        answer = shared.recipient.query(TABLE, fileidhash=given)
        assert answer.headers["fileidhash"] == given.lower()
        files = of_kind(answer, "file")
        assert {len(file["id"]) for file in files} == {length}
        if length == 32:
            assert [f["id"] for f in files] == [f["id"] for f in default]
    assert "fileidhash" not in shared.recipient.query(TABLE).headers
    for bad in ("md5", ""):
        assert refusal(shared.recipient.query(TABLE, fileidhash=bad)) == INVALID


# ---- query


def test_a_query_lists_the_files(shared: Shared) -> None:
    answer = shared.recipient.query(TABLE)
    assert answer.headers["Delta-Table-Version"] == "2"
    assert [next(iter(line)) for line in lines(answer)] == ["protocol", "metaData"] + [
        "file"
    ] * 4
    for file in of_kind(answer, "file"):
        assert set(file) == {
            "url",
            "id",
            "partitionValues",
            "size",
            "stats",
            "expirationTimestamp",
        }
        assert "&sp=r&" in file["url"]
        assert file["url"].isascii() and " " not in file["url"]


def test_delta_format_wraps_actions(shared: Shared) -> None:
    answer = shared.recipient.query(
        TABLE, delta_sharing_capabilities="responseformat=delta"
    )
    for file in of_kind(answer, "file"):
        add = file["deltaSingleAction"]["add"]
        assert add["path"].startswith("http")
        assert add["dataChange"] is True
        assert {"partitionValues", "size", "modificationTime", "stats"} < set(add)


@pytest.mark.parametrize(
    ("body", "files"),
    [
        ({"version": 0}, 3),
        ({"timestamp": f"{DAY}T00:59:59Z"}, 3),
        ({"limitHint": 15}, 2),
        ({"limitHint": 0}, 4),
        ({"limitHint": "many"}, 4),
        ({"predicateHints": ["id = 25"]}, 1),
        ({"predicateHints": ["id >= 10 AND id < 20 OR `Name` = 'renamed'"]}, 2),
        ({"predicateHints": ["name IS NULL"]}, 1),
        ({"predicateHints": ["NOT id BETWEEN 10 AND 39"]}, 1),
        ({"predicateHints": ["id IN (11, 35)", "Name IS NOT NULL"]}, 1),
        ({"predicateHints": ["no such ; hint"]}, 4),
        ({"predicateHints": ["other = 1"]}, 4),
        ({"predicateHints": "id = 25"}, 4),
        ({"jsonPredicateHints": "nonsense"}, 4),
        ({"predicateHints": ["id = 25"], "limitHint": 1}, 1),
        ({"idempotencyKey": "a"}, 4),
        ({"idempotency_key": "a", "somethingNew": {"a": [1]}}, 4),
    ],
)
def test_hints_and_versions(
    shared: Shared, body: dict[str, object], files: int
) -> None:
    assert len(of_kind(shared.recipient.query(TABLE, body), "file")) == files


def test_json_predicates_prune(shared: Shared) -> None:
    hint = (
        '{"op":"and","children":[{"op":"greaterThan","children":[{"op":"column","name":"id",'
        '"valueType":"int"},{"op":"literal","value":"28","valueType":"int"}]},{"op":"not",'
        '"children":[{"op":"isNull","children":[{"op":"column","name":"NAME","valueType":"string"}]}]}]}'
    )
    answer = shared.recipient.query(TABLE, {"jsonPredicateHints": hint})
    assert len(of_kind(answer, "file")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"version": 0, "timestamp": f"{DAY}T00:00:00Z"},
        {"version": 9},
        {"version": -1},
        {"version": "0"},
        {"timestamp": DAY},
        {"timestamp": 5},
        {"startingVersion": 0, "version": 0},
        {"startingVersion": 3},
        {"endingVersion": 1},
        {"startingVersion": 2, "endingVersion": 1},
        {"maxFiles": 0},
        {"pageToken": "nonsense"},
        {"refreshToken": "nonsense"},
        {"refreshToken": "x", "version": 1},
        {"includeRefreshToken": True, "version": 1},
        {"includeRefreshToken": "yes"},
    ],
)
def test_a_query_that_can_not_be(shared: Shared, body: dict[str, object]) -> None:
    assert refusal(shared.recipient.query(TABLE, body)) == INVALID


@pytest.mark.parametrize(
    "body", ["{", "[]", "7", '{"version":1,"version":2}', "[" * 100]
)
def test_a_body_that_is_no_object(shared: Shared, body: str) -> None:
    answer = requests.post(
        f"{shared.recipient.profile['endpoint']}{TABLE}/query",
        data=body,
        headers={"Authorization": f"Bearer {shared.recipient.token}"},
        timeout=20,
    )
    assert refusal(answer) == MALFORMED


def test_pages_of_files_stay_in_their_version(shared: Shared) -> None:
    whole = of_kind(shared.recipient.query(TABLE), "file")
    seen, head, token = [], None, None
    for _ in range(9):
        body = {"maxFiles": 3} | ({"pageToken": token} if token else {})
        answer = shared.recipient.query(TABLE, body)
        protocol, metadata, *rest = lines(answer)
        assert head in (None, (protocol, metadata))
        head = (protocol, metadata)
        seen += [line["file"]["id"] for line in rest[:-1]]
        end = rest[-1]["endStreamAction"]
        assert end["minUrlExpirationTimestamp"]
        token = end.get("nextPageToken")
        if token is None:
            break
        other = {"maxFiles": 3, "pageToken": token, "limitHint": 3}
        assert refusal(shared.recipient.query(TABLE, other)) == INVALID
    assert seen == [file["id"] for file in whole]


def test_a_refresh_token_brings_the_same_files(shared: Shared) -> None:
    first = shared.recipient.query(TABLE, {"includeRefreshToken": True})
    token = of_kind(first, "endStreamAction")[0]["refreshToken"]
    again = shared.recipient.query(
        TABLE, {"refreshToken": token, "includeRefreshToken": True}
    )
    assert [f["id"] for f in of_kind(again, "file")] == [
        f["id"] for f in of_kind(first, "file")
    ]
    assert again.headers["Delta-Table-Version"] == "2"


def test_streaming_lists_what_versions_brought_and_took(shared: Shared) -> None:
    answer = shared.recipient.query(TABLE, {"startingVersion": 0})
    kinds = [next(iter(line)) for line in lines(answer)]
    assert kinds == [
        "protocol",
        "metaData",
        "add",
        "add",
        "add",
        "add",
        "add",
        "remove",
    ]
    assert [a["version"] for a in of_kind(answer, "add")] == [0, 0, 0, 1, 2]
    removed = of_kind(answer, "remove")[0]
    assert removed["version"] == 2 and removed["size"] > 0
    only = shared.recipient.query(TABLE, {"startingVersion": 1, "endingVersion": 1})
    assert [next(iter(line)) for line in lines(only)] == ["protocol", "metaData", "add"]
    assert only.headers["Delta-Table-Version"] == "1"


# ---- changes


def test_changes_are_change_files_or_additions(shared: Shared) -> None:
    answer = shared.recipient.get(TABLE + "/changes?startingVersion=0")
    kinds = [next(iter(line)) for line in lines(answer)]
    assert kinds == ["protocol", "metaData", "add", "add", "add", "add", "cdf"]
    for change in of_kind(answer, "add") + of_kind(answer, "cdf"):
        assert (
            change["timestamp"]
            == shared_table.FIRST_MS + change["version"] * shared_table.HOUR_MS
        )
    delta = shared.recipient.get(
        TABLE + "/changes?startingVersion=2",
        delta_sharing_capabilities="responseformat=delta",
    )
    (file,) = of_kind(delta, "file")
    assert set(file["deltaSingleAction"]) == {"cdc"}


def test_changes_by_time_and_page(shared: Shared) -> None:
    answer = shared.recipient.get(
        TABLE
        + f"/changes?startingTimestamp={DAY}T00:30:00Z&endingTimestamp={DAY}T01:30:00Z"
    )
    assert [a["version"] for a in of_kind(answer, "add")] == [1]
    seen, token = [], ""
    for _ in range(9):
        page = shared.recipient.get(
            f"{TABLE}/changes?startingVersion=0&maxFiles=2{token}"
        )
        *rest, last = lines(page)
        seen += [kind for line in rest[2:] for kind in line]
        if "nextPageToken" not in last["endStreamAction"]:
            break
        token = "&pageToken=" + last["endStreamAction"]["nextPageToken"]
    assert seen == ["add"] * 4 + ["cdf"]


@pytest.mark.parametrize(
    "query",
    ["", "?startingVersion=3", "?startingVersion=x", "?startingVersion=1&endingVersion=0",
     f"?startingVersion=0&startingTimestamp={DAY}T00:00:00Z", f"?startingTimestamp={DAY}",
     f"?startingVersion=0&endingVersion=1&endingTimestamp={DAY}T00:00:00Z",
     "?startingVersion=0&maxFiles=0", "?startingVersion=0&pageToken=x",
     "?startingTimestamp=2030-01-01T00:00:00Z"],
)  # fmt: skip
def test_changes_that_can_not_be(shared: Shared, query: str) -> None:
    assert refusal(shared.recipient.get(f"{TABLE}/changes{query}")) == INVALID


# ---- what else there is


def test_without_history_only_the_newest_version_is_read(
    shared: Shared, session: Connection
) -> None:
    session.execute(
        "UPDATE lakehouse.share_tables SET with_history = false WHERE table_id = %s",
        [shared.table.table_id],
    )
    try:
        assert shared.recipient.query(TABLE).status_code == 200
        for answer in (
            shared.recipient.query(TABLE, {"version": 1}),
            shared.recipient.query(TABLE, {"timestamp": f"{DAY}T00:00:00Z"}),
            shared.recipient.query(TABLE, {"startingVersion": 0}),
            shared.recipient.get(TABLE + "/changes?startingVersion=0"),
            shared.recipient.get(TABLE + "/metadata?version=0"),
            shared.recipient.get(TABLE + f"/version?startingTimestamp={DAY}T00:00:00Z"),
        ):
            assert refusal(answer) == INVALID
    finally:
        session.execute(
            "UPDATE lakehouse.share_tables SET with_history = true, start_version = 1"
            " WHERE table_id = %s",
            [shared.table.table_id],
        )
    assert refusal(shared.recipient.query(TABLE, {"version": 0})) == INVALID
    assert shared.recipient.query(TABLE, {"version": 1}).status_code == 200
    session.execute(
        "UPDATE lakehouse.share_tables SET start_version = 0 WHERE table_id = %s",
        [shared.table.table_id],
    )


def test_local_tables_have_no_credentials(shared: Shared) -> None:
    answer = shared.recipient.ask(
        "POST", TABLE + "/temporary-table-credentials", body={}
    )
    assert refusal(answer) == (400, "UNSUPPORTED_OPERATION")


def test_there_is_no_query_to_ask_about(shared: Shared) -> None:
    assert (
        refusal(shared.recipient.ask("POST", TABLE + "/queries/1", body={})) == ABSENT
    )


def test_a_table_that_is_not_published_yet_is_404(
    shared: Shared, session: Connection
) -> None:
    session.execute(f'CREATE TABLE "{shared.tenant}".later (id bigint PRIMARY KEY)')
    session.execute(
        "SELECT lakehouse.add_table_to_share(%s, 'sales', %s::regclass)",
        [shared.tenant, f"{shared.tenant}.later"],
    )
    later = TABLE.replace("people", "later")
    for answer in (
        shared.recipient.get(later + "/version"),
        shared.recipient.query(later),
    ):
        assert refusal(answer) == ABSENT
    session.execute(
        "SELECT lakehouse.remove_table_from_share(%s, 'sales', 'later')",
        [shared.tenant],
    )
