-- SPDX-License-Identifier: PostgreSQL
-- The tour: a CRM row joins a live warehouse row, and an agent asks for both. What it prints is a test: see expected.out.
\set QUIET on
\getenv url WAREHOUSE_URL
\getenv warehouse_id WAREHOUSE_ID
\getenv catalog WAREHOUSE_CATALOG
\getenv token WAREHOUSE_TOKEN
\pset footer off

\echo '1. Connect tenant "acme" to its Databricks SQL warehouse.'
\echo
SELECT lakehouse.connect_databricks('acme', 'wh', :'url', :'warehouse_id', :'catalog', token => :'token') IS NOT NULL AS connected;

\echo '2. Test the connection, step by step.'
\echo
SELECT step, ok FROM lakehouse.test_connection('acme', 'wh');

\echo '3. Import two remote schemas; column comments come along.'
\echo
CREATE SCHEMA tpch;
CREATE SCHEMA product;
IMPORT FOREIGN SCHEMA tpch LIMIT TO (customer, orders, lineitem) FROM SERVER acme_wh INTO tpch;
IMPORT FOREIGN SCHEMA product FROM SERVER acme_wh INTO product;
ANALYZE tpch.customer, tpch.orders, product.usage;
SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, col_description(a.attrelid, a.attnum) AS comment
FROM pg_attribute a WHERE a.attrelid = 'tpch.orders'::regclass AND a.attnum BETWEEN 1 AND 5 ORDER BY a.attnum;

\echo '4. One statement: open opportunities from the CRM, what the customer has on order in the warehouse, live.'
\echo
SELECT a.name AS account, o.name AS opportunity, o.amount, o.stage, count(w.o_orderkey) AS open_orders, sum(w.o_totalprice) AS on_order
FROM acme.opportunities o
JOIN acme.accounts a ON a.id = o.account_id
JOIN tpch.orders w ON w.o_custkey = a.account_number
WHERE NOT o.is_closed AND w.o_orderstatus = 'O' AND w.o_orderdate >= '1997-01-01'
GROUP BY a.name, o.id
ORDER BY o.amount DESC, o.name
LIMIT 5;

\echo '5. What travels: only the columns and rows the join needs. Values are bound, never part of the text.'
\echo
\pset format unaligned
EXPLAIN (VERBOSE, COSTS OFF)
SELECT a.name, o.amount, w.o_totalprice
FROM acme.opportunities o
JOIN acme.accounts a ON a.id = o.account_id
JOIN tpch.orders w ON w.o_custkey = a.account_number
WHERE NOT o.is_closed AND w.o_orderstatus = 'O' AND w.o_orderdate >= '1997-01-01';

\echo
\echo '6. ORDER BY and LIMIT are computed in the warehouse; what can not be pushed says why.'
\echo
EXPLAIN (VERBOSE, COSTS OFF) SELECT o_orderkey, o_totalprice FROM tpch.orders WHERE o_orderstatus = 'O' ORDER BY o_totalprice DESC LIMIT 3;
\echo
EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM tpch.orders WHERE o_totalprice > 400000 AND upper(o_clerk) LIKE 'CLERK%';

\pset format aligned
\echo
\echo '7. Product usage beside the pipeline: what do the customers of committed deals use today?'
\echo
SELECT a.name AS account, o.amount, u.plan, u.active_seats AS seats, u.limits ->> 'seats' AS seat_limit
FROM acme.opportunities o
JOIN acme.accounts a ON a.id = o.account_id
JOIN product.usage u ON u.customer_key = a.account_number
WHERE NOT o.is_closed AND o.forecast_category = 'commit' AND u.usage_date = '2026-10-31'
ORDER BY o.amount DESC, a.name
LIMIT 5;

\echo '8. The worker, which did the talking. It holds the secret; PostgreSQL holds ciphertext.'
\echo
SELECT is_running, version, database_ok, rows > 0 AS has_delivered FROM lakehouse.worker_status;
SELECT name, engine, auth, status, secret IS NOT NULL AS has_secret FROM acme.warehouse_connections;

\echo '9. Open a warehouse table to agents: these columns, orders since 1997. It becomes a tool.'
\echo
SELECT lakehouse.expose('acme', 'tpch.orders', ARRAY['o_orderkey', 'o_custkey', 'o_orderstatus', 'o_totalprice', 'o_orderdate'],
                        row_filter => $$o_orderdate >= '1997-01-01'$$, description => 'Orders since 1997') AS id \gset
