-- SPDX-License-Identifier: PostgreSQL
-- A connection's life: what connect_databricks refuses, a connection without a secret, one whose row was redirected.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
\getenv url WAREHOUSE_URL
\getenv warehouse_id WAREHOUSE_ID
\getenv token WAREHOUSE_TOKEN
SELECT lakehouse.create_tenant('rt_conn') IS NOT NULL AS created;

-- refused before anything is made
SELECT lakehouse.connect_databricks('rt_nobody', 'wh', :'url', :'warehouse_id', token => 'x');
SELECT lakehouse.connect_databricks('rt_conn', 'wh', :'url', :'warehouse_id', token => 'x', client_id => 'y');
SELECT lakehouse.connect_databricks('rt_conn', 'wh', :'url', :'warehouse_id', client_secret => 'y');
\set VERBOSITY terse
SELECT lakehouse.connect_databricks('rt_conn', 'Bad Name', :'url', :'warehouse_id', token => 'x');
SELECT lakehouse.connect_databricks('rt_conn', 'wh', 'ftp://example.com', :'warehouse_id', token => 'x');
SELECT lakehouse.connect_databricks('rt_conn', 'wh', 'https://user:pass@example.com', :'warehouse_id', token => 'x');
\set VERBOSITY default
SELECT count(*) FROM rt_conn.warehouse_connections;

-- once, and not twice
SELECT lakehouse.connect_databricks('rt_conn', 'wh', :'url', :'warehouse_id', 'demo', token => :'token') IS NOT NULL AS connected;
SELECT lakehouse.connect_databricks('rt_conn', 'wh', :'url', :'warehouse_id', 'demo', token => :'token');
SELECT lakehouse.connect_databricks('rt_conn', 'wh', :'url', :'warehouse_id', if_not_exists => true) = id AS is_the_same FROM rt_conn.warehouse_connections;
SELECT name, engine, warehouse = :'warehouse_id' AS warehouse, catalog, schema, auth, username, secret_version, status, last_tested_at FROM rt_conn.warehouse_connections;
SELECT srvname, obj_description(oid, 'pg_foreign_server') FROM pg_foreign_server WHERE srvname LIKE 'rt\_conn%';
SELECT position(convert_to(:'token', 'UTF8') IN secret) AS plaintext_at FROM rt_conn.warehouse_connections;

-- tests leave a status
SELECT step, ok FROM lakehouse.test_connection('rt_conn', 'wh');
SELECT status, last_tested_at IS NOT NULL AS tested FROM rt_conn.warehouse_connections WHERE name = 'wh';
SELECT lakehouse.connect_databricks('rt_conn', 'wrong', :'url', :'warehouse_id', 'demo', token => 'not-the-token') IS NOT NULL AS connected;
SELECT step, ok FROM lakehouse.test_connection('rt_conn', 'wrong');
SELECT status FROM rt_conn.warehouse_connections WHERE name = 'wrong';
SELECT * FROM lakehouse.test_connection('rt_conn', 'no_such');

-- without a secret there is nothing to send
SELECT lakehouse.connect_databricks('rt_conn', 'bare', :'url', :'warehouse_id') IS NOT NULL AS connected;
CREATE FOREIGN TABLE rt_conn_bare (r_regionkey bigint) SERVER rt_conn_bare OPTIONS (catalog 'demo', schema 'tpch', table_name 'region');
SELECT * FROM rt_conn_bare;
\echo :LAST_ERROR_SQLSTATE

-- a row that is redirected, or given another's ciphertext, does not open
CREATE FOREIGN TABLE rt_conn_region (r_regionkey bigint) SERVER rt_conn_wh OPTIONS (catalog 'demo', schema 'tpch', table_name 'region');
SELECT count(*) FROM rt_conn_region;
UPDATE rt_conn.warehouse_connections SET endpoint = 'https://attacker.example' WHERE name = 'wh';
\set VERBOSITY terse
SELECT count(*) FROM rt_conn_region;
\echo :LAST_ERROR_SQLSTATE
UPDATE rt_conn.warehouse_connections SET endpoint = :'url' WHERE name = 'wh';
SELECT count(*) FROM rt_conn_region;
UPDATE rt_conn.warehouse_connections b SET secret = w.secret, secret_version = w.secret_version
    FROM rt_conn.warehouse_connections w WHERE b.name = 'bare' AND w.name = 'wh';
SELECT * FROM rt_conn_bare;
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default

-- an address that is not public, and not allowed by name, is not called
SELECT lakehouse.connect_databricks('rt_conn', 'inside', 'http://10.0.0.1', 'w', token => 'x') IS NOT NULL AS connected;
SELECT step, ok, detail FROM lakehouse.test_connection('rt_conn', 'inside');

SET client_min_messages = warning;
SELECT lakehouse.drop_tenant('rt_conn');
SELECT count(*) FROM pg_foreign_server WHERE srvname LIKE 'rt\_conn%';
