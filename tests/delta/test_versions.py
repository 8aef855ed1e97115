# SPDX-License-Identifier: PostgreSQL
"""A history with removes, change data, a checkpoint and a compaction, read by deltalake."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

kLastVersion = 12
kCheckpointAt = 10


def expected_ids(version: int) -> list[int]:
    newest = min(version, kLastVersion - 1)
    return list(range(max(0, newest - 2) * 10, newest * 10 + 10))


def ids_of(path: Path, version: int) -> list[int]:
    rows = pa.table(DeltaTable(path, version=version).to_pyarrow_table())
    assert all(row["text"] == f"row {row['id']}" for row in rows.to_pylist())
    return sorted(rows["id"].to_pylist())


def state_of(path: Path, version: int) -> tuple:
    """All that a log says: files with their stats, settings, protocol, transactions."""
    table = DeltaTable(path, version=version)
    files = pa.table(table.get_add_actions()).to_pylist()
    metadata = table.metadata()
    return (
        sorted(files, key=lambda file: file["path"]),
        (metadata.id, metadata.name, metadata.configuration, table.schema().to_json()),
        (table.protocol().min_reader_version, table.protocol().min_writer_version),
        table.transaction_version("publisher"),
    )


@pytest.fixture
def replayed(tables: Path, tmp_path: Path) -> Path:
    """The same table without its checkpoint."""
    copy = tmp_path / "replayed"
    shutil.copytree(tables / "versions", copy)
    (copy / "_delta_log/_last_checkpoint").unlink()
    next(copy.glob("_delta_log/*.checkpoint.parquet")).unlink()
    return copy


@pytest.fixture
def from_checkpoint(tables: Path, tmp_path: Path) -> Path:
    """The same table without the commits before its checkpoint."""
    copy = tmp_path / "from_checkpoint"
    shutil.copytree(tables / "versions", copy)
    for version in range(kCheckpointAt + 1):
        (copy / f"_delta_log/{version:020}.json").unlink()
    return copy


@pytest.mark.parametrize("version", range(kLastVersion + 1))
def test_each_version_has_its_rows(tables: Path, version: int) -> None:
    assert ids_of(tables / "versions", version) == expected_ids(version)


@pytest.mark.parametrize("version", range(kCheckpointAt, kLastVersion + 1))
def test_checkpoint_equals_replay(replayed: Path, from_checkpoint: Path, version: int) -> None:
    assert state_of(from_checkpoint, version) == state_of(replayed, version)
    assert ids_of(from_checkpoint, version) == ids_of(replayed, version)


def test_checkpoint_has_the_types_of_the_protocol(tables: Path) -> None:
    log = tables / "versions/_delta_log"
    checkpoint = pq.read_table(log / f"{kCheckpointAt:020}.checkpoint.parquet")
    last = json.loads((log / "_last_checkpoint").read_text())
    assert last["version"] == kCheckpointAt
    assert last["size"] == checkpoint.num_rows
    assert last["numOfAddFiles"] == 3
    assert checkpoint.schema.names == ["txn", "add", "remove", "metaData", "protocol"]
    text = pa.string()
    pairs = pa.map_(text, text)
    add = checkpoint.schema.field("add").type
    assert {field.name: field.type for field in add} == {
        "path": text,
        "partitionValues": pairs,
        "size": pa.int64(),
        "modificationTime": pa.int64(),
        "dataChange": pa.bool_(),
        "stats": text,
    }
    removed = [row for row in checkpoint["remove"].to_pylist() if row]
    assert len(removed) == kCheckpointAt - 2
    assert all(row["size"] > 0 and row["extendedFileMetadata"] for row in removed)
    actions = checkpoint.to_pylist()
    assert all(sum(value is not None for value in action.values()) == 1 for action in actions)


def test_change_data_leads_from_each_version_to_the_next(tables: Path) -> None:
    table = DeltaTable(tables / "versions")
    changes = pa.table(table.load_cdf(starting_version=0).read_all()).to_pylist()
    ids: set[int] = set()
    for version in range(kLastVersion):
        for change in changes:
            if change["_commit_version"] != version:
                continue
            assert change["_change_type"] in ("insert", "delete")
            (ids.add if change["_change_type"] == "insert" else ids.remove)(change["id"])
        assert sorted(ids) == expected_ids(version)
    # The compaction changed no data.
    assert not [change for change in changes if change["_commit_version"] == kLastVersion]


def test_history_names_each_commit(tables: Path) -> None:
    history = DeltaTable(tables / "versions").history()
    assert [commit["version"] for commit in history] == list(range(kLastVersion, -1, -1))
    assert {commit["operation"] for commit in history} == {"WRITE"}
    assert {commit["engineInfo"] for commit in history} == {"lakehouse/test"}
