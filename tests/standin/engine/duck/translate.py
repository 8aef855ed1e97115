# SPDX-License-Identifier: PostgreSQL
"""One Databricks statement as DuckDB SQL: parse, bind parameters, find tables, rewrite, print."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field, replace

import duckdb
import sqlglot
from data.model import quote
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from engine.contract import Parameter, Query, QueryError
from engine.duck import commands, errors, parameters
from engine.duck.casts import void
from engine.duck.names import output_name
from engine.duck.raw import Source, raw, sql_of
from engine.duck.rules import Context, rewrite
from engine.duck.scopes import TypeOracle, scopes, sources_of

INFORMATION_SCHEMA = "__information_schema"

_STATEMENTS = (
    exp.Query,
    exp.DDL,
    exp.DML,
    exp.Command,
    exp.Describe,
    exp.Use,
    exp.Set,
    exp.Show,
    exp.Drop,
    exp.Alter,
    exp.Comment,
    exp.TruncateTable,
)

_FIRST_WORDS = {"SELECT", "WITH", "VALUES", "FROM", "INSERT", "CREATE", "DROP", "ALTER", "("}

# sqlglot warns about statements it keeps as text; here that is decided, not a surprise.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


@dataclass
class Translation:
    """DuckDB SQL, and what is needed to word an error as Spark would."""

    sql: str
    returns_rows: bool
    table_names: list[str] = field(default_factory=list)
    is_plan: bool = False


def translate(query: Query, cursor: duckdb.DuckDBPyConnection) -> Translation:
    """Translate, or raise QueryError as Spark's parser and analyser would."""
    tree = _parse(query.statement)
    explained = commands.explained(tree)
    if explained is not None:
        plan = translate(replace(query, statement=explained), cursor)
        return Translation(f"EXPLAIN {plan.sql}", True, plan.table_names, is_plan=True)
    command = commands.rewrite(tree, query)
    if command is not None:
        return Translation(command, returns_rows=True)
    _name_outputs(tree)
    _bind(tree, query.parameters)
    table_names = _qualify_tables(tree, query)
    _table_functions(tree)
    _rewrite_expressions(tree, query, cursor)
    return Translation(sql_of(tree), isinstance(tree, exp.Query), table_names)


def _parse(statement: str) -> exp.Expression:
    try:
        trees = [tree for tree in sqlglot.parse(statement, read=Source) if tree is not None]
    except ParseError as error:
        near = error.errors[0].get("highlight") if error.errors else None
        if _first_word(statement).upper() not in _FIRST_WORDS:
            near = _first_word(statement)
        raise errors.syntax_error(f"'{near}'" if near else "end of input") from None
    except TokenError:
        raise errors.syntax_error("end of input") from None
    if not trees:
        raise errors.syntax_error("end of input")
    if len(trees) > 1:
        word = sql_of(trees[1]).split(" ")[0].lower()
        raise errors.syntax_error(f"'{word}': extra input '{word}'")
    tree = trees[0]
    if isinstance(tree, _STATEMENTS):
        return tree
    raise errors.syntax_error(f"'{_first_word(statement)}'")


def _first_word(statement: str) -> str:
    return re.split(r"[\s(]", statement.strip(), maxsplit=1)[0]


def _name_outputs(tree: exp.Expression) -> None:
    """Give unaliased result columns the names Spark would show."""
    query = tree
    while isinstance(query, (exp.SetOperation, exp.Subquery)):
        query = query.this
    if not isinstance(query, exp.Select):
        return
    for node in list(query.expressions):
        if isinstance(node, (exp.Star, exp.Alias, exp.Aliases)) or node.is_star:
            continue
        if isinstance(node, (exp.Column, exp.Explode, exp.Posexplode, exp.Inline)):
            continue
        if isinstance(node, exp.Null):
            node.replace(exp.alias_(void(), "NULL", quoted=True))
        else:
            node.replace(exp.alias_(node.copy(), output_name(node), quoted=True))


