# SPDX-License-Identifier: PostgreSQL
"""A query that runs in a thread while the test does something to it, and how it ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
from warehouse import wait_until

Connection = psycopg.Connection[tuple]


class RunningQuery(threading.Thread):
    """Reads rows one by one as they come; `error`, `rows` and `ended_at` say what became of it."""

    def __init__(self, connection: Connection, statement: str) -> None:
        super().__init__(daemon=True)
        self.connection = connection
        self.process_id = connection.info.backend_pid
        self.statement = statement
        self.error: psycopg.Error | None = None
        self.rows = 0
        self.started_at = time.monotonic()
        self.ended_at = 0.0
        self.start()

    def run(self) -> None:
        try:
            with self.connection.cursor() as cursor:
                for _ in cursor.stream(self.statement):
                    self.rows += 1
        except psycopg.Error as error:
            self.error = error
        self.ended_at = time.monotonic()

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for a phase of the query; fails if the query ends before."""
        wait_until(lambda: condition() or not self.is_alive(), 20, what)
        assert condition(), f"{what}: the query ended before: {self.error}"

    def wait_end(self, seconds: float = 10) -> float:
        """When the client had its answer, on the monotonic clock."""
        self.join(seconds)
        assert not self.is_alive(), f"the query has not ended within {seconds} s"
        return self.ended_at


def best_of(attempt: Callable[[], float], limit: float, attempts: int = 3) -> None:
    """A limit in seconds must hold; a machine busy with something else gets further attempts."""
    seen = []
    for _ in range(attempts):
        seen.append(attempt())
        if seen[-1] <= limit:
            return
    raise AssertionError(f"took {', '.join(f'{t:.3f}' for t in seen)} s; {limit} s are allowed")
