-- SPDX-License-Identifier: PostgreSQL
-- Options of servers, tables and columns: what is refused, and what the refusal says.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- a server takes its own options only, with sound values
CREATE SERVER rt_options FOREIGN DATA WRAPPER databricks OPTIONS (host 'x');
CREATE SERVER rt_options FOREIGN DATA WRAPPER databricks OPTIONS (connection 'not-a-uuid');
CREATE SERVER rt_options FOREIGN DATA WRAPPER databricks OPTIONS (fetch_window '12');
CREATE SERVER rt_options FOREIGN DATA WRAPPER databricks OPTIONS (fetch_window 'much');
CREATE SERVER rt_options FOREIGN DATA WRAPPER databricks OPTIONS (fdw_startup_cost '-1');
CREATE SERVER rt_options FOREIGN DATA WRAPPER databricks
    OPTIONS (fetch_window '64MB', fdw_startup_cost '10', fdw_tuple_cost '0.5');

-- tables and columns likewise; there is no user mapping to fill
CREATE FOREIGN TABLE rt_option_table (id integer) SERVER rt_options OPTIONS (tablename 'x');
CREATE FOREIGN TABLE rt_option_table (id integer) SERVER rt_options OPTIONS (table_name '');
CREATE FOREIGN TABLE rt_option_table (id integer OPTIONS (remote 'x')) SERVER rt_options;
CREATE USER MAPPING FOR CURRENT_USER SERVER rt_options OPTIONS (password 'x');

-- a server without a connection can be declared but not read
CREATE FOREIGN TABLE rt_option_table (id integer OPTIONS (column_name 'x', column_type 'int')) SERVER rt_options
    OPTIONS (catalog 'c', schema 's', table_name 't');
SELECT * FROM rt_option_table;

-- naming a connection is using its secret: for superusers only
CREATE ROLE rt_option_role;
GRANT USAGE ON FOREIGN DATA WRAPPER databricks TO rt_option_role;
SET ROLE rt_option_role;
CREATE SERVER rt_stolen FOREIGN DATA WRAPPER databricks OPTIONS (connection '00000000-0000-0000-0000-000000000001');
RESET ROLE;
REVOKE USAGE ON FOREIGN DATA WRAPPER databricks FROM rt_option_role;
DROP ROLE rt_option_role;

-- writing is refused by the server itself: the wrapper offers none of it
ALTER SERVER rt_options OPTIONS (ADD connection '00000000-0000-0000-0000-000000000001');
INSERT INTO rt_option_table VALUES (1);
UPDATE rt_option_table SET id = 2;
DELETE FROM rt_option_table;

SET client_min_messages = warning;
DROP SERVER rt_options CASCADE;
