# SPDX-License-Identifier: PostgreSQL
"""Delta Sharing for Spark: tables, versions, changes; and its client for the JVM by itself."""

from datetime import timedelta
from pathlib import Path

import pytest
from history import History, kContract, kOwn
from pyspark.sql import DataFrame, SparkSession
from rows import replay
from spark_session import rows_of

kAll = (*kContract, kOwn)
kFormats = pytest.mark.parametrize("response", ["parquet", "delta"])


def load(spark: SparkSession, profile: Path, name: str, **options: object) -> DataFrame:
    reader = spark.read.format("deltaSharing")
    for option, value in options.items():
        reader = reader.option(option, str(value))
    return reader.load(f"{profile}#crm.crm.{name}")


@kFormats
@pytest.mark.parametrize("name", kAll)
def test_spark_reads_the_newest_version(
    history: History, profile: Path, spark: SparkSession, name: str, response: str
) -> None:
    frame = load(spark, profile, name, responseFormat=response)
    assert rows_of(frame) == history.tables[name].rows


@kFormats
def test_spark_reads_some_columns_of_some_rows(
    history: History, profile: Path, spark: SparkSession, response: str
) -> None:
    frame = load(spark, profile, kOwn, responseFormat=response)
    found = rows_of(frame.where("id > 10000 AND is_good").select("id", "amount"))
    rows = history.tables[kOwn].rows
    assert found == [
        {"id": row["id"], "amount": row["amount"]}
        for row in rows
        if row["id"] > 10_000 and row["is_good"]
    ]


@kFormats
def test_spark_reads_each_version(
    history: History, profile: Path, spark: SparkSession, response: str
) -> None:
    for version, rows in history.tables["accounts"].versions.items():
        frame = load(spark, profile, "accounts", versionAsOf=version, responseFormat=response)
        assert rows_of(frame) == rows, version


def test_spark_reads_what_was_there_at_a_time(
    history: History, profile: Path, spark: SparkSession
) -> None:
    table = history.tables["accounts"]
    at = table.committed[1] + timedelta(milliseconds=1)
    frame = load(spark, profile, "accounts", timestampAsOf=at.isoformat())
    assert rows_of(frame) == table.versions[1]


@kFormats
@pytest.mark.parametrize("name", ["accounts", kOwn])
def test_spark_replays_changes(
    history: History, profile: Path, spark: SparkSession, name: str, response: str
) -> None:
    table = history.tables[name]
    last = table.last_of_first_columns
    frame = load(
        spark,
        profile,
        name,
        readChangeFeed="true",
        startingVersion=1,
        endingVersion=last,
        responseFormat=response,
    )
    assert replay(table.versions[0], rows_of(frame)) == table.versions[last]


def test_client_for_the_jvm_is_told_the_same_files_again(
    history: History, profile: Path, spark: SparkSession
) -> None:
    """DeltaSharingRestClient by itself: lists, asks for versions, and renews URLs with a refresh token."""
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    none, python = jvm.scala.Option.empty(), jvm.org.apache.spark.api.python.PythonUtils
    no_options = python.toScalaMap(jvm.java.util.HashMap())
    package = jvm.io.delta.sharing.client
    client = package.DeltaSharingRestClient.apply(
        str(profile), no_options, False, "parquet", "", none
    )
    listed = client.listAllTables().mkString(" ").split()
    assert sorted(listed) == sorted(f"crm.crm.{name}" for name in kAll)
    table = package.model.Table(kOwn, "crm", "crm")
    newest = history.tables[kOwn].newest
    assert client.getTableVersion(table, none) == newest
    assert client.getMetadata(table, none, none).metadata().id() == history.tables[kOwn].id
    no_hints = python.toSeq(jvm.java.util.ArrayList())
    first = client.getFiles(table, no_hints, none, none, none, none, none, none)
    token = first.refreshToken()
    assert token.isDefined()
    again = client.getFiles(table, no_hints, none, none, none, none, token, none)
    assert first.version() == again.version() == newest
    ids = [
        [each.files().apply(i).id() for i in range(each.files().size())] for each in (first, again)
    ]
    assert ids[0] and ids[0] == ids[1]
