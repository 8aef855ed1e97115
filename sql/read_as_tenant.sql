-- SPDX-License-Identifier: PostgreSQL
-- A publishing session reads with the rights of the tenant's admins: what a view's functions try as the worker fails.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
SELECT lakehouse.create_tenant('rt_read') IS NOT NULL AND lakehouse.create_tenant('rt_prey') IS NOT NULL AS created;
SELECT lakehouse.create_user('rt_prey', 'boss@example.test', 'Boss', 'admin') IS NOT NULL AS created;
SELECT lakehouse.create_share('rt_read', 'facts') IS NOT NULL AS created;
SELECT id AS tenant FROM lakehouse.tenants WHERE slug = 'rt_read' \gset
GRANT CREATE ON SCHEMA rt_read TO rt_read_admin;
SET ROLE rt_read_admin;
CREATE FUNCTION rt_read.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END
$$;
CREATE VIEW rt_read.bait AS
SELECT 1 AS id, current_user::text AS reader, rt_read.try('SET LOCAL ROLE rt_prey_boss') AS become_user,
       rt_read.try('RESET ROLE') AS become_worker, rt_read.try('SET SESSION AUTHORIZATION DEFAULT') AS become_session,
       rt_read.try('SELECT token_hash FROM lakehouse.recipient_tokens') AS read_tokens, rt_read.try('SELECT * FROM rt_prey.accounts') AS read_prey,
       rt_read.try('CREATE TEMP TABLE left_behind ()') AS leave, rt_read.try('UPDATE rt_read.accounts SET name = ''x''') AS write,
       rt_read.try('SET TRANSACTION READ WRITE') AS make_writable, set_config('search_path', 'rt_read', false) AS path;
SELECT lakehouse.add_table_to_share('rt_read', 'facts', 'rt_read.bait', key => '{id}') IS NOT NULL AS added;
RESET ROLE;

SET SESSION AUTHORIZATION lakehouse_worker;
\x on
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT lakehouse.read_as_tenant(:'tenant');
SELECT * FROM rt_read.bait;
SAVEPOINT s;
SELECT count(*) FROM lakehouse.captured_changes;
ROLLBACK TO s;
SELECT current_user, count(*) FROM rt_read.published_contacts;
SELECT lakehouse.read_as_tenant(:'tenant');
ROLLBACK;
\x off
SELECT current_user, current_setting('search_path') = '"$user", public' AS is_own_path, count(*) >= 0 AS reads FROM lakehouse.captured_changes;
-- a commit gives the rights back as well
BEGIN;
SELECT lakehouse.read_as_tenant(:'tenant');
COMMIT;
SELECT current_user, count(*) >= 0 AS reads FROM lakehouse.captured_changes;
SELECT lakehouse.read_as_tenant(:'tenant');
SELECT current_user;
SELECT lakehouse.read_as_tenant(gen_random_uuid());
RESET SESSION AUTHORIZATION;
-- nobody else may
SET ROLE rt_read_admin;
SELECT lakehouse.read_as_tenant(:'tenant');
RESET ROLE;
SELECT lakehouse.drop_tenant('rt_read'), lakehouse.drop_tenant('rt_prey');
