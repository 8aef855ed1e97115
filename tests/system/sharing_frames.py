# SPDX-License-Identifier: PostgreSQL
"""The official Python client of Delta Sharing, with its own names, in a process of its own.

It wants older libraries than the tests, so it runs in build/sharing: tests/clients/sharing.py.
"""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

ROOT = Path(__file__).parents[2]
COMMAND = [str(ROOT / "build/sharing/bin/python"), str(ROOT / "tests/clients/sharing.py")]


@functools.cache
def started() -> tuple[subprocess.Popen[str], str]:
    """The process, and the file that it writes rows to."""
    folder = tempfile.TemporaryDirectory()
    running = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(folder.cleanup)
    atexit.register(running.wait, 30)
    atexit.register(running.stdin.close)  # type: ignore[union-attr]
    return running, folder.name + "/rows.arrow"


def ask(call: str, **arguments: Any) -> dict[str, Any]:
    running, rows = started()
    order = {"call": call, "arguments": arguments, "rows": rows}
    print(json.dumps(order), file=running.stdin, flush=True)
    answer = json.loads(running.stdout.readline())  # type: ignore[union-attr]
    assert "error" not in answer, answer
    return answer


def read_rows() -> pd.DataFrame:
    with pa.OSFile(started()[1], "rb") as file, pa.ipc.open_stream(file) as stream:
        return stream.read_all().to_pandas()


def load_as_pandas(url: str, **options: Any) -> pd.DataFrame:
    ask("load_as_pandas", url=url, **options)
    return read_rows()


def load_table_changes_as_pandas(url: str, **options: Any) -> pd.DataFrame:
    ask("load_table_changes_as_pandas", url=url, **options)
    return read_rows()
