# SPDX-License-Identifier: PostgreSQL
"""All parts of the Databricks side, put together; what the control endpoint works on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.contract import Engine
from result_files.chunk import ResultSet
from server.counters import Counters
from server.faults import FaultBook
from server.record import Record

from databricks_api import statement_request
from databricks_api.auth import Auth, Credentials
from databricks_api.links import Links
from databricks_api.runner import Runner
from databricks_api.sessions import Session, Sessions
from databricks_api.settings import Settings
from databricks_api.statement import Statement
from databricks_api.statements import Statements
from databricks_api.warehouse import Warehouse


class Service:
    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        credentials: Credentials,
        warehouse_id: str,
        scratch: Path,
        kept: Path,
    ) -> None:
        self.settings = settings
        self._defaults = settings.snapshot()
        self.faults = FaultBook()
        self.counters = Counters()
        self.auth = Auth(credentials, settings)
        self.links = Links(settings, self.counters, credentials.mark)
        self.record = Record(scratch / "received")
        self.sessions = Sessions()
        self.warehouse = Warehouse(warehouse_id, settings)
        self._runner = Runner(engine, self.warehouse, settings, scratch, kept)
        self.statements = Statements(
            self._runner, self.warehouse, self.sessions, self.links, settings, self.counters
        )

    def change_settings(self, values: dict[str, Any]) -> None:
        self.settings.change(values)

    def event(self, name: str) -> None:
        """Something happens in the world; ValueError when the name is unknown."""
        known = {
            "expire_tokens": self.auth.expire_tokens,
            "expire_links": self.links.expire,
            "stop_warehouse": lambda: self.warehouse.put("STOPPED"),
            "start_warehouse": lambda: self.warehouse.put("RUNNING"),
            "delete_warehouse": lambda: self.warehouse.put("DELETED"),
            "close_sessions": self.sessions.clear,
        }
        if name not in known:
            raise ValueError(f"unknown event: {name}; known are {', '.join(known)}")
        known[name]()

    def prerender(self, body: dict[str, Any], chunk_bytes: int | None) -> ResultSet:
        """Run a statement now and keep its chunks for later identical ones."""
        wanted = statement_request.read({"disposition": "EXTERNAL_LINKS", **body}, self.settings)
        statement = Statement(wanted)
        session = Session("", None, None)
        if wanted.session_id is not None:
            session = self.sessions.get(wanted.session_id)
        return self._runner.prerender(statement, session, chunk_bytes)

    def snapshot(self) -> dict[str, Any]:
        return {
            "statements": self.statements.snapshot(),
            "sessions": {"open": self.sessions.count()},
            "requests": self.counters.snapshot("requests."),
            "links": {"served": 0, "refused": 0, **self.counters.snapshot("links.")},
            "warehouse": {"id": self.warehouse.id, "state": self.warehouse.state},
            "faults": self.faults.snapshot(),
        }

    def reset(self) -> None:
        """Back to how the service started; kept results stay."""
        self.faults.clear()
        self.settings.change(json.loads(json.dumps(self._defaults)))
        self.warehouse.put("RUNNING")
        self.statements.clear()
        self.sessions.clear()
        self.counters.clear()

    def close(self) -> None:
        self.statements.clear()
