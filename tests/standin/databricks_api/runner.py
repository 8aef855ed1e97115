# SPDX-License-Identifier: PostgreSQL
"""Runs statements on the engine: queue, delays, time limits, and results rendered beforehand."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

from engine.contract import Engine, Query, QueryError, QueryInterrupted
from result_files import chunk, writer
from result_files.chunk import ResultSet

from databricks_api.sessions import Session
from databricks_api.settings import Settings
from databricks_api.statement import Statement
from databricks_api.statement_request import INLINE, StatementRequest
from databricks_api.warehouse import Warehouse


class Runner:
    def __init__(
        self, engine: Engine, warehouse: Warehouse, settings: Settings, scratch: Path, kept: Path
    ) -> None:
        self._engine = engine
        self._warehouse = warehouse
        self._settings = settings
        self._scratch = scratch
        self._kept = kept
        self._slots = threading.Condition()
        self._busy = 0

    def submit(self, statement: Statement, session: Session) -> None:
        """Start a statement in a thread of its own."""
        self._warehouse.wake()
        arguments = (statement, session)
        threading.Thread(target=self._drive, args=arguments, daemon=True).start()

    def _drive(self, statement: Statement, session: Session) -> None:
        timer = None
        if session.statement_timeout_s:
            error = _timeout(session.statement_timeout_s)
            timer = threading.Timer(session.statement_timeout_s, statement.time_out, (error,))
            timer.daemon = True
            timer.start()
        statement.run(lambda running: self._run(running, session))
        if timer is not None:
            timer.cancel()

    def _run(self, statement: Statement, session: Session) -> ResultSet:
        self._pause(statement, self._settings.pending_ms)
        if not self._warehouse.wait_until_running(statement.gives_up):
            raise QueryInterrupted
        self._take_slot(statement)
        try:
            statement.move_to_running()
            self._pause(statement, self._settings.running_ms)
            return self._result(statement, session)
        finally:
            self._free_slot()

    def _result(self, statement: Statement, session: Session) -> ResultSet:
        request = statement.request
        ready = chunk.load(self._kept_directory(request, session))
        if ready is not None and request.disposition != INLINE:
            statement.owns_result = False
            return ready
        directory = self._scratch / statement.id
        return self._execute(statement, session, directory, self._settings.chunk_bytes)

    def prerender(
        self, statement: Statement, session: Session, chunk_bytes: int | None
    ) -> ResultSet:
        """Execute now and keep the chunk files for every later identical statement."""
        target = self._kept_directory(statement.request, session)
        ready = chunk.load(target)
        if ready is not None and chunk_bytes is None:
            return ready
        unfinished = target.with_name(f"{target.name}.{statement.id}")
        size = chunk_bytes or self._settings.chunk_bytes
        result = self._execute(statement, session, unfinished, size)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
        result.directory = target
        return result

    def _execute(
        self, statement: Statement, session: Session, directory: Path, chunk_bytes: int
    ) -> ResultSet:
        request = statement.request
        execution = self._engine.start(
            _query(request, session), request.format, statement.interrupt
        )
        try:
            limits = writer.Limits(
                chunk_bytes,
                request.row_limit,
                request.byte_limit,
                self._settings.inline_limit_bytes if request.disposition == INLINE else None,
            )
            return writer.write(
                execution,
                directory,
                request.format,
                request.compression,
                limits,
                statement.interrupt,
            )
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        finally:
            execution.close()

    def _kept_directory(self, request: StatementRequest, session: Session) -> Path:
        """Named by everything that decides a result's bytes."""
        query = _query(request, session)
        key = json.dumps(
            [
                replace(query, parameters=()).__dict__
                | {"parameters": [p.__dict__ for p in query.parameters]},
                request.format,
                request.compression,
                request.row_limit,
            ],
            sort_keys=True,
        )
        return self._kept / hashlib.sha256(key.encode()).hexdigest()[:32]

    def _pause(self, statement: Statement, milliseconds: int) -> None:
        if milliseconds and statement.gives_up.wait(milliseconds / 1000):
            raise QueryInterrupted

    def _take_slot(self, statement: Statement) -> None:
        """The queue: a statement stays PENDING while as many run as the warehouse takes."""
        with self._slots:
            while self._busy >= self._settings.max_running:
                if statement.gives_up.is_set():
                    raise QueryInterrupted
                self._slots.wait(0.05)
            self._busy += 1

    def _free_slot(self) -> None:
        with self._slots:
            self._busy -= 1
            self._slots.notify_all()


def _query(request: StatementRequest, session: Session) -> Query:
    # One row more than asked for shows whether the limit cut anything off.
    limit = None if request.row_limit is None else request.row_limit + 1
    return Query(
        request.statement,
        request.parameters,
        request.catalog or session.catalog or "demo",
        request.schema or session.schema or "default",
        session.timezone,
        session.ansi,
        limit,
    )


def _timeout(seconds: float) -> QueryError:
    return QueryError(
        "STATEMENT_TIMEOUT",
        "57014",
        f"Query has been timed out due to the statement timeout of {seconds:g} seconds.",
        code="DEADLINE_EXCEEDED",
    )
