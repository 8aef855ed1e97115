# SPDX-License-Identifier: PostgreSQL
"""CAST as Spark does it: truncation to integers, strict text, Java's number text, intervals."""

from __future__ import annotations

import re

from sqlglot import exp

from engine.duck import cells, parameters
from engine.duck.cells import quote_text
from engine.duck.raw import raw, sql_of
from engine.duck.types import VOID, YEAR_MONTH, DuckType

_INTEGERS = {"TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INT": "INTEGER", "BIGINT": "BIGINT"}
_SIGNED_YEAR = re.compile(r"\s*([+-])0*(\d{1,6})-(\d\d)-(\d\d)(.*)", re.DOTALL)
_YEAR_MONTH = re.compile(r"\s*([+-]?)(\d+)-(\d+)\s*")
_DAY_TIME = re.compile(r"\s*([+-]?)(\d+) (\d+):(\d+):(\d+)(?:\.(\d{1,9}))?\s*")


def cast(node: exp.Expression, target: exp.DataType, source: DuckType | None, strict: bool) -> str:
    """DuckDB SQL for CAST (strict) or TRY_CAST of `node` to a Databricks type."""
    text = sql_of(node)
    if isinstance(target.this, exp.Interval):
        return _to_interval(node, target.this)
    name = target.this.name
    word = "CAST" if strict else "TRY_CAST"
    if name in ("TEXT", "VARCHAR", "CHAR", "NCHAR"):
        return _to_text(text, target, source)
    if name in _INTEGERS:
        return _to_integer(text, _INTEGERS[name], source, word)
    if name in ("DATE", "TIMESTAMPTZ", "TIMESTAMP", "TIMESTAMPLTZ", "TIMESTAMPNTZ"):
        return _to_moment(node, text, name, source, word)
    if name == "BINARY" or name == "VARBINARY":
        return f"encode({text})" if source and source.kind == "varchar" else f"CAST({text} AS BLOB)"
    return f"{word}({text} AS {native_type(target)})"


def native_type(target: exp.DataType) -> str:
    """The DuckDB name of a Databricks type, disguises included."""
    if isinstance(target.this, exp.Interval):
        return YEAR_MONTH if _is_year_month(target.this) else "INTERVAL"
    name = target.this.name
    if name == "VARIANT":
        return "JSON"
    if name in ("NULL", "VOID"):
        return VOID
    if name == "TEXT":
        return "VARCHAR"
    if name == "DECIMAL" and not target.expressions:
        return "DECIMAL(10, 0)"
    return sql_of(target)


def interval_literal(node: exp.Interval) -> str:
    """An interval outside of date arithmetic: months in disguise, or microseconds."""
    text = node.this.name if node.this is not None else "0"
    if _is_year_month(node):
        return _months(text, node)
    span = _DAY_TIME.fullmatch(text)
    if span is None:
        return sql_of(node)
    sign, days, hours, minutes, seconds, fraction = span.groups()
    micros = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    micros = micros * 1_000_000 + int((fraction or "0").ljust(6, "0")[:6])
    return f"to_microseconds({'-' if sign == '-' else ''}{micros})"


def _months(text: str, node: exp.Interval) -> str:
    pair = _YEAR_MONTH.fullmatch(text)
    if pair:
        months = int(pair.group(2)) * 12 + int(pair.group(3))
        months = -months if pair.group(1) == "-" else months
    else:
        unit = node.text("unit").upper()
        months = int(text) * (12 if unit.startswith("YEAR") else 1)
    return f"struct_pack(\"__months\" := CAST('{months}' AS INTEGER))"


def _is_year_month(node: exp.Interval) -> bool:
    unit = node.args.get("unit")
    first = unit.this.name if isinstance(unit, exp.IntervalSpan) else (unit.name if unit else "")
    return first.upper().rstrip("S") in ("YEAR", "MONTH", "QUARTER")


def _to_interval(node: exp.Expression, interval: exp.Interval) -> str:
    native = YEAR_MONTH if _is_year_month(interval) else "INTERVAL"
    if isinstance(node, exp.Literal) and node.is_string:
        return interval_literal(exp.Interval(this=node.copy(), unit=interval.args["unit"].copy()))
    return f"CAST({sql_of(node)} AS {native})"


def _to_text(text: str, target: exp.DataType, source: DuckType | None) -> str:
    printed = cells.as_string(f"({text})", source) if source else f"CAST({text} AS VARCHAR)"
    if source is not None and source.kind == "varchar":
        printed = text
    if not target.expressions:
        return f"CAST({printed} AS VARCHAR)"
    length = target.expressions[0].name
    if target.this.name in ("CHAR", "NCHAR"):
        return f"rpad(CAST({printed} AS VARCHAR), {length}, ' ')"
    return f"left(CAST({printed} AS VARCHAR), {length})"


def _to_integer(text: str, native: str, source: DuckType | None, word: str) -> str:
    if source is None:
        return f"{word}({text} AS {native})"
    if source.is_floating or source.kind == "decimal":
        return f"{word}(trunc({text}) AS {native})"
    if source.kind == "varchar" and word == "CAST":
        shown = "INT" if native == "INTEGER" else native
        return f"CAST(spark_integer(({text}), '{shown}') AS {native})"
    if source.kind == "timestamp with time zone":
        return f"{word}(floor(epoch_us({text}) / 1000000) AS {native})"
    return f"{word}({text} AS {native})"


def _to_moment(
    node: exp.Expression, text: str, name: str, source: DuckType | None, word: str
) -> str:
    native = {"DATE": "DATE", "TIMESTAMP": "TIMESTAMP", "TIMESTAMPNTZ": "TIMESTAMP"}
    target = native.get(name, "TIMESTAMPTZ")
    if isinstance(node, exp.Literal) and node.is_string:
        text = quote_text(_plain_year(node.this))
    if source and source.is_exact_number and target == "TIMESTAMPTZ":
        return f"to_timestamp({text})"
    return f"{word}({text} AS {target})"


def _plain_year(text: str) -> str:
    """DuckDB wants no plus sign before a year of five digits."""
    match = _SIGNED_YEAR.fullmatch(text)
    if not match:
        return text.strip()
    sign, year, month, day, rest = match.groups()
    signed = -int(year) if sign == "-" else int(year)
    return parameters.date_text(signed, int(month), int(day)) + rest.rstrip()


def void() -> exp.Expression:
    return raw(f"CAST(NULL AS {VOID})")
