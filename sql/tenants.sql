-- SPDX-License-Identifier: PostgreSQL
-- A tenant comes with schema, roles and registry row, and goes with all of them. A user is a row and a role.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never

-- create_tenant makes the row, the schema and four group roles
SELECT lakehouse.create_tenant('rt_north', plan => 'trial') AS id \gset
SELECT lakehouse.find_tenant('rt_north') = :'id' AS returns_the_id;
SELECT slug, plan FROM lakehouse.tenants WHERE slug LIKE 'rt\_%' ORDER BY slug;
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname LIKE 'rt\_north\_%' ORDER BY rolname;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'rt_north'::regnamespace AND c.relkind = 'r'
    AND c.relname IN ('users', 'accounts', 'contacts', 'leads', 'pipelines', 'pipeline_stages', 'opportunities', 'opportunity_contacts',
                      'opportunity_stage_history', 'products', 'price_books', 'price_book_entries', 'opportunity_line_items',
                      'activities', 'activity_contacts', 'cases')
ORDER BY c.relname COLLATE "C";

-- a second create_tenant is refused, or a no-op when asked
SELECT lakehouse.create_tenant('rt_north');
SELECT lakehouse.create_tenant('rt_north', if_not_exists => true) = lakehouse.find_tenant('rt_north') AS the_same_id;

-- names that are bad or taken leave nothing behind
\set VERBOSITY terse
SELECT lakehouse.create_tenant('North');
SELECT lakehouse.create_tenant('a b');
SELECT lakehouse.create_tenant('rt"; DROP SCHEMA public; --');
SELECT lakehouse.create_tenant('rt_a23456789012345678901234567890');
SELECT lakehouse.create_tenant('');
SELECT lakehouse.create_tenant(NULL);
SELECT lakehouse.create_tenant('public');
SELECT lakehouse.create_tenant('lakehouse');
SELECT lakehouse.create_tenant('pg');
SELECT lakehouse.create_tenant('pg_rt');
SELECT lakehouse.create_tenant('rt_plan', plan => 'Very Cheap!');
CREATE SCHEMA rt_taken;
SELECT lakehouse.create_tenant('rt_taken');
DROP SCHEMA rt_taken;
\set VERBOSITY default
CREATE ROLE rt_foreign_admin;
SELECT lakehouse.create_tenant('rt_foreign');
DROP ROLE rt_foreign_admin;
SELECT count(*) FROM lakehouse.tenants WHERE slug LIKE 'rt\_%';
SELECT count(*) FROM pg_roles WHERE rolname ~ '^rt_(taken|foreign|plan)' OR rolname LIKE 'pg\_rt%';
SELECT lakehouse.find_tenant('rt_nowhere');

-- a slug that is a reserved word works
SELECT lakehouse.create_tenant('table') IS NOT NULL AS created;
SELECT count(*) FROM "table".pipeline_stages;
SELECT lakehouse.drop_tenant('table');

-- create_user makes a row and a login role that is a member of its group
SELECT lakehouse.create_user('rt_north', 'Ada.King@north.example', 'Ada King', 'admin', password => 'correct horse') AS id \gset
SELECT id = :'id' AS returns_the_id, email, full_name, role, pg_role FROM rt_north.users;
SELECT lakehouse.create_user('rt_north', 'ada-king@other.example', 'Another Ada King') IS NOT NULL AS namesake;
SELECT lakehouse.create_user('rt_north', 'admin@north.example', 'Not the group role', 'readonly') IS NOT NULL AS like_a_group;
SELECT lakehouse.create_user('rt_north', 'Ünï''"@north.example', 'Strange Address', 'agent') IS NOT NULL AS strange;
SELECT lakehouse.create_user('rt_north', repeat('long', 30) || '@north.example', 'Long Address') IS NOT NULL AS long_address;
SELECT u.role, u.pg_role, r.rolcanlogin, r.rolsuper, octet_length(u.pg_role::text) <= 63 AS fits,
       (SELECT array_agg(m.roleid::regrole::text) FROM pg_auth_members m WHERE m.member = r.oid) AS member_of
