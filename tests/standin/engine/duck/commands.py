# SPDX-License-Identifier: PostgreSQL
"""SHOW, DESCRIBE, USE and SET: answered from information_schema, in Databricks' columns."""

from __future__ import annotations

import re

from sqlglot import exp

from engine.contract import Query, QueryError
from engine.duck import errors
from engine.duck.cells import quote_text

_NAME = r"(?:`(?:[^`]|``)+`|[\w.-]+)"
_PATH = rf"({_NAME}(?:\s*\.\s*{_NAME})*)"
_LIKE = r"(?:\s+(?:LIKE\s+)?'((?:[^'\\]|\\.|'')*)')?"


def rewrite(tree: exp.Expression, query: Query) -> str | None:
    """DuckDB SQL that answers a command, or None when the statement is none."""
    if isinstance(tree, exp.Use):
        return "SELECT 1 WHERE FALSE"
    if not isinstance(tree, (exp.Command, exp.Describe, exp.Show, exp.Set)):
        return None
    text = query.statement.strip().rstrip(";").strip()
    for pattern, answer in _COMMANDS:
        match = re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL)
        if match:
            return answer(match, query)
    raise errors.syntax_error(f"'{text.split()[0]}'")


def explained(tree: exp.Expression) -> str | None:
    """The statement that an EXPLAIN asks about."""
    if not isinstance(tree, exp.Command) or str(tree.this).upper() != "EXPLAIN":
        return None
    text = str(
        tree.expression.this if isinstance(tree.expression, exp.Literal) else tree.expression
    )
    return re.sub(r"^\s*(EXTENDED|CODEGEN|COST|FORMATTED)\s", "", text, flags=re.IGNORECASE)


def _parts(path: str | None) -> list[str]:
    found = re.findall(_NAME, path or "")
    plain = [p[1:-1].replace("``", "`") if p.startswith("`") else p for p in found]
    return [
        q for p, f in zip(plain, found, strict=True) for q in ([p] if f[0] == "`" else p.split("."))
    ]


def _matches(column: str, pattern: str | None) -> str:
    """SHOW … LIKE: * is any text, | separates choices; case does not matter."""
    if pattern is None:
        return "TRUE"
    expression = pattern.replace("\\'", "'").replace("\\\\", "\\").replace("%", "*")
    expression = "|".join(re.escape(p).replace("\\*", ".*") for p in expression.split("|"))
    return f"regexp_full_match(lower({column}), {quote_text(expression.lower())})"


def _catalogs(match: re.Match[str], query: Query) -> str:
    return (
        f"SELECT catalog FROM (VALUES ({quote_text(query.catalog)}), ('system')) AS t(catalog)"
        f" WHERE {_matches('catalog', match.group(1))}"
    )


def _information(query: Query, name: str) -> str:
    return f'"{query.catalog}"."__information_schema"."{name}"'


def _schemas(match: re.Match[str], query: Query) -> str:
    _require_catalog(_parts(match.group(1))[:1], query)
    return (
        f'SELECT schema_name AS "databaseName" FROM {_information(query, "schemata")}'
        f" WHERE {_matches('schema_name', match.group(2))} ORDER BY schema_name"
    )


def _tables(match: re.Match[str], query: Query) -> str:
    """Databricks lists a whole catalog with more columns than one schema; clients count on both."""
    path = _parts(match.group("path"))
    whole = bool(match.group("catalog"))
    schema_like = match.group("schema_like")
    if not whole and len(path) == 2:
        _require_catalog(path[:1], query)
    conditions = [
        _matches("table_name", match.group("like")),
        _matches("table_schema", schema_like),
    ]
    if not whole:
        conditions.append(
            f"lower(table_schema) = lower({quote_text((path or [query.schema])[-1])})"
        )
    return (
        'SELECT table_schema AS namespace, table_name AS "tableName", FALSE AS "isTemporary",'
        ' NULL::VARCHAR AS information, table_catalog AS "catalogName",'
        " CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS \"tableType\","
        f" comment AS remarks FROM {_information(query, 'tables')}"
        f" WHERE {' AND '.join(conditions)} ORDER BY 1, 2"
    )


def _columns(match: re.Match[str], query: Query) -> str:
    _require_catalog(_parts(match.group("path")), query)
    conditions = [
        _matches("table_schema", match.group("schema_like")),
        _matches("table_name", match.group("table_like")),
        _matches("column_name", match.group("like")),
    ]
    return (
        'SELECT column_name AS "col_name", table_catalog AS "catalogName",'
        ' table_schema AS namespace, table_name AS "tableName",'
        ' upper(full_data_type) AS "columnType", ordinal_position AS "ordinalPosition",'
        ' is_nullable AS "isNullable", comment AS remarks'
        f" FROM {_information(query, 'columns')}"
        f" WHERE {' AND '.join(conditions)} ORDER BY 3, 4, 6"
    )


def _describe(match: re.Match[str], query: Query) -> str:
    parts = _parts(match.group(1))
    schema = parts[-2] if len(parts) > 1 else query.schema
    where = (
        f"lower(table_schema) = lower({quote_text(schema)})"
        f" AND lower(table_name) = lower({quote_text(parts[-1])})"
    )
    source = _information(query, "columns")
    missing = str(errors.table_not_found(match.group(1)).message)
    return (
        f"SELECT col_name, data_type, comment FROM (SELECT column_name AS col_name,"
        f" full_data_type AS data_type, comment, ordinal_position FROM {source} WHERE {where}"
        f" UNION ALL SELECT error({quote_text(missing)}), NULL, NULL, 0"
        f" WHERE NOT EXISTS (SELECT 1 FROM {source} WHERE {where})) ORDER BY ordinal_position"
    )


def _set(_match: re.Match[str], _query: Query) -> str:
    return "SELECT 1 WHERE FALSE"


def _require_catalog(path: list[str], query: Query) -> None:
    if path and path[0].lower() not in (query.catalog.lower(), "system"):
        raise QueryError(
            "NO_SUCH_CATALOG_EXCEPTION", "42704", f"Catalog '{path[0]}' was not found."
        )


_SCHEMA_LIKE = r"(?:\s+SCHEMA\s+LIKE\s+'(?P<schema_like>[^']*)')?"
_TABLE_LIKE = r"(?:\s+TABLE\s+LIKE\s+'(?P<table_like>[^']*)')?"
_LAST_LIKE = r"(?:\s+LIKE\s+'(?P<like>[^']*)')?"

_COMMANDS = (
    (rf"SHOW\s+CATALOGS{_LIKE}", _catalogs),
    (rf"SHOW\s+(?:SCHEMAS|DATABASES)(?:\s+(?:IN|FROM)\s+{_PATH})?{_LIKE}", _schemas),
    (
        rf"SHOW\s+TABLES(?:\s+(?:IN|FROM)\s+(?:(?P<catalog>CATALOG\s+|ALL\s+CATALOGS))?"
        rf"(?P<path>{_PATH[1:-1]})?)?{_SCHEMA_LIKE}{_LAST_LIKE}",
        _tables,
    ),
    (
        rf"SHOW\s+COLUMNS\s+IN\s+CATALOG\s+(?P<path>{_PATH[1:-1]})"
        rf"{_SCHEMA_LIKE}{_TABLE_LIKE}{_LAST_LIKE}",
        _columns,
    ),
    (rf"DESC(?:RIBE)?\s+(?:TABLE\s+)?(?:EXTENDED\s+)?{_PATH}", _describe),
    (r"SET\s+.*", _set),
)
