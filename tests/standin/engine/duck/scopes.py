# SPDX-License-Identifier: PostgreSQL
"""Asks DuckDB itself what type an expression has inside a SELECT, so that rules can depend on it.

The question is `SELECT <expression> FROM <the select's own FROM>`, bound but never run.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from engine.duck.raw import sql_of
from engine.duck.types import DuckType, read


class TypeOracle:
    """Types of expressions, found through one cursor. None means: DuckDB could not say."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._known: dict[tuple[str, str], DuckType | None] = {}

    def type_of(self, node: exp.Expression, sources: list[str]) -> DuckType | None:
        """Try the select's own FROM first, then with the FROM of the queries around it."""
        expression = sql_of(node)
        for source in sources:
            found = self._ask(expression, source)
            if found is not None:
                return found
        return None

    def _ask(self, expression: str, source: str) -> DuckType | None:
        key = (expression, source)
        if key not in self._known:
            try:
                relation = self._cursor.sql(source.replace("\x00", expression))
                self._known[key] = read(relation.types[0])
            except duckdb.Error:
                self._known[key] = None
        return self._known[key]


def scopes(tree: exp.Expression) -> Iterator[Scope]:
    """Every SELECT of a statement, inner ones first."""
    queries = [tree] if isinstance(tree, exp.Query) else []
    if not queries:
        queries = [q for q in tree.find_all(exp.Query) if not q.find_ancestor(exp.Query)]
    for query in queries:
        yield from traverse_scope(query)


def sources_of(scope: Scope) -> list[str]:
    """Question templates, \\0 standing for the expression: own FROM, then with outer FROMs."""
    own = _from_of(scope.expression)
    prefix = _ctes_of(scope.expression)
    templates = [f"{prefix}SELECT \x00{' FROM ' + own if own else ''}"]
    if scope.parent is not None and isinstance(scope.parent.expression, exp.Select):
        outer = _from_of(scope.parent.expression)
        if outer and own:
            templates.append(f"{prefix}SELECT \x00 FROM {own}, {outer}")
        elif outer:
            templates.append(f"{prefix}SELECT \x00 FROM {outer}")
    return templates


def _from_of(select: exp.Expression) -> str:
    source = select.args.get("from_")
    if source is None:
        return ""
    parts = [sql_of(source.this)]
    for key in ("laterals", "joins"):
        parts.extend(sql_of(item) for item in select.args.get(key) or [])
    return " ".join(parts)


def _ctes_of(select: exp.Expression) -> str:
    """The WITH clauses in sight, outermost first, as one WITH."""
    found: list[str] = []
    recursive = False
    node: exp.Expression | None = select
    while node is not None:
        clause = node.args.get("with_")
        if clause is not None:
            recursive = recursive or bool(clause.args.get("recursive"))
            found = [sql_of(cte) for cte in clause.expressions] + found
        node = node.parent
    if not found:
        return ""
    return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(found)} "
