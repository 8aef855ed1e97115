# SPDX-License-Identifier: PostgreSQL
"""Two hundred publishes, read by Spark: what the last checkpoint says is what the commits say. The same for deltalake
and DuckDB, which share the code they read logs with, is in ../system/test_publish_many.py."""

import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from history import delta_directory
from psycopg.rows import dict_row
from pyspark.sql import SparkSession
from rows import Row, plain_rows
from spark_session import rows_of

kPublishes = 200
kChange = """
INSERT INTO {0} SELECT max(id) + 1, 'new', {1} FROM {0};
UPDATE {0} SET amount = amount + 0.5 WHERE id > (SELECT max(id) - 5 FROM {0});
DELETE FROM {0} WHERE id = {1} * 7;
"""


@dataclass
class Folder:
    path: Path
    rows: list[Row]


@pytest.fixture(scope="module")
def folder() -> Iterator[Folder]:
    tenant = "l" + secrets.token_hex(4)
    name = f"{tenant}.many"
    with psycopg.connect(autocommit=True, row_factory=dict_row) as session:
        session.execute("SELECT lakehouse.create_tenant(%s)", [tenant])
        session.execute(f"CREATE TABLE {name} (id integer PRIMARY KEY, name text, amount numeric(9,2))")
        session.execute(f"INSERT INTO {name} SELECT n, 'old', n FROM generate_series(1, 500) n")
        session.execute("SELECT lakehouse.create_share(%s, 'many', default_tables => false)", [tenant])
        session.execute("SELECT lakehouse.add_table_to_share(%s, 'many', %s::regclass)", [tenant, name])
        for number in range(kPublishes):
            if number > 0:
                session.execute(kChange.format(name, number))
            session.execute("SELECT lakehouse.publish_now(%s)", [tenant])
        [made] = session.execute(
            "SELECT location FROM lakehouse.published_tables WHERE source = %s::regclass", [name]
        ).fetchall()
        path = delta_directory(session) / made["location"]
        yield Folder(path, plain_rows(session.execute(f"SELECT * FROM {name}")))
        session.execute("SELECT lakehouse.drop_tenant(%s)", [tenant])


def rows_in(spark: SparkSession, path: Path) -> list[Row]:
    return rows_of(spark.read.format("delta").load(str(path)))


def test_spark_reads_checkpoint_and_commits_alike(
    folder: Folder, spark: SparkSession, tmp_path: Path
) -> None:
    replayed, checkpointed = tmp_path / "replayed", tmp_path / "checkpointed"
    for copy in (replayed, checkpointed):
        shutil.copytree(folder.path, copy)
    checkpoints = sorted(path.name for path in replayed.glob("_delta_log/*.checkpoint.parquet"))
    assert int(checkpoints[-1][:20]) >= kPublishes - 50
    for name in (*checkpoints, "_last_checkpoint"):
        (replayed / "_delta_log" / name).unlink()
    for version in range(int(checkpoints[-1][:20])):
        (checkpointed / f"_delta_log/{version:020}.json").unlink()
    assert rows_in(spark, replayed) == folder.rows
    assert rows_in(spark, checkpointed) == folder.rows
    assert rows_in(spark, folder.path) == folder.rows
