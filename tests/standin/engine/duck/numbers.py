# SPDX-License-Identifier: PostgreSQL
"""Spark's arithmetic on exact numbers: result precision, exact division, sums and averages.

The formulas are those of Spark's DecimalPrecision with precision loss allowed.
"""

from __future__ import annotations

from engine.duck.types import DuckType

MAX_PRECISION = 38
# Spark keeps at least this many fraction digits when a precision above 38 must be cut.
MIN_ADJUSTED_SCALE = 6


def meets_as_decimal(left: DuckType, right: DuckType) -> bool:
    """Whether the operands are calculated as decimals."""
    exact = left.is_exact_number and right.is_exact_number
    return exact and "decimal" in (left.kind, right.kind)


def narrowed(sql: str, operation: str, left: DuckType, right: DuckType) -> str:
    """Cast a sum, difference, product or remainder to the type Spark gives it."""
    (p1, s1), (p2, s2) = left.as_decimal(), right.as_decimal()
    if operation == "Mul":
        precision, scale = adjusted(p1 + p2 + 1, s1 + s2)
    elif operation == "Mod":
        scale = max(s1, s2)
        precision, scale = adjusted(min(p1 - s1, p2 - s2) + scale, scale)
    else:
        scale = max(s1, s2)
        precision, scale = adjusted(max(p1 - s1, p2 - s2) + scale + 1, scale)
    return f"CAST({sql} AS DECIMAL({precision}, {scale}))"


def product(a: str, b: str, left: DuckType) -> str:
    """Multiply in 38 digits: DuckDB keeps to 18, and overflows, while neither side is declared wider."""
    precision, scale = left.as_decimal()
    return f"CAST({a} AS DECIMAL({max(precision, 19)}, {scale})) * {b}"


def quotient(a: str, b: str, left: DuckType, right: DuckType) -> str:
    """Divide exactly, rounding half up, by way of integers; DuckDB would go through DOUBLE."""
    (p1, s1), (p2, s2) = left.as_decimal(), right.as_decimal()
    wide = max(MIN_ADJUSTED_SCALE, s1 + p2 + 1)
    precision, scale = adjusted(p1 - s1 + s2 + wide, wide)
    shift = scale + s2 - s1
    top = f"{_unscaled(a, s1)} * {_power(max(shift, 0))}"
    bottom = f"{_unscaled(b, s2)} * {_power(max(-shift, 0))}"
    return _scaled(f"spark_quotient({top}, {bottom})", precision, scale)


def rounded(sql: str, inner: DuckType, places: int) -> str:
    """ROUND of a decimal keeps one more whole digit, for the carry."""
    precision, scale = inner.as_decimal()
    kept = min(scale, places)
    whole = min(MAX_PRECISION, precision - scale + 1 + kept)
    return f"CAST({sql} AS DECIMAL({whole}, {kept}))"


def total(sql: str, inner: DuckType) -> str:
    """SUM: BIGINT over integers (an overflow is an error), ten more digits over decimals."""
    if inner.kind == "decimal":
        precision = min(MAX_PRECISION, (inner.precision or 0) + 10)
        return f"CAST({sql} AS DECIMAL({precision}, {inner.scale}))"
    return f"CAST({sql} AS BIGINT)" if inner.is_integer else sql


def average(argument: str, inner: DuckType) -> str:
    """AVG over decimals is an exact quotient with four more fraction digits."""
    precision, scale = adjusted((inner.precision or 0) + 4, (inner.scale or 0) + 4)
    top = (
        f"{_unscaled(f'sum({argument})', inner.scale or 0)} * {_power(scale - (inner.scale or 0))}"
    )
    bottom = f"CAST(nullif(count({argument}), 0) AS HUGEINT)"
    return _scaled(f"spark_quotient({top}, {bottom})", precision, scale)


def adjusted(precision: int, scale: int) -> tuple[int, int]:
    """Fit a precision above 38 by giving up fraction digits, but never below six of them."""
    if precision <= MAX_PRECISION:
        return precision, scale
    digits = precision - scale
    return MAX_PRECISION, max(MAX_PRECISION - digits, min(scale, MIN_ADJUSTED_SCALE))


def _unscaled(sql: str, scale: int) -> str:
    """A decimal's digits as an integer."""
    text = f"CAST(CAST({sql} AS DECIMAL({MAX_PRECISION}, {scale})) AS VARCHAR)"
    return f"CAST(replace({text}, '.', '') AS HUGEINT)"


def _scaled(digits: str, precision: int, scale: int) -> str:
    whole = f"CAST({digits} AS DECIMAL({MAX_PRECISION}, 0))"
    if scale == 0:
        return f"CAST({whole} AS DECIMAL({precision}, 0))"
    unit = f"CAST('0.{'1'.zfill(scale)}' AS DECIMAL({scale}, {scale}))"
    return f"CAST(({whole} * {unit}) AS DECIMAL({precision}, {scale}))"


def _power(exponent: int) -> str:
    return f"CAST('1{'0' * exponent}' AS HUGEINT)"
