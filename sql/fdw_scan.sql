-- SPDX-License-Identifier: PostgreSQL
-- Scans as queries use them: types, rescans, parameters from outer rows, cursors, sub-selects, views, ANALYZE.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
\getenv url WAREHOUSE_URL
\getenv warehouse_id WAREHOUSE_ID
\getenv token WAREHOUSE_TOKEN
SELECT lakehouse.create_tenant('rt_scan') IS NOT NULL AS created;
SELECT lakehouse.connect_databricks('rt_scan', 'wh', :'url', :'warehouse_id', 'demo', 'tpch', token => :'token') IS NOT NULL AS connected;
CREATE SCHEMA rt_scan_remote;
IMPORT FOREIGN SCHEMA tpch LIMIT TO (orders, nation, region, customer) FROM SERVER rt_scan_wh INTO rt_scan_remote;
IMPORT FOREIGN SCHEMA types FROM SERVER rt_scan_wh INTO rt_scan_remote;
SET search_path = rt_scan_remote, public;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';

-- every type, with its extremes
\x on
SELECT * FROM every_type WHERE id NOT IN (10, 11, 12) ORDER BY id;
\x off
SELECT id, a_string, length(a_string), octet_length(a_string) FROM every_type WHERE id IN (9, 10) ORDER BY id;

-- a column may be declared as something else: the warehouse casts it
CREATE FOREIGN TABLE as_text (id text OPTIONS (column_type 'int'), a_double text OPTIONS (column_type 'double'), a_date varchar(4) OPTIONS (column_type 'date'))
    SERVER rt_scan_wh OPTIONS (schema 'types', table_name 'every_type');
SELECT id, a_double FROM as_text WHERE id = '1';
SELECT a_date FROM as_text WHERE id = '1';
CREATE FOREIGN TABLE rounded (id bigint OPTIONS (column_type 'int'), a_decimal numeric(30, 1) OPTIONS (column_type 'decimal(38,10)'), a_timestamp timestamptz(0) OPTIONS (column_type 'timestamp'))
    SERVER rt_scan_wh OPTIONS (schema 'types', table_name 'every_type');
SELECT id, a_decimal, a_timestamp FROM rounded WHERE id = 1;

-- aggregates, groups and joins run here over the streamed rows
SELECT o_orderstatus, count(*), sum(o_totalprice), min(o_orderdate), max(o_orderdate) FROM orders GROUP BY 1 ORDER BY 1;
SELECT r_name, count(*) FROM nation JOIN region ON n_regionkey = r_regionkey GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM orders WHERE o_comment LIKE '%\%%' OR o_comment LIKE '%''%';

-- the inner side of a nested loop, once per outer row with the row's value as a parameter
CREATE TEMP TABLE keys AS SELECT k FROM generate_series(1, 3) k;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
EXPLAIN (VERBOSE, COSTS OFF) SELECT k, n_name FROM keys JOIN nation ON n_nationkey = k;
SELECT k, n_name FROM keys JOIN nation ON n_nationkey = k ORDER BY k;
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT k, (SELECT n_name FROM nation WHERE n_nationkey = k) FROM keys ORDER BY k;
SELECT k, n.n_name FROM keys, LATERAL (SELECT n_name FROM nation WHERE n_regionkey = k ORDER BY n_nationkey LIMIT 2) n ORDER BY 1, 2;

-- a rescan without parameters starts over
SELECT a.n_nationkey, count(*) FROM nation a, LATERAL (SELECT b.n_name FROM nation b WHERE length(b.n_name) > a.n_nationkey + 8) s
WHERE a.n_nationkey < 3 GROUP BY 1 ORDER BY 1;

-- two scans of one statement run side by side; a cursor is left half-way; a scan in a failed transaction ends
SELECT count(*) FROM nation UNION ALL SELECT count(*) FROM region ORDER BY 1;
BEGIN;
DECLARE c CURSOR FOR SELECT o_orderkey FROM orders ORDER BY o_orderkey;
FETCH 3 FROM c;
CLOSE c;
DECLARE d CURSOR WITH HOLD FOR SELECT n_nationkey FROM nation ORDER BY n_nationkey;
COMMIT;
FETCH 2 FROM d;
CLOSE d;
SELECT 1 / (o_orderkey - 7) AS fails FROM orders WHERE o_orderkey IN (6, 7);

-- EXISTS, NOT IN, CTE, view, function, whole row, system column
SELECT count(*) FROM region WHERE EXISTS (SELECT FROM nation WHERE n_regionkey = r_regionkey AND n_name LIKE 'A%');
WITH asia AS MATERIALIZED (SELECT * FROM region WHERE r_name = 'ASIA') SELECT count(*) FROM nation JOIN asia ON n_regionkey = r_regionkey;
CREATE VIEW asian AS SELECT n_name FROM nation WHERE n_regionkey = 2;
SELECT * FROM asian ORDER BY n_name LIMIT 2;
SELECT r FROM region r WHERE r_regionkey = 0;
SELECT tableoid::regclass, r_regionkey FROM region ORDER BY 2 LIMIT 1;

-- ANALYZE takes the remote row count and a sample
ANALYZE nation;
SELECT reltuples FROM pg_class WHERE oid = 'nation'::regclass;
SELECT n_distinct FROM pg_stats WHERE tablename = 'nation' AND schemaname = 'rt_scan_remote' AND attname = 'n_regionkey';

-- what is not there, remotely; the DETAIL names the remote statement, which differs from run to run
\set VERBOSITY terse
ALTER FOREIGN TABLE region OPTIONS (SET table_name 'no_such_table');
SELECT * FROM region;
\echo :LAST_ERROR_SQLSTATE
ALTER FOREIGN TABLE nation ALTER COLUMN n_name OPTIONS (ADD column_name 'no_such_column');
SELECT n_name FROM nation;
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default

-- reads can be switched off
SET lakehouse.warehouse_integration_enabled = off;
SELECT count(*) FROM orders;
IMPORT FOREIGN SCHEMA tpch FROM SERVER rt_scan_wh INTO rt_scan_remote;

SET client_min_messages = warning;
DROP SCHEMA rt_scan_remote CASCADE;
SELECT lakehouse.drop_tenant('rt_scan');
