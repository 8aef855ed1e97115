# SPDX-License-Identifier: PostgreSQL
"""What has been published once, and the readers: each is started once a run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import s3_service
from history import History
from pyspark.sql import SparkSession
from python_client import PythonClient
from spark_session import has_sharing, start

# Spark can't be asked what its repository doesn't have; the suite says so in its log.
collect_ignore = [] if has_sharing() else ["test_spark_client.py", "test_spark_stream.py"]


@pytest.fixture(scope="session")
def s3() -> Iterator[s3_service.Service]:
    service = s3_service.ServiceProcess()
    yield service
    service.stop()


@pytest.fixture(scope="session", params=["local", "s3"])
def history(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[History]:
    """Where its tables are stored is the parameter."""
    service = request.getfixturevalue("s3") if request.param == "s3" else None
    made = History(tmp_path_factory.mktemp("history"), service)
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
