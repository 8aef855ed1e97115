# SPDX-License-Identifier: PostgreSQL
"""Spark's names for result columns that have no alias: count(1), (a + 1), CAST(a AS INT)."""

from __future__ import annotations

from sqlglot import exp


def output_name(node: exp.Expression) -> str:
    """The name Spark would show for a projection."""
    if isinstance(node, exp.Alias):
        return node.alias
    return _pretty(node)


def _pretty(node: exp.Expression) -> str:
    if isinstance(node, (exp.Column, exp.Dot)):
        return node.name
    if isinstance(node, exp.Literal):
        return str(node.this)
    if isinstance(node, exp.Paren):
        return _pretty(node.this)
    if isinstance(node, (exp.Connector, exp.Binary)) and not isinstance(node, exp.Dot):
        left, right = _pretty(node.left), _pretty(node.right)
        operator = _operator(node)
        return f"({left} {operator} {right})"
    if isinstance(node, exp.Cast):
        target = node.to.sql("databricks")
        return f"CAST({_pretty(node.this)} AS {target})"
    if isinstance(node, exp.Func) and not isinstance(node, exp.Case):
        return _call(node)
    return node.sql("databricks", comments=False)


def _operator(node: exp.Expression) -> str:
    symbols = {exp.NullSafeEQ: "<=>", exp.Mod: "%", exp.IntDiv: "div", exp.DPipe: "||"}
    for kind, symbol in symbols.items():
        if isinstance(node, kind):
            return symbol
    bare = type(node)(this=exp.column("a"), expression=exp.column("b")).sql("databricks")
    return bare.removeprefix("a ").removesuffix(" b")


def _call(node: exp.Func) -> str:
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
        return "count(1)"
    return node.sql("databricks", comments=False, normalize_functions="lower")
