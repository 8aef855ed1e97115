# SPDX-License-Identifier: PostgreSQL
"""ARROW_STREAM chunks: each one is a whole Arrow IPC stream with its schema."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from engine.contract import ResultColumn

# A batch is cut into slices of about this many rows, so that chunks can keep near their size.
_SLICE_ROWS = 20_000


def bodies(
    batches: Iterator[pa.RecordBatch], columns: list[ResultColumn], chunk_bytes: int
) -> Iterator[tuple[bytes, int]]:
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        for piece in _slices(_described(batch, columns), chunk_bytes):
            if waiting and size + piece.get_total_buffer_size() > chunk_bytes:
                yield _stream(waiting)
                waiting, size = [], 0
            waiting.append(piece)
            size += piece.get_total_buffer_size()
    if waiting:
        yield _stream(waiting)


def _slices(batch: pa.RecordBatch, chunk_bytes: int) -> Iterator[pa.RecordBatch]:
    row_bytes = max(1, batch.nbytes // max(1, batch.num_rows))
    rows = max(1, min(_SLICE_ROWS, chunk_bytes // row_bytes))
    for start in range(0, batch.num_rows, rows):
        piece = batch.slice(start, rows)
        yield piece if piece.num_rows == batch.num_rows else _compact(piece)


def _compact(piece: pa.RecordBatch) -> pa.RecordBatch:
    """Copy a slice, so that its buffers hold its own rows only."""
    return piece.take(pa.array(range(piece.num_rows), pa.int64()))


def _described(batch: pa.RecordBatch, columns: list[ResultColumn]) -> pa.RecordBatch:
    """Real column names, and the SQL type beside each, as the service sends them."""
    fields = [
        pa.field(column.name, array.type, True, {"Spark:DataType:SqlName": column.type.text})
        for column, array in zip(columns, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(batch.columns, schema=pa.schema(fields))


def _stream(batches: list[pa.RecordBatch]) -> tuple[bytes, int]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes(), sum(batch.num_rows for batch in batches)
