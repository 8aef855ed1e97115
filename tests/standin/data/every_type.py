# SPDX-License-Identifier: PostgreSQL
"""types.every_type: one column per Databricks type, rows of extremes and oddities.

Rows are expressions in Databricks SQL, so both engines make them from the same text.
"""

from __future__ import annotations

from data.model import Column, Schema, Table, quote

_COLUMNS = (
    Column("id", "int", "Number of the row", nullable=False),
    Column("note", "string", "What is special about the row"),
    Column("a_byte", "tinyint", "8 bit integer"),
    Column("a_short", "smallint", "16 bit integer"),
    Column("an_int", "int", "32 bit integer"),
    Column("a_long", "bigint", "64 bit integer"),
    Column("a_float", "float", "32 bit floating point"),
    Column("a_double", "double", "64 bit floating point"),
    Column("a_decimal", "decimal(38,10)", "Exact number, widest precision"),
    Column("a_boolean", "boolean", "true or false"),
    Column("a_string", "string", "Text"),
    Column("a_char", "char(5)", "Text, padded to five"),
    Column("a_varchar", "varchar(20)", "Text, at most twenty"),
    Column("a_binary", "binary", "Bytes"),
    Column("a_date", "date", "Day"),
    Column("a_timestamp", "timestamp", "Instant"),
    Column("a_timestamp_ntz", "timestamp_ntz", "Local date and time"),
    Column("an_array", "array<int>", "List"),
    Column("a_map", "map<string,decimal(10,2)>", "Mapping"),
    Column("a_struct", "struct<name:string,born:date>", "Record"),
    Column("a_nested", "array<struct<k:string,v:array<double>>>", "List of records with lists"),
    Column("a_variant", "variant", "Semi-structured value"),
    Column("a_year_month", "interval year to month", "Span in months"),
    Column("a_day_time", "interval day to second", "Span in microseconds"),
    Column("a_void", "void", "Always NULL"),
)

_LONG_MIN = "CAST('-9223372036854775808' AS BIGINT)"

