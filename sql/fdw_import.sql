-- SPDX-License-Identifier: PostgreSQL
-- IMPORT FOREIGN SCHEMA: which tables, which types, the remote comments, and names that need care.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
\getenv url WAREHOUSE_URL
\getenv warehouse_id WAREHOUSE_ID
\getenv token WAREHOUSE_TOKEN
SELECT lakehouse.create_tenant('rt_import') IS NOT NULL AS created;
SELECT lakehouse.connect_databricks('rt_import', 'wh', :'url', :'warehouse_id', 'demo', token => :'token') IS NOT NULL AS connected;
CREATE SCHEMA rt_import_tpch;

-- LIMIT TO and EXCEPT are asked of the warehouse, not thrown away here
IMPORT FOREIGN SCHEMA tpch LIMIT TO (nation, region) FROM SERVER rt_import_wh INTO rt_import_tpch;
SELECT foreign_table_name FROM information_schema.foreign_tables WHERE foreign_table_schema = 'rt_import_tpch' ORDER BY 1;
IMPORT FOREIGN SCHEMA tpch EXCEPT (nation, region, lineitem) FROM SERVER rt_import_wh INTO rt_import_tpch;
SELECT foreign_table_name FROM information_schema.foreign_tables WHERE foreign_table_schema = 'rt_import_tpch' ORDER BY 1;

-- comments come along
SELECT obj_description('rt_import_tpch.nation'::regclass, 'pg_class') AS table_comment;
SELECT attname, format_type(atttypid, atttypmod), attnotnull, attfdwoptions, col_description(attrelid, attnum)
FROM pg_attribute WHERE attrelid = 'rt_import_tpch.nation'::regclass AND attnum > 0 ORDER BY attnum;

-- every remote type has a type here; an unknown one would be text
CREATE SCHEMA rt_import_types;
IMPORT FOREIGN SCHEMA types FROM SERVER rt_import_wh INTO rt_import_types;
SELECT attname, format_type(atttypid, atttypmod) AS type, attfdwoptions
FROM pg_attribute WHERE attrelid = 'rt_import_types.every_type'::regclass AND attnum > 0 ORDER BY attnum;

-- names with quotes, blanks, newlines, capitals, and one that is too long for a name here
CREATE SCHEMA rt_import_odd;
IMPORT FOREIGN SCHEMA odd FROM SERVER rt_import_wh INTO rt_import_odd;
SELECT c.relname, count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'rt_import_odd'::regnamespace GROUP BY c.relname ORDER BY c.relname COLLATE "C";
SELECT id, "back`tick", "double""quote", "two words", "select", "MixedCase", "it's; DROP TABLE x --" FROM rt_import_odd."MixedCase" ORDER BY id;

-- a catalog of another name, and what is not there
CREATE SCHEMA rt_import_none;
IMPORT FOREIGN SCHEMA tpch LIMIT TO (nation) FROM SERVER rt_import_wh INTO rt_import_none OPTIONS (catalog 'demo');
SELECT ftoptions FROM pg_foreign_table WHERE ftrelid = 'rt_import_none.nation'::regclass;
IMPORT FOREIGN SCHEMA no_such_schema FROM SERVER rt_import_wh INTO rt_import_none;
IMPORT FOREIGN SCHEMA tpch LIMIT TO (no_such_table) FROM SERVER rt_import_wh INTO rt_import_none;
IMPORT FOREIGN SCHEMA tpch FROM SERVER rt_import_wh INTO rt_import_none OPTIONS (verbose 'on');

SET client_min_messages = warning;
DROP SCHEMA rt_import_tpch, rt_import_types, rt_import_odd, rt_import_none CASCADE;
SELECT lakehouse.drop_tenant('rt_import');