FROM rt_north.users u JOIN pg_roles r ON r.rolname = u.pg_role ORDER BY u.pg_role COLLATE "C";
SELECT left(rolpassword, 14) AS stored_as FROM pg_authid WHERE rolname = 'rt_north_ada_king';
SELECT rolpassword IS NULL AS none FROM pg_authid WHERE rolname = 'rt_north_ada_king_2';

-- a SCRAM verifier made by the client is stored as it is
SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = 'rt_north_ada_king' \gset
SELECT lakehouse.create_user('rt_north', 'hashed@north.example', 'Hashed Password', password => :'verifier') IS NOT NULL AS created;
SELECT rolpassword = :'verifier' AS as_given FROM pg_authid WHERE rolname = 'rt_north_hashed';

-- create_user refuses what it can't make, and makes nothing of it
SELECT lakehouse.create_user('rt_north', 'ADA.KING@NORTH.EXAMPLE', 'Twice');
SELECT lakehouse.create_user('rt_north', 'ADA.KING@NORTH.EXAMPLE', 'Twice', if_not_exists => true)
     = (SELECT id FROM rt_north.users WHERE pg_role = 'rt_north_ada_king') AS the_same_id;
SELECT lakehouse.create_user('rt_north', 'bob@north.example', 'Bob', 'owner');
SELECT lakehouse.create_user('rt_nowhere', 'bob@north.example', 'Bob');
\set VERBOSITY terse
SELECT lakehouse.create_user('rt_north', 'no address', 'Bob');
SELECT lakehouse.create_user('rt_north', NULL, 'Bob');
\set VERBOSITY default
SELECT count(*) FROM pg_roles WHERE rolname LIKE 'rt\_north\_bob%';

-- no part of an error holds the password: here the server itself refuses it
LOAD 'passwordcheck';
DO $$
DECLARE
    secret CONSTANT text := reverse('yran4k');
    message text;
    detail text;
    hint text;
    context text;
BEGIN
    PERFORM lakehouse.create_user('rt_north', 'carol@north.example', 'Carol', password => secret);
    RAISE EXCEPTION 'a short password was accepted';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
                            context = PG_EXCEPTION_CONTEXT;
    RAISE NOTICE '% | % | %', message, detail, hint;
    RAISE NOTICE 'context is known: %, password in the error: %', context <> '',
                 strpos(concat(message, detail, hint, context), secret) > 0;
END
$$;
SELECT count(*) FROM pg_roles WHERE rolname LIKE 'rt\_north\_carol%';

-- nobody has USAGE on another tenant's schema
SELECT lakehouse.create_tenant('rt_south') IS NOT NULL AS created;
SET ROLE rt_north_ada_king;
SELECT count(*) FROM rt_north.accounts;
SELECT count(*) FROM rt_south.accounts;
RESET ROLE;

-- drop_tenant takes schema, roles and row; a role that something else needs stays
CREATE TABLE public.rt_witness (id integer);
GRANT SELECT ON public.rt_witness TO rt_north_readonly;
SELECT lakehouse.drop_tenant('rt_north');
SELECT rolname FROM pg_roles WHERE rolname LIKE 'rt\_north%' ORDER BY rolname;
SELECT to_regnamespace('rt_north') IS NULL AS schema_gone, count(*) AS rows FROM lakehouse.tenants WHERE slug = 'rt_north';
SELECT lakehouse.drop_tenant('rt_north');
SELECT lakehouse.drop_tenant('rt_north', if_exists => true);

-- a tenant of the same name takes that role over again
SELECT lakehouse.create_tenant('rt_north') IS NOT NULL AS created;
DROP TABLE public.rt_witness;
SELECT lakehouse.drop_tenant('rt_north');

-- a user's row can't make drop_tenant drop a role that is not the tenant's
CREATE ROLE rt_bystander LOGIN;
INSERT INTO rt_south.users (email, full_name, pg_role) VALUES ('by@south.example', 'Bystander', 'rt_bystander');
SELECT lakehouse.drop_tenant('rt_south');
SELECT rolname FROM pg_roles WHERE rolname LIKE 'rt\_south%' OR rolname = 'rt_bystander' ORDER BY rolname;
DROP ROLE rt_bystander;
