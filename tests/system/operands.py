# SPDX-License-Identifier: PostgreSQL
"""The table `operands`: every pair of interesting values of every pair of types, six times over.

A row is (id, k, i, j, a_<type>…, b_<type>…): a_ holds the type's value number i, b_ number j, modulo how many it has;
k, from 0 to 5, lets one query try several expressions, each on rows of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

# As many as one statement tries.
COPIES = 6

# Name here, type here, type there, values as both sides read them from text; None is NULL.
_TEXTS = (
    *(
        "",
        " ",
        "a",
        "A",
        "a ",
        "ab",
        "abc",
        "a%c",
        "a_c",
        "a\\c",
        "%",
        "_",
        "\\",
        "\\%",
        "\\\\",
        "é",
        "e\u0301",
    ),
    *(
        "\U0001f600",
        "\U0001f600x",
        "日本",
        "z",
        "~",
        "\n",
        "'",
        '"',
        ":p1",
        "--",
        "NULL",
        "\ud7ff",
        "\uffee",
    ),
)


@dataclass(frozen=True)
class Kind:
    name: str
    postgres: str
    databricks: str
    values: tuple[str | None, ...]

    @property
    def count(self) -> int:
        return len(self.values)


KINDS = (
    Kind("bool", "boolean", "BOOLEAN", ("true", "false", None)),
    Kind("int2", "smallint", "SMALLINT", ("0", "1", "-1", "2", "7", "-7", "32767", "-32768", None)),
    Kind(
        *("int4", "integer", "INT"),
        ("0", "1", "-1", "7", "-7", "32767", "-32768", "32768", "2147483647", "-2147483648", None),
    ),
    Kind(
        *("int8", "bigint", "BIGINT"),
        (
            *("0", "1", "-1", "7", "-7", "-32768", "2147483647", "2147483648", "9007199254740993"),
            *("9223372036854775807", "-9223372036854775808", None),
        ),
    ),
    Kind(
        *("float4", "real", "FLOAT"),
        (
            *("0", "-0.0", "1", "-1.5", "0.1", "16777216", "1.4E-45", "3.4028235E38"),
            *("-3.4028235E38", "Infinity", "-Infinity", "NaN", None),
        ),
    ),
    Kind(
        *("float8", "double precision", "DOUBLE"),
        (
            *("0", "-0.0", "1", "-1.5", "0.1", "16777217", "4.9E-324", "1.7976931348623157E308"),
            *("3.4028234663852886E38", "Infinity", "-Infinity", "NaN", None),
        ),
    ),
    Kind(
        *("numeric", "numeric(18,6)", "DECIMAL(18,6)"),
        (
            *("0", "1", "-1", "0.1", "-0.000001", "0.000001", "2.5", "123456.789"),
            *("999999999999.999999", "-999999999999.999999", None),
        ),
    ),
    Kind("text", "text", "STRING", (*_TEXTS, None)),
    Kind("char", "text", "CHAR(5)", ("", "a", "ab", "abcde", "  a", "é", None)),
    Kind("varchar", "text", "VARCHAR(5)", ("", "a", "a    ", "ab", "abcde", None)),
    Kind(
        *("date", "date", "DATE"),
        (
            *("1970-01-01", "1969-12-31", "2000-02-29", "2024-03-10", "2024-03-11", "1582-10-15"),
            *("1582-10-04", "0001-01-01", "9999-12-31", None),
        ),
    ),
    Kind(
        *("timestamp", "timestamp", "TIMESTAMP_NTZ"),
        (
            *("1970-01-01 00:00:00", "1969-12-31 23:59:59.999999", "2024-03-10 00:00:00"),
            *("2024-03-10 00:00:00.000001", "2024-03-10 02:30:00", "2024-03-10 23:59:59.999999"),
            *("1582-10-15 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", None),
        ),
    ),
    Kind(
        *("timestamptz", "timestamptz", "TIMESTAMP"),
        (
            *("1970-01-01 00:00:00Z", "1969-12-31 23:59:59.999999Z", "2024-03-10 00:00:00+05:30"),
            *("2024-03-10 09:59:59.999999Z", "2024-03-10 10:00:00Z", "2024-11-03 05:30:00Z"),
            *("0001-01-01 00:00:00Z", "9999-12-31 23:59:59.999999Z", None),
        ),
    ),
)

KIND_OF = {kind.name: kind for kind in KINDS}
SIZE = max(kind.count for kind in KINDS)
COLUMNS = ("id", "k", "i", "j")


def create_remote(name: str, options: str = "") -> tuple[str, str]:
    """The statements, in Databricks SQL, that make and fill the table."""
    typed = [f"{column} INT" for column in COLUMNS]
    typed += [f"{side}_{kind.name} {kind.databricks}" for side in ("a", "b") for kind in KINDS]
    cast = ", ".join(
        f"CAST({side}.{kind.name} AS {_stored(kind)})" for side in ("a", "b") for kind in KINDS
    )
    names = ", ".join(kind.name for kind in KINDS)
    values = ", ".join(
        f"({number}, {', '.join(_literal(kind.values[number % kind.count]) for kind in KINDS)})"
        for number in range(SIZE)
    )
    copies = ", ".join(f"({k})" for k in range(COPIES))
    return (
        f"CREATE TABLE {name} ({', '.join(typed)}) {options}",
        f"INSERT INTO {name} SELECT CAST(k * 10000 + a.n * 100 + b.n AS INT), CAST(k AS INT),"
        f" CAST(a.n AS INT), CAST(b.n AS INT), {cast}"
        f" FROM (SELECT * FROM VALUES {values} AS t(n, {names})) a"
        f" CROSS JOIN (SELECT * FROM VALUES {values} AS t(n, {names})) b"
        f" CROSS JOIN (SELECT * FROM VALUES {copies} AS t(k)) c",
    )


def _stored(kind: Kind) -> str:
    """The insert itself pads to CHAR and checks VARCHAR."""
    return "STRING" if kind.name in ("char", "varchar") else kind.databricks


def create_foreign(local_name: str, server: str, schema: str, table: str) -> str:
    """The foreign table over it, each column with its remote type."""
    columns = [f"{name} integer OPTIONS (column_type 'int') NOT NULL" for name in COLUMNS]
    columns += [
        f"{side}_{kind.name} {kind.postgres} OPTIONS (column_type '{kind.databricks.lower()}')"
        for side in ("a", "b")
        for kind in KINDS
    ]
    return (
        f"CREATE FOREIGN TABLE {local_name} ({', '.join(columns)}) SERVER {server}"
        f" OPTIONS (schema '{schema}', table_name '{table}')"
    )


def _literal(value: str | None) -> str:
    """Databricks reads backslashes as escapes."""
    if value is None:
        return "NULL"
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
