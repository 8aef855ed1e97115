# SPDX-License-Identifier: PostgreSQL
"""Conditions over `operands` that try a shippable function on every pair of values, told from its row in pg_proc.

A condition selects rows by k, so that several stand in one query, and the ids that come back say which one differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from operands import COPIES, KIND_OF, KINDS, SIZE

Connection = psycopg.Connection[tuple]

# What the planner accepts as a divisor: constants other than 0 and -1.
_DIVISORS = ("1", "2", "3", "7", "-2", "-7", "32767", "-32768")
_PATTERNS = (
    *(
        "",
        "%",
        "_",
        "__",
        "a",
        "a%",
        "%c",
        "a_c",
        "a\\_c",
        "a\\%c",
        "a\\\\c",
        "\\a%",
        "%\\\\%",
        "\\%",
        "_%_",
    ),
    *("%\u0301", "\U0001f600", "_x", "日_", "%\n%", "'", "%:p1%", "--", "\ud7ff", "A%", "% "),
)


@dataclass(frozen=True)
class Function:
    """A row of list_shippable_functions(), with what pg_proc and pg_operator say about it."""

    oid: int
    signature: str
    form: str
    arguments: tuple[str, ...]
    result: str
    operator: str | None


@dataclass(frozen=True)
class Condition:
    """A condition on rows of one k; the values in it may travel as constants or as parameters."""

    label: str
    template: str
    values: tuple[tuple[str, str | None], ...] = ()

    def with_constants(self) -> str:
        return self.template.format(*(constant(*value) for value in self.values))

    def with_parameters(self, first: int) -> str:
        return self.template.format(*(f"${first + n}" for n in range(len(self.values))))


def read_functions(connection: Connection) -> list[Function]:
    rows = connection.execute(
        "SELECT s.oid::int8, s.signature, s.databricks,"
        " ARRAY(SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY AS u (type, n)"
        "       JOIN pg_type t ON t.oid = u.type ORDER BY n),"
        " p.prorettype::regtype::text,"
        " (SELECT min(oprname) FROM pg_operator o WHERE o.oprcode::oid = s.oid)::text"
        " FROM lakehouse.list_shippable_functions() s JOIN pg_proc p USING (oid) ORDER BY s.oid"
    )
    return [Function(o, s, f, tuple(a), r, op) for o, s, f, a, r, op in rows]


def is_comparison(function: Function) -> bool:
    return function.result == "boolean" and function.operator in ("<", "<=", "=", "<>", ">=", ">")


def is_pattern(function: Function) -> bool:
    return function.operator in ("~~", "!~~")


def is_division(function: Function) -> bool:
    return function.operator in ("/", "%")


def is_arithmetic(function: Function) -> bool:
    return function.operator in ("+", "-", "*")


def is_cast(function: Function) -> bool:
    return function.operator is None and len(function.arguments) == 1


def by_columns(function: Function) -> Condition:
    """a OP b, both columns."""
    left, right = (f"{side}_{kind}" for side, kind in zip("ab", function.arguments, strict=True))
    return Condition(function.signature, f"{_compare(function, left, right)}")


def by_values(function: Function) -> Condition:
    """a OP value, for each value b can have, on the rows where b has it."""
    left, right = function.arguments
    kind = KIND_OF[right]
    terms = [
        f"(j = {n} AND {_compare(function, f'a_{left}', '{' + str(n) + '}')})"
        for n in range(kind.count)
    ]
    values = tuple((kind.postgres, value) for value in kind.values)
    return Condition(function.signature, f"({' OR '.join(terms)})", values)


def by_pattern(function: Function) -> Condition:
    """Patterns are constants, or not shipped at all."""
    terms = [
        f"(j = {n} AND a_text {_operator(function)} {constant('text', pattern)})"
        for n, pattern in enumerate(_PATTERNS[:SIZE])
    ]
    return Condition(function.signature, "(" + " OR ".join(terms).replace("{", "{{") + ")")


def by_results(connection: Connection, function: Function, copy: str) -> Condition:
    """For functions with other results than true and false: each row with the result PostgreSQL computes for it."""
    if is_cast(function):
        return _by_results(connection, function, copy, [(f"a_{function.arguments[0]}", "j = 0")])
    left, right = (f"{side}_{kind}" for side, kind in zip("ab", function.arguments, strict=True))
    if is_arithmetic(function):
        count = KIND_OF[function.arguments[1]].count
        pairs = [(f"({left} {_operator(function)} {right})", f"j = {n}") for n in range(count)]
    else:
        pairs = [
            (
                f"({left} {_operator(function)} {constant(KIND_OF[function.arguments[1]].postgres, d)})",
                f"j = {n}",
            )
            for n, d in enumerate(_DIVISORS)
        ]
    return _by_results(connection, function, copy, pairs)


def _by_results(
    connection: Connection, function: Function, copy: str, tries: list[tuple[str, str]]
) -> Condition:
    terms: list[str] = []
    values: list[tuple[str, str | None]] = []
    for tried, rows in tries:
        expression = f"{tried}::{function.result}" if is_cast(function) else tried
        results = connection.execute(
            f"SELECT i, ({expression})::text FROM {copy} WHERE k = 0 AND {rows}"
            f" AND i < {KIND_OF[function.arguments[0]].count} ORDER BY i".encode()
        )
        for i, result in results.fetchall():
            if result is None:
                terms.append(f"({rows} AND i = {i} AND {expression} IS NULL)")
                continue
            terms.append(f"({rows} AND i = {i} AND {expression} = {{{len(values)}}})")
            values.append((function.result, result))
    return Condition(function.signature, f"({' OR '.join(terms)})", tuple(values))


def on_char_and_varchar() -> Iterator[Condition]:
    """Remote CHAR is padded and compared without its blanks there, with them here."""
    for side, kind in (("a", "char"), ("a", "varchar")):
        for operator in ("=", "<>"):
            yield Condition(f"{kind} {operator} text", f"({side}_{kind} {operator} b_text)")
            terms = [f"(j = {n} AND a_{kind} {operator} {{{n}}})" for n in range(SIZE)]
            text = KIND_OF["text"]
            values = tuple(("text", text.values[n % text.count]) for n in range(SIZE))
            yield Condition(f"{kind} {operator} value", f"({' OR '.join(terms)})", values)


def in_lists() -> Iterator[Condition]:
    """IN and NOT IN, with and without a NULL in the list."""
    for kind in KINDS:
        if kind.name in ("char", "varchar"):
            continue
        chosen = [value for value in kind.values if value is not None][: kind.count // 2]
        for nulls in ((), (None,)):
            values = tuple((kind.postgres, value) for value in (*chosen, *nulls))
            marks = ", ".join(f"{{{n}}}" for n in range(len(values)))
            for word in ("IN", "NOT IN"):
                label = f"{kind.name} {word} with {len(nulls)} NULL"
                yield Condition(label, f"(a_{kind.name} {word} ({marks}))", values)


def batches(conditions: list[Condition]) -> Iterator[list[Condition]]:
    for start in range(0, len(conditions), COPIES):
        yield conditions[start : start + COPIES]


def _compare(function: Function, left: str, right: str) -> str:
    order = ' COLLATE "C"' if function.arguments[0] == "text" and function.operator != "=" else ""
    return f"({left}{order} {_operator(function)} {right})"


def _operator(function: Function) -> str:
    return f"OPERATOR(pg_catalog.{function.operator})"


def constant(postgres: str, value: str | None) -> str:
    if value is None:
        return f"NULL::{postgres}"
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'::{postgres}"
