# SPDX-License-Identifier: PostgreSQL
"""Writes a running statement's rows to chunk files, within limits, one chunk in memory at most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lz4.frame
import pyarrow as pa
from engine.contract import ARROW_STREAM, CSV, JSON_ARRAY, Execution, Interrupt, QueryError

from result_files import arrow_stream, csv_text, json_array
from result_files.chunk import Chunk, ResultSet

LZ4_FRAME = "LZ4_FRAME"
# The last file of a real result is cut into several frames; a reader must expect that.
_LAST_FILE_FRAME_BYTES = 1 << 18

_BODIES = {
    JSON_ARRAY: json_array.bodies,
    ARROW_STREAM: arrow_stream.bodies,
    CSV: csv_text.bodies,
}


@dataclass(frozen=True)
class Limits:
    """`row_limit` and `byte_limit` truncate; more than `abort_bytes` fails the statement."""

    chunk_bytes: int
    row_limit: int | None = None
    byte_limit: int | None = None
    abort_bytes: int | None = None


def write(
    execution: Execution,
    directory: Path,
    result_format: str,
    compression: str | None,
    limits: Limits,
    control: Interrupt,
) -> ResultSet:
    """Drain the execution into `directory` and return the result set."""
    directory.mkdir(parents=True)
    result = ResultSet(directory, result_format, compression, execution.columns)
    batches = _limited(execution.batches(), limits, result)
    last = b""
    for body, rows in _BODIES[result_format](batches, execution.columns, limits.chunk_bytes):
        control.check()
        index, offset = len(result.chunks), result.row_count
        last = body
        stored = lz4.frame.compress(body) if compression == LZ4_FRAME else body
        result.file_of(index).write_bytes(stored)
        result.chunks.append(Chunk(index, offset, rows, len(body), len(stored)))
        _check_size(result, limits)
    if compression == LZ4_FRAME and result.chunks:
        _rewrite_in_frames(result, last)
    result.save()
    return result


def _limited(
    batches: Iterator[pa.RecordBatch], limits: Limits, result: ResultSet
) -> Iterator[pa.RecordBatch]:
    """Stop at the row or byte limit, and remember that something was left out."""
    rows = size = 0
    for batch in batches:
        if limits.row_limit is not None and rows + batch.num_rows > limits.row_limit:
            batch = batch.slice(0, limits.row_limit - rows)
            result.truncated = True
        if limits.byte_limit is not None and size + batch.nbytes > limits.byte_limit:
            share = (limits.byte_limit - size) / max(1, batch.nbytes)
            batch = batch.slice(0, int(batch.num_rows * share))
            result.truncated = True
        rows += batch.num_rows
        size += batch.nbytes
        if batch.num_rows:
            yield batch
        if result.truncated:
            return


def _check_size(result: ResultSet, limits: Limits) -> None:
    if limits.abort_bytes is not None and result.byte_count > limits.abort_bytes:
        raise QueryError(
            "RESULT_SET_TOO_LARGE_FOR_INLINE",
            "54000",
            "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a "
            f"result size of at most {limits.abort_bytes} bytes. Please execute the statement with "
            "disposition=EXTERNAL_LINKS if you want to download the full result.",
        )


def _rewrite_in_frames(result: ResultSet, body: bytes) -> None:
    frames = [
        lz4.frame.compress(body[start : start + _LAST_FILE_FRAME_BYTES])
        for start in range(0, len(body), _LAST_FILE_FRAME_BYTES)
    ]
    stored = b"".join(frames)
    chunk = result.chunks[-1]
    result.file_of(chunk.index).write_bytes(stored)
    result.chunks[-1] = Chunk(
        chunk.index, chunk.row_offset, chunk.row_count, chunk.byte_count, len(stored)
    )