GRANT USAGE ON SCHEMA tpch TO acme_agent;
SELECT 'warehouse_table__' || replace(:'id', '-', '') AS tool \gset
\setenv TOUR_TOOL :tool
SELECT t.tool ->> 'title' AS title, t.tool ->> 'description' AS description
FROM jsonb_array_elements(lakehouse.list_tools(lakehouse.find_tenant('acme'), ARRAY['warehouse:query'])) t (tool) WHERE t.tool ->> 'name' = :'tool';

\echo '10. An agent, signed in over OAuth as Robin, calls that tool over MCP: customers with the most open orders.'
\echo
\set answer `tools/agent call "$TOUR_TOOL" '{"sql": "SELECT a.name, count(*), sum(w.o_totalprice) FROM accounts a JOIN tpch.orders w ON w.o_custkey = a.account_number WHERE w.o_orderstatus = $$O$$ GROUP BY a.name ORDER BY sum(w.o_totalprice) DESC LIMIT 3"}'`
SELECT r ->> 0 AS account, (r ->> 1)::integer AS open_orders, (r ->> 2)::numeric AS on_order
FROM jsonb_array_elements(:'answer'::jsonb -> 'rows') r;

\echo '11. It asks for a column that is not open to it. The guard refuses before anything runs, and says why.'
\echo
\set answer `tools/agent call "$TOUR_TOOL" '{"sql": "SELECT o_clerk FROM tpch.orders"}'`
SELECT a.code, a.message FROM jsonb_to_record(:'answer'::jsonb) a (code text, message text);

\echo '12. The audit log has both calls: intent before, outcome after, as whom and by which client.'
\echo
SELECT a.seq, a.phase, a.role, c.name AS client, left(regexp_replace(a.statement, '__[0-9a-f]{32}', '__…'), 48) AS statement,
       a.code, a.rows, cardinality(a.remote_query_ids) AS remote
FROM lakehouse.audit_log a JOIN lakehouse.oauth_clients c ON a.application_name = 'mcp:' || c.client_id
ORDER BY a.seq;
SELECT intact, records FROM lakehouse.verify_audit('acme');

\echo '13. Publish the CRM: a share, six tables of which each becomes a Delta table.'
\echo
SELECT lakehouse.create_share('acme', 'crm', if_not_exists => true) IS NOT NULL AS shared;
SELECT table_name, version, operation, rows_added FROM lakehouse.publish_now('acme') ORDER BY 1;

\echo '14. A recipient gets a link that hands out a profile once: an address and a token. The grant says what it opens.'
\echo
SELECT lakehouse.create_recipient('acme', 'data-team', expires_in => '90 days') AS link \gset
\setenv SHARE_LINK :link
\set done `tools/share-profile "$DEMO_SHARE_PROFILE"`
SELECT lakehouse.grant_share('acme', 'crm', 'data-team') \gset
SELECT name, auth, activated_at IS NOT NULL AS activated, token_lifetime FROM lakehouse.recipients;

\echo '15. Change one row and publish again. The cost follows the change.'
\echo
UPDATE acme.accounts SET employees = employees + 100 WHERE name = 'Kestrel Energy';
SELECT table_name, version, operation, rows_added, rows_changed, rows_removed FROM lakehouse.publish_now('acme');
SELECT version, operation, total_rows, rows_added, rows_changed, rows_removed, files_added, files_removed
FROM lakehouse.publish_history WHERE source = 'acme.published_accounts'::regclass ORDER BY version;

\echo '16. The data team reads it with pandas: as it is, as it was, what changed.'
\echo
\set seen `build/sharing/bin/python tools/tour/read_share.py`
\echo :seen
\echo
\echo '17. From here on pg_cron publishes every minute.'
\echo
SELECT count(*) > 0 AS has_cron FROM pg_available_extensions WHERE name = 'pg_cron' \gset
\if :has_cron
CREATE EXTENSION IF NOT EXISTS pg_cron;
SELECT cron.schedule('publish', '* * * * *', 'SELECT lakehouse.publish()') IS NOT NULL AS scheduled;
\else
\echo 'This PostgreSQL has no pg_cron: call lakehouse.publish() as you like.'
\endif
