-- SPDX-License-Identifier: PostgreSQL
-- Who may do what: each role of a tenant on each CRM table, nobody across tenants, and the short list
-- of functions that run with their owner's rights.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;

-- The only place to list a SECURITY DEFINER function, with the reason it can't do without.
CREATE TEMP TABLE security_definer (signature text, reason text) ON COMMIT DROP;
INSERT INTO security_definer VALUES
    ('lakehouse.choose_stage()', 'locks the stage a deal moves to, which takes the right to change it'),
    ('lakehouse.record_stage()', 'writes stage history, which no role of a tenant may write'),
    ('lakehouse.forget_dropped_tables()', 'deletes the data sources of dropped tables, whoever drops them'),
    ('lakehouse.create_connection_server(uuid)', 'sets the server option "connection"; all it does follows from the row'),
    ('lakehouse.refuse_retired_key()', 'reads and locks the log of master keys, on which a tenant''s admin has no right'),
    ('lakehouse.refuse_taken_id()', 'compares with connections of other tenants, which are not the caller''s to see'),
    ('lakehouse.start_capture()', 'makes triggers on CRM tables and lets them be read; all it does follows from the row'),
    ('lakehouse.stop_capture()', 'drops those triggers'),
    ('lakehouse.drop_unshared_tables()', 'deletes published tables, which no role of a tenant may'),
    ('lakehouse.abandon_folder()', 'writes abandoned_folders, on which no role of a tenant has a right'),
    ('lakehouse.capture_definition()', 'writes captured_changes, whoever changes a table or view'),
    ('lakehouse.capture_rewrite()', 'writes captured_changes, whoever changes a table'),
    ('lakehouse.capture_drop()', 'writes captured_changes, whoever drops a partition');

-- s, i, u, d: SELECT, INSERT, UPDATE, DELETE on the whole table.
CREATE TEMP TABLE expected_right (table_name text, admin text, member text, readonly text, agent text) ON COMMIT DROP;
INSERT INTO expected_right VALUES
    ('accounts', 'siud', 'siu', 's', 'siu'), ('contacts', 'siud', 'siu', 's', 'siu'), ('leads', 'siud', 'siu', 's', 'siu'),
    ('opportunities', 'siud', 'siu', 's', 'siu'), ('opportunity_contacts', 'siud', 'siu', 's', 'siu'),
    ('opportunity_line_items', 'siud', 'siu', 's', 'siu'), ('activities', 'siud', 'siu', 's', 'siu'),
    ('activity_contacts', 'siud', 'siu', 's', 'siu'), ('cases', 'siud', 'siu', 's', 'siu'),
    ('products', 'siud', 'siu', 's', 's'), ('price_books', 'siud', 'siu', 's', 's'), ('price_book_entries', 'siud', 'siu', 's', 's'),
    ('pipelines', 'siud', 's', 's', 's'), ('pipeline_stages', 'siud', 's', 's', 's'),
    ('opportunity_stage_history', 's', 's', 's', 's'), ('users', 's', 's', 's', 's');

SELECT plan(54);
SELECT lakehouse.create_tenant('tap_north') IS NOT NULL AND lakehouse.create_tenant('tap_south') IS NOT NULL AS created \gset
SELECT count(lakehouse.create_user('tap_north', r || '@tap.example', r, r)) AS users FROM unnest(ARRAY['admin', 'member', 'readonly', 'agent']) AS r \gset
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;

SELECT bag_eq($$ SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'lakehouse'::regnamespace AND p.prosecdef $$,
    $$ SELECT signature FROM security_definer $$, 'exactly the listed functions are SECURITY DEFINER');

SELECT results_eq(format($$ SELECT table_name, concat(
        CASE WHEN has_table_privilege('tap_north_%1$s', 'tap_north.' || table_name, 'SELECT') THEN 's' END,
        CASE WHEN has_table_privilege('tap_north_%1$s', 'tap_north.' || table_name, 'INSERT') THEN 'i' END,
        CASE WHEN has_table_privilege('tap_north_%1$s', 'tap_north.' || table_name, 'UPDATE') THEN 'u' END,
        CASE WHEN has_table_privilege('tap_north_%1$s', 'tap_north.' || table_name, 'DELETE') THEN 'd' END,
        CASE WHEN has_table_privilege('tap_north_%1$s', 'tap_north.' || table_name, 'TRUNCATE, REFERENCES, TRIGGER') THEN '!' END)
    FROM expected_right ORDER BY table_name $$, r),
    format('SELECT table_name, %I FROM expected_right ORDER BY table_name', r), format('%s has the rights of the matrix', r))
