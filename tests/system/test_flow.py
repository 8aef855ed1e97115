# SPDX-License-Identifier: PostgreSQL
"""Results far larger than memory stream through: backend and worker stay small, no row is lost."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from warehouse import Warehouse, wait_until

Connection = psycopg.Connection[tuple]

MIB = 1 << 20
BACKEND_GROWTH = 64 * MIB
WORKER_GROWTH = 256 * MIB
# A row is a key and a text of this length, beside a few bytes of JSON.
TEXT_BYTES = 2_000
# So many looks in a row, some hundredths of a second apart, must see the same count.
STILL_LOOKS = 25


class Peak(threading.Thread):
    """The most resident memory that processes reach beyond what they began with."""

    def __init__(self, *pids: int) -> None:
        super().__init__(daemon=True)
        self._first = {pid: resident_bytes(pid) for pid in pids}
        self._most = dict(self._first)
        self._done = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._done.wait(0.02):
            for pid, most in self._most.items():
                self._most[pid] = max(most, resident_bytes(pid))

    def growth(self) -> dict[int, int]:
        self._done.set()
        self.join()
        return {pid: self._most[pid] - first for pid, first in self._first.items()}


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no resident memory")


@pytest.fixture
def remote_view(
    warehouse: Warehouse, session: Connection, tenant: str
) -> Iterator[Callable[[int], tuple[str, int]]]:
    """Makes a remote view of so many bytes; returns its foreign table and its number of rows."""
    name = f"flow_{secrets.token_hex(4)}"

    def make(size: int) -> tuple[str, int]:
        rows = size // TEXT_BYTES
        warehouse.execute(
            f"CREATE VIEW demo.default.{name} AS"
            f" SELECT id, repeat('0123456789', {TEXT_BYTES // 10}) AS v FROM range({rows})"
        )
        session.execute(
            f"CREATE FOREIGN TABLE public.{name} (id bigint OPTIONS (column_type 'bigint'),"
            f" v text OPTIONS (column_type 'string')) SERVER {tenant}_wh OPTIONS (schema 'default')"
        )
        return f"public.{name}", rows

    session.execute("SET statement_timeout = 0")
    yield make
    session.execute(f"DROP FOREIGN TABLE public.{name}")
    warehouse.execute(f"DROP VIEW demo.default.{name}")


@pytest.fixture
def processes(session: Connection) -> tuple[int, int]:
    """The ids of the session's backend and of the worker."""
    row = session.execute("SELECT pid FROM lakehouse.worker_status").fetchone()
    assert row is not None
    return session.info.backend_pid, row[0]


def assert_small(growth: dict[int, int], processes: tuple[int, int]) -> None:
    backend, worker = (growth[pid] for pid in processes)
    assert backend < BACKEND_GROWTH, f"backend grew by {backend / MIB:.0f} MiB"
    assert worker < WORKER_GROWTH, f"worker grew by {worker / MIB:.0f} MiB"


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(1 << 30, id="1GiB"),
        pytest.param(10 << 30, id="10GiB", marks=pytest.mark.long),
    ],
)
def test_large_result_streams_in_little_memory(
    size: int,
    remote_view: Callable[[int], tuple[str, int]],
    processes: tuple[int, int],
    session: Connection,
) -> None:
    table, rows = remote_view(size)
    # What a first scan loads for good is no growth.
    session.execute(f"SELECT count(v) FROM {table} WHERE id < 1000")
    peak = Peak(*processes)
    found = session.execute(f"SELECT count(*), sum(id), sum(length(v)) FROM {table}").fetchone()
    assert_small(peak.growth(), processes)
    assert found == (rows, rows * (rows - 1) // 2, rows * TEXT_BYTES)


def test_resting_reader_holds_the_stream_back(
    remote_view: Callable[[int], tuple[str, int]],
    processes: tuple[int, int],
    session: Connection,
    warehouse: Warehouse,
) -> None:
    warehouse.change_settings(chunk_bytes=4 * MIB)
    table, _ = remote_view(300 * MIB)
    served_before = warehouse.state()["links"]["served"]
    peak = Peak(*processes)
    with session.transaction():
        session.execute(f"DECLARE rows NO SCROLL CURSOR FOR SELECT id, v FROM {table}")
        assert len(session.execute("FETCH 100 FROM rows").fetchall()) == 100
        served = served_when_still(warehouse) - served_before
        session.execute("CLOSE rows")
    assert_small(peak.growth(), processes)
    assert 0 < served < 40, f"{served} of 75 chunks were fetched for 100 rows"


def served_when_still(warehouse: Warehouse) -> int:
    """How many chunks the worker has got once it asks for no more."""
    seen: deque[int] = deque(maxlen=STILL_LOOKS)

    def is_still() -> bool:
        seen.append(warehouse.state()["links"]["served"])
        return len(seen) == STILL_LOOKS and len(set(seen)) == 1

    wait_until(is_still, 30, "the worker asks for no more chunks")
    return seen[-1]
