# SPDX-License-Identifier: PostgreSQL
"""The official Python client of Delta Sharing, in the format of Parquet files and in Delta's own."""

import json
from datetime import timedelta

import pytest
from history import History, kContract, kOwn
from python_client import PythonClient
from rows import replay

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
def test_client_reads_some_rows(
    history: History, client: PythonClient, use_delta_format: bool
) -> None:
    table = history.tables[kOwn]
    found = client.load(kOwn, limit=7, use_delta_format=use_delta_format)
    assert len(found) == 7
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
    """From each version on. Delta's own format has changes within the same columns only."""
    table = history.tables[name]
    last = table.last_of_first_columns
    for first in range(last):
        changes = client.changes(
            name,
            starting_version=first + 1,
            ending_version=last,
            use_delta_format=use_delta_format,
        )
        assert replay(table.versions[first], changes) == table.versions[last], first


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
