# SPDX-License-Identifier: PostgreSQL
"""Parameter values as DuckDB literals, checked against their type as Spark's CAST would.

The value reaches SQL only as a quoted literal made here.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext

from engine.contract import Parameter, QueryError
from engine.duck import errors
from engine.duck.cells import quote_text

_INTEGERS = {
    "TINYINT": (8, "TINYINT"),
    "BYTE": (8, "TINYINT"),
    "SMALLINT": (16, "SMALLINT"),
    "SHORT": (16, "SMALLINT"),
    "INT": (32, "INTEGER"),
    "INTEGER": (32, "INTEGER"),
    "BIGINT": (64, "BIGINT"),
    "LONG": (64, "BIGINT"),
}
_TRUE = {"t", "true", "y", "yes", "1"}
_FALSE = {"f", "false", "n", "no", "0"}
_FLOATS = {"FLOAT": "FLOAT", "REAL": "FLOAT", "DOUBLE": "DOUBLE"}
_MOMENTS = {
    "TIMESTAMP": "TIMESTAMPTZ",
    "TIMESTAMP_LTZ": "TIMESTAMPTZ",
    "TIMESTAMP_NTZ": "TIMESTAMP",
}
_SPECIAL = re.compile(r"[+-]?(nan|inf(inity)?)", re.IGNORECASE)
_DATE = re.compile(r"([+-]?\d{4,7})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T].*)?)?)?")


def literal(parameter: Parameter) -> str:
    """DuckDB SQL of the parameter's value."""
    kind = parameter.type.strip().upper()
    if parameter.value is None:
        return _null(kind)
    return _typed(kind, parameter.value)


def _typed(kind: str, value: str) -> str:
    base = kind.split("(", maxsplit=1)[0].strip()
    if base in _INTEGERS:
        return _integer(value, *_INTEGERS[base])
    if base in ("DECIMAL", "DEC", "NUMERIC"):
        return _decimal(value, *_decimal_size(kind))
    if base in _FLOATS:
        return _floating(value, _FLOATS[base])
    if base == "BOOLEAN":
        return _boolean(value)
    if base == "DATE":
        return _date(value)
    if base in _MOMENTS:
        return f"CAST({string(value.strip())} AS {_MOMENTS[base]})"
    if base == "BINARY":
        return f"unhex('{value.encode().hex()}')"
    if base in ("STRING", "CHAR", "VARCHAR"):
        return string(value)
    if base == "VOID":
        return "CAST(NULL AS ENUM('__void'))"
    raise _unsupported(kind)


def _null(kind: str) -> str:
    base = kind.split("(", maxsplit=1)[0].strip()
    if base in _INTEGERS:
        return f"CAST(NULL AS {_INTEGERS[base][1]})"
    if base in ("DECIMAL", "DEC", "NUMERIC"):
        return "CAST(NULL AS DECIMAL({}, {}))".format(*_decimal_size(kind))
    native = {**_FLOATS, **_MOMENTS, "BOOLEAN": "BOOLEAN", "DATE": "DATE", "BINARY": "BLOB"}
    if base in native:
        return f"CAST(NULL AS {native[base]})"
    if base in ("STRING", "CHAR", "VARCHAR"):
        return "CAST(NULL AS VARCHAR)"
    return _typed(kind, "")


def string(value: str) -> str:
    """A text literal; NUL can't stand in DuckDB's SQL text, so it is put together around it."""
    if "\0" not in value:
        return quote_text(value)
    return "(" + " || chr(0) || ".join(quote_text(part) for part in value.split("\0")) + ")"


def _integer(value: str, bits: int, target: str) -> str:
    name = "INT" if target == "INTEGER" else target
    if not re.fullmatch(r"[+-]?[0-9]+", value.strip()):
        raise errors.malformed(value, name)
    number = int(value.strip())
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise errors.malformed(value, name)
    return f"CAST('{number}' AS {target})"


def _decimal_size(kind: str) -> tuple[int, int]:
    inside = re.search(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", kind)
    if not inside:
        return 10, 0
    return int(inside.group(1)), int(inside.group(2) or 0)


def _decimal(value: str, precision: int, scale: int) -> str:
    with localcontext() as context:
        context.prec = 100
        try:
            number = Decimal(value.strip())
            rounded = number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
        except InvalidOperation:
            raise errors.malformed(value, f"DECIMAL({precision},{scale})") from None
    if not rounded.is_finite() or len(rounded.as_tuple().digits) > precision:
        raise errors.out_of_range(value, str(precision), str(scale))
    return f"CAST('{rounded:f}' AS DECIMAL({precision}, {scale}))"


def _floating(value: str, target: str) -> str:
    text = value.strip()
    if not _SPECIAL.fullmatch(text):
        text = text[:-1] if text[-1:] in "dDfF" and text[:1] not in "iInN" else text
        try:
            float(text)
        except ValueError:
            raise errors.malformed(value, target) from None
    return f"CAST({string(text)} AS {target})"


def _boolean(value: str) -> str:
    word = value.strip().lower()
    if word in _TRUE | _FALSE:
        return "TRUE" if word in _TRUE else "FALSE"
    raise errors.malformed(value, "BOOLEAN")


def _date(value: str) -> str:
    match = _DATE.fullmatch(value.strip())
    if not match:
        raise errors.malformed(value, "DATE")
    year, month, day = (int(part or 1) for part in match.groups())
    try:
        dt.date(2000 + year % 400, month, day)
    except ValueError:
        raise errors.malformed(value, "DATE") from None
    return f"CAST('{date_text(year, month, day)}' AS DATE)"


def date_text(year: int, month: int, day: int) -> str:
    """DuckDB reads a negative year with its sign in front, as Spark counts it."""
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{day:02d}"


def _unsupported(kind: str) -> QueryError:
    return QueryError(
        "UNSUPPORTED_PARAMETER_TYPE", "42K09", f"A parameter cannot be of the type {kind}."
    )
