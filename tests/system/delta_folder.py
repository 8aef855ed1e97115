# SPDX-License-Identifier: PostgreSQL
"""A published table as its folder has it, on a disk or in a bucket, read by deltalake, which knows nothing of us."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from published_rows import Rows, count_rows, difference
from pyarrow import fs

BEFORE, AFTER = ("delete", "update_preimage"), ("insert", "update_postimage")
_OF_CHANGES = ("_change_type", "_commit_version", "_commit_timestamp")
LOG = "_delta_log/"
_COMMIT = re.compile(r"\d{20}\.json")


class Changes(NamedTuple):
    """Those of one version."""

    taken: Rows
    given: Rows
    kinds: Counter[str]


class DeltaFolder:
    def __init__(self, url: str, files: fs.FileSystem, options: dict[str, str] | None = None) -> None:
        """`files` are those below the URL, `options` what deltalake needs to read there."""
        self.url, self.files, self._options = url, files, options

    @classmethod
    def of_disk(cls, path: Path) -> DeltaFolder:
        return cls(str(path), fs.SubTreeFileSystem(str(path), fs.LocalFileSystem()))

    def copy(self, place: Path) -> DeltaFolder:
        """To a disk, wherever it lies."""
        for name in self.names():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            with self.files.open_input_file(name) as file:
                (place / name).write_bytes(file.read())
        return DeltaFolder.of_disk(place)

    def names(self) -> set[str]:
        """Of all files, unfinished ones too."""
        found = self.files.get_file_info(fs.FileSelector("", recursive=True))
        return {info.path for info in found if info.is_file}

    def log(self) -> list[str]:
        """Names of the log's files, without their folder."""
        names = sorted(self.names())
        return [name.removeprefix(LOG) for name in names if name.startswith(LOG)]

    def checkpoints(self) -> list[int]:
        return [int(name[:20]) for name in self.log() if name.endswith(".checkpoint.parquet")]

    def versions(self) -> list[int]:
        """Those whose commits are in the log."""
        return [int(name[:20]) for name in self.log() if _COMMIT.fullmatch(name)]

    def table(self, version: int | None = None) -> DeltaTable:
        return DeltaTable(self.url, version=version, storage_options=self._options)

    def version(self) -> int:
        return self.table().version()

    def rows(self, version: int | None = None) -> Rows:
        return count_rows(pa.table(self.table(version).to_pyarrow_table()).to_pylist())

    def changes(self, first: int, last: int) -> dict[int, Changes]:
        """Of the versions from first to last; one that changed nothing has none."""
        table = self.table()
        reader = table.load_cdf(starting_version=first, ending_version=last)
        return changes_by_version(pa.table(reader.read_all()).to_pylist())

    def live_files(self, version: int | None = None) -> list[dict[str, Any]]:
        return pa.table(self.table(version).get_add_actions()).to_pylist()

    def actions(self, version: int) -> list[dict[str, Any]]:
        with self.files.open_input_file(f"{LOG}{version:020}.json") as file:
            return [json.loads(line) for line in file.read().splitlines()]

    def named_files(self) -> set[str]:
        """Every data file and change file that a commit of the log names."""
        named = set()
        for version in self.versions():
            for action in self.actions(version):
                for kind in ("add", "remove", "cdc"):
                    if kind in action:
                        named.add(unquote(action[kind]["path"]))
        return named

    def stored_files(self) -> set[str]:
        """Every file of the folder but the log's."""
        return {name for name in self.names() if not name.startswith(LOG)}


def changes_by_version(rows: Iterable[dict[str, Any]]) -> dict[int, Changes]:
    parts: dict[int, tuple[list, list, Counter[str]]] = {}
    for row in rows:
        kind, version, _ = (row.pop(name) for name in _OF_CHANGES)
        taken, given, kinds = parts.setdefault(version, ([], [], Counter()))
        kinds[kind] += 1
        assert kind in BEFORE + AFTER, kind
        (taken if kind in BEFORE else given).append(row)
    return {
        version: Changes(count_rows(taken), count_rows(given), kinds)
        for version, (taken, given, kinds) in parts.items()
    }


def replay(start: Rows, changes: dict[int, Changes], first: int, last: int) -> Rows:
    """What the changes of these versions make of the rows; each row taken must have been there."""
    rows = Counter(start)
    for version in range(first, last + 1):
        if version in changes:
            change = changes[version]
            assert change.taken <= rows, f"{version}: {difference(rows & change.taken, change.taken)}"
            rows = rows - change.taken + change.given
    return rows
