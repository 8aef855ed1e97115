# SPDX-License-Identifier: PostgreSQL
"""databricks-sql-connector against a stand-in of its own: it insists on https, so this one speaks TLS.

It fetches the same rows as Arrow with LZ4, its fastest way, also from chunks rendered before.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from databricks import sql

STATEMENT = "SELECT * FROM demo.bench.scan"


class Connector:
    def __init__(self, directory: Path, make_table: str) -> None:
        self._directory, self._make_table = directory, make_table

    def __enter__(self) -> Connector:
        self._certificate, key = self._directory / "server.pem", self._directory / "server.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
            + ["-keyout", str(key), "-out", str(self._certificate)],
            check=True,
            capture_output=True,
        )
        ready = self._directory / "ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "tests/standin/serve.py", "--port", "0", "--links-port", "0"]
        command += ["--data", str(self._directory / "warehouse"), "--ready-file", str(ready)]
        command += ["--tls-cert", str(self._certificate), "--tls-key", str(key)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the TLS stand-in did not start")
            time.sleep(0.1)
        self._ready = json.loads(ready.read_text(encoding="utf-8"))
        self._connection = sql.connect(
            server_hostname="127.0.0.1",
            _port=urlsplit(self._ready["url"]).port,
            http_path=f"/sql/1.0/warehouses/{self._ready['warehouse_id']}",
            access_token=self._ready["token"],
            use_sea=True,
            _tls_trusted_ca_file=str(self._certificate),
        )
        with self._connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS demo.bench")
            cursor.execute(self._make_table)
        self._prerender()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.terminate()
        self._process.wait(20)

    def _prerender(self) -> None:
        body = {"statement": STATEMENT, "format": "ARROW_STREAM", "result_compression": "LZ4_FRAME"}
        request = urllib.request.Request(
            self._ready["control_url"] + "/prerender", json.dumps(body).encode(), method="POST"
        )
        context = ssl.create_default_context(cafile=str(self._certificate))
        urllib.request.urlopen(request, context=context).read()

    def fetch_arrow(self) -> float:
        start = time.perf_counter()
        with self._connection.cursor() as cursor:
            cursor.execute(STATEMENT)
            table = cursor.fetchall_arrow()
        self._check(table.num_rows)
        return time.perf_counter() - start

    def fetch_rows(self) -> float:
        count = 0
        start = time.perf_counter()
        with self._connection.cursor() as cursor:
            cursor.execute(STATEMENT)
            while rows := cursor.fetchmany(100_000):
                count += len(rows)
        self._check(count)
        return time.perf_counter() - start

    @staticmethod
    def _check(count: int) -> None:
        if count != int(os.environ.get("BENCH_ROWS", "5000000")):
            sys.exit(f"the connector fetched {count} rows")
