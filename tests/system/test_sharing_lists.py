# SPDX-License-Identifier: PostgreSQL
"""Shares, schemas and tables by Delta Sharing, their pages, and what strangers and the ungranted get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from conftest import Connection
from sharing_client import refusal
from sharing_fixtures import TABLE, Shared, make_shared

INVALID = (400, "INVALID_PARAMETER_VALUE")
MALFORMED = (400, "MALFORMED_REQUEST")
ABSENT = (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with make_shared() as made:
        yield made


# ---- lists


def test_shares_are_those_granted(shared: Shared) -> None:
    answer = shared.recipient.get("/shares")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert [share["name"] for share in answer.json()["items"]] == ["sales"]
    assert "nextPageToken" not in answer.json()
    one = shared.recipient.get("/shares/SALES").json()["share"]
    assert one == answer.json()["items"][0]


def test_schemas_and_tables_have_their_names_and_ids(shared: Shared) -> None:
    schemas = shared.recipient.get("/shares/sales/schemas").json()["items"]
    assert schemas == [{"name": "Crm", "share": "sales"}]
    tables = shared.recipient.get("/shares/sales/schemas/CRM/tables").json()["items"]
    assert tables == shared.recipient.get("/shares/sales/all-tables").json()["items"]
    assert [(t["share"], t["schema"], t["name"], t["id"]) for t in tables] == [
        ("sales", "Crm", "people", shared.table.table_id)
    ]


def test_pages_are_followed_to_their_end(shared: Shared, session: Connection) -> None:
    names = [f"p{i}" for i in range(5)]
    for name in names:
        session.execute(
            f'CREATE TABLE "{shared.tenant}".{name} (id bigint PRIMARY KEY)'
        )
        session.execute(
            "SELECT lakehouse.add_table_to_share(%s, 'sales', %s::regclass,"
            " schema_name => 'pages')",
            [shared.tenant, f"{shared.tenant}.{name}"],
        )
    path = "/shares/sales/schemas/pages/tables"
    seen, query = [], "?maxResults=2"
    while True:
        page = shared.recipient.get(path + query).json()
        assert len(page["items"]) <= 2
        seen += [table["name"] for table in page["items"]]
        if not page.get("nextPageToken"):
            break
        query = f"?maxResults=2&pageToken={page['nextPageToken']}"
    assert seen == names
    empty = shared.recipient.get(path + "?maxResults=0").json()
    assert empty["items"] == [] and empty["nextPageToken"]
    token = shared.recipient.get(path + "?maxResults=2").json()["nextPageToken"]
    for other in ("/shares/sales/all-tables", "/shares/sales/schemas", "/shares"):
        assert refusal(shared.recipient.get(f"{other}?pageToken={token}")) == INVALID
    for bad in (
        "?pageToken=nonsense",
        "?maxResults=-1",
        "?maxResults=two",
        f"?pageToken={token}x",
    ):
        assert refusal(shared.recipient.get(path + bad)) == INVALID
    for name in names:
        session.execute(
            "SELECT lakehouse.remove_table_from_share(%s, 'sales', %s, 'pages')",
            [shared.tenant, name],
        )


# ---- who asks, and for what


@pytest.mark.parametrize(
    "path",
    [
        "/shares/secret",
        "/shares/secret/schemas",
        "/shares/secret/schemas/crm/tables",
        "/shares/secret/all-tables",
        "/shares/secret/schemas/crm/tables/people/version",
        "/shares/secret/schemas/crm/tables/people/metadata",
        "/shares/secret/schemas/crm/tables/people/changes?startingVersion=0",
    ],
)
def test_an_ungranted_share_answers_like_an_absent_one(
    shared: Shared, path: str
) -> None:
    ungranted = shared.recipient.get(path)
    absent = shared.recipient.get(path.replace("secret", "never_was"))
    assert refusal(ungranted) == ABSENT
    assert ungranted.text == absent.text
    without_id = [
        {
            name: value
            for name, value in answer.headers.items()
            if name != "X-Request-Id"
        }
        for answer in (ungranted, absent)
    ]
    assert without_id[0] == without_id[1]


@pytest.mark.parametrize(
    "path", ["sales/schemas/none/tables", "sales/schemas/crm/tables/none/version"]
)
def test_what_is_not_there_is_404(shared: Shared, path: str) -> None:
    answer = shared.recipient.get("/shares/" + path)
    assert refusal(answer) == ABSENT
    assert "none" not in answer.text


@pytest.mark.parametrize(
    "path", ["/shares", TABLE + "/version", TABLE + "/metadata", "/shares/secret"]
)
@pytest.mark.parametrize(
    "token", ["nonsense", "lkh_st_" + "A" * 49, "lkh_at_" + "A" * 49]
)
def test_strangers_are_challenged(shared: Shared, path: str, token: str) -> None:
    answer = shared.recipient.get(path, token=token)
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    bare = requests.get(shared.recipient.profile["endpoint"] + path, timeout=20)
    assert bare.status_code == 401
    assert "error=" not in bare.headers["WWW-Authenticate"]


def test_a_token_in_the_url_is_refused(shared: Shared) -> None:
    url = f"{shared.recipient.profile['endpoint']}/shares?access_token={shared.recipient.token}"
    assert refusal(requests.get(url, timeout=20)) == MALFORMED


def test_other_paths_are_404_and_other_methods_405(shared: Shared) -> None:
    for method in ("GET", "POST", "PUT"):
        for path in ("", "/", "/shares/sales/tables"):
            assert refusal(shared.recipient.ask(method, path)) == ABSENT
    for method, path in (("POST", "/shares"), ("DELETE", TABLE + "/query")):
        answer = shared.recipient.ask(method, path)
        assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["Allow"]


def test_errors_beside_the_endpoints_have_the_same_shape(shared: Shared) -> None:
    malformed = shared.recipient.get("/shares/%2e%2e/schemas")
    assert refusal(malformed) == MALFORMED
    large = shared.recipient.query(TABLE, {"predicateHints": ["x" * (1 << 20)]})
    assert refusal(large) == (413, "BODY_TOO_LARGE")
    foreign = shared.recipient.get("/shares", Origin="https://elsewhere.example")
    assert refusal(foreign) == (403, "FORBIDDEN_ORIGIN")
    misdirected = shared.recipient.get("/shares", Host="elsewhere.example")
    assert refusal(misdirected) == (421, "MISDIRECTED_REQUEST")
