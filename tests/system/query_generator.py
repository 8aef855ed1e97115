# SPDX-License-Identifier: PostgreSQL
"""Draws queries of WHERE, ORDER BY, LIMIT and OFFSET over described tables, from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_TRUTHS = ("TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN")
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_PATTERNS = (
    *(
        "%a%",
        "_%",
        "%\\%%",
        "%\\_%",
        "a\\bc%",
        "%e_",
        "%\\\\%",
        "",
        "%",
        "%quote '%",
        "%\U0001f469%",
        "Clerk#00000001_",
    ),
    *("%special%requests%", "t__m", "%:name%", "\\N", "\\\\N", "%\\"),
)
_LISTS = ("plain", "with a NULL", "only NULL", "empty")


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # as PostgreSQL names it
    values: tuple[str, ...]  # texts worth comparing with


@dataclass(frozen=True)
class Table:
    name: str
    key: str  # columns, by comma, that order it totally
    anchor: str  # a condition that keeps the result small; empty: it is small
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Query:
    """`text` has $1, $2 … for `values`, each (type, constant)."""

    text: str
    values: tuple[tuple[str, str], ...]
    is_ordered: bool

    def with_constants(self) -> str:
        text = self.text
        for number in range(len(self.values), 0, -1):
            text = text.replace(f"${number}", self.values[number - 1][1])
        return text

    def prepare(self, name: str) -> str:
        types = ", ".join(kind for kind, _ in self.values)
        return f"PREPARE {name}{f' ({types})' if types else ''} AS {self.text}"

    def execute(self, name: str) -> str:
        constants = ", ".join(constant for _, constant in self.values)
        return f"EXECUTE {name}{f' ({constants})' if constants else ''}"


class Generator:
    def __init__(self, seed: int, tables: Sequence[Table]) -> None:
        self._draw = random.Random(seed)
        self._tables = tables
        self._values: list[tuple[str, str]] = []

    def query(self) -> Query:
        """One condition that may raise stands alone: in which order others are tried is nobody's promise."""
        draw, table = self._draw, self._draw.choice(self._tables)
        self._values = []
        may_raise = draw.random() < 0.08
        where = self._raising(table) if may_raise else self._condition(table, draw.randint(0, 3))
        if table.anchor:
            where = f"{table.anchor} AND ({where})"
        names = ", ".join(column.name for column in table.columns)
        text = f"SELECT {names} FROM {table.name} WHERE {where}"
        order = draw.random()
        if may_raise or order < 0.4:
            return Query(text, tuple(self._values), False)
        text += f" ORDER BY {self._order(table)}"
        if order > 0.6:
            text += f" LIMIT {draw.choice((0, 1, 3, 10, 100))}"
            text += f" OFFSET {draw.choice((1, 5, 1000))}" if draw.random() < 0.4 else ""
        return Query(text, tuple(self._values), True)

    def _order(self, table: Table) -> str:
        keys = []
        for column in self._draw.sample(table.columns, self._draw.randint(0, 2)):
            collation = self._draw.choice(('COLLATE "C"', "", 'COLLATE "en-x-icu"'))
            keys.append(
                f"{column.name} {collation if column.type == 'text' else ''}"
                f" {self._draw.choice(('ASC', 'DESC'))}"
                f" {self._draw.choice(('NULLS FIRST', 'NULLS LAST', ''))}"
            )
        return ", ".join([*keys, table.key])

    def _condition(self, table: Table, depth: int) -> str:
        draw = self._draw
        if depth == 0:
            return self._leaf(table)
        kind = draw.choice(("AND", "OR", "NOT", "TRUTH"))
        if kind == "NOT":
            return f"NOT ({self._condition(table, depth - 1)})"
        if kind == "TRUTH":
            return f"({self._condition(table, depth - 1)}) IS {draw.choice(_TRUTHS)}"
        parts = [self._condition(table, depth - 1) for _ in range(draw.randint(2, 3))]
        return f" {kind} ".join(f"({part})" for part in parts)

    def _leaf(self, table: Table) -> str:
        column = self._draw.choice(table.columns)
        kinds = [self._compare, self._between, self._list, self._null_test, self._compare_columns]
        if column.type == "text":
            kinds += [self._like, self._collated, self._like]
        if column.type == "boolean":
            kinds += [self._truth, self._truth]
        if column.type in _NUMBERS:
            kinds += [self._calculated, self._cast]
        return self._draw.choice(kinds)(table, column)

    def _constant(self, column: Column) -> str:
        if self._draw.random() < 0.05:
            return f"NULL::{column.type}"
        return f"{_quote(self._draw.choice(column.values))}::{column.type}"

    def _given(self, column: Column) -> str:
        """A value: a constant in the text, or a parameter."""
        return self._late(column.type, self._constant(column))

    def _late(self, kind: str, constant: str) -> str:
        if self._draw.random() < 0.5:
            return constant
        self._values.append((kind, constant))
        return f"${len(self._values)}"

    def _compare(self, _table: Table, column: Column) -> str:
        return f"{column.name} {self._draw.choice(_COMPARISONS)} {self._given(column)}"

    def _between(self, _table: Table, column: Column) -> str:
        word = self._draw.choice(("BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC"))
        return f"{column.name} {word} {self._given(column)} AND {self._given(column)}"

    def _list(self, _table: Table, column: Column) -> str:
        kind = self._draw.choice(_LISTS)
        items = [] if kind in ("only NULL", "empty") else [self._constant(column) for _ in range(3)]
        items += ["NULL"] if "NULL" in kind else []
        array = self._late(f"{column.type}[]", f"ARRAY[{', '.join(items)}]::{column.type}[]")
        return f"{column.name} {self._draw.choice(('= ANY', '<> ALL', '= ALL', '<> ANY', '< ANY'))} ({array})"

    def _null_test(self, _table: Table, column: Column) -> str:
        return f"{column.name} IS {self._draw.choice(('NULL', 'NOT NULL'))}"

    def _compare_columns(self, table: Table, column: Column) -> str:
        alike = [other for other in table.columns if other.type == column.type]
        word = self._draw.choice((*_COMPARISONS, "IS DISTINCT FROM"))
        return f"{column.name} {word} {self._draw.choice(alike).name}"

    def _like(self, _table: Table, column: Column) -> str:
        word = self._draw.choice(("LIKE", "NOT LIKE", "ILIKE"))
        patterns = [p for p in _PATTERNS if not p.endswith("%\\")]
        return f"{column.name} {word} {self._late('text', _quote(self._draw.choice(patterns)))}"

    def _collated(self, _table: Table, column: Column) -> str:
        collation = self._draw.choice(('"C"', '"POSIX"', '"en-x-icu"'))
        return f"{column.name} COLLATE {collation} {self._draw.choice(_COMPARISONS)} {self._given(column)}"

    def _truth(self, _table: Table, column: Column) -> str:
        return self._draw.choice(
            (column.name, f"NOT {column.name}", f"{column.name} IS {self._draw.choice(_TRUTHS)}")
        )

    def _calculated(self, _table: Table, column: Column) -> str:
        """Nothing here overflows: divisors are not 0, products stay small or numeric."""
        if column.type in ("smallint", "integer", "bigint"):
            term = (
                f"{column.name} {self._draw.choice(('/', '%'))} {self._draw.choice((2, 3, 7, -5))}"
            )
        elif column.type == "numeric":
            term = f"{column.name} {self._draw.choice(('+', '-', '*'))} {self._draw.choice(('1.5', '0.001', '7'))}"
        else:
            term = f"abs({column.name})"
        return f"({term}) {self._draw.choice(_COMPARISONS)} {self._draw.choice(('0', '1', '-3', '100'))}"

    def _cast(self, _table: Table, column: Column) -> str:
        wider = {
            "smallint": ("integer", "bigint", "numeric", "double precision"),
            "integer": ("bigint", "numeric", "double precision"),
            "bigint": ("numeric", "double precision"),
            "real": ("double precision",),
        }
        target = self._draw.choice(wider.get(column.type, ("text",)))
        value = f"'{self._draw.choice(('0', '1', '-7', '32767'))}'::{target}"
        return f"{column.name}::{target} {self._draw.choice(('=', '<>'))} {value}"

    def _raising(self, table: Table) -> str:
        numbers = [c for c in table.columns if c.type in ("smallint", "integer", "bigint")]
        column = self._draw.choice(numbers).name
        return self._draw.choice(
            (
                f"10 / ({column} - {column}) = 1",
                f"{column} + 9223372036854775807 > 0",
                f"{column} % 0 = 1",
                f"{column}::smallint = 1",
            )
        )


def _quote(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
