# SPDX-License-Identifier: PostgreSQL
"""Runs translated statements on DuckDB and streams their rows, never holding a whole result."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from data.catalog import Dataset

from engine.contract import (
    CSV,
    JSON_ARRAY,
    Interrupt,
    Query,
    QueryInterrupted,
    ResultColumn,
)
from engine.duck import cells, errors, sample, types
from engine.duck.translate import translate

ROWS_PER_BATCH = 100_000
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")


class DuckEngine:
    """One in-memory database; a cursor for each statement."""

    def __init__(self, dataset: Dataset, scratch: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET temp_directory = ?", [str(scratch)])
        sample.load(self._connection, dataset)

    def start(self, query: Query, result_format: str, control: Interrupt) -> DuckExecution:
        """Translate and plan; rows come from `batches`. Raises QueryError or QueryInterrupted."""
        cursor = self._connection.cursor()
        control.attach(cursor.interrupt)
        execution = DuckExecution(cursor, control)
        try:
            execution.plan(query, result_format)
        except BaseException:
            execution.close()
            raise
        return execution

    def close(self) -> None:
        self._connection.close()


class DuckExecution:
    """One statement on a cursor of its own."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, control: Interrupt) -> None:
        self._cursor = cursor
        self._control = control
        self._names: list[str] = []
        self._columns: list[ResultColumn] = []
        self._relation: duckdb.DuckDBPyRelation | None = None

    def plan(self, query: Query, result_format: str) -> None:
        """Translate and bind; a statement without rows runs here."""
        with self._spark_errors():
            zone = cells.quote_text(_zone(query.timezone))
            self._cursor.execute(f"SET TimeZone = {zone}")
            translation = translate(query, self._cursor)
            self._names = translation.table_names
            self._control.check()
            if not translation.returns_rows:
                self._cursor.execute(translation.sql)
                return
            sql = (
                _plan_rows(self._cursor, translation.sql)
                if translation.is_plan
                else translation.sql
            )
            self._relation = self._bound(query, sql, result_format)

    @property
    def columns(self) -> list[ResultColumn]:
        return self._columns

    def batches(self) -> Iterator[pa.RecordBatch]:
        if self._relation is None:
            return
        with self._spark_errors():
            for batch in self._relation.to_arrow_reader(ROWS_PER_BATCH):
                self._control.check()
                yield batch

    def close(self) -> None:
        self._control.release()
        self._relation = None
        self._cursor.close()

    @contextlib.contextmanager
    def _spark_errors(self) -> Iterator[None]:
        """Whatever DuckDB raises after a cancel request is its answer to that request."""
        try:
            yield
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            if self._control.requested:
                raise QueryInterrupted from None
            raise errors.translate(error, self._names) from None

    def _bound(self, query: Query, sql: str, result_format: str) -> duckdb.DuckDBPyRelation:
        inner = self._cursor.sql(sql)
        described = [types.read(native) for native in inner.types]
        self._columns = [
            ResultColumn(name, types.result_type(duck))
            for name, duck in zip(inner.columns, described, strict=True)
        ]
        aliases = ", ".join(f"c{index}" for index in range(len(described)))
        limit = f" LIMIT {query.row_limit}" if query.row_limit is not None else ""
        output = _output(described, result_format)
        return self._cursor.sql(f"SELECT {output} FROM ({sql}) AS r({aliases}){limit}")


def _plan_rows(cursor: duckdb.DuckDBPyConnection, explain: str) -> str:
    """EXPLAIN's text as a query of one row and the one column `plan`."""
    text = "\n".join(str(row[1]) for row in cursor.execute(explain).fetchall())
    return f"SELECT {cells.quote_text(text)} AS plan"


def _output(described: list[types.DuckType], result_format: str) -> str:
    if result_format == JSON_ARRAY:
        parts = [_json_cell(f"c{i}", duck) for i, duck in enumerate(described)]
        return "'[' || " + " || ',' || ".join(parts) + " || '],' AS r"
    if result_format == CSV:
        parts = [
            f"coalesce(spark_csv({cells.cell(f'c{i}', d)}), 'null')"
            for i, d in enumerate(described)
        ]
        return " || ',' || ".join(parts) + " || chr(13) || chr(10) AS r"
    return ", ".join(_arrow_cell(f"c{i}", duck) for i, duck in enumerate(described))


def _json_cell(name: str, duck: types.DuckType) -> str:
    text = cells.cell(name, duck)
    if cells.is_safe(duck):
        return f"coalesce('\"' || {text} || '\"', 'null')"
    return f"coalesce(spark_quote({text}), 'null')"


def _arrow_cell(name: str, duck: types.DuckType) -> str:
    """Arrow has most types; the disguised ones leave as text, VOID as Arrow's null."""
    if duck.kind in ("interval", "year_month", "json", "uuid"):
        return f"{cells.cell(name, duck)} AS {name}"
    if duck.is_nothing:
        return f"NULL AS {name}"
    shown = types.result_type(duck).text
    if duck.is_integer and shown not in (duck.kind.upper(), "INT"):
        return f"CAST({name} AS {shown}) AS {name}"
    return name


def _zone(name: str) -> str:
    """DuckDB knows fixed offsets only as Etc/GMT zones, whose sign is turned."""
    match = _OFFSET.fullmatch(name)
    if not match or int(match.group(3) or 0):
        return name
    hours = int(match.group(2))
    return f"Etc/GMT{'-' if match.group(1) == '+' else '+'}{hours}" if hours else "UTC"
