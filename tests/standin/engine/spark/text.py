# SPDX-License-Identifier: PostgreSQL
"""The two edits a statement needs before Spark sees it; every other character stays as it was.

The catalog's name is cut from table names, because Spark's own catalog has another name; and a
parameter marker is wrapped in a CAST to the parameter's type, so that Spark itself checks it.
"""

from __future__ import annotations

import sqlglot
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

from engine.contract import Parameter, QueryError

_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)


def prepare(
    statement: str, catalog: str, parameters: tuple[Parameter, ...]
) -> tuple[str, dict[str, str | None] | list[str | None] | None]:
    """Return the text for Spark and its `args`."""
    try:
        tokens = sqlglot.tokenize(statement, read="databricks")
    except TokenError:
        raise QueryError(
            "PARSE_SYNTAX_ERROR", "42601", "Syntax error at or near end of input."
        ) from None
    named = {p.name: p for p in parameters if p.name is not None}
    ordered = sorted((p for p in parameters if p.name is None), key=lambda p: p.ordinal or 0)
    edits = _catalog_edits(tokens, catalog) + _name_edits(tokens, named)
    edits += _position_edits(tokens, ordered)
    for start, end, new in sorted(edits, reverse=True):
        statement = statement[:start] + new + statement[end:]
    if named:
        return statement, {name: parameter.value for name, parameter in named.items()}
    if ordered:
        return statement, [parameter.value for parameter in ordered]
    return statement, None


def _catalog_edits(tokens: list[Token], catalog: str) -> list[tuple[int, int, str]]:
    edits = []
    for index in range(len(tokens) - 2):
        first, dot, after = tokens[index : index + 3]
        starts_path = index == 0 or tokens[index - 1].token_type != TokenType.DOT
        is_catalog = first.token_type in _NAMES and first.text.lower() in (catalog, "system")
        if starts_path and is_catalog and dot.token_type == TokenType.DOT:
            edits.append((first.start, after.start, ""))
    return edits


def _name_edits(tokens: list[Token], named: dict[str, Parameter]) -> list[tuple[int, int, str]]:
    edits = []
    for colon, name in zip(tokens, tokens[1:], strict=False):
        joined = colon.token_type == TokenType.COLON and name.start == colon.end + 1
        if joined and name.text in named:
            cast = f"CAST(:{name.text} AS {named[name.text].type})"
            edits.append((colon.start, name.end + 1, cast))
    return edits


def _position_edits(tokens: list[Token], ordered: list[Parameter]) -> list[tuple[int, int, str]]:
    marks = [token for token in tokens if token.token_type == TokenType.PLACEHOLDER]
    return [
        (mark.start, mark.end + 1, f"CAST(? AS {parameter.type})")
        for mark, parameter in zip(marks, ordered, strict=False)
    ]
