-- SPDX-License-Identifier: PostgreSQL
-- What every object of schema lakehouse and of a tenant's schema must have: a comment, pinned names,
-- no rights by default. It looks at all there is, so a new function or table is under the rules at once.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;

-- The only place to list a function that everybody may execute.
CREATE TEMP TABLE executable_by_public (signature text) ON COMMIT DROP;
INSERT INTO executable_by_public VALUES
    ('lakehouse.list_shippable_functions()'), ('lakehouse.list_guarded_functions()'),
    ('lakehouse.limit_size(anyelement,integer)');

SELECT plan(13);
SELECT lakehouse.create_tenant('tap_schema') IS NOT NULL AS created, lakehouse.create_share('tap_schema', 'facts') IS NOT NULL AS shared \gset

CREATE TEMP VIEW own_function AS
SELECT p.*, p.oid::regprocedure::text AS signature, l.lanname
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'lakehouse'::regnamespace;
CREATE TEMP VIEW own_relation AS
SELECT c.*, c.oid::regclass::text AS full_name FROM pg_class c
WHERE c.relnamespace IN ('lakehouse'::regnamespace, 'tap_schema'::regnamespace) AND c.relkind IN ('r', 'v', 'm', 'f', 'p');

SELECT cmp_ok((SELECT count(*) FROM own_function), '>', 40::bigint, 'the rules below look at functions');
SELECT is_empty($$ SELECT signature FROM own_function WHERE obj_description(oid, 'pg_proc') IS NULL $$, 'every function has a comment');
-- A body parsed at creation (SQL-standard, prosqlbody) has bound its names already.
SELECT is_empty($$ SELECT signature FROM own_function WHERE lanname IN ('plpgsql', 'sql') AND prosqlbody IS NULL
    AND NOT EXISTS (SELECT FROM unnest(proconfig) AS s (setting) WHERE setting = 'search_path=pg_catalog, pg_temp') $$,
    'every function pins its search_path');
SELECT is_empty($$ SELECT signature FROM own_function f WHERE has_function_privilege('public', f.oid, 'EXECUTE')
    EXCEPT SELECT signature FROM executable_by_public $$, 'PUBLIC executes no function that is not listed');
SELECT is_empty($$ SELECT signature FROM executable_by_public EXCEPT
    SELECT signature FROM own_function f WHERE has_function_privilege('public', f.oid, 'EXECUTE') $$, 'the list of public functions is not out of date');
SELECT is_empty($$ SELECT full_name FROM own_relation WHERE obj_description(oid, 'pg_class') IS NULL $$, 'every table and view has a comment');
SELECT is_empty($$ SELECT r.full_name || '.' || a.attname FROM own_relation r JOIN pg_attribute a ON a.attrelid = r.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND col_description(r.oid, a.attnum) IS NULL $$, 'every column has a comment');
SELECT is_empty($$ SELECT full_name FROM own_relation r WHERE has_table_privilege('public', r.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
    OR has_any_column_privilege('public', r.oid, 'SELECT, INSERT, UPDATE') $$, 'PUBLIC has no right on any table');
SELECT is_empty($$ SELECT r.full_name || '.' || k.conname FROM own_relation r JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype = 'f'
    WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = k.conindid AND i.indisunique) $$, 'every foreign key points at a unique key');
SELECT is_empty($$ SELECT t.table_name FROM information_schema.columns t WHERE t.table_schema = 'tap_schema' AND t.column_name = 'row_version'
    AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = format('tap_schema.%I', t.table_name)::regclass AND g.tgname = 'stamp_row') $$,
    'every table with a row version has it stamped');
SELECT ok((SELECT 'lakehouse.tenants'::regclass = ANY (e.extconfig) FROM pg_extension e WHERE e.extname = 'lakehouse'), 'pg_dump keeps the tenants');
SELECT is((SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
           WHERE c.relnamespace = 'tap_schema'::regnamespace AND d.deptype = 'e'), 0::bigint, 'a tenant''s tables are no part of the extension, so pg_dump keeps them');
SELECT results_eq($$ SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolinherit, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = 'lakehouse_worker' $$,
    $$ VALUES (true, false, false, false, false, false, false) $$, 'the worker''s role can sign in and nothing more');

SELECT * FROM finish();
ROLLBACK;
