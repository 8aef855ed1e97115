# SPDX-License-Identifier: PostgreSQL
"""A published table as its folder has it, read by deltalake, which knows nothing of us."""

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

BEFORE, AFTER = ("delete", "update_preimage"), ("insert", "update_postimage")
_OF_CHANGES = ("_change_type", "_commit_version", "_commit_timestamp")
_COMMIT = re.compile(r"\d{20}\.json")


class Changes(NamedTuple):
    """Those of one version."""

    taken: Rows
    given: Rows
    kinds: Counter[str]


class DeltaFolder:
    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> Path:
        return self.path / "_delta_log"

    def versions(self) -> list[int]:
        """Those whose commits are in the log."""
        names = (path.name for path in self.log.glob("*.json"))
        return sorted(int(name[:20]) for name in names if _COMMIT.fullmatch(name))

    def table(self, version: int | None = None) -> DeltaTable:
        return DeltaTable(self.path, version=version)

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
        lines = (self.log / f"{version:020}.json").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

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
        paths = (path for path in self.path.rglob("*") if path.is_file())
        relative = (path.relative_to(self.path) for path in paths)
        return {str(path) for path in relative if path.parts[0] != "_delta_log"}


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
