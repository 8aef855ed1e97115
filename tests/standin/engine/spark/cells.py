# SPDX-License-Identifier: PostgreSQL
"""Spark expressions that print API cells, so that Spark's own text of a value is what counts."""

from __future__ import annotations

from pyspark.sql import types as t

_ISO = "yyyy-MM-dd\\'T\\'HH:mm:ss.SSS"


def row(fields: list[t.StructField]) -> str:
    """One JSON array of strings per row; columns are named c0, c1, …"""
    cells = ", ".join(_text(f"c{index}", field.dataType, 0) for index, field in enumerate(fields))
    return f"to_json(array({cells})) AS r"


def arrow(name: str, native: t.DataType) -> str:
    """What Parquet can carry stays; the rest becomes its cell text."""
    odd = (t.YearMonthIntervalType, t.DayTimeIntervalType, t.VariantType, t.NullType)
    return f"{_text(name, native, 0)} AS {name}" if isinstance(native, odd) else name


def _text(sql: str, native: t.DataType, depth: int) -> str:
    """The cell as a string; collections become JSON with strings inside."""
    if isinstance(native, (t.ArrayType, t.MapType, t.StructType)):
        nested = _nested(sql, native, depth)
        return f"to_json({nested}, map('ignoreNullFields', 'false'))"
    if isinstance(native, t.TimestampType):
        return _moment(sql, "XXX")
    if isinstance(native, t.TimestampNTZType):
        return _moment(sql, "")
    if isinstance(native, t.BinaryType):
        return f"hex({sql})"
    if isinstance(native, t.VariantType):
        return f"to_json({sql})"
    if isinstance(native, t.YearMonthIntervalType):
        return _inside_quotes(sql)
    if isinstance(native, t.DayTimeIntervalType):
        to_second = native.endField == t.DayTimeIntervalType.SECOND
        return _day_time(sql) if to_second else _inside_quotes(sql)
    return f"CAST({sql} AS STRING)"


def _nested(sql: str, native: t.DataType, depth: int) -> str:
    """The same shape with every scalar turned into its cell text."""
    name = f"e{depth}"
    if isinstance(native, t.ArrayType):
        return f"transform({sql}, {name} -> {_nested(name, native.elementType, depth + 1)})"
    if isinstance(native, t.MapType):
        value = _nested(name, native.valueType, depth + 1)
        return f"transform_values({sql}, (k{depth}, {name}) -> {value})"
    if isinstance(native, t.StructType):
        fields = ", ".join(
            f"'{_escaped(f.name)}', {_nested(f'{sql}.`{f.name}`', f.dataType, depth)}"
            for f in native.fields
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE named_struct({fields}) END"
    return _text(sql, native, depth)


def _moment(sql: str, zone: str) -> str:
    """date_format counts years by era before year 1, so those are cut from the plain text."""
    usual = f"date_format({sql}, '{_ISO}{zone}')"
    text = f"CAST({sql} AS STRING)"
    seconds = f"replace(regexp_extract({text}, '^(\\\\S+ \\\\d+:\\\\d+:\\\\d+)', 1), ' ', 'T')"
    fraction = f"rpad(substring(regexp_extract({text}, '\\\\.(\\\\d+)', 1), 1, 3), 3, '0')"
    offset = f"date_format({sql}, 'XXX')" if zone else "''"
    early = f"concat({seconds}, '.', {fraction}, {offset})"
    return f"CASE WHEN year({sql}) >= 1 THEN {usual} ELSE {early} END"


def _inside_quotes(sql: str) -> str:
    return f"regexp_extract(CAST({sql} AS STRING), '\\'(.*)\\'', 1)"


def _day_time(sql: str) -> str:
    """Nine fraction digits, as Hive prints them."""
    text = _inside_quotes(sql)
    whole = f"regexp_extract({text}, '^([^.]*)', 1)"
    fraction = f"regexp_extract({text}, '\\\\.(\\\\d+)', 1)"
    return (
        f"CASE WHEN {sql} IS NULL THEN NULL ELSE concat({whole}, '.', rpad({fraction}, 9, '0')) END"
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
