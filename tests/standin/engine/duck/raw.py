# SPDX-License-Identifier: PostgreSQL
"""The two dialects as used here: Databricks for reading, DuckDB with finished SQL for writing."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.databricks import Databricks
from sqlglot.dialects.duckdb import DuckDB


class Source(Databricks):
    """Databricks SQL where two quotes in a string are one quote, as Spark 4 has it."""

    class Tokenizer(Databricks.Tokenizer):
        STRING_ESCAPES = ["\\", "'"]


class RawSql(exp.Expression, exp.Condition):
    """A leaf that holds DuckDB SQL as text."""

    arg_types = {"text": True}


class Generator(DuckDB.Generator):
    TRANSFORMS = {**DuckDB.Generator.TRANSFORMS, RawSql: lambda _self, node: node.args["text"]}


class Target(DuckDB):
    """DuckDB's dialect plus RawSql."""

    Generator = Generator


def raw(text: str) -> RawSql:
    return RawSql(text=text)


def sql_of(node: exp.Expression) -> str:
    return node.sql(Target, comments=False)
