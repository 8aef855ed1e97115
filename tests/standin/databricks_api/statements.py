# SPDX-License-Identifier: PostgreSQL
"""The statements a warehouse knows, and what the API's five calls do to them."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from typing import Any

from server.counters import Counters
from server.message import Request, Response, json_response

from databricks_api import answers, errors, statement_request
from databricks_api.links import Links
from databricks_api.runner import Runner
from databricks_api.sessions import Session, Sessions
from databricks_api.settings import Settings
from databricks_api.statement import (
    CANCELED,
    CLOSED,
    FAILED,
    PENDING,
    RUNNING,
    SUCCEEDED,
    Statement,
)
from databricks_api.statement_request import StatementRequest
from databricks_api.warehouse import Warehouse

# How many of the latest statements the control endpoint can show.
REMEMBERED = 50


class Statements:
    def __init__(
        self,
        runner: Runner,
        warehouse: Warehouse,
        sessions: Sessions,
        links: Links,
        settings: Settings,
        counters: Counters,
    ) -> None:
        self._runner = runner
        self._warehouse = warehouse
        self._sessions = sessions
        self._links = links
        self._settings = settings
        self._counters = counters
        self._lock = threading.Lock()
        self._known: dict[str, Statement] = {}
        self._latest: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)

    def execute(self, request: Request) -> Response:
        wanted, session = self.read(request)
        statement = Statement(wanted)
        with self._lock:
            self._known[statement.id] = statement
            self._latest.append(_summary(statement))
        self._counters.add("statements.executed")
        self._runner.submit(statement, session)
        if wanted.wait_s:
            statement.wait(wanted.wait_s)
            if wanted.cancel_on_timeout and statement.cancel():
                statement.wait(wanted.wait_s)
        return answers.answer(statement, self._settings, self._links)

    def read(self, request: Request) -> tuple[StatementRequest, Session]:
        """Check a POST body and find its session; ApiError when it can't run."""
        try:
            body = request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise errors.ApiError(
                400, "MALFORMED_REQUEST", "Could not parse request object."
            ) from None
        wanted = statement_request.read(body, self._settings)
        self._warehouse.check(wanted.warehouse_id)
        if wanted.session_id is None:
            return wanted, Session("", None, None)
        return wanted, self._sessions.get(wanted.session_id)

    def status(self, _: Request, statement_id: str) -> Response:
        return answers.answer(self._find(statement_id), self._settings, self._links)

    def chunk(self, _: Request, statement_id: str, index: str) -> Response:
        statement = self._find(statement_id)
        if not index.isdigit():
            raise errors.invalid_parameter(f"Invalid chunk index: {index}")
        if statement.state in (PENDING, RUNNING):
            raise errors.invalid_parameter(f"Statement {statement_id} has not finished.")
        return answers.chunk_answer(statement, int(index), self._settings, self._links)

    def cancel(self, _: Request, statement_id: str) -> Response:
        if self._find(statement_id).cancel():
            self._counters.add("statements.cancel_received")
        return json_response({})

    def close(self, _: Request, statement_id: str) -> Response:
        self._find(statement_id).close()
        self._links.forget(statement_id)
        self._counters.add("statements.close_received")
        return json_response({})

    def _find(self, statement_id: str) -> Statement:
        with self._lock:
            statement = self._known.get(statement_id)
        if statement is None or self._is_over(statement):
            raise errors.not_found(f"The statement {statement_id} was not found.")
        return statement

    def _is_over(self, statement: Statement) -> bool:
        """Results are kept for a while after the end, then the statement is unknown."""
        ended = statement.finished_at
        return ended is not None and time.time() > ended + self._settings.result_lifetime_s

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            states = [statement.state for statement in self._known.values()]
            latest = list(self._latest)
        counts = {
            s.lower(): states.count(s)
            for s in (PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED, CLOSED)
        }
        return {
            **counts,
            "open": counts["pending"] + counts["running"],
            "not_closed": len(states) - counts["closed"],
            **self._counters.snapshot("statements."),
            "latest": latest,
        }

    def clear(self) -> None:
        """Stop and forget everything."""
        with self._lock:
            known, self._known = list(self._known.values()), {}
            self._latest.clear()
        for statement in known:
            statement.close()


def _summary(statement: Statement) -> dict[str, Any]:
    request = statement.request
    return {
        "statement_id": statement.id,
        "statement": request.statement[:100_000],
        "parameters": [
            {k: v for k, v in parameter.__dict__.items() if v is not None or k == "value"}
            for parameter in request.parameters
        ],
        "catalog": request.catalog,
        "schema": request.schema,
        "session_id": request.session_id,
        "disposition": request.disposition,
        "format": request.format,
        "compression": request.compression,
        "row_limit": request.row_limit,
        "byte_limit": request.byte_limit,
        "wait_timeout_s": request.wait_s,
        "query_tags": list(request.query_tags),
    }