_ROWS: tuple[dict[str, str], ...] = (
    {
        "note": "'plain'",
        "a_byte": "1",
        "a_short": "2",
        "an_int": "3",
        "a_long": "4",
        "a_float": "1.5",
        "a_double": "2.25",
        "a_decimal": "'12345.6789'",
        "a_boolean": "true",
        "a_string": "'hello'",
        "a_char": "'abc'",
        "a_varchar": "'varying'",
        "a_binary": "X'00FF10'",
        "a_date": "'2024-02-29'",
        "a_timestamp": "'2021-06-15T12:34:56.789123Z'",
        "a_timestamp_ntz": "'2021-06-15 12:34:56.789123'",
        "an_array": "array(1, 2, 3)",
        "a_map": "map('a', CAST(1.50 AS DECIMAL(10,2)), 'b', CAST(-2 AS DECIMAL(10,2)))",
        "a_struct": "named_struct('name', 'Ada', 'born', DATE'1815-12-10')",
        "a_nested": "array(named_struct('k', 'x', 'v', array(1.0D, 2.5D)))",
        "a_variant": """parse_json('{"a":1,"b":[true,null,"x"]}')""",
        "a_year_month": "INTERVAL '1-2' YEAR TO MONTH",
        "a_day_time": "INTERVAL '1 02:03:04.500000' DAY TO SECOND",
    },
    {"note": "'every value is NULL'"},
    {
        "note": "'lowest'",
        "a_byte": "-128",
        "a_short": "-32768",
        "an_int": "'-2147483648'",
        "a_long": _LONG_MIN,
        "a_float": "'-3.4028235E38'",
        "a_double": "'-1.7976931348623157E308'",
        "a_decimal": "'-9999999999999999999999999999.9999999999'",
        "a_boolean": "false",
        "a_string": "''",
        "a_char": "''",
        "a_varchar": "''",
        "a_binary": "X''",
        "a_date": "'0001-01-01'",
        "a_timestamp": "'0001-01-01T00:00:00Z'",
        "a_timestamp_ntz": "'0001-01-01 00:00:00'",
        "an_array": "array()",
        "a_map": "map()",
        "a_struct": "named_struct('name', CAST(NULL AS STRING), 'born', CAST(NULL AS DATE))",
        "a_nested": "array()",
        "a_variant": "parse_json('null')",
        "a_year_month": "INTERVAL '-178956970-8' YEAR TO MONTH",
        "a_day_time": "INTERVAL '-10000 00:00:00.000001' DAY TO SECOND",
    },
    {
        "note": "'highest'",
        "a_byte": "127",
        "a_short": "32767",
        "an_int": "2147483647",
        "a_long": "9223372036854775807",
        "a_float": "'3.4028235E38'",
        "a_double": "'1.7976931348623157E308'",
        "a_decimal": "'9999999999999999999999999999.9999999999'",
        "a_string": "repeat('wide ', 400)",
        "a_char": "'12345'",
        "a_varchar": "'12345678901234567890'",
        "a_binary": "unhex(repeat('AB', 300))",
        "a_date": "'9999-12-31'",
        "a_timestamp": "'9999-12-31T23:59:59.999999Z'",
        "a_timestamp_ntz": "'9999-12-31 23:59:59.999999'",
        "an_array": "array(2147483647, NULL, 0)",
        "a_map": "map('', CAST('99999999.99' AS DECIMAL(10,2)))",
        "a_struct": "named_struct('name', 'Z', 'born', DATE'9999-12-31')",
        "a_nested": "array(named_struct('k', 'x', 'v', array(CAST('NaN' AS DOUBLE), NULL)), NULL)",
        "a_variant": "parse_json('12345678901234567890.123')",
        "a_year_month": "INTERVAL '178956970-7' YEAR TO MONTH",
        "a_day_time": "INTERVAL '10000 23:59:59.999999' DAY TO SECOND",
    },
    {
        "note": "'not a number'",
        "a_float": "'NaN'",
        "a_double": "'NaN'",
        "a_decimal": "'0'",
        "a_string": "'NaN'",
    },
    {
        "note": "'infinite'",
        "a_float": "'Infinity'",
        "a_double": "'Infinity'",
        "a_decimal": "'0.0000000001'",
        "a_string": "'Infinity'",
    },
    {
        "note": "'minus infinite'",
        "a_float": "'-Infinity'",
        "a_double": "'-Infinity'",
        "a_decimal": "'-0.0000000001'",
        "a_string": "'null'",
    },
    {
        "note": "'minus zero, smallest'",
        "a_float": "'-0.0'",
        "a_double": "'-0.0'",
        "a_decimal": "'-0'",
        "a_string": r"'\\N'",
        "a_timestamp": "'1969-12-31T23:59:59.999999Z'",
        "a_timestamp_ntz": "'1969-12-31 23:59:59.999999'",
        "a_date": "'1970-01-01'",
        "a_day_time": "INTERVAL '0 00:00:00' DAY TO SECOND",
        "a_year_month": "INTERVAL '0-0' YEAR TO MONTH",
    },
    {
        "note": "'text that escapes'",
        "a_float": "'1.4E-45'",
        "a_double": "'4.9E-324'",
        "a_string": r"""'quote \' double \" back\\slash\nline\ttab {brace} [x] :name -- ;'""",
        "a_char": r"'\'\"\\'",
        "a_varchar": r"'a\\b\'c\"d'",
        "a_binary": "X'5C27220A'",
        "a_map": r"""map('k\"\\', CAST(0 AS DECIMAL(10,2)))""",
        "a_struct": r"""named_struct('name', 'O\'Brien \"x\"', 'born', DATE'2000-01-01')""",
        "a_variant": r"""parse_json('"text with \\"quotes\\""')""",
    },
    {
        "note": "'emoji and scripts: \U0001f600 \u00e9 \u4e2d\u6587'",
        "a_double": "1.0E10",
        "a_float": "'1.0E-5'",
        "a_string": "'\U0001f469\u200d\U0001f680 na\u00efve \u65e5\u672c\u8a9e"
        " \u05e9\u05dc\u05d5\u05dd e\u0301'",
        "a_char": "'\u00e9\u4e2d'",
        "a_varchar": "'\U0001f600\U0001f600'",
        "a_binary": "CAST('\U0001f600' AS BINARY)",
        "a_variant": 'parse_json(\'{"\u00e9":"\U0001f600"}\')',
    },
    {
        "note": "'far dates'",
        "a_double": "0.001",
        "a_float": "1.0E7",
        "a_date": "'+12000-06-15'",
        "a_timestamp": "'+12000-06-15T00:00:00Z'",
        "a_timestamp_ntz": "'+12000-06-15 00:00:00'",
    },
    {
        "note": "'before our era'",
        "a_double": "0.00099",
        "a_float": "12345678.0",
        "a_date": "'-0044-03-15'",
        "a_timestamp": "'-0044-03-15T12:00:00Z'",
        "a_timestamp_ntz": "'-0044-03-15 12:00:00'",
    },
)


def _query() -> str:
    selects = []
    for number, row in enumerate(_ROWS, start=1):
        values = {"id": str(number), **row}
        cells = ", ".join(
            f"CAST({values.get(column.name, 'NULL')} AS {column.type}) AS {quote(column.name)}"
            for column in _COLUMNS
        )
        selects.append(f"SELECT {cells}")
    return "\nUNION ALL\n".join(selects)


EVERY_TYPE = Table(
    "types", "every_type", "One column per type; extremes, NULLs and oddities", _COLUMNS, _query()
)

SCHEMA = Schema("types", "Every type there is", (EVERY_TYPE,))