FROM unnest(ARRAY['admin', 'member', 'readonly', 'agent']) AS r;
SELECT bag_eq($$ SELECT c.relname::text FROM pg_class c JOIN pg_trigger g ON g.tgrelid = c.oid
    WHERE c.relnamespace = 'tap_north'::regnamespace AND g.tgname IN ('stamp_row', 'refuse_change') $$,
    $$ SELECT table_name FROM expected_right $$, 'the matrix names every CRM table');

-- An admin writes users, but not what binds them to a role of the cluster.
SELECT bag_eq($$ SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = 'tap_north.users'::regclass AND a.attnum > 0
    AND has_column_privilege('tap_north_admin', 'tap_north.users', a.attname, 'UPDATE') $$,
    $$ VALUES ('email'), ('full_name'), ('title'), ('manager_id'), ('is_active') $$, 'admin updates only harmless columns of users');
SELECT bag_eq($$ SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = 'tap_north.users'::regclass AND a.attnum > 0
    AND has_column_privilege('tap_north_admin', 'tap_north.users', a.attname, 'INSERT') $$,
    $$ VALUES ('email'), ('full_name'), ('title'), ('manager_id'), ('is_active') $$, 'admin inserts only harmless columns of users');
SELECT is_empty(format($$ SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'tap_north.users'::regclass AND a.attnum > 0
    AND has_column_privilege('tap_north_%s', 'tap_north.users', a.attname, 'INSERT, UPDATE') $$, r), format('%s writes no column of users', r))
FROM unnest(ARRAY['member', 'readonly', 'agent']) AS r;

-- Across tenants and into the extension's schema: no USAGE, so nothing at all.
SELECT is(has_schema_privilege('tap_north_' || r, 'tap_south', 'USAGE, CREATE'), false, format('%s has no right on another tenant''s schema', r))
FROM unnest(ARRAY['admin', 'member', 'readonly', 'agent']) AS r;
SELECT is(has_schema_privilege('tap_north_' || r, 'lakehouse', 'CREATE'), false, format('%s creates nothing in schema lakehouse', r))
FROM unnest(ARRAY['admin', 'member', 'readonly', 'agent']) AS r;
SELECT is(has_schema_privilege('tap_north_' || r, 'tap_north', 'CREATE'), r = 'admin', format('%s creates in its own schema only as the admin, who imports there', r))
FROM unnest(ARRAY['admin', 'member', 'readonly', 'agent']) AS r;
SELECT is_empty($$ SELECT n.nspname FROM pg_namespace n WHERE n.nspname IN ('lakehouse', 'tap_north') AND has_schema_privilege('public', n.oid, 'USAGE, CREATE') $$,
    'PUBLIC has no right on our schemas');
SELECT bag_eq($$ SELECT m.roleid::regrole::text, m.member::regrole::text FROM pg_auth_members m
    WHERE m.member IN (SELECT oid FROM pg_roles WHERE rolname IN ('tap_north_admin', 'tap_north_member', 'tap_north_readonly', 'tap_north_agent')) $$,
    $$ VALUES ('lakehouse_user', 'tap_north_admin'), ('lakehouse_user', 'tap_north_member'), ('lakehouse_user', 'tap_north_agent'),
              ('lakehouse_user', 'tap_north_readonly'), ('lakehouse_agent', 'tap_north_agent') $$,
    'a group role is a member of those who call tools, and agents of the guarded');

-- USAGE on schema lakehouse opens tools, and nothing that runs with other rights or holds a tenant's rows.
SELECT bag_eq($$ SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'lakehouse'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S')
    AND has_any_column_privilege('lakehouse_user', c.oid, 'SELECT') $$,
    $$ VALUES ('tools'), ('resources'), ('prompts'), ('record_kinds'), ('record_relations'), ('filter_operators') $$,
    'tools open six tables of the extension, which describe and hold no record');
