# SPDX-License-Identifier: PostgreSQL
"""JSON_ARRAY chunks: compact arrays of arrays of strings. Rows come as `["a","b"],` text."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from engine.contract import ResultColumn

from result_files import text_rows


def bodies(
    batches: Iterator[pa.RecordBatch], _columns: list[ResultColumn], chunk_bytes: int
) -> Iterator[tuple[bytes, int]]:
    for text, rows in text_rows.bodies(batches, chunk_bytes):
        yield b"[" + text[:-1] + b"]", rows
