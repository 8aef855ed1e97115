# SPDX-License-Identifier: PostgreSQL
"""The official Python client of Delta Sharing, in the format of Parquet files and in Delta's own."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from history import History, kContract, kOwn
from python_client import PythonClient
from rows import replay, within

kAll = (*kContract, kOwn)
kFormats = pytest.mark.parametrize("use_delta_format", [False, True], ids=["parquet", "delta"])


def test_client_lists_the_share(history: History, client: PythonClient) -> None:
    found = client.list_names()
    assert sorted(found["names"]) == sorted(f"crm.crm.{name}" for name in kAll)
    assert sorted(found["all"]) == sorted(found["names"])


@kFormats
@pytest.mark.parametrize("name", kAll)
def test_client_reads_the_newest_version(
    history: History, client: PythonClient, name: str, use_delta_format: bool
) -> None:
    assert client.load(name, use_delta_format=use_delta_format) == history.tables[name].rows


def test_client_chooses_a_format_by_itself(history: History, client: PythonClient) -> None:
    assert client.load("accounts") == history.tables["accounts"].rows


@kFormats
def test_client_reads_each_version(
    history: History, client: PythonClient, use_delta_format: bool
) -> None:
    for version, rows in history.tables["accounts"].versions.items():
        assert client.load("accounts", version=version, use_delta_format=use_delta_format) == rows


@kFormats
def test_client_reads_what_was_there_at_a_time(
    history: History, client: PythonClient, use_delta_format: bool
) -> None:
    table = history.tables[kOwn]
    for version in (0, 1, table.newest):
        at = table.committed[version] + timedelta(milliseconds=1)
        found = client.load(kOwn, timestamp=at.isoformat(), use_delta_format=use_delta_format)
        assert found == table.versions[version], version


@kFormats
@pytest.mark.parametrize("limit", [0, 1, 7, 10_000])
def test_client_reads_some_rows(
    history: History, client: PythonClient, limit: int, use_delta_format: bool
) -> None:
    table = history.tables[kOwn]
    found = client.load(kOwn, limit=limit, use_delta_format=use_delta_format)
    assert len(found) == min(limit, len(table.rows))
    assert all(row in table.rows for row in found)


@kFormats
def test_client_loses_no_row_by_a_hint(
    history: History, client: PythonClient, use_delta_format: bool
) -> None:
    """A hint may leave out what does not match, and nothing else."""
    column = {"op": "column", "name": "id", "valueType": "long"}
    literal = {"op": "literal", "value": "10000", "valueType": "long"}
    hint = json.dumps({"op": "lessThan", "children": [literal, column]})
    rows = history.tables[kOwn].rows
    found = client.load(kOwn, jsonPredicateHints=hint, use_delta_format=use_delta_format)
    assert all(row in rows for row in found)
    assert [row for row in found if row["id"] > 10_000] == (
        [row for row in rows if row["id"] > 10_000]
    )


@kFormats
@pytest.mark.parametrize("name", ["accounts", kOwn])
def test_client_replays_changes(
    history: History, client: PythonClient, name: str, use_delta_format: bool
) -> None:
    """From nothing, and from each version on. Delta's own format has changes within the same columns only."""
    table = history.tables[name]
    last, columns = table.last_of_first_columns, table.versions[0][0]
    for first in range(-1, last):
        changes = client.changes(
            name,
            starting_version=first + 1,
            ending_version=last,
            use_delta_format=use_delta_format,
        )
        start = table.versions.get(first, [])
        assert replay(start, within(columns, changes)) == table.versions[last], first


@kFormats
def test_client_sees_what_a_table_is(
    history: History, client: PythonClient, use_delta_format: bool
) -> None:
    table = history.tables["contacts"]
    seen = client.about("describe", "contacts", use_delta_format=use_delta_format)
    assert seen["columns"] == list(table.rows[0])
    assert seen["version"] == table.newest
    assert seen["reader"] == 1


def test_client_finds_the_version_after_a_time(history: History, client: PythonClient) -> None:
    table = history.tables["accounts"]
    after = table.committed[0] + timedelta(milliseconds=1)
    found = client.about("version_at", "accounts", timestamp=after.isoformat())
    assert found["version"] == 1


def test_client_may_write_names_in_any_case(history: History, client: PythonClient) -> None:
    assert client.load("Accounts") == history.tables["accounts"].rows


@kFormats
def test_client_signs_in_with_a_secret(
    history: History, client: PythonClient, tmp_path: Path, use_delta_format: bool
) -> None:
    """A profile of version 2: the client fetches tokens itself."""
    file = tmp_path / "secret.share"
    history.fetch_profile(file, f"program {use_delta_format}", None, "oauth")
    assert json.loads(file.read_text())["shareCredentialsVersion"] == 2
    found = client.load("accounts", profile=file, use_delta_format=use_delta_format)
    assert found == history.tables["accounts"].rows
