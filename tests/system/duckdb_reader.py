# SPDX-License-Identifier: PostgreSQL
"""A Delta table read by DuckDB, whose log reader is the kernel's and whose Parquet reader is its own.

Runs in a process of its own, since the stand-in's DuckDB in build/venv is of another version.
As a program: duckdb_reader.py FOLDER FILE writes the rows into a Parquet file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGES = Path(__file__).parents[2] / "build/clients/duckdb"


def write_rows(folder: str, file: str) -> None:
    import duckdb

    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    (extension,) = PACKAGES.glob("duckdb_extension_delta/extensions/*/delta.duckdb_extension")
    connection.execute(f"LOAD '{extension}'")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"COPY (SELECT * FROM delta_scan('{folder}')) TO '{file}' (FORMAT parquet)")


def duckdb_rows(folder: Path, scratch: Path) -> list[dict[str, object]]:
    import pyarrow.parquet as pq

    file = scratch / "rows.parquet"
    command = [sys.executable, __file__, str(folder), str(file)]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = pq.read_table(file).to_pylist()
    file.unlink()
    return rows


if __name__ == "__main__":
    write_rows(*sys.argv[1:])
