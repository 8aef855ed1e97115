# SPDX-License-Identifier: PostgreSQL
"""A result set as chunk files, and the manifest of it that outlives the process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from engine.contract import ResultColumn, ResultType

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Chunk:
    """`byte_count` is the size before compression, `stored_bytes` that of the file."""

    index: int
    row_offset: int
    row_count: int
    byte_count: int
    stored_bytes: int


@dataclass
class ResultSet:
    directory: Path
    format: str
    compression: str | None
    columns: list[ResultColumn]
    chunks: list[Chunk] = field(default_factory=list)
    truncated: bool = False

    @property
    def row_count(self) -> int:
        return sum(chunk.row_count for chunk in self.chunks)

    @property
    def byte_count(self) -> int:
        return sum(chunk.byte_count for chunk in self.chunks)

    def file_of(self, index: int) -> Path:
        return self.directory / f"chunk-{index}"

    def save(self) -> None:
        """Write the manifest beside the chunks; without it a directory is unfinished."""
        value = {
            "format": self.format,
            "compression": self.compression,
            "columns": [asdict(column) for column in self.columns],
            "chunks": [asdict(chunk) for chunk in self.chunks],
            "truncated": self.truncated,
        }
        (self.directory / _MANIFEST).write_text(json.dumps(value), encoding="utf-8")


def load(directory: Path) -> ResultSet | None:
    """The saved result set in a directory, or None."""
    try:
        value = json.loads((directory / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    columns = [ResultColumn(c["name"], ResultType(**c["type"])) for c in value["columns"]]
    chunks = [Chunk(**chunk) for chunk in value["chunks"]]
    return ResultSet(
        directory, value["format"], value["compression"], columns, chunks, value["truncated"]
    )
