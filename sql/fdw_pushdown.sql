-- SPDX-License-Identifier: PostgreSQL
-- What is computed in the warehouse, what stays here and why: EXPLAIN of one query per kind of expression.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
\getenv url WAREHOUSE_URL
\getenv warehouse_id WAREHOUSE_ID
\getenv token WAREHOUSE_TOKEN
SELECT lakehouse.create_tenant('rt_push') IS NOT NULL AS created;
SELECT lakehouse.connect_databricks('rt_push', 'wh', :'url', :'warehouse_id', 'demo', token => :'token') IS NOT NULL AS connected;
CREATE SCHEMA rt_push_remote;
IMPORT FOREIGN SCHEMA tpch LIMIT TO (orders, nation) FROM SERVER rt_push_wh INTO rt_push_remote;
IMPORT FOREIGN SCHEMA product FROM SERVER rt_push_wh INTO rt_push_remote;
SET search_path = rt_push_remote, public;
SET timezone = 'UTC';
\pset format unaligned
\pset tuples_only on
\set explain 'EXPLAIN (VERBOSE, COSTS OFF)'

-- columns: only what is used
:explain SELECT o_orderkey FROM orders;
:explain SELECT count(*) FROM orders;
:explain SELECT o FROM nation o;
:explain SELECT last_event_at, features, error_rate FROM usage;

-- comparisons, by type
:explain SELECT 1 FROM orders WHERE o_orderkey = 7 AND o_custkey <> 7::smallint AND o_shippriority < 3 AND o_totalprice >= 12.50;
:explain SELECT 1 FROM orders WHERE o_orderdate BETWEEN '1995-01-01' AND '1995-02-01';
:explain SELECT 1 FROM usage WHERE last_event_at > '2026-01-01 00:00:00+00' AND error_rate <= 0.5 AND trial;
:explain SELECT 1 FROM orders WHERE o_orderstatus = 'O' AND o_clerk <> 'x';

-- AND, OR, NOT, NULL tests, boolean tests, IN
:explain SELECT 1 FROM orders WHERE (o_orderkey = 1 OR o_orderkey = 2) AND NOT (o_custkey = 3);
:explain SELECT 1 FROM usage WHERE plan IS NULL OR plan IS NOT NULL AND trial IS NOT TRUE;
:explain SELECT 1 FROM usage WHERE features IS NULL;
:explain SELECT 1 FROM orders WHERE o_orderstatus IN ('F', 'O', NULL) AND o_orderkey NOT IN (1, 2);
:explain SELECT 1 FROM orders WHERE o_orderkey = ANY ('{}'::bigint[]) AND o_custkey <> ALL ('{}'::bigint[]);

-- LIKE: the pattern is rewritten so that both sides read it alike
:explain SELECT 1 FROM orders WHERE o_clerk LIKE 'Clerk#0000001%' AND o_comment NOT LIKE '%50\%%';
:explain SELECT 1 FROM orders WHERE o_clerk LIKE 'a\';
:explain SELECT 1 FROM orders WHERE o_clerk LIKE o_comment;
:explain SELECT 1 FROM orders WHERE o_clerk ILIKE 'clerk%';

-- arithmetic that can't differ, and arithmetic that can
:explain SELECT 1 FROM orders WHERE o_totalprice * 2.5 + 1 > 1000 AND o_shippriority % 2 = 0 AND o_shippriority / 3 = 1;
:explain SELECT 1 FROM orders WHERE o_shippriority + 1 = 2;
:explain SELECT 1 FROM orders WHERE o_shippriority / 0 = 2 AND 7 / o_shippriority = 1;
:explain SELECT 1 FROM orders WHERE o_totalprice * o_totalprice * o_totalprice > 1;
:explain SELECT 1 FROM usage WHERE error_rate * 2 > 1;

-- text order depends on the collation, time on the session's zone
:explain SELECT 1 FROM orders WHERE o_clerk < 'Clerk#000000010';
:explain SELECT 1 FROM orders WHERE o_clerk < 'Clerk#000000010' COLLATE "C";
:explain SELECT 1 FROM usage WHERE last_event_at > usage_date;

-- functions not in the table stay, named; stable expressions without columns are computed here and sent
:explain SELECT 1 FROM orders WHERE lower(o_clerk) = 'x' AND o_orderkey = 1;
:explain SELECT 1 FROM orders WHERE o_orderdate > current_date - 30;
:explain SELECT 1 FROM orders WHERE random() > 0.5;
:explain SELECT 1 FROM orders WHERE o_orderkey = 99999999999999999999999999999999999999999;
:explain SELECT 1 FROM orders WHERE o_orderdate < 'infinity';

-- ORDER BY, with NULLs placed explicitly
:explain SELECT o_orderkey FROM orders ORDER BY o_orderdate DESC, o_orderkey;
:explain SELECT o_orderkey FROM orders ORDER BY o_orderdate NULLS FIRST;
:explain SELECT o_orderkey FROM orders ORDER BY o_clerk COLLATE "C";
:explain SELECT o_orderkey FROM orders ORDER BY lower(o_clerk);

-- LIMIT and OFFSET go along when every condition does
:explain SELECT o_orderkey FROM orders WHERE o_orderstatus = 'O' LIMIT 3 OFFSET 4;
:explain SELECT o_orderkey FROM orders WHERE lower(o_clerk) = 'x' LIMIT 3;
:explain SELECT o_orderkey FROM orders ORDER BY o_orderdate LIMIT 3;
:explain SELECT o_orderkey FROM orders ORDER BY lower(o_clerk) LIMIT 3;
:explain SELECT o_orderkey FROM orders ORDER BY o_orderdate FETCH FIRST 3 ROWS WITH TIES;
:explain SELECT o_custkey, count(*) FROM orders GROUP BY 1 LIMIT 3;
:explain SELECT DISTINCT o_custkey FROM orders LIMIT 3;
:explain SELECT generate_series(1, 2), o_orderkey FROM orders LIMIT 3;
:explain SELECT o_orderkey FROM orders LIMIT NULL;

-- parameters: a generic plan pushes as a custom one does
SET plan_cache_mode = force_generic_plan;
PREPARE by_key(bigint, text[], bigint) AS SELECT o_orderkey FROM orders WHERE o_custkey = $1 AND o_orderstatus = ANY ($2) ORDER BY o_orderkey LIMIT $3;
:explain EXECUTE by_key(1, '{O,F}', 2);
EXECUTE by_key(1, '{O,F}', 2);
EXECUTE by_key(1, '{}', 2);
EXECUTE by_key(1, NULL, 2);
EXECUTE by_key(1, '{O,F,NULL}', NULL);
EXECUTE by_key(1, '{O}', -1);
RESET plan_cache_mode;

-- lakehouse.enable_pushdown, for diagnosis
SET lakehouse.enable_pushdown = off;
:explain SELECT o_orderkey FROM orders WHERE o_orderkey = 7 ORDER BY o_orderkey LIMIT 1;
SELECT o_orderkey FROM orders WHERE o_orderkey = 7 ORDER BY o_orderkey LIMIT 1;

SET client_min_messages = warning;
DROP SCHEMA rt_push_remote CASCADE;
SELECT lakehouse.drop_tenant('rt_push');
