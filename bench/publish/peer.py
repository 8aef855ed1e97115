# SPDX-License-Identifier: PostgreSQL
"""What others take for the same load: reads a table of PostgreSQL as Arrow batches, and writes a Delta
table of them with deltalake. A process of its own: prints seconds, rows and its peak memory as JSON.

usage: peer.py duckdb|adbc TABLE FOLDER
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

BATCH_ROWS = 100_000


def duckdb_reader(table: str) -> tuple[Any, pa.RecordBatchReader]:
    """By DuckDB's PostgreSQL scanner, which reads several parts of the table at once."""
    import duckdb

    connection = duckdb.connect()
    folder = Path(duckdb.__file__).parents[1] / "duckdb_extension_postgres_scanner/extensions"
    (scanner,) = folder.glob("*/postgres_scanner.duckdb_extension")
    connection.execute(f"LOAD '{scanner}'")
    target = " ".join(f"{key}={os.environ[f'PG{name}']}" for key, name in
                      (("host", "HOST"), ("port", "PORT"), ("dbname", "DATABASE"), ("user", "USER")))  # fmt: skip
    connection.execute(f"ATTACH '{target}' AS server (TYPE postgres, READ_ONLY)")
    # A Delta table has no uuid.
    as_text = ", ".join(f"{name}::text AS {name}" for name in ("id", "related_to_id", "owner_id"))
    query = f"SELECT * REPLACE ({as_text}) FROM server.{table}"
    return connection, connection.execute(query).to_arrow_reader(BATCH_ROWS)


def adbc_reader(table: str) -> tuple[Any, pa.RecordBatchReader]:
    """By Arrow's own driver, over COPY."""
    from adbc_driver_postgresql import dbapi

    given = {key: os.environ[f"PG{key.upper()}"] for key in ("host", "port", "user")}
    uri = f"postgresql:///{os.environ['PGDATABASE']}?{urlencode(given)}"
    connection = dbapi.connect(uri)
    cursor = connection.cursor()
    cursor.execute(
        "SELECT id::text, related_to_type, related_to_id::text, type, subject, completed_at, owner_id::text,"
        f" amount::float8, created_at FROM {table}"
    )
    return (connection, cursor), cursor.fetch_record_batch()


def main() -> None:
    reader_name, table, folder = sys.argv[1:]
    start = time.perf_counter()
    owner, reader = {"duckdb": duckdb_reader, "adbc": adbc_reader}[reader_name](table)
    write_deltalake(folder, reader)
    seconds = time.perf_counter() - start
    del reader, owner
    written = DeltaTable(folder)
    rows = sum(pa.table(written.get_add_actions()).to_pydict()["num_records"])
    size = sum(pa.table(written.get_add_actions()).to_pydict()["size_bytes"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "bytes": size, "peak_bytes": peak}))


main()
