# SPDX-License-Identifier: PostgreSQL
"""The sample catalog in Spark: external tables over the same Parquet files, views for the rest."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
from data.catalog import SCHEMAS, Dataset, tables
from data.model import CATALOG, Table, quote
from pyspark.sql import SparkSession

from engine.duck import sample as duck_sample
from engine.duck.translate import INFORMATION_SCHEMA

_VIEWS = ("schemata", "catalogs", "tables", "columns")


def load(spark: SparkSession, dataset: Dataset, scratch: Path) -> None:
    for schema in SCHEMAS:
        spark.sql(f"CREATE DATABASE {quote(schema.name)} COMMENT {_literal(schema.comment)}")
    for table in tables():
        # Open-source Spark refuses other table names; columns may have any.
        if not re.fullmatch(r"[A-Za-z0-9_]+", table.name):
            continue
        for statement in _definition(table, dataset):
            spark.sql(statement)
    spark.sql("CREATE DATABASE information_schema")
    for name, file in _information_schema(dataset, scratch).items():
        spark.sql(
            f"CREATE TABLE information_schema.{name} USING parquet OPTIONS (path {_literal(file)})"
        )


def _definition(table: Table, dataset: Dataset) -> list[str]:
    """Parquet can't hold every type, and Spark's views can't have every name; so both are used."""
    name = f"{quote(table.schema)}.{quote(table.name)}"
    comment = f"COMMENT {_literal(table.comment or '')}"
    columns = ", ".join(
        f"{quote(c.name)} {c.type} COMMENT {_literal(c.comment or '')}" for c in table.columns
    )
    if table.query is None:
        path = _literal(str(dataset.file_of(table)))
        return [f"CREATE TABLE {name} ({columns}) USING parquet OPTIONS (path {path}) {comment}"]
    if any(column.type == "void" for column in table.columns):
        named = ", ".join(
            f"{quote(c.name)} COMMENT {_literal(c.comment or '')}" for c in table.columns
        )
        return [f"CREATE VIEW {name} ({named}) {comment} AS {table.query}"]
    return [
        f"CREATE TABLE {name} ({columns}) USING parquet {comment}",
        f"INSERT INTO {name} {table.query}",
    ]


def _information_schema(dataset: Dataset, scratch: Path) -> dict[str, str]:
    """Both engines describe the same catalog, so the description is made once, by DuckDB."""
    connection = duckdb.connect()
    duck_sample.load(connection, dataset)
    files = {}
    for name in _VIEWS:
        file = str(scratch / f"{name}.parquet")
        source = f"SELECT * FROM {CATALOG}.{INFORMATION_SCHEMA}.{name}"
        connection.execute(f"COPY ({source}) TO '{file}' (FORMAT parquet)")
        files[name] = file
    connection.close()
    return files


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
