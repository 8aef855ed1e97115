# SPDX-License-Identifier: PostgreSQL
"""One statement's life: PENDING, RUNNING, then one terminal state, and CLOSED after that.

A thread drives it; requests look at it, wait for it, cancel it. A state never goes backwards.
"""

from __future__ import annotations

import shutil
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from pathlib import Path

from engine.contract import Interrupt, QueryError, QueryInterrupted
from result_files.chunk import ResultSet

from databricks_api.statement_request import StatementRequest

PENDING, RUNNING = "PENDING", "RUNNING"
SUCCEEDED, FAILED, CANCELED, CLOSED = "SUCCEEDED", "FAILED", "CANCELED", "CLOSED"
TERMINAL = (SUCCEEDED, FAILED, CANCELED, CLOSED)


class Statement:
    """`owns_result` is False when the chunk files are shared and must stay."""

    def __init__(self, request: StatementRequest) -> None:
        self.id = str(uuid.uuid4())
        self.request = request
        self.interrupt = Interrupt()
        self.gives_up = threading.Event()
        self.error: QueryError | None = None
        self.result: ResultSet | None = None
        self.owns_result = True
        self.finished_at: float | None = None
        self._timed_out: QueryError | None = None
        self._changed = threading.Condition()
        self._state = PENDING

    @property
    def state(self) -> str:
        return self._state

    @property
    def is_terminal(self) -> bool:
        return self._state in TERMINAL

    def run(self, work: Callable[[Statement], ResultSet]) -> None:
        """Carry `work` to a terminal state; it moves the statement to RUNNING itself."""
        try:
            self._finish(SUCCEEDED, result=work(self))
        except QueryInterrupted:
            timed_out = self._timed_out
            self._finish(FAILED if timed_out else CANCELED, error=timed_out)
        except QueryError as error:
            self._finish(FAILED, error=error)
        except Exception as error:
            traceback.print_exc()
            gap = QueryError("INTERNAL_ERROR", "XX000", repr(error), code="INTERNAL_ERROR")
            self._finish(FAILED, error=gap)

    def move_to_running(self) -> None:
        with self._changed:
            if self._state == PENDING:
                self._state = RUNNING
                self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Return when the statement is terminal, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._state in TERMINAL, seconds)

    def cancel(self) -> bool:
        """Ask the engine to stop; False when there is nothing to stop any more."""
        if self.is_terminal:
            return False
        self.gives_up.set()
        self.interrupt.request()
        return True

    def time_out(self, error: QueryError) -> None:
        """Stop as `cancel` does, but end as FAILED with this error."""
        self._timed_out = error
        self.cancel()

    def close(self) -> None:
        """Stop, drop the result, and remember only that it was closed."""
        self.cancel()
        with self._changed:
            self._state = CLOSED
            result, self.result = self.result, None
            self.finished_at = self.finished_at or time.time()
            self._changed.notify_all()
        self._drop(result)

    def _finish(
        self, state: str, result: ResultSet | None = None, error: QueryError | None = None
    ) -> None:
        with self._changed:
            closed = self._state == CLOSED
            if not closed:
                self._state, self.result, self.error = state, result, error
                self.finished_at = time.time()
                self._changed.notify_all()
        if closed:
            self._drop(result)

    def _drop(self, result: ResultSet | None) -> None:
        if result is not None and self.owns_result:
            _remove(result.directory)


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
