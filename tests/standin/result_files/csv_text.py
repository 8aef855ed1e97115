# SPDX-License-Identifier: PostgreSQL
"""CSV chunks after RFC 4180; the first one starts with the column names. NULL is bare null."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from engine.contract import ResultColumn

from result_files import text_rows


def bodies(
    batches: Iterator[pa.RecordBatch], columns: list[ResultColumn], chunk_bytes: int
) -> Iterator[tuple[bytes, int]]:
    header = ",".join(_quoted(column.name) for column in columns) + "\r\n"
    for text, rows in text_rows.bodies(batches, chunk_bytes):
        yield header.encode("utf-8") + text, rows
        header = ""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(c in name for c in '",\r\n') else name