SELECT is_empty($$ SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'lakehouse'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
    AND has_any_column_privilege('lakehouse_user', c.oid, 'INSERT, UPDATE, REFERENCES') $$, 'tools write no table of the extension');
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'lakehouse'::regnamespace
    AND has_function_privilege('lakehouse_user', p.oid, 'EXECUTE')
    AND (p.prosecdef OR p.prolang NOT IN (SELECT oid FROM pg_language WHERE lanname IN ('plpgsql', 'sql')) OR p.prorettype = 'trigger'::regtype)
    EXCEPT SELECT s::regprocedure FROM unnest(ARRAY['lakehouse.list_shippable_functions()', 'lakehouse.list_guarded_functions()',
                                                    'lakehouse.limit_size(anyelement,integer)']) AS s $$,
    'what tools open runs with the caller''s rights, and is SQL');
SELECT is(has_function_privilege('tap_north_' || r, 'lakehouse.get_account(jsonb)', 'EXECUTE') AND has_schema_privilege('tap_north_' || r, 'lakehouse', 'USAGE'),
          true, format('%s calls tools', r))
FROM unnest(ARRAY['admin', 'member', 'readonly', 'agent']) AS r;

-- Sharing is the admin's: rows of the own tenant, and of those only what a trigger checks or nothing depends on.
CREATE TEMP TABLE publishing (table_name text, admin text, worker text) ON COMMIT DROP;
INSERT INTO publishing VALUES
    ('published_tables', 's i(changes_of,key_columns,source,tenant_id)', 'su'), ('published_versions', '', 'siud'), ('published_files', '', 'siud'),
    ('published_change_files', '', 'siud'), ('captured_changes', '', 'sid'), ('publishers', '', 'su'), ('publish_steps', '', 'siud'),
    ('publish_jobs', 's i(tenant_id) u(requested_at)', 'siud'), ('shares', 'sd i(name,tenant_id)', 's'),
    ('share_tables', 'sd i(description,name,schema_name,share_id,table_id,with_history)', 's'),
    ('share_grants', 'sd i(recipient_id,share_id)', 's'), ('share_reads', '', 'siu'), ('recipient_tokens', 'u(expires_at,revoked_at)', 'siud'),
    ('recipients', 'd i(allowed_networks,auth,id,name,tenant_id,token_lifetime) u(activation_expires_at,activation_hash,allowed_networks,'
                   'client_secret_expires_at,old_client_secret_expires_at,revoked_at)', 'su');
CREATE FUNCTION pg_temp.rights(role_name text, target regclass) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', nullif((SELECT string_agg(CASE WHEN has_table_privilege(role_name, target, v) THEN lower(left(v, 1)) END, '' ORDER BY n)
                                  FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS t (v, n)), ''),
                     CASE WHEN NOT has_table_privilege(role_name, target, 'INSERT') THEN (
                         SELECT 'i(' || string_agg(attname, ',' ORDER BY attname) || ')' FROM pg_attribute
                         WHERE attrelid = target AND attnum > 0 AND has_column_privilege(role_name, target, attname, 'INSERT')) END,
                     CASE WHEN NOT has_table_privilege(role_name, target, 'UPDATE') THEN (
                         SELECT 'u(' || string_agg(attname, ',' ORDER BY attname) || ')' FROM pg_attribute
                         WHERE attrelid = target AND attnum > 0 AND has_column_privilege(role_name, target, attname, 'UPDATE')) END)
$$;
SELECT results_eq($$ SELECT table_name, pg_temp.rights('tap_north_admin', 'lakehouse.' || table_name) FROM publishing ORDER BY 1 $$,
    'SELECT table_name, admin FROM publishing ORDER BY 1', 'an admin has these rights on what is published');
SELECT results_eq($$ SELECT table_name, pg_temp.rights('lakehouse_worker', 'lakehouse.' || table_name) FROM publishing ORDER BY 1 $$,
    'SELECT table_name, worker FROM publishing ORDER BY 1', 'the worker has these rights on what is published');
