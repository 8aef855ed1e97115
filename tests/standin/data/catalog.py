# SPDX-License-Identifier: PostgreSQL
"""The whole sample catalog, and its files: generated once into a directory, then only read.

`prepare` is safe to interrupt and to run twice at once: files appear by one rename, under a lock.
"""

from __future__ import annotations

import fcntl
import shutil
from dataclasses import dataclass
from pathlib import Path

from data import every_type, odd, tpch, usage
from data.model import Schema, Table

# Raise it when a generator changes, so that an older directory is not taken for the new data.
DATA_VERSION = 1

SCHEMAS: tuple[Schema, ...] = (tpch.SCHEMA, usage.SCHEMA, every_type.SCHEMA, odd.SCHEMA)


@dataclass(frozen=True)
class Dataset:
    """Where the generated files lie."""

    directory: Path

    def file_of(self, table: Table) -> Path:
        return self.directory / table.file_name


def tables() -> list[Table]:
    return [table for schema in SCHEMAS for table in schema.tables]


def prepare(directory: Path) -> Dataset:
    """Return the dataset in `directory`, generating it first if it is not whole."""
    directory.mkdir(parents=True, exist_ok=True)
    finished = directory / f"data-v{DATA_VERSION}"
    with open(directory / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            _generate(directory / "unfinished", finished)
    return Dataset(finished)


def _generate(scratch: Path, finished: Path) -> None:
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    tpch.write_files(scratch)
    usage.write_files(scratch)
    scratch.rename(finished)
