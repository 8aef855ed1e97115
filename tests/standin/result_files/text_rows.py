# SPDX-License-Identifier: PostgreSQL
"""Cuts batches of finished row texts into chunk bodies; a row is never split or copied alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa


def bodies(batches: Iterator[pa.RecordBatch], chunk_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Yield (text, rows): as many whole rows as fit `chunk_bytes`, one at least."""
    parts: list[memoryview] = []
    rows = size = 0
    for batch in batches:
        text, offsets = _text(batch)
        first, count = 0, len(offsets) - 1
        while first < count:
            room = offsets[first] + chunk_bytes - size
            last = int(np.searchsorted(offsets, room, side="right")) - 1
            last = max(last, first if parts else first + 1)
            if last > first:
                parts.append(text[int(offsets[first]) : int(offsets[last])])
                rows += last - first
                size += len(parts[-1])
            if last < count:
                yield b"".join(parts), rows
                parts, rows, size = [], 0, 0
            first = last
    if parts:
        yield b"".join(parts), rows


def _text(batch: pa.RecordBatch) -> tuple[memoryview, np.ndarray]:
    """The batch's texts end to end, and where each of them starts; the last entry is the end."""
    column = batch.column(0).cast(pa.large_string())
    _, offset_buffer, text = column.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int64)
    offsets = offsets[column.offset : column.offset + len(column) + 1]
    return memoryview(text if text is not None else b""), offsets