SELECT is_empty(format($$ SELECT table_name FROM publishing WHERE pg_temp.rights('tap_north_%1$s', 'lakehouse.' || table_name) <> ''
    UNION ALL SELECT f FROM unnest(ARRAY['create_share', 'add_table_to_share', 'publish', 'set_share_salt', 'grant_share', 'create_recipient']) AS f
    WHERE has_function_privilege('tap_north_%1$s', ('lakehouse.' || f)::regproc::oid, 'EXECUTE')
    UNION ALL SELECT v FROM unnest(ARRAY['stat_publish', 'publish_history', 'progress_publish']) AS v
    WHERE has_table_privilege('tap_north_%1$s', 'lakehouse.' || v, 'SELECT') $$, r), format('%s shares nothing and sees nothing of it', r))
FROM unnest(ARRAY['member', 'readonly', 'agent']) AS r;
SELECT is_empty($$ SELECT c.relname FROM pg_class c JOIN publishing p ON c.oid = ('lakehouse.' || p.table_name)::regclass
    WHERE p.admin <> '' AND NOT c.relrowsecurity $$, 'what an admin has a right on has row security');
SELECT is_empty($$ SELECT n FROM unnest(ARRAY['share_options']) AS n, unnest(ARRAY['member', 'readonly', 'agent']) AS r
    WHERE has_any_column_privilege('tap_north_' || r, 'tap_north.' || n, 'SELECT, INSERT, UPDATE') $$, 'nobody but an admin reads the salt');
SELECT is(has_function_privilege('tap_north_admin', 'lakehouse.capture_change()', 'EXECUTE')
          OR has_function_privilege('lakehouse_worker', 'lakehouse.capture_change()', 'EXECUTE'), false, 'nobody makes a trigger of capture');

-- The same by doing it, as the users who sign in.
SET LOCAL ROLE tap_north_admin_2;
SELECT throws_ok('SELECT * FROM tap_south.accounts', '42501', 'permission denied for schema tap_south', 'an admin can''t read another tenant');
SELECT lives_ok('SELECT * FROM tap_north.accounts', 'an admin reads its own tenant');
SELECT throws_ok($$ UPDATE tap_north.users SET pg_role = 'postgres' $$, '42501', NULL, 'an admin can''t bind a user to a role');
SELECT throws_ok($$ SELECT lakehouse.create_tenant('tap_mine') $$, '42501', NULL, 'an admin can''t create a tenant');
SELECT lives_ok($$ SELECT lakehouse.create_share('tap_north', 'facts') $$, 'an admin shares the own tenant''s tables');
SELECT throws_ok($$ INSERT INTO lakehouse.published_tables (tenant_id, source, location)
    SELECT tenant_id, 'tap_north.pipelines', '../elsewhere' FROM lakehouse.shares $$, '42501', NULL, 'an admin can''t say where files go');
SET LOCAL ROLE tap_north_member_2;
SELECT throws_ok('SELECT * FROM tap_south.accounts', '42501', 'permission denied for schema tap_south', 'a member can''t read another tenant');
SELECT lives_ok($$ INSERT INTO tap_north.accounts (name) VALUES ('Mine') $$, 'a member creates an account and owns it');
SELECT throws_ok('DELETE FROM tap_north.accounts', '42501', NULL, 'a member can''t erase an account');
SELECT throws_ok('SELECT * FROM lakehouse.tenants', '42501', NULL, 'a member can''t list the tenants');
SELECT throws_ok('UPDATE tap_north.pipeline_stages SET default_probability = 100', '42501', NULL, 'a member can''t change stages');
SET LOCAL ROLE tap_north_readonly_2;
SELECT throws_ok('SELECT * FROM tap_south.accounts', '42501', 'permission denied for schema tap_south', 'a reader can''t read another tenant');
SELECT throws_ok($$ INSERT INTO tap_north.accounts (name) VALUES ('Mine') $$, '42501', NULL, 'a reader can''t write');
RESET ROLE;

-- What comes later is nobody's before it is granted.
CREATE TABLE tap_north.later (id integer);
SELECT results_eq($$ SELECT r, has_table_privilege('tap_north_' || r, 'tap_north.later', 'SELECT'),
        has_table_privilege('tap_north_' || r, 'tap_north.later', 'INSERT, UPDATE, DELETE') FROM unnest(ARRAY['admin', 'member', 'readonly', 'agent']) AS r $$,
    $$ VALUES ('admin', false, false), ('member', false, false), ('readonly', false, false), ('agent', false, false) $$,
    'a table made later is nobody''s to read');

SELECT * FROM finish();
ROLLBACK;
