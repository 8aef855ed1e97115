# SPDX-License-Identifier: PostgreSQL
"""A client of Delta Sharing for Go: one that reads the newest version and knows nothing of Delta's own format."""

import json
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
from history import History, kContract, kOwn
from rows import from_arrow

kProgram = Path("build/clients/sharing-go")


@pytest.mark.parametrize("name", ["accounts", "activities", kOwn])
def test_client_lists_the_share_and_reads_a_table(
    history: History, profile: Path, tmp_path: Path, name: str
) -> None:
    table, rows = history.tables[name], tmp_path / "rows.arrow"
    command = [str(kProgram), str(profile), "crm", "crm", name, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    seen = json.loads(done.stdout)
    names = sorted(f"crm.crm.{each}" for each in (*kContract, kOwn))
    assert (seen["shares"], seen["schemas"]) == (["crm"], ["crm"])
    assert sorted(seen["tables"]) == sorted(seen["in_schema"]) == names
    assert (seen["version"], seen["table_id"]) == (table.newest, table.id)
    assert seen["rows"] == len(table.rows)
    if table.rows:
        assert seen["columns"] == list(table.rows[0])
        with pa.OSFile(str(rows), "rb") as file, pa.ipc.open_stream(file) as stream:
            assert from_arrow(stream.read_all()) == table.rows
