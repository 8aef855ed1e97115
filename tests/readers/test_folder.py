# SPDX-License-Identifier: PostgreSQL
"""The tables' folders, read without a server: by deltalake (Rust), in a bucket too, and by Delta for Spark, whose jars
for S3 are not among those that are installed."""

import pyarrow as pa
import pytest
from history import History, Table, kContract, kLocal, kOwn
from pyspark.sql import DataFrame, SparkSession
from rows import Row, from_arrow, replay
from spark_session import rows_of

kAll = (*kContract, kOwn)
kFollowed = ("accounts", kOwn)


def read_with_deltalake(history: History, name: str, version: int) -> list[Row]:
    return from_arrow(pa.table(history.open_table(name, version).to_pyarrow_table()))


def frame_of(spark: SparkSession, table: Table, **options: object) -> DataFrame:
    reader = spark.read.format("delta")
    for name, value in options.items():
        reader = reader.option(name, str(value))
    return reader.load(table.location)


@pytest.mark.parametrize("name", kAll)
def test_deltalake_reads_each_version(history: History, name: str) -> None:
    for version, rows in history.tables[name].versions.items():
        assert read_with_deltalake(history, name, version) == rows, version


@kLocal
@pytest.mark.parametrize("name", kAll)
def test_spark_reads_the_newest_version(history: History, spark: SparkSession, name: str) -> None:
    table = history.tables[name]
    assert rows_of(frame_of(spark, table)) == table.rows


@kLocal
@pytest.mark.parametrize("name", kFollowed)
def test_spark_reads_each_version(history: History, spark: SparkSession, name: str) -> None:
    table = history.tables[name]
    for version, rows in table.versions.items():
        assert rows_of(frame_of(spark, table, versionAsOf=version)) == rows, version


@kLocal
@pytest.mark.parametrize("name", kFollowed)
def test_spark_replays_changes(history: History, spark: SparkSession, name: str) -> None:
    table = history.tables[name]
    last = table.last_of_first_columns
    frame = frame_of(spark, table, readChangeFeed="true", startingVersion=1, endingVersion=last)
    assert replay(table.versions[0], rows_of(frame)) == table.versions[last]


@pytest.mark.parametrize("name", kFollowed)
def test_deltalake_replays_changes(history: History, name: str) -> None:
    table = history.tables[name]
    last = table.last_of_first_columns
    changes = history.open_table(name).load_cdf(starting_version=1, ending_version=last)
    assert (
        replay(table.versions[0], from_arrow(pa.table(changes.read_all())))
        == (table.versions[last])
    )


@kLocal
def test_spark_finds_rows_by_statistics(history: History, spark: SparkSession) -> None:
    table = history.tables[kOwn]
    wanted = [row for row in table.rows if row["id"] > 10_000]
    assert wanted
    assert rows_of(frame_of(spark, table).where("id > 10000")) == wanted


@kLocal
def test_spark_describes_the_history(history: History, spark: SparkSession) -> None:
    table = history.tables["accounts"]
    told = spark.sql(f"DESCRIBE HISTORY delta.`{table.location}`").collect()
    assert sorted(row["version"] for row in told) == sorted(table.versions)
    assert {row["operation"] for row in told} <= {"CREATE", "WRITE", "RELOAD", "OPTIMIZE"}
