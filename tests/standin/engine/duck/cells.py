# SPDX-License-Identifier: PostgreSQL
"""DuckDB expressions that print a value: as an API cell, as CAST(… AS STRING), as to_json().

All three walk the value's type and return SQL text; a NULL value gives NULL.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.duck.types import DuckType

Printer = Callable[[str, DuckType, int], str]


def quote_text(text: str) -> str:
    """A DuckDB string literal."""
    return "'" + text.replace("'", "''") + "'"


def cell(sql: str, duck: DuckType, depth: int = 0) -> str:
    """The text of a JSON_ARRAY or CSV cell. Scalars inside collections are quoted strings."""
    if duck.kind == "list":
        return _list(sql, duck, depth, _quoted_cell, ",")
    if duck.kind == "map":
        return _map(sql, duck, depth, _quoted_cell)
    if duck.kind == "struct":
        return _struct(sql, duck, depth, _quoted_cell, keep_nulls=True)
    if duck.kind == "timestamp with time zone":
        return f"spark_iso({sql})"
    if duck.kind == "timestamp":
        return f"spark_iso_local({sql})"
    if duck.kind == "blob":
        return f"hex({sql})"
    return _scalar(sql, duck)


def is_safe(duck: DuckType) -> bool:
    """Whether the cell's text never needs escaping inside a JSON string."""
    return duck.kind not in ("varchar", "json", "list", "map", "struct", "uuid")


def as_string(sql: str, duck: DuckType, depth: int = 0) -> str:
    """CAST(… AS STRING)."""
    if duck.kind in ("list", "map", "struct"):
        return _bracketed(sql, duck, depth)
    if duck.kind.startswith("timestamp"):
        return f"spark_timestamp_text({sql})"
    if duck.kind == "blob":
        return f"decode({sql})"
    if duck.kind == "json":
        return f"json_extract_string({sql}, '$')"
    if duck.kind == "interval":
        text = f"rtrim(rtrim({_scalar(sql, duck)}, '0'), '.')"
        return f"('INTERVAL ''' || {text} || ''' DAY TO SECOND')"
    if duck.kind == "year_month":
        return f"('INTERVAL ''' || {_scalar(sql, duck)} || ''' YEAR TO MONTH')"
    return _scalar(sql, duck)


def to_json(sql: str, duck: DuckType, depth: int = 0) -> str:
    """to_json(…): numbers bare, NULL fields of structs left out."""
    if duck.kind == "list":
        return _list(sql, duck, depth, _json_value, ",")
    if duck.kind == "map":
        return _map(sql, duck, depth, _json_value)
    if duck.kind == "struct":
        return _struct(sql, duck, depth, _json_value, keep_nulls=False)
    return _json_value(sql, duck, depth)


def _scalar(sql: str, duck: DuckType) -> str:
    if duck.is_floating:
        return f"spark_double({sql})"
    if duck.kind == "date":
        return f"spark_date({sql})"
    if duck.kind == "interval":
        return f"spark_day_time(CAST(epoch_us({sql}) AS HUGEINT))"
    if duck.kind == "year_month":
        return f"spark_year_month(struct_extract({sql}, '__months'))"
    if duck.kind == "decimal" and duck.precision == duck.scale:
        # DuckDB prints such a type as .5, without the zero.
        return f"regexp_replace(CAST({sql} AS VARCHAR), '^(-?)[.]', '\\10.')"
    return f"CAST({sql} AS VARCHAR)"


def _quoted_cell(sql: str, duck: DuckType, depth: int) -> str:
    if duck.kind in ("list", "map", "struct"):
        return cell(sql, duck, depth)
    return f"spark_quote({cell(sql, duck, depth)})"


def _json_value(sql: str, duck: DuckType, depth: int) -> str:
    if duck.kind in ("list", "map", "struct"):
        return to_json(sql, duck, depth)
    if duck.kind in ("boolean", "json") or duck.is_exact_number:
        return _scalar(sql, duck)
    if duck.is_floating:
        text = f"spark_double({sql})"
        return f"CASE WHEN isfinite({sql}) THEN {text} ELSE '\"' || {text} || '\"' END"
    if duck.kind == "blob":
        return f"('\"' || base64({sql}) || '\"')"
    if duck.kind.startswith("timestamp"):
        return f"spark_quote({cell(sql, duck)})"
    return f"spark_quote({as_string(sql, duck, depth)})"


def _list(sql: str, duck: DuckType, depth: int, item: Printer, separator: str) -> str:
    name = f"e{depth}"
    printed = item(name, duck.children[0][1], depth + 1)
    items = f"list_transform({sql}, lambda {name}: coalesce({printed}, 'null'))"
    return f"('[' || array_to_string({items}, '{separator}') || ']')"


def _map(sql: str, duck: DuckType, depth: int, item: Printer) -> str:
    name = f"e{depth}"
    (_, key_type), (_, value_type) = duck.children
    key = as_string(f"struct_extract({name}, 'key')", key_type, depth + 1)
    value = item(f"struct_extract({name}, 'value')", value_type, depth + 1)
    entry = f"spark_quote({key}) || ':' || coalesce({value}, 'null')"
    entries = f"list_transform(map_entries({sql}), lambda {name}: {entry})"
    return f"('{{' || array_to_string({entries}, ',') || '}}')"


def _struct(sql: str, duck: DuckType, depth: int, item: Printer, keep_nulls: bool) -> str:
    fields = []
    for name, child in duck.children:
        value = item(f"struct_extract({sql}, {quote_text(name)})", child, depth)
        value = f"coalesce({value}, 'null')" if keep_nulls else f"({value})"
        fields.append(f"spark_quote({quote_text(name)}) || ':' || {value}")
    body = f"'{{' || concat_ws(',', {', '.join(fields)}) || '}}'"
    return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {body} END"


def _bracketed(sql: str, duck: DuckType, depth: int) -> str:
    """Spark's own print of a collection: [a, b], {k -> v}, {a, b}; strings stay bare."""
    name = f"e{depth}"
    if duck.kind == "list":
        return _list(sql, duck, depth, as_string, ", ")
    if duck.kind == "map":
        (_, key_type), (_, value_type) = duck.children
        key = as_string(f"struct_extract({name}, 'key')", key_type, depth + 1)
        value = as_string(f"struct_extract({name}, 'value')", value_type, depth + 1)
        entry = f"{key} || ' -> ' || coalesce({value}, 'null')"
        entries = f"list_transform(map_entries({sql}), lambda {name}: {entry})"
        return f"('{{' || array_to_string({entries}, ', ') || '}}')"
    fields = [
        f"coalesce({as_string(f'struct_extract({sql}, {quote_text(n)})', child, depth)}, 'null')"
        for n, child in duck.children
    ]
    body = f"'{{' || concat_ws(', ', {', '.join(fields)}) || '}}'"
    return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {body} END"
