# SPDX-License-Identifier: PostgreSQL
"""How fast the sharing server answers: a table's version, a query of 1,000 files, the files themselves beside nginx;
and the worker's memory throughout."""

from __future__ import annotations

import json
import os
import shutil
import socket
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg
from load import Measured, Request
from nginx import Nginx

SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
FILES = 1000
PACED_PER_SECOND = 500
PACED_CONNECTIONS = 20
TENANT = "bench_share"

Session = psycopg.Connection[tuple]
# Random bytes don't compress, so that the file is as large as it looks: about 30 MiB.
MAKE_TABLE = f"""
CREATE TABLE {TENANT}.blobs (id int PRIMARY KEY, data bytea NOT NULL);
INSERT INTO {TENANT}.blobs
SELECT n, (SELECT string_agg(sha512(('x' || n || i)::bytea), '') FROM generate_series(1, 16) i)
FROM generate_series(1, 34000) n;
CREATE TABLE {TENANT}.many (id int PRIMARY KEY, name text, amount numeric(12,2), at timestamptz);
INSERT INTO {TENANT}.many SELECT n, 'name ' || n, n, now() FROM generate_series(1, 1000) n;
"""
# A table of as many files as are wanted: the server serves what the rows say.
MULTIPLY = """
INSERT INTO lakehouse.published_files (table_id, path, bytes, row_count, stats, added_version, added_with_change,
    added_ms, key_filter)
SELECT f.table_id, 'copy-' || n || '-' || f.path, f.bytes, f.row_count, f.stats, f.added_version, f.added_with_change,
    f.added_ms, f.key_filter
FROM lakehouse.published_files f, generate_series(2, %s) n
WHERE f.table_id = (SELECT id FROM lakehouse.published_tables WHERE source = %s::regclass)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def value(session: Session, query: str, arguments: object = None) -> object:
    row = session.execute(query, arguments).fetchone()  # type: ignore[call-overload]
    return None if row is None else row[0]


def prepare(session: Session) -> None:
    session.execute("SELECT lakehouse.create_tenant(%s)", [TENANT])
    session.execute("SELECT lakehouse.set_tenant_limits(%s, recipient_per_minute => 1000000)", [TENANT])
    session.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {TENANT} GRANT SELECT ON TABLES TO {TENANT}_admin")
    session.execute(MAKE_TABLE)
    session.execute("SELECT lakehouse.create_share(%s, 'bench', default_tables => false)", [TENANT])
    for name in ("blobs", "many"):
        session.execute(
            "SELECT lakehouse.add_table_to_share(%s, 'bench', %s::regclass)", [TENANT, f"{TENANT}.{name}"]
        )
    session.execute("SELECT * FROM lakehouse.publish_now(%s)", [TENANT])
    session.execute(MULTIPLY, [FILES, f"{TENANT}.many"])


def sign_in(session: Session) -> str:
    """A recipient's bearer token."""
    link = value(session, "SELECT lakehouse.create_recipient(%s, 'bench')", [TENANT])
    session.execute("SELECT lakehouse.grant_share(%s, 'bench', 'bench')", [TENANT])
    with urllib.request.urlopen(urllib.request.Request(str(link), method="POST")) as answer:
        profile = json.loads(answer.read())
    return profile["bearerToken"]


def table_url(name: str, rest: str) -> str:
    return f"{os.environ['LAKEHOUSE_URL']}/delta-sharing/shares/bench/schemas/crm/tables/{name}/{rest}"


class Bench:
    def __init__(self, session: Session, directory: Path) -> None:
        self._directory = directory
        self._bearer = {"Authorization": f"Bearer {sign_in(session)}"}
        pid = value(session, "SELECT pid FROM lakehouse.worker_status WHERE is_running")
        self._process = Path(f"/proc/{pid}")

    def peak_mb(self) -> float:
        text = (self._process / "status").read_text(encoding="ascii")
        peak = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:"))
        return peak * 1024 / 1e6

    def report(self, name: str, request: Request, connections: int, pause_ms: int = 0) -> Measured:
        """The round with the median p99."""
        rounds = [request.run(connections, SECONDS, self._directory, pause_ms) for _ in range(ROUNDS)]
        middle = sorted(rounds, key=lambda measured: measured.p99_ms)[ROUNDS // 2]
        print(
            f"{name:44} {connections:>4} {middle.per_second:9.0f} {middle.mb_per_second:8.1f}"
            f" {middle.p50_ms:8.2f} {middle.p99_ms:8.2f}"
        )
        return middle

    def version(self) -> None:
        request = Request(table_url("many", "version"), headers=self._bearer)
        assert "delta-table-version" in request.ask_once()[0]
        pause = 1000 * PACED_CONNECTIONS // PACED_PER_SECOND
        self.report(f"/version, paced to {PACED_PER_SECOND}/s", request, PACED_CONNECTIONS, pause)
        self.report("/version, as fast as it goes", request, PACED_CONNECTIONS)

    def query(self) -> None:
        for form in ("parquet", "delta"):
            headers = {
                **self._bearer,
                "Content-Type": "application/json",
                "delta-sharing-capabilities": f"responseformat={form}",
            }
            request = Request(table_url("many", "query"), "POST", headers, "{}")
            lines = request.ask_once()[1].splitlines()
            assert len(lines) == 2 + FILES, len(lines)
            for connections in (1, 8):
                self.report(f"/query of {FILES:,} files, {form}", request, connections)

    def file_url(self) -> str:
        headers = {**self._bearer, "Content-Type": "application/json"}
        request = Request(table_url("blobs", "query"), "POST", headers, "{}")
        files = [json.loads(line)["file"] for line in request.ask_once()[1].splitlines()[2:]]
        return max(files, key=lambda file: file["size"])["url"]

    def files(self) -> None:
        """The same bytes, by turns."""
        url = self.file_url()
        _, content = Request(url).ask_once()
        (self._directory / "files").mkdir(exist_ok=True)
        (self._directory / "files/data").write_bytes(content)
        nginx = Nginx(self._directory / "nginx", self._directory / "files", free_port())
        try:
            for name, headers in (("whole", {}), ("Range of 1 MB", {"Range": "bytes=1000000-1999999"})):
                for connections in (1, 8):
                    what = f"file of {len(content) / 1e6:.0f} MB, {name}"
                    ours = self.report(what, Request(url, headers=headers), connections)
                    there = Request(nginx.url + "/data", headers=headers)
                    theirs = self.report("  nginx, sendfile", there, connections)
                    print(f"  ratio {ours.mb_per_second / theirs.mb_per_second:.2f}")
        finally:
            nginx.stop()


def main() -> None:
    directory = Path(os.environ["BENCH_DIR"])
    shutil.rmtree(directory / "nginx", ignore_errors=True)
    with psycopg.connect(autocommit=True) as session:
        prepare(session)
        bench = Bench(session, directory)
        print(f"{ROUNDS} rounds of {SECONDS} s\n")
        print(f"{'request':44} {'conn':>4} {'per s':>9} {'MB/s':>8} {'p50 ms':>8} {'p99 ms':>8}")
        bench.version()
        bench.query()
        bench.files()
        print(f"\nthe worker's highest resident memory: {bench.peak_mb():.0f} MB")
        print(f"load of the machine: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")


main()
