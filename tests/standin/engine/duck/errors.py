# SPDX-License-Identifier: PostgreSQL
"""DuckDB's errors in the words of Spark: condition, SQLSTATE and message.

What no rule knows becomes INTERNAL_ERROR with DuckDB's text, so a gap in the rules is visible.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from engine.contract import QueryError

# A macro raised it: the message is complete already.
_OWN = re.compile(r"\[([A-Z_.]+)\] (.*?) SQLSTATE: ([0-9A-Z]{5})", re.DOTALL)

_SPARK_NAMES = {
    "INT8": "TINYINT",
    "INT16": "SMALLINT",
    "INT32": "INT",
    "INT64": "BIGINT",
    "INT128": "BIGINT",
    "BOOL": "BOOLEAN",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "VARCHAR": "STRING",
    "BLOB": "BINARY",
}


def translate(error: duckdb.Error | OSError, table_names: list[str]) -> QueryError:
    """Name the Spark condition of `error`; `table_names` are the tables as written."""
    text = str(error)
    own = _OWN.search(text)
    if own:
        return QueryError(own.group(1), own.group(3), own.group(2))
    for pattern, make in _RULES:
        match = re.search(pattern, text, re.IGNORECASE | re.DOTALL)
        if match:
            return make(match, table_names)
    first_part = text.split("\n\n", maxsplit=1)[0]
    return QueryError("INTERNAL_ERROR", "XX000", first_part, code="INTERNAL_ERROR")


def syntax_error(near: str) -> QueryError:
    return QueryError("PARSE_SYNTAX_ERROR", "42601", f"Syntax error at or near {near}.")


def table_not_found(written: str) -> QueryError:
    return QueryError(
        "TABLE_OR_VIEW_NOT_FOUND",
        "42P01",
        f"The table or view {written} cannot be found. Verify the spelling and correctness of the "
        "schema and catalog.\nIf you did not qualify the name with a schema, verify the "
        "current_schema() output, or qualify the name with the correct schema and catalog.\n"
        "To tolerate the error on drop use DROP VIEW IF EXISTS or DROP TABLE IF EXISTS.",
    )


def malformed(value: str, target: str) -> QueryError:
    return QueryError(
        "CAST_INVALID_INPUT",
        "22018",
        f'The value \'{value}\' of the type "STRING" cannot be cast to "{target}" because it is '
        "malformed. Correct the value as per the syntax, or change its target type. Use "
        "`try_cast` to tolerate malformed input and return NULL instead.",
    )


def out_of_range(value: str, precision: str, scale: str) -> QueryError:
    return QueryError(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        "22003",
        f"The {value} cannot be represented as Decimal({precision}, {scale}). If necessary set "
        '"ansi_mode" to "false" to bypass this error, and return NULL instead.',
    )


def _missing_table(match: re.Match[str], table_names: list[str]) -> QueryError:
    missing = match.group(1).strip('"').lower()
    last_part = missing.rsplit(".", 1)[-1]
    for written in table_names:
        if written.lower().replace("`", "").endswith(last_part):
            return table_not_found(written)
    return table_not_found(f"`{last_part}`")


def _missing_column(match: re.Match[str], _: list[str]) -> QueryError:
    name = ".".join(f"`{part}`" for part in match.group(1).split("."))
    found = re.search(r"Candidate bindings: (.*?)(?:\n|$)", match.string)
    near = ", ".join(f"`{c}`" for c in re.findall(r'"([^"]+)"', found.group(1))) if found else ""
    variant = "WITH_SUGGESTION" if near else "WITHOUT_SUGGESTION"
    hint = f" Did you mean one of the following? [{near}]." if near else ""
    return QueryError(
        f"UNRESOLVED_COLUMN.{variant}",
        "42703",
        f"A column, variable, or function parameter with name {name} cannot be resolved.{hint}",
    )


def _ambiguous(match: re.Match[str], _: list[str]) -> QueryError:
    return QueryError("AMBIGUOUS_REFERENCE", "42704", f"Reference `{match.group(1)}` is ambiguous.")


def _missing_function(match: re.Match[str], _: list[str]) -> QueryError:
    name = match.group(1).lower()
    return QueryError(
        "UNRESOLVED_ROUTINE", "42883", f"Cannot resolve routine `{name}` on search path."
    )


def _missing_schema(match: re.Match[str], _: list[str]) -> QueryError:
    return QueryError(
        "SCHEMA_NOT_FOUND",
        "42704",
        f"The schema `{match.group(1)}` cannot be found. Verify the spelling and correctness of "
        "the schema and catalog.",
    )


def _malformed(match: re.Match[str], _: list[str]) -> QueryError:
    target = match.group(2).upper()
    return malformed(match.group(1), _SPARK_NAMES.get(target, target))


def _cast_overflow(match: re.Match[str], _: list[str]) -> QueryError:
    source, value, target = match.group(1).upper(), match.group(2), match.group(3).upper()
    return QueryError(
        "CAST_OVERFLOW",
        "22003",
        f'The value {value} of the type "{_SPARK_NAMES.get(source, source)}" cannot be cast to '
        f'"{_SPARK_NAMES.get(target, target)}" due to an overflow. Use `try_cast` to tolerate '
        "overflow and return NULL instead.",
    )


def _overflow(_match: re.Match[str], _: list[str]) -> QueryError:
    return QueryError(
        "ARITHMETIC_OVERFLOW",
        "22003",
        'Overflow. If necessary set "ansi_mode" to "false" to bypass this error.',
    )


def _decimal_range(match: re.Match[str], _: list[str]) -> QueryError:
    return out_of_range(match.group(1), match.group(2), match.group(3))


def _mismatch(match: re.Match[str], _: list[str]) -> QueryError:
    return QueryError(
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        "42K09",
        f"Cannot resolve the expression due to data type mismatch: {match.group(1).strip()}.",
    )


def _exists(match: re.Match[str], _: list[str]) -> QueryError:
    return QueryError(
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        "42P07",
        f"Cannot create table or view `{match.group(1)}` because it already exists.",
        code="ALREADY_EXISTS",
    )


def _grouping(match: re.Match[str], _: list[str]) -> QueryError:
    return QueryError(
        "MISSING_AGGREGATION",
        "42803",
        f'The non-aggregating expression "{match.group(1)}" is based on columns which are not '
        "participating in the GROUP BY clause.",
    )


def _scalar_rows(_match: re.Match[str], _: list[str]) -> QueryError:
    return QueryError(
        "SCALAR_SUBQUERY_TOO_MANY_ROWS",
        "21000",
        "More than one row returned by a subquery used as an expression.",
    )


def _near(match: re.Match[str], _: list[str]) -> QueryError:
    return syntax_error(f"'{match.group(1)}'")


_Rule = tuple[str, Callable[[re.Match[str], list[str]], QueryError]]

_RULES: tuple[_Rule, ...] = (
    (r"Table with name (.+?) does not exist", _missing_table),
    (r"(?:Catalog|Schema) with name (.+?) does not exist", _missing_schema),
    (r"(?:View|Table) with name \"?(.+?)\"? already exists", _exists),
    (r"Referenced column \"(.+?)\" (?:not found|was not found)", _missing_column),
    (r"does not have a column named \"(.+?)\"", _missing_column),
    (r"Referenced table \"(.+?)\" not found", _missing_column),
    (r"Ambiguous reference to (?:column|table) name \"(.+?)\"", _ambiguous),
    (
        r"(?:Scalar|Aggregate|Table|Scalar Macro) Function with name \"?(.+?)\"? does not",
        _missing_function,
    ),
    (r"column \"?(.+?)\"? must appear in the GROUP BY clause", _grouping),
    (r"More than one row returned by a subquery", _scalar_rows),
    (r"Could not cast value (-?[\d.]+) to DECIMAL\((\d+), ?(\d+)\)", _decimal_range),
    (r"Casting value \"?(-?[\d.]+)\"? to type DECIMAL\((\d+), ?(\d+)\) failed", _decimal_range),
    (r"Could not convert string ['\"](.*?)['\"] to ([A-Z0-9(), ]+)", _malformed),
    (
        r"invalid (?:date|timestamp) field format: \"(.*?)\"(.*)",
        lambda m, t: malformed(m[1], "DATE"),
    ),
    (
        r"(?:date|timestamp) field value out of range: \"(.*?)\"",
        lambda m, t: malformed(m[1], "TIMESTAMP"),
    ),
    (r"Type (\w+) with value (\S+) can't be cast .*?destination type (\w+)", _cast_overflow),
    (r"Overflow in|out of range|Overflow|too large", _overflow),
    (r"(Cannot compare values of type .*?)(?:\n|$| - )", _mismatch),
    (r"No function matches the given name and argument types '(.+?)'", _mismatch),
    (r"Parser Error: syntax error at or near \"(.+?)\"", _near),
)
