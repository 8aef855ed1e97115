# SPDX-License-Identifier: PostgreSQL
"""What publishing costs: a table's first load, beside what others take for it; then 1,000 changed rows
in tables of several sizes, recent rows and random ones; the worker's memory throughout."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psycopg
from tables import CHANGE_RANDOM, CHANGE_RECENT, TENANT, Connection, make_table, prepare, share, unshare

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "10000,1000000").split(",")]
ROUNDS = int(os.environ.get("BENCH_LOADS", "3"))
CHANGED = 1000
CHANGES = 10  # publishes of changed rows, one after another
PEERS = {"duckdb": "DuckDB's scanner + deltalake", "adbc": "ADBC + deltalake"}
PEER_PACKAGES = "build/clients/duckdb"


class Load(NamedTuple):
    seconds: float
    bytes: int
    peak_bytes: int


class Memory:
    """Of the worker; its peak since it was last asked."""

    def __init__(self, session: Connection) -> None:
        row = session.execute("SELECT pid FROM lakehouse.worker_status WHERE is_running").fetchone()
        assert row is not None
        self._process = Path(f"/proc/{row[0]}")
        self.highest = 0

    def take_peak(self) -> int:
        text = (self._process / "status").read_text(encoding="ascii")
        peak = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:")) * 1024
        (self._process / "clear_refs").write_text("5", encoding="ascii")
        self.highest = max(self.highest, peak)
        return peak


def publish(session: Connection) -> float:
    """Wall-clock seconds until it is done."""
    start = time.perf_counter()
    session.execute("SELECT * FROM lakehouse.publish_now(%s)", [TENANT])
    seconds = time.perf_counter() - start
    row = session.execute("SELECT last_error FROM lakehouse.published_tables WHERE last_error IS NOT NULL").fetchone()
    if row is not None:
        sys.exit(f"not published: {row[0]}")
    return seconds


def bytes_written(session: Connection, table: str, after: int) -> int:
    row = session.execute(
        "SELECT coalesce(sum(bytes_written), 0)::bigint FROM lakehouse.published_versions v"
        " JOIN lakehouse.published_tables t ON t.id = v.table_id WHERE t.source = %s::regclass AND v.version > %s",
        [table, after],
    ).fetchone()
    assert row is not None
    return row[0]


def newest_version(session: Connection, table: str) -> int:
    row = session.execute(
        "SELECT version FROM lakehouse.published_tables WHERE source = %s::regclass", [table]
    ).fetchone()
    assert row is not None
    return row[0]


def load_ours(session: Connection, memory: Memory, table: str) -> Load:
    share(session, table)
    memory.take_peak()
    seconds = publish(session)
    load = Load(seconds, bytes_written(session, table, -1), memory.take_peak())
    unshare(session, table)
    return load


def load_peer(name: str, table: str) -> Load:
    folder = Path(os.environ["BENCH_DIR"]) / name
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "bench/publish/peer.py", name, table, str(folder)]
    environment = {**os.environ, "PYTHONPATH": PEER_PACKAGES}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{PEERS[name]}: {done.stderr}")
    shutil.rmtree(folder)
    answer = json.loads(done.stdout)
    assert answer["rows"] == ROWS, answer
    return Load(answer["seconds"], answer["bytes"], answer["peak_bytes"])


def compare_loads(session: Connection, memory: Memory) -> None:
    table = make_table(session, ROWS)
    loads: dict[str, list[Load]] = {name: [] for name in ("lakehouse", *PEERS)}
    for _ in range(ROUNDS):
        loads["lakehouse"].append(load_ours(session, memory, table))
        for name in PEERS:
            loads[name].append(load_peer(name, table))
    print(f"first load of {ROWS:,} rows x 9 columns, {ROUNDS} rounds in turn\n")
    print(f"{'candidate':32} {'min s':>7} {'median':>7} {'max':>7} {'k rows/s':>9} {'MB':>7} {'peak MB':>8}")
    for name, found in loads.items():
        seconds = [load.seconds for load in found]
        middle = statistics.median(seconds)
        print(
            f"{PEERS.get(name, name):32} {min(seconds):7.2f} {middle:7.2f} {max(seconds):7.2f}"
            f" {ROWS / middle / 1e3:9.0f} {found[-1].bytes / 1e6:7.1f}"
            f" {max(load.peak_bytes for load in found) / 1e6:8.0f}"
        )


def measure_changes(session: Connection, memory: Memory, rows: int) -> None:
    table = make_table(session, rows) if rows != ROWS else f"{TENANT}.rows_{rows}"
    share(session, table)
    publish(session)
    for name, change in (("recent", CHANGE_RECENT), ("random", CHANGE_RANDOM)):
        memory.take_peak()
        seconds, written = [], []
        for _ in range(CHANGES):
            before = newest_version(session, table)
            session.execute(change.format(table=table, count=CHANGED))
            seconds.append(publish(session))
            written.append(bytes_written(session, table, before) / 1e6)
        print(
            f"{rows:>12,} {name:>8} {statistics.median(seconds):8.2f} {max(seconds):7.2f}"
            f" {statistics.median(written):9.2f} {max(written):7.2f} {memory.take_peak() / 1e6:8.0f}"
        )
    unshare(session, table)


def main() -> None:
    with psycopg.connect(autocommit=True) as session:
        prepare(session)
        memory = Memory(session)
        compare_loads(session, memory)
        print(f"\n{CHANGED:,} changed rows, {CHANGES} publishes in a row\n")
        print(f"{'rows':>12} {'which':>8} {'median s':>8} {'max':>7} {'median MB':>9} {'max':>7} {'peak MB':>8}")
        for rows in SIZES:
            measure_changes(session, memory, rows)
        print(f"\nthe worker's highest resident memory: {memory.highest / 1e6:.0f} MB")
        print(f"load of the machine: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")


main()
