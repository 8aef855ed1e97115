# SPDX-License-Identifier: PostgreSQL
"""The tables that the program delta_tables writes, once a run; an object store."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3_service

kProgram = Path(os.environ.get("DELTA_TABLES", "build/cmake/tests/delta/delta_tables"))


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tables")
    subprocess.run([kProgram, root], check=True, timeout=60)
    return root


@pytest.fixture(scope="session")
def s3() -> Iterator[s3_service.S3Service]:
    with s3_service.running() as service:
        yield service