def _bind(tree: exp.Expression, given: tuple[Parameter, ...]) -> None:
    named = {parameter.name: parameter for parameter in given if parameter.name is not None}
    ordered = sorted((p for p in given if p.name is None), key=lambda p: p.ordinal or 0)
    marks = list(tree.find_all(exp.Placeholder, bfs=False))
    position = 0
    for mark in marks:
        name = mark.this
        if name:
            parameter = named.get(str(name))
        else:
            parameter = ordered[position] if position < len(ordered) else None
            position += 1
        if parameter is None:
            raise _unbound(str(name) if name else "?")
        mark.replace(raw(parameters.literal(parameter)))


def _unbound(name: str) -> QueryError:
    return QueryError(
        "UNBOUND_SQL_PARAMETER",
        "42P02",
        f"Found the unbound parameter: {name}. Please, fix `args` and provide a mapping of the "
        "parameter to either a SQL literal or collection constructor functions such as `map()`, "
        "`array()`, `struct()`.",
    )


def _qualify_tables(tree: exp.Expression, query: Query) -> list[str]:
    """Give every table its full name; return the names as written, for errors."""
    written = []
    for table in list(tree.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier) or _is_cte(table):
            continue
        parts = [part.name for part in table.parts]
        written.append(".".join(quote(part) for part in parts))
        catalog = parts[-3] if len(parts) > 2 else query.catalog
        schema = parts[-2] if len(parts) > 1 else query.schema
        if schema.lower() == "information_schema" and catalog.lower() in (query.catalog, "system"):
            catalog, schema = query.catalog, INFORMATION_SCHEMA
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True)))
        elif catalog.lower() != query.catalog.lower():
            raise errors.table_not_found(written[-1])
        table.set("catalog", exp.to_identifier(query.catalog, quoted=True))
        table.set("db", exp.to_identifier(schema, quoted=True))
        table.set("this", exp.to_identifier(parts[-1], quoted=True))
    return written


def _is_cte(table: exp.Table) -> bool:
    if table.args.get("db") is not None:
        return False
    node: exp.Expression | None = table
    name = table.name.lower()
    while node is not None:
        clause = node.args.get("with_")
        if clause is not None and any(cte.alias.lower() == name for cte in clause.expressions):
            return True
        node = node.parent
    return False


def _table_functions(tree: exp.Expression) -> None:
    """range() names its column id; VALUES names its columns col1, col2, …"""
    for table in list(tree.find_all(exp.Table)):
        call = table.this
        if isinstance(call, exp.Anonymous) and call.name.lower() == "range":
            arguments = ", ".join(sql_of(item) for item in call.expressions[:3])
            alias = table.alias or "range"
            columns = table.alias_column_names
            name = columns[0] if columns else "id"
            inner = f"(SELECT range AS {_quoted(name)} FROM range({arguments}))"
            table.replace(raw(f"{inner} AS {_quoted(alias)}"))
    for values in list(tree.find_all(exp.Values)):
        alias = values.args.get("alias")
        if alias is None or not alias.columns:
            width = len(values.expressions[0].expressions) if values.expressions else 0
            columns = [exp.to_identifier(f"col{n}") for n in range(1, width + 1)]
            name = alias.this if alias is not None else exp.to_identifier("__values")
            values.set("alias", exp.TableAlias(this=name, columns=columns))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _rewrite_expressions(
    tree: exp.Expression, query: Query, cursor: duckdb.DuckDBPyConnection
) -> None:
    """Apply the rules to every SELECT, inner ones first, operands before operators."""
    # DuckDB's own choice takes whole blocks of 2048 rows; Databricks decides row by row.
    for sample in tree.find_all(exp.TableSample):
        sample.set("method", exp.var("BERNOULLI"))
    oracle = TypeOracle(cursor)
    for scope in scopes(tree):
        context = Context(oracle, sources_of(scope), query.timezone, query.ansi)
        for node in reversed(list(scope.walk())):
            _apply(node, context)
    context = Context(oracle, ["SELECT \x00"], query.timezone, query.ansi)
    if not isinstance(tree, exp.Query):
        for node in reversed(list(tree.walk())):
            _apply(node, context)


def _apply(node: exp.Expression, context: Context) -> None:
    if node.parent is None:
        return
    replacement = rewrite(node, context)
    if replacement is not None:
        node.replace(replacement)
