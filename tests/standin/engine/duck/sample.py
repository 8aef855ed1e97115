# SPDX-License-Identifier: PostgreSQL
"""Fills an in-memory DuckDB catalog with the sample data and its information_schema.

The files are only read, so whatever a test creates or drops is gone at the next start.
"""

from __future__ import annotations

import duckdb
from data.catalog import SCHEMAS, Dataset, tables
from data.model import CATALOG, Table

from engine.contract import Query
from engine.duck.cells import quote_text
from engine.duck.macros import MACROS
from engine.duck.translate import INFORMATION_SCHEMA, translate


def load(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """Create the catalog, its tables with comments, and information_schema."""
    connection.execute(f"ATTACH ':memory:' AS {CATALOG}")
    for macro in MACROS:
        connection.execute(f"CREATE MACRO {macro}")
    for schema in [*SCHEMAS]:
        connection.execute(f"CREATE SCHEMA {CATALOG}.{_quoted(schema.name)}")
    connection.execute(f'CREATE SCHEMA {CATALOG}."default"')
    for table in tables():
        _create(connection, table, dataset)
    _describe(connection)


def _create(connection: duckdb.DuckDBPyConnection, table: Table, dataset: Dataset) -> None:
    name = _full_name(table)
    if table.query is None:
        path = quote_text(str(dataset.file_of(table)))
        source = f"SELECT * FROM read_parquet({path})"
    else:
        cursor = connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        source = translate(Query(table.query), cursor).sql
    connection.execute(f"CREATE TABLE {name} AS {source}")
    if table.comment:
        connection.execute(f"COMMENT ON TABLE {name} IS {quote_text(table.comment)}")
    for column in table.columns:
        target = f"{name}.{_quoted(column.name)}"
        if not column.nullable:
            connection.execute(f"ALTER TABLE {name} ALTER {_quoted(column.name)} SET NOT NULL")
        if column.comment:
            connection.execute(f"COMMENT ON COLUMN {target} IS {quote_text(column.comment)}")


def _describe(connection: duckdb.DuckDBPyConnection) -> None:
    """information_schema: DuckDB's live catalog, with the declared Databricks types over it."""
    schema = f"{CATALOG}.{INFORMATION_SCHEMA}"
    connection.execute(f"CREATE SCHEMA {schema}")
    connection.execute(f"CREATE TABLE {schema}.declared_types (s TEXT, t TEXT, c TEXT, type TEXT)")
    rows = [(t.schema, t.name, c.name, c.type) for t in tables() for c in t.columns]
    connection.executemany(f"INSERT INTO {schema}.declared_types VALUES (?, ?, ?, ?)", rows)
    connection.execute(f"CREATE TABLE {schema}.declared_schemas (s TEXT, comment TEXT)")
    schemas = [(s.name, s.comment) for s in SCHEMAS] + [
        ("default", "Default schema"),
        ("information_schema", "The catalog's description"),
    ]
    connection.executemany(f"INSERT INTO {schema}.declared_schemas VALUES (?, ?)", schemas)
    for view in _VIEWS:
        connection.execute(view.format(schema=schema, catalog=CATALOG, hidden=INFORMATION_SCHEMA))


def _full_name(table: Table) -> str:
    return f"{CATALOG}.{_quoted(table.schema)}.{_quoted(table.name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_OWNER = "'owner@example.com'::VARCHAR"
_WHEN = "TIMESTAMPTZ '2026-01-01 00:00:00+00'"

_SCHEMATA = (
    "CREATE VIEW {schema}.schemata AS SELECT '{catalog}' AS catalog_name,"
    " CASE d.schema_name WHEN '{hidden}' THEN 'information_schema' ELSE d.schema_name END"
    f" AS schema_name, {_OWNER} AS schema_owner, s.comment AS comment,"
    f" {_WHEN} AS created, {_OWNER} AS created_by, {_WHEN} AS last_altered,"
    f" {_OWNER} AS last_altered_by, NULL::VARCHAR AS managed_location"
    " FROM duckdb_schemas() AS d LEFT JOIN {schema}.declared_schemas AS s"
    " ON s.s = CASE d.schema_name WHEN '{hidden}' THEN 'information_schema' ELSE d.schema_name END"
    " WHERE d.database_name = '{catalog}'"
    " AND d.schema_name NOT IN ('main', 'information_schema', 'pg_catalog')"
)

_CATALOGS = (
    "CREATE VIEW {schema}.catalogs AS SELECT '{catalog}' AS catalog_name,"
    f" {_OWNER} AS catalog_owner, 'Sample data' AS comment, {_WHEN} AS created,"
    f" {_OWNER} AS created_by, {_WHEN} AS last_altered, {_OWNER} AS last_altered_by"
)

_TABLES = (
    "CREATE VIEW {schema}.tables AS SELECT '{catalog}' AS table_catalog,"
    " schema_name AS table_schema, name AS table_name, kind AS table_type,"
    " CASE kind WHEN 'VIEW' THEN 'NO' ELSE 'YES' END AS is_insertable_into,"
    f" 'PRESERVE' AS commit_action, {_OWNER} AS table_owner, comment, {_WHEN} AS created,"
    f" {_OWNER} AS created_by, {_WHEN} AS last_altered, {_OWNER} AS last_altered_by,"
    " CASE kind WHEN 'VIEW' THEN NULL ELSE 'DELTA' END AS data_source_format,"
    " NULL::VARCHAR AS storage_path, NULL::VARCHAR AS storage_sub_directory FROM ("
    " SELECT database_name, schema_name, table_name AS name, 'MANAGED' AS kind, comment"
    " FROM duckdb_tables() UNION ALL"
    " SELECT database_name, schema_name, view_name, 'VIEW', comment FROM duckdb_views())"
    " WHERE database_name = '{catalog}' AND schema_name NOT IN"
    " ('{hidden}', 'main', 'information_schema', 'pg_catalog')"
)

_DUCK_TO_SPARK = (
    "CASE WHEN d.data_type LIKE 'DECIMAL%' THEN lower(d.data_type) ELSE"
    " coalesce(map_extract(MAP {{'INTEGER': 'int', 'BIGINT': 'bigint', 'SMALLINT': 'smallint',"
    " 'TINYINT': 'tinyint', 'HUGEINT': 'bigint', 'VARCHAR': 'string', 'BLOB': 'binary',"
    " 'BOOLEAN': 'boolean', 'DOUBLE': 'double', 'FLOAT': 'float', 'DATE': 'date',"
    " 'TIMESTAMP': 'timestamp_ntz', 'TIMESTAMP WITH TIME ZONE': 'timestamp', 'JSON': 'variant',"
    " 'INTERVAL': 'interval day to second', 'VARCHAR[]': 'array<string>'}}, d.data_type)[1],"
    " lower(d.data_type)) END"
)

_TYPE_WORDS = (
    "CASE split_part(split_part(split_part(full_data_type, '(', 1), '<', 1), ' ', 1)"
    " WHEN 'bigint' THEN 'LONG' WHEN 'smallint' THEN 'SHORT' WHEN 'tinyint' THEN 'BYTE'"
    " WHEN 'void' THEN 'NULL'"
    " ELSE upper(split_part(split_part(split_part(full_data_type, '(', 1), '<', 1), ' ', 1)) END"
)

_NUMBER = "NULLIF(regexp_extract(full_data_type, '^(?:{0})\\((\\d+)', 1), '')::INTEGER"

_COLUMNS = (
    "CREATE VIEW {schema}.columns AS SELECT '{catalog}' AS table_catalog, table_schema,"
    " table_name, column_name, ordinal_position, NULL::VARCHAR AS column_default, is_nullable,"
    f" full_data_type, {_TYPE_WORDS} AS data_type,"
    f" {_NUMBER.format('char|varchar')} AS character_maximum_length,"
    " NULL::INTEGER AS character_octet_length,"
    " CASE WHEN full_data_type LIKE 'decimal%' THEN"
    f" {_NUMBER.format('decimal')} END AS numeric_precision,"
    " CASE WHEN full_data_type LIKE 'decimal%' THEN 10 END AS numeric_precision_radix,"
    " NULLIF(regexp_extract(full_data_type, '^decimal\\(\\d+,\\s*(\\d+)', 1), '')::INTEGER"
    " AS numeric_scale, NULL::INTEGER AS datetime_precision,"
    " CASE WHEN full_data_type LIKE 'interval %' THEN upper(substr(full_data_type, 10)) END"
    " AS interval_type, NULL::INTEGER AS interval_precision,"
    " NULL::INTEGER AS maximum_cardinality, 'NO' AS is_identity,"
    " NULL::VARCHAR AS identity_generation, NULL::VARCHAR AS identity_start,"
    " NULL::VARCHAR AS identity_increment, NULL::VARCHAR AS identity_maximum,"
    " NULL::VARCHAR AS identity_minimum, NULL::VARCHAR AS identity_cycle,"
    " 'NO' AS is_generated, NULL::VARCHAR AS generation_expression,"
    " 'NO' AS is_system_time_period_start, 'NO' AS is_system_time_period_end,"
    " NULL::VARCHAR AS system_time_period_timestamp_generation, 'YES' AS is_updatable,"
    " NULL::INTEGER AS partition_ordinal_position, comment FROM ("
    " SELECT d.schema_name AS table_schema, d.table_name, d.column_name,"
    " d.column_index::INTEGER AS ordinal_position,"
    " CASE WHEN d.is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable,"
    f" coalesce(x.type, {_DUCK_TO_SPARK}) AS full_data_type, d.comment"
    " FROM duckdb_columns() AS d LEFT JOIN {schema}.declared_types AS x"
    " ON x.s = d.schema_name AND x.t = d.table_name AND x.c = d.column_name"
    " WHERE d.database_name = '{catalog}' AND d.schema_name NOT IN"
    " ('{hidden}', 'main', 'information_schema', 'pg_catalog'))"
)

_VIEWS = (_SCHEMATA, _CATALOGS, _TABLES, _COLUMNS)
