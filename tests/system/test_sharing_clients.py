# SPDX-License-Identifier: PostgreSQL
"""The official Python client, unchanged, against the server: what it reads is what was committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import sharing_frames
from conftest import Connection
from shared_table import DAY
from sharing_client import activate, link_of
from sharing_fixtures import Shared, make_shared

FORMATS = pytest.mark.parametrize(
    "delta", [None, False, True], ids=["auto", "parquet", "delta"]
)
Row = tuple[int, str | None]


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    with make_shared() as made:
        yield made


@pytest.fixture(scope="module")
def profile(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("profile") / "config.share"
    path.write_text(json.dumps(shared.recipient.profile))
    return str(path)


@pytest.fixture(scope="module")
def url(profile: str) -> str:
    return f"{profile}#sales.crm.people"


def rows(frame: pd.DataFrame) -> list[Row]:
    names = frame["Name"].astype(object).where(frame["Name"].notna(), None)
    return sorted(zip(frame["id"].tolist(), names.tolist(), strict=True))


def test_lists(profile: str, shared: Shared) -> None:
    assert sharing_frames.list_names(profile) == {
        "names": ["sales.Crm.people"],
        "all": ["sales.Crm.people"],
    }


@FORMATS
def test_the_newest_version(url: str, shared: Shared, delta: bool | None) -> None:
    frame = sharing_frames.load_as_pandas(url, use_delta_format=delta)
    assert rows(frame) == shared.table.history[-1]


@FORMATS
@pytest.mark.parametrize("version", [0, 1, 2])
def test_every_version(
    url: str, shared: Shared, version: int, delta: bool | None
) -> None:
    frame = sharing_frames.load_as_pandas(url, version=version, use_delta_format=delta)
    assert rows(frame) == shared.table.history[version]


@FORMATS
def test_by_time(url: str, shared: Shared, delta: bool | None) -> None:
    frame = sharing_frames.load_as_pandas(
        url, timestamp=f"{DAY}T01:30:00Z", use_delta_format=delta
    )
    assert rows(frame) == shared.table.history[1]
    assert (
        sharing_frames.get_table_version(url, starting_timestamp=f"{DAY}T00:30:00Z")
        == 1
    )


@FORMATS
@pytest.mark.parametrize("limit", [0, 1, 15, 1000])
def test_limits(url: str, shared: Shared, limit: int, delta: bool | None) -> None:
    frame = sharing_frames.load_as_pandas(url, limit=limit, use_delta_format=delta)
    assert len(frame) == min(limit, len(shared.table.history[-1]))
    assert set(rows(frame)) <= set(shared.table.history[-1])


@FORMATS
def test_predicates(url: str, shared: Shared, delta: bool | None) -> None:
    hint = json.dumps(
        {
            "op": "equal",
            "children": [
                {"op": "column", "name": "id", "valueType": "long"},
                {"op": "literal", "value": "15", "valueType": "long"},
            ],
        }
    )
    frame = sharing_frames.load_as_pandas(
        url, jsonPredicateHints=hint, use_delta_format=delta
    )
    assert rows(frame) == [
        (i, f"name {i}") for i in range(10, 20)
    ]  # the one file that may


@pytest.mark.parametrize("delta", [False, True], ids=["parquet", "delta"])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_changes(url: str, shared: Shared, first: int, delta: bool) -> None:
    frame = sharing_frames.load_table_changes_as_pandas(
        url, starting_version=first, use_delta_format=delta
    )
    names = frame["Name"].astype(object).where(frame["Name"].notna(), None)
    for version in range(first, 3):
        part = frame["_commit_version"] == version
        found = zip(
            frame["_change_type"][part], frame["id"][part], names[part], strict=True
        )
        assert sorted(found, key=repr) == sorted(
            shared.table.changes[version], key=repr
        )


def test_client_credentials(
    shared: Shared, session: Connection, tmp_path: Path
) -> None:
    link = link_of(
        session,
        "SELECT lakehouse.create_recipient(%s, 'Client', auth => 'oauth')",
        shared.tenant,
    )
    session.execute(
        "SELECT lakehouse.grant_share(%s, 'sales', 'Client')", [shared.tenant]
    )
    path = tmp_path / "client.share"
    path.write_bytes(activate(link).content)
    for delta in (False, True):
        frame = sharing_frames.load_as_pandas(
            f"{path}#sales.crm.people", use_delta_format=delta
        )
        assert rows(frame) == shared.table.history[-1]
