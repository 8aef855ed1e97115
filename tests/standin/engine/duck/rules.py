# SPDX-License-Identifier: PostgreSQL
"""Rewrites of single expressions whose meaning differs between Spark and DuckDB.

RULES maps a node's class to a function that returns the replacement, or None to leave it.
Operands are rewritten already when a rule runs; a rule asks for their types through `Context`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from engine.duck import casts, cells, numbers
from engine.duck.raw import raw, sql_of
from engine.duck.scopes import TypeOracle
from engine.duck.types import DuckType

Replacement = exp.Expression | None
_DATE_UNITS = {"YEAR", "YEARS", "MONTH", "MONTHS", "WEEK", "WEEKS", "DAY", "DAYS", "QUARTER"}


@dataclass(frozen=True)
class Context:
    """What a rule may know: types in the SELECT at hand, and the session."""

    oracle: TypeOracle
    sources: list[str]
    timezone: str
    ansi: bool

    def type_of(self, node: exp.Expression) -> DuckType | None:
        return self.oracle.type_of(node, self.sources)

    def operand_type(self, node: exp.Expression) -> DuckType | None:
        """The type in arithmetic: beside a decimal, an integer literal is as wide as written."""
        literal = node.this if isinstance(node, (exp.Neg, exp.Paren)) else node
        if isinstance(literal, exp.Literal) and not literal.is_string and literal.this.isdigit():
            return DuckType("literal integer", (), len(literal.this), 0)
        return self.type_of(node)


def rewrite(node: exp.Expression, context: Context) -> Replacement:
    """The replacement of one node, or None."""
    rule = RULES.get(type(node))
    return rule(node, context) if rule else None


def _divide(node: exp.Expression, context: Context) -> Replacement:
    left, right = context.operand_type(node.left), context.operand_type(node.right)
    a, b = sql_of(node.left), _divisor(node.right, context)
    if left and right and numbers.meets_as_decimal(left, right):
        return raw(numbers.quotient(a, b, left, right))
    return raw(f"(CAST({a} AS DOUBLE) / CAST({b} AS DOUBLE))")


def _integer_divide(node: exp.Expression, context: Context) -> Replacement:
    return raw(f"CAST(({sql_of(node.left)} // {_divisor(node.right, context)}) AS BIGINT)")


def _remainder(node: exp.Expression, context: Context) -> Replacement:
    left, right = context.operand_type(node.left), context.operand_type(node.right)
    check = "spark_zero_remainder" if context.ansi else "spark_null_zero"
    text = f"({sql_of(node.left)} % {check}({sql_of(node.right)}))"
    if left and right and numbers.meets_as_decimal(left, right):
        return raw(numbers.narrowed(text, "Mod", left, right))
    return raw(text)


def _divisor(node: exp.Expression, context: Context) -> str:
    return f"{'spark_zero' if context.ansi else 'spark_null_zero'}({sql_of(node)})"


def _arithmetic(node: exp.Expression, context: Context) -> Replacement:
    """+, - and *: the precision of decimals, and dates that must stay dates."""
    left, right = context.operand_type(node.left), context.operand_type(node.right)
    if left is None:
        return None
    text = sql_of(node)
    if isinstance(node.right, exp.Interval) and left.kind == "date":
        unit = node.right.text("unit").upper()
        return raw(f"CAST(({text}) AS DATE)") if unit in _DATE_UNITS else None
    # Beside an untyped NULL, Spark gives the NULL the other side's type.
    left, right = (right, right) if left.is_nothing else (left, right)
    right = left if right and right.is_nothing else right
    if left and right and numbers.meets_as_decimal(left, right):
        if isinstance(node, exp.Mul):
            text = numbers.product(sql_of(node.left), sql_of(node.right), left)
        return raw(numbers.narrowed(f"({text})", type(node).__name__, left, right))
    return None


def _sum(node: exp.Expression, context: Context) -> Replacement:
    inner = context.type_of(_argument(node))
    return raw(numbers.total(sql_of(node), inner)) if inner else None


def _average(node: exp.Expression, context: Context) -> Replacement:
    inner = context.type_of(_argument(node))
    if inner is None or inner.kind != "decimal":
        return None
    argument = sql_of(node.this)
    return raw(numbers.average(argument, inner))


def _argument(node: exp.Expression) -> exp.Expression:
    inner = node.this
    return inner.expressions[0] if isinstance(inner, exp.Distinct) else inner


def _cast(node: exp.Expression, context: Context) -> Replacement:
    source = context.type_of(node.this)
    strict = context.ansi and not isinstance(node, exp.TryCast)
    return raw(casts.cast(node.this, node.to, source, strict))


def _like(node: exp.Expression, _: Context) -> Replacement:
    if isinstance(node.parent, exp.Escape):
        return None
    return raw(f"({sql_of(node)} ESCAPE '\\')")


def _timezone(_: exp.Expression, context: Context) -> Replacement:
    return raw(cells.quote_text(context.timezone))


def _to_json(node: exp.Expression, context: Context) -> Replacement:
    inner = context.type_of(node.this)
    return raw(cells.to_json(f"({sql_of(node.this)})", inner)) if inner else None


def _substring(node: exp.Expression, context: Context) -> Replacement:
    inner = context.type_of(node.this)
    if inner is not None and inner.kind == "blob":
        return None
    length = node.args.get("length")
    size = sql_of(length) if length is not None else "2147483647"
    return raw(f"spark_substring({sql_of(node.this)}, {sql_of(node.args['start'])}, {size})")


def _round_to_whole(node: exp.Expression, context: Context) -> Replacement:
    inner = context.type_of(node.this)
    if inner is None or not inner.is_floating:
        return None
    return raw(f"CAST({sql_of(node)} AS BIGINT)")


def _round(node: exp.Expression, context: Context) -> Replacement:
    inner = context.operand_type(node.this)
    digits = node.args.get("decimals")
    places = digits.name if digits is not None else "0"
    if inner is None or inner.kind != "decimal" or not places.isdigit():
        return None
    return raw(numbers.rounded(sql_of(node), inner, int(places)))


def _join_text(node: exp.Expression, context: Context) -> Replacement:
    """Text beside an untyped NULL is NULL, but still of the type STRING."""
    inner = context.type_of(node)
    return raw(f"CAST({sql_of(node)} AS VARCHAR)") if inner and inner.is_nothing else None


def _length(node: exp.Expression, context: Context) -> Replacement:
    inner = context.type_of(node.this)
    if inner is not None and inner.kind == "blob":
        return raw(f"CAST(octet_length({sql_of(node.this)}) AS INTEGER)")
    return _as_int(node, context)


def _as_int(node: exp.Expression, _: Context) -> Replacement:
    """Spark says INT where DuckDB says BIGINT."""
    return raw(f"CAST({sql_of(node)} AS INTEGER)")


def _extract(node: exp.Expression, context: Context) -> Replacement:
    if node.this.name.upper() in ("SECOND", "SECONDS", "EPOCH"):
        return None
    return _as_int(node, context)


def _day_of_week(node: exp.Expression, _: Context) -> Replacement:
    return raw(f"CAST({sql_of(node)} + 1 AS INTEGER)")


def _as_date(node: exp.Expression, _: Context) -> Replacement:
    return raw(f"CAST({sql_of(node)} AS DATE)")


def _window(node: exp.Expression, context: Context) -> Replacement:
    ranks = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile)
    return _as_int(node, context) if isinstance(node.this, ranks) else None


def _interval(node: exp.Expression, _: Context) -> Replacement:
    if isinstance(node.parent, (exp.Add, exp.Sub, exp.DataType)):
        return None
    return raw(casts.interval_literal(node))


def _parse_json(node: exp.Expression, _: Context) -> Replacement:
    return raw(f"spark_variant({sql_of(node.this)})")


def _bracket(node: exp.Expression, context: Context) -> Replacement:
    inner = context.type_of(node.this)
    if inner is None or inner.kind != "list" or node.args.get("safe") or not context.ansi:
        return None
    index = sql_of(node.expressions[0])
    offset = node.args.get("offset")
    position = index if offset == 1 else f"({index}) + 1"
    return raw(f"spark_at({sql_of(node.this)}, {position}, {index})")


def _literal(node: exp.Expression, _: Context) -> Replacement:
    """An exact literal is as wide as written: 0.4 is DECIMAL(1,1)."""
    text = str(node.this)
    exact = not node.is_string and "." in text and "e" not in text.lower()
    if not exact or isinstance(node.parent, (exp.TableSample, exp.DataTypeParam, exp.Interval)):
        return None
    whole, _, fraction = text.partition(".")
    digits = (whole + fraction).lstrip("0")
    precision = max(len(digits), len(fraction), 1)
    if precision > numbers.MAX_PRECISION:
        return None
    return raw(f"CAST('{whole or '0'}.{fraction}' AS DECIMAL({precision}, {len(fraction)}))")


def _named(node: exp.Expression, context: Context) -> Replacement:
    rule = _NAMED.get(node.name.lower())
    return rule(node, context) if rule else None


def _renamed(name: str) -> Callable[[exp.Expression, Context], Replacement]:
    def rule(node: exp.Expression, _: Context) -> Replacement:
        return raw(f"{name}({', '.join(sql_of(item) for item in node.expressions)})")

    return rule


def _raise_error(node: exp.Expression, _: Context) -> Replacement:
    text = sql_of(node.expressions[0])
    prefix, state = "'[USER_RAISED_EXCEPTION] '", "' SQLSTATE: P0001'"
    return raw(f"error({prefix} || CAST({text} AS VARCHAR) || {state})")


def _weekday(node: exp.Expression, _: Context) -> Replacement:
    return raw(f"CAST(isodow({sql_of(node.expressions[0])}) - 1 AS INTEGER)")


_NAMED: dict[str, Callable[[exp.Expression, Context], Replacement]] = {
    "raise_error": _raise_error,
    "weekday": _weekday,
    "timestamp_micros": _renamed("make_timestamptz"),
    "timestamp_seconds": _renamed("to_timestamp"),
    "cardinality": _renamed("len"),
    "isnull": lambda node, _: raw(f"({sql_of(node.expressions[0])} IS NULL)"),
    "isnotnull": lambda node, _: raw(f"({sql_of(node.expressions[0])} IS NOT NULL)"),
    "bround": _renamed("round_even"),
}

RULES: dict[type[exp.Expression], Callable[[exp.Expression, Context], Replacement]] = {
    exp.Div: _divide,
    exp.IntDiv: _integer_divide,
    exp.Mod: _remainder,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Mul: _arithmetic,
    exp.Sum: _sum,
    exp.Avg: _average,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Like: _like,
    exp.ILike: _like,
    exp.CurrentTimezone: _timezone,
    exp.JSONFormat: _to_json,
    exp.Substring: _substring,
    exp.Ceil: _round_to_whole,
    exp.Floor: _round_to_whole,
    exp.Round: _round,
    exp.DPipe: _join_text,
    exp.Concat: _join_text,
    exp.Length: _length,
    exp.StrPosition: _as_int,
    exp.DateDiff: _as_int,
    exp.ArraySize: _as_int,
    exp.Ascii: _as_int,
    exp.Year: _as_int,
    exp.Quarter: _as_int,
    exp.Month: _as_int,
    exp.Day: _as_int,
    exp.DayOfMonth: _as_int,
    exp.DayOfYear: _as_int,
    exp.WeekOfYear: _as_int,
    exp.Hour: _as_int,
    exp.Minute: _as_int,
    exp.Second: _as_int,
    exp.Extract: _extract,
    exp.DayOfWeek: _day_of_week,
    exp.AddMonths: _as_date,
    exp.TsOrDsAdd: _as_date,
    exp.Window: _window,
    exp.Interval: _interval,
    exp.ParseJSON: _parse_json,
    exp.Bracket: _bracket,
    exp.Literal: _literal,
    exp.Anonymous: _named,
}
