# SPDX-License-Identifier: PostgreSQL
"""The official Python client, in a process and an environment of its own: tests/clients/sharing.py."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from rows import Row, from_arrow

kPython = Path("build/sharing/bin/python")
kProgram = Path("tests/clients/sharing.py")


class PythonClient:
    def __init__(self, profile: Path, folder: Path) -> None:
        self._profile, self._rows = profile, folder / "rows.arrow"

    def __enter__(self) -> PythonClient:
        command = [str(kPython), str(kProgram)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(timeout=30) == 0

    def ask(self, call: str, **arguments: Any) -> dict[str, Any]:
        order = {"call": call, "arguments": arguments, "rows": str(self._rows)}
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def list_names(self) -> dict[str, Any]:
        return self.ask("list_names", profile=str(self._profile))

    def about(
        self, call: str, table: str, profile: Path | None = None, **options: Any
    ) -> dict[str, Any]:
        """With another profile than its own, if one is given."""
        return self.ask(call, url=f"{profile or self._profile}#crm.crm.{table}", **options)

    def load(self, table: str, **options: Any) -> list[Row]:
        self.about("load_as_pandas", table, **options)
        return self._read()

    def changes(self, table: str, **options: Any) -> list[Row]:
        self.about("load_table_changes_as_pandas", table, **options)
        return self._read()

    def _read(self) -> list[Row]:
        with pa.OSFile(str(self._rows), "rb") as file, pa.ipc.open_stream(file) as stream:
            return from_arrow(stream.read_all())
