# SPDX-License-Identifier: PostgreSQL
"""The tables that the program delta_tables writes, once a run."""

import os
import subprocess
from pathlib import Path

import pytest

kProgram = Path(os.environ.get("DELTA_TABLES", "build/cmake/tests/delta/delta_tables"))


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tables")
    subprocess.run([kProgram, root], check=True, timeout=60)
    return root
