-- SPDX-License-Identifier: PostgreSQL
-- The catalog of tools, resources and prompts is whole, and what it says of kinds of records is true of the tables.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;

SELECT plan(21);
SELECT lakehouse.create_tenant('tap_tools') IS NOT NULL AS created \gset

-- Every tool has a function of the right kind.
SELECT cmp_ok((SELECT count(*) FROM lakehouse.tools), '>=', 34::bigint, 'the rules below look at tools');
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE kind = 'function' AND to_regprocedure(function || '(jsonb)') IS NULL
    AND to_regprocedure(function || '(jsonb,jsonb)') IS NULL $$, 'every tool''s function takes the arguments as jsonb');
SELECT is_empty($$ SELECT t.name FROM lakehouse.tools t JOIN pg_proc p ON p.oid IN (to_regprocedure(t.function || '(jsonb)'), to_regprocedure(t.function || '(jsonb,jsonb)'))
    WHERE p.prorettype <> 'jsonb'::regtype OR p.proretset $$, 'it returns one jsonb');
SELECT is_empty($$ SELECT t.name FROM lakehouse.tools t JOIN pg_proc p ON p.oid IN (to_regprocedure(t.function || '(jsonb)'), to_regprocedure(t.function || '(jsonb,jsonb)')) WHERE p.prosecdef $$,
    'it runs with the caller''s rights');
SELECT is_empty($$ SELECT t.name FROM lakehouse.tools t JOIN pg_proc p ON p.oid IN (to_regprocedure(t.function || '(jsonb)'), to_regprocedure(t.function || '(jsonb,jsonb)'))
    WHERE has_function_privilege('public', p.oid, 'EXECUTE') OR NOT has_function_privilege('lakehouse_user', p.oid, 'EXECUTE') $$,
    'tenants'' roles call it, PUBLIC doesn''t');
SELECT is_empty($$ SELECT t.name FROM lakehouse.tools t JOIN pg_proc p ON p.oid IN (to_regprocedure(t.function || '(jsonb)'), to_regprocedure(t.function || '(jsonb,jsonb)'))
    WHERE t.read_only <> (p.provolatile = 's') $$, 'tools that only read are STABLE, those that write are VOLATILE');
SELECT is_empty($$ SELECT t.name FROM lakehouse.tools t JOIN pg_proc p ON p.oid IN (to_regprocedure(t.function || '(jsonb)'), to_regprocedure(t.function || '(jsonb,jsonb)'))
    WHERE p.prosqlbody IS NULL OR p.proconfig IS NOT NULL $$, 'it sees the caller''s search path, and looks up nothing by it');
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE function IS NOT NULL AND function <> 'lakehouse.' || name $$, 'it has the tool''s name');
SELECT is_empty($$ SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'lakehouse'::regnamespace AND p.prorettype = 'jsonb'::regtype
    AND p.proargtypes::text = 'jsonb'::regtype::oid::text AND obj_description(p.oid) LIKE 'Tool %'
    AND NOT EXISTS (SELECT FROM lakehouse.tools t WHERE t.function = 'lakehouse.' || p.proname) AND p.proname <> 'describe_warehouse_table' $$,
    'every function that is a tool is in the catalog');

-- Every tool says what it is.
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE title = '' OR output_schema IS NULL OR length(description) NOT BETWEEN 10 AND 220 $$, 'titles are there, descriptions are short');
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE input_schema -> 'additionalProperties' IS DISTINCT FROM 'false' OR NOT input_schema ? 'properties' $$,
    'arguments that are not named are refused');
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE scope = 'crm:write' AND (read_only OR NOT input_schema -> 'properties' ? 'idempotency_key'
    OR NOT output_schema -> 'required' @> '["before", "after", "version"]') $$, 'tools that write take an idempotency key and return before and after');
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE destructive AND scope = 'crm:write' AND NOT input_schema -> 'properties' ? 'expected_version' $$,
    'tools that overwrite take an expected version');
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE scope <> 'crm:write' AND NOT read_only AND name <> 'cancel_warehouse_query' $$, 'no other tool writes');
SELECT is_empty($$ SELECT name FROM lakehouse.tools WHERE name ~ '(delete|remove|drop|purge)' $$, 'no tool deletes');

-- Resources and prompts.
SELECT is_empty($$ SELECT uri FROM lakehouse.resources WHERE to_regprocedure(function || '(text)') IS NULL $$, 'every resource has its function');
SELECT is_empty($$ SELECT p.name, m[1] FROM lakehouse.prompts p, regexp_matches(p.template, '\{\{([a-z_]+)\}\}', 'g') m
    WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(p.arguments) a WHERE a ->> 'name' = m[1]) $$, 'a template uses declared arguments');
SELECT is_empty($$ SELECT p.name, a ->> 'complete' FROM lakehouse.prompts p, jsonb_array_elements(p.arguments) a
    WHERE a ? 'complete' AND NOT EXISTS (SELECT FROM lakehouse.record_kinds k WHERE k.kind = a ->> 'complete') $$, 'arguments are completed from kinds that exist');

-- Kinds against tables.
SELECT is_empty($$ SELECT k.kind FROM lakehouse.record_kinds k WHERE k.keeps_deleted <> EXISTS (SELECT FROM pg_attribute a
    WHERE a.attrelid = format('tap_tools.%I', k.table_name)::regclass AND a.attname = 'deleted_at') $$, 'kinds with deleted_at are those that keep deleted rows');
SELECT is_empty($$ SELECT k.kind, f.name FROM lakehouse.record_kinds k, unnest(k.default_fields || k.fixed_fields || k.folded_fields || k.long_fields
        || ARRAY(SELECT ltrim(s, '-') FROM unnest(k.default_sort) s)) AS f (name)
    WHERE NOT lakehouse.record_fields('tap_tools', k) ? f.name $$, 'every field that is named exists');
SELECT is_empty($$ SELECT t.table_name FROM information_schema.columns t WHERE t.table_schema = 'tap_tools' AND t.column_name = 'row_version'
    AND t.table_name NOT IN ('opportunity_contacts', 'activity_contacts')
    AND NOT EXISTS (SELECT FROM lakehouse.record_kinds k WHERE k.table_name = t.table_name) $$, 'every table of records is a kind');

SELECT * FROM finish();
ROLLBACK;
