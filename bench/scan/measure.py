# SPDX-License-Identifier: PostgreSQL
"""Rows per second into the executor: our wrapper, postgres_fdw, the Python connector, and the floor under all of them.

One table of 5 M rows and 6 columns. The warehouse's chunks are rendered before the clock starts, so that what is
measured is the way from the wire to a tuple. The candidates take turns, round after round, in one run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg
from connector import Connector

ROWS = int(os.environ.get("BENCH_ROWS", "5000000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))

MAKE_TABLE = f"""CREATE TABLE IF NOT EXISTS demo.bench.scan AS
SELECT id, CAST(id % 100000 AS INT) AS small, CAST(id AS DOUBLE) / 7 AS ratio,
concat('customer name ', lpad(CAST(id AS STRING), 7, '0')) AS name,
timestamp_micros(1600000000000000 + id * 1234567) AS at,
CAST(CAST(id % 10000000 AS DECIMAL(12,2)) / 100 AS DECIMAL(12,2)) AS amount FROM range({ROWS})"""

LOCAL_SETUP = """
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE UNLOGGED TABLE bench.local AS SELECT * FROM bench.scan;
ANALYZE bench.local;
CREATE SERVER bench_loopback FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '{host}', port '{port}', dbname '{database}', fetch_size '10000');
CREATE USER MAPPING FOR CURRENT_USER SERVER bench_loopback OPTIONS (user 'postgres');
CREATE FOREIGN TABLE bench.loopback
    (id bigint, small int, ratio float8, name text, at timestamptz, amount numeric(12,2))
    SERVER bench_loopback OPTIONS (schema_name 'bench', table_name 'local');
"""


class Warehouse:
    """The stand-in, as far as the benchmark asks of it."""

    def __init__(self, url: str, token: str, warehouse_id: str) -> None:
        self.url, self.token, self.warehouse_id = url, token, warehouse_id

    def post(self, path: str, body: dict[str, object]) -> dict:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method="POST")
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"{}")

    def get(self, path: str) -> dict:
        request = urllib.request.Request(self.url + path)
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def run(self, statement: str, **more: object) -> dict:
        body = {"statement": statement, "warehouse_id": self.warehouse_id, "wait_timeout": "0s", **more}
        answer = self.post("/api/2.0/sql/statements", body)
        while answer["status"]["state"] in ("PENDING", "RUNNING"):
            time.sleep(0.05)
            answer = self.get(f"/api/2.0/sql/statements/{answer['statement_id']}")
        if answer["status"]["state"] != "SUCCEEDED":
            sys.exit(f"the warehouse refused: {answer['status']}")
        return answer

    def prerender(self, statement: str) -> dict:
        return self.post("/_standin/prerender", {"statement": statement})

    def links(self, statement: str) -> list[str]:
        answer = self.run(statement, disposition="EXTERNAL_LINKS", format="JSON_ARRAY")
        path = f"/api/2.0/sql/statements/{answer['statement_id']}/result/chunks"
        count = answer["manifest"]["total_chunk_count"]
        return [self.get(f"{path}/{n}")["external_links"][0]["external_link"] for n in range(count)]


def explain_seconds(session: psycopg.Connection, table: str) -> float:
    start = time.perf_counter()
    plan = session.execute(f"EXPLAIN (ANALYZE, TIMING OFF) SELECT * FROM {table}").fetchall()
    seconds = time.perf_counter() - start
    if f"rows={ROWS} " not in plan[0][0]:
        sys.exit(f"wrong number of rows: {plan[0][0]}")
    return seconds


def floor_seconds(links: list[str], directory: Path) -> float:
    """curl of the same bytes to nowhere, as parallel as the worker fetches."""
    urls = directory / "links"
    urls.write_text("".join(f'url = "{link}"\noutput = "/dev/null"\n' for link in links), encoding="ascii")
    start = time.perf_counter()
    subprocess.run(["curl", "-sSf", "--no-progress-meter", "-Z", "--parallel-max", "4", "-K", str(urls)], check=True)
    return time.perf_counter() - start


def prepare(session: psycopg.Connection, warehouse: Warehouse) -> tuple[str, int]:
    """Tables on both sides; returns the remote statement and the bytes of its result."""
    warehouse.run("CREATE SCHEMA IF NOT EXISTS demo.bench")
    warehouse.run(MAKE_TABLE)
    session.execute("SELECT lakehouse.create_tenant('bench_tenant')")
    session.execute(
        "SELECT lakehouse.connect_databricks('bench_tenant', 'wh', %s, %s, 'demo', token => %s)",
        [warehouse.url, warehouse.warehouse_id, warehouse.token],
    )
    session.execute("CREATE SCHEMA bench")
    session.execute("IMPORT FOREIGN SCHEMA bench FROM SERVER bench_tenant_wh INTO bench")
    plan = session.execute("EXPLAIN (VERBOSE, FORMAT JSON) SELECT * FROM bench.scan").fetchone()
    statement = plan[0][0]["Plan"]["Remote SQL"]
    rendered = warehouse.prerender(statement)
    info = session.info
    session.execute(LOCAL_SETUP.format(host=info.host, port=info.port, database=info.dbname))
    return statement, rendered["total_byte_count"]


def take_turns(candidates: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(ROUNDS + 1):  # the first is for warming up
        for name, measure in candidates.items():
            taken = measure()
            if turn > 0:
                seconds[name].append(taken)
    return seconds


def report(seconds: dict[str, list[float]], total_bytes: int) -> None:
    ours = statistics.median(seconds["lakehouse"])
    print(f"{ROWS:,} rows x 6 columns, {total_bytes / 1e6:.0f} MB of JSON; {ROUNDS} rounds in turn\n")
    print(f"{'candidate':34} {'min s':>7} {'median':>7} {'max':>7} {'M rows/s':>9} {'MB/s':>6} {'time / ours':>12}")
    for name, values in seconds.items():
        middle = statistics.median(values)
        print(
            f"{name:34} {min(values):7.2f} {middle:7.2f} {max(values):7.2f} {ROWS / middle / 1e6:9.2f}"
            f" {total_bytes / middle / 1e6:6.0f} {middle / ours:12.2f}"
        )


def main() -> None:
    directory = Path(os.environ["BENCH_DIR"])
    warehouse = Warehouse(*(os.environ[f"WAREHOUSE_{name}"] for name in ("URL", "TOKEN", "ID")))
    with psycopg.connect(autocommit=True) as session, Connector(directory, MAKE_TABLE) as connector:
        statement, total_bytes = prepare(session, warehouse)
        links = warehouse.links(statement)
        seconds = take_turns(
            {
                "floor (curl to nowhere)": lambda: floor_seconds(links, directory),
                "lakehouse": lambda: explain_seconds(session, "bench.scan"),
                "postgres_fdw, fetch_size 10000": lambda: explain_seconds(session, "bench.loopback"),
                "Python connector, Arrow table": connector.fetch_arrow,
                "Python connector, rows": connector.fetch_rows,
            }
        )
    report(seconds, total_bytes)


main()
