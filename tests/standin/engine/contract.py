# SPDX-License-Identifier: PostgreSQL
"""What the API asks of an engine: run one Databricks statement and stream its rows.

An engine never sees HTTP; the API never sees an engine's own types or errors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa


class QueryError(Exception):
    """A statement failed; `message` carries `[CONDITION] … SQLSTATE: xxxxx` as Spark words it."""

    def __init__(self, condition: str, sql_state: str, text: str, code: str = "BAD_REQUEST"):
        super().__init__(text)
        self.code = code
        self.sql_state = sql_state
        self.message = f"[{condition}] {text} SQLSTATE: {sql_state}"


class QueryInterrupted(Exception):
    """The statement was interrupted from another thread."""


@dataclass(frozen=True)
class Parameter:
    """A value for a marker: text or NULL, to be cast to `type`; found by name or by position."""

    type: str
    value: str | None
    name: str | None = None
    ordinal: int | None = None


@dataclass(frozen=True)
class Query:
    """One statement and the session it runs in. `row_limit` of None means all rows."""

    statement: str
    parameters: tuple[Parameter, ...] = ()
    catalog: str = "demo"
    schema: str = "default"
    timezone: str = "UTC"
    ansi: bool = True
    row_limit: int | None = None


@dataclass(frozen=True)
class ResultType:
    """A column's type in the words of the API's manifest."""

    name: str
    text: str
    precision: int | None = None
    scale: int | None = None
    interval: str | None = None


@dataclass(frozen=True)
class ResultColumn:
    name: str
    type: ResultType


# How rows can be asked for. Text formats yield one string column: a row each, separator included.
JSON_ARRAY = "JSON_ARRAY"
ARROW_STREAM = "ARROW_STREAM"
CSV = "CSV"


class Execution(Protocol):
    """A running statement. `interrupt` may be called from any thread, also after the end."""

    @property
    def columns(self) -> list[ResultColumn]: ...

    def batches(self) -> Iterator[pa.RecordBatch]: ...

    def close(self) -> None: ...


class Engine(Protocol):
    def start(self, query: Query, result_format: str, control: Interrupt) -> Execution: ...

    def close(self) -> None: ...


class Interrupt:
    """Carries a cancel request to whatever the engine runs at the moment, or will run next.

    An engine forgets an interrupt that comes between two of its steps, so it is repeated until
    the engine lets go.
    """

    REPEAT_SECONDS = 0.02

    def __init__(self) -> None:
        self.requested = False
        self._lock = threading.Lock()
        self._action: Callable[[], object] | None = None

    def request(self) -> None:
        """Ask to stop; returns at once, may be called again and from any thread."""
        with self._lock:
            repeated, self.requested = self.requested, True
        if not repeated:
            threading.Thread(target=self._repeat, daemon=True).start()

    def attach(self, action: Callable[[], object]) -> None:
        """Name the action that stops the work."""
        with self._lock:
            self._action = action

    def release(self) -> None:
        """The work is over: the action will not be called again."""
        with self._lock:
            self._action = None

    def check(self) -> None:
        if self.requested:
            raise QueryInterrupted

    def _repeat(self) -> None:
        released = False
        while not released:
            with self._lock:
                if self._action is not None:
                    self._action()
                released = self._action is None
            time.sleep(self.REPEAT_SECONDS)
