# SPDX-License-Identifier: PostgreSQL
"""What has been published once, and the readers: each is started once a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from history import History
from pyspark.sql import SparkSession
from python_client import PythonClient
from spark_session import has_sharing, start

# Spark can't be asked what its repository doesn't have; the suite says so in its log.
collect_ignore = [] if has_sharing() else ["test_spark_client.py", "test_spark_stream.py"]


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    made = History(tmp_path_factory.mktemp("history"))
    made.make()
    yield made
    made.drop()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    session = start(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def client(history: History, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PythonClient]:
    with PythonClient(history.open_profile(), tmp_path_factory.mktemp("python")) as running:
        yield running


@pytest.fixture(scope="session")
def profile(history: History) -> Path:
    return history.open_profile()
