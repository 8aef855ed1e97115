# SPDX-License-Identifier: PostgreSQL
"""Spark's types in the words of the API's manifest."""

from __future__ import annotations

from pyspark.sql import types as t

from engine.contract import ResultType

_SIMPLE: dict[type[t.DataType], tuple[str, str]] = {
    t.BooleanType: ("BOOLEAN", "BOOLEAN"),
    t.ByteType: ("BYTE", "TINYINT"),
    t.ShortType: ("SHORT", "SMALLINT"),
    t.IntegerType: ("INT", "INT"),
    t.LongType: ("LONG", "BIGINT"),
    t.FloatType: ("FLOAT", "FLOAT"),
    t.DoubleType: ("DOUBLE", "DOUBLE"),
    t.StringType: ("STRING", "STRING"),
    t.CharType: ("STRING", "STRING"),
    t.VarcharType: ("STRING", "STRING"),
    t.BinaryType: ("BINARY", "BINARY"),
    t.DateType: ("DATE", "DATE"),
    t.TimestampType: ("TIMESTAMP", "TIMESTAMP"),
    t.TimestampNTZType: ("TIMESTAMP_NTZ", "TIMESTAMP_NTZ"),
    t.NullType: ("NULL", "VOID"),
    t.VariantType: ("VARIANT", "VARIANT"),
}


def result_type(native: t.DataType) -> ResultType:
    if type(native) in _SIMPLE:
        return ResultType(*_SIMPLE[type(native)])
    if isinstance(native, t.DecimalType):
        text = f"DECIMAL({native.precision},{native.scale})"
        return ResultType("DECIMAL", text, native.precision, native.scale)
    if isinstance(native, (t.YearMonthIntervalType, t.DayTimeIntervalType)):
        text = native.simpleString().upper()
        return ResultType("INTERVAL", text, interval=text.removeprefix("INTERVAL "))
    if isinstance(native, t.ArrayType):
        return ResultType("ARRAY", f"ARRAY<{result_type(native.elementType).text}>")
    if isinstance(native, t.MapType):
        key, value = result_type(native.keyType).text, result_type(native.valueType).text
        return ResultType("MAP", f"MAP<{key}, {value}>")
    if isinstance(native, t.StructType):
        fields = (f"{_field(f.name)}: {result_type(f.dataType).text}" for f in native.fields)
        return ResultType("STRUCT", f"STRUCT<{', '.join(fields)}>")
    return ResultType("STRING", "STRING")


def _field(name: str) -> str:
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"
