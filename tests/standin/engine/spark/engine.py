# SPDX-License-Identifier: PostgreSQL
"""Runs statements on a local Apache Spark. Rows go to files in `scratch` first, never to memory."""

from __future__ import annotations

import json
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from data.catalog import Dataset
from data.model import CATALOG
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from engine.contract import (
    ARROW_STREAM,
    CSV,
    Interrupt,
    Query,
    QueryError,
    QueryInterrupted,
    ResultColumn,
)
from engine.spark import cells, errors, sample, text, types

ROWS_PER_BATCH = 50_000

# A failed statement is an answer here, not an event for standard error.
logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)


class SparkEngine:
    """One local Spark; a session for each statement."""

    def __init__(self, dataset: Dataset, scratch: Path) -> None:
        self._scratch = scratch
        builder = SparkSession.builder.master("local[2]").appName("stand-in warehouse")
        for name, value in _settings(scratch).items():
            builder = builder.config(name, value)
        self._spark = builder.getOrCreate()
        self._spark.sparkContext.setLogLevel("OFF")
        sample.load(self._spark, dataset, scratch)

    def start(self, query: Query, result_format: str, control: Interrupt) -> SparkExecution:
        context = self._spark.sparkContext
        group = str(uuid.uuid4())
        context.setJobGroup(group, "statement", interruptOnCancel=True)
        control.attach(lambda: context.cancelJobGroup(group))
        control.check()
        session = self._spark.newSession()
        session.conf.set("spark.sql.session.timeZone", query.timezone)
        session.conf.set("spark.sql.ansi.enabled", str(query.ansi).lower())
        directory = self._scratch / f"spark-{group}"
        try:
            return SparkExecution(session, query, result_format, directory, control)
        except BaseException:
            control.release()
            raise

    def close(self) -> None:
        self._spark.stop()


class SparkExecution:
    def __init__(
        self,
        session: SparkSession,
        query: Query,
        result_format: str,
        directory: Path,
        control: Interrupt,
    ) -> None:
        self._directory = directory
        self._format = result_format
        self._control = control
        self._timezone = query.timezone
        self._frame = self._attempt(lambda: _frame(session, query))
        self._columns = [
            ResultColumn(field.name, types.result_type(field.dataType))
            for field in self._frame.schema.fields
        ]

    @property
    def columns(self) -> list[ResultColumn]:
        return self._columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        if not self._columns:
            return
        fields = self._frame.schema.fields
        frame = self._frame.toDF(*[f"c{index}" for index in range(len(fields))])
        if self._format == ARROW_STREAM:
            picked = [cells.arrow(f"c{i}", field.dataType) for i, field in enumerate(fields)]
            writer = frame.selectExpr(*picked).write
            self._attempt(lambda: writer.parquet(str(self._directory)))
            yield from self._arrow_batches()
        else:
            writer = frame.selectExpr(cells.row(fields)).write
            self._attempt(lambda: writer.text(str(self._directory)))
            yield from self._text_batches()

    def close(self) -> None:
        self._control.release()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _attempt(self, action: Callable[[], Any]) -> Any:
        """Run a Spark call; its error becomes ours, and a cancelled job an interruption."""
        try:
            return action()
        except (PySparkException, Py4JError) as error:
            if self._control.requested:
                raise QueryInterrupted from None
            raise errors.translate(error) from None

    def _arrow_batches(self) -> Iterator[pa.RecordBatch]:
        void = [i for i, column in enumerate(self._columns) if column.type.name == "NULL"]
        for file in sorted(self._directory.glob("part-*.parquet")):
            for batch in pq.ParquetFile(file).iter_batches(ROWS_PER_BATCH):
                yield _arrow_types(batch, void, self._timezone)

    def _text_batches(self) -> Iterator[pa.RecordBatch]:
        lines: list[str] = []
        for file in sorted(self._directory.glob("part-*.txt")):
            with open(file, encoding="utf-8", newline="\n") as stream:
                for line in stream:
                    lines.append(self._row_text(line.rstrip("\n")))
                    if len(lines) >= ROWS_PER_BATCH:
                        yield _batch(lines)
                        lines = []
        if lines:
            yield _batch(lines)

    def _row_text(self, line: str) -> str:
        if self._format != CSV:
            return line + ","
        return ",".join(_csv(cell) for cell in json.loads(line)) + "\r\n"


def _frame(session: SparkSession, query: Query) -> DataFrame:
    if query.catalog.lower() != CATALOG:
        raise QueryError(
            "NO_SUCH_CATALOG_EXCEPTION", "42704", f"Catalog '{query.catalog}' was not found."
        )
    session.catalog.setCurrentDatabase(query.schema)
    statement, arguments = text.prepare(query.statement, CATALOG, query.parameters)
    frame = session.sql(statement, args=arguments) if arguments else session.sql(statement)
    return frame.limit(query.row_limit) if query.row_limit is not None else frame


def _settings(scratch: Path) -> dict[str, str]:
    return {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        # Statements here are many and small: compiling each one to Java takes longer than it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.log.structuredLogging.enabled": "false",
    }


def _arrow_types(batch: pa.RecordBatch, void: list[int], timezone: str) -> pa.RecordBatch:
    arrays = list(batch.columns)
    for index, array in enumerate(arrays):
        if index in void:
            arrays[index] = pa.nulls(len(array))
        elif pa.types.is_timestamp(array.type) and array.type.tz:
            arrays[index] = array.cast(pa.timestamp("us", tz=timezone))
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _batch(lines: list[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(lines, pa.large_string())], names=["r"])


def _csv(cell: str | None) -> str:
    if cell is None:
        return "null"
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in '",\r\n') else cell
