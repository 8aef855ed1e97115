-- SPDX-License-Identifier: PostgreSQL
-- Shares as a tenant's admin makes them: the contract, tables and views of one's own, and every refusal.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
SELECT lakehouse.create_tenant('rt_share') IS NOT NULL AS created;
SELECT count(*) > 0 AS filled FROM lakehouse.load_sample_crm('rt_share');
CREATE ROLE rt_share_boss IN ROLE rt_share_admin;
GRANT USAGE ON SCHEMA rt_share TO rt_share_boss;
SET client_min_messages = notice;
SET ROLE rt_share_boss;

-- the contract
SELECT lakehouse.create_share('rt_share', 'facts') IS NOT NULL AS created;
SELECT t.schema_name, t.name, p.source, p.key_columns, p.changes_of, p.version, p.location = p.tenant_id || '/' || p.id AS has_own_folder
FROM lakehouse.share_tables t JOIN lakehouse.published_tables p ON p.id = t.table_id ORDER BY t.name;
SELECT lakehouse.share_contract_version();
SELECT c.relname, c.relowner::regrole, string_agg(p.name || ' ' || p.delta_type, ', ' ORDER BY a.attnum) AS columns
FROM pg_class c CROSS JOIN lakehouse.published_columns(c.oid) p JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = p.name
WHERE c.relnamespace = 'rt_share'::regnamespace AND c.relname LIKE 'published\_%' GROUP BY 1, 2 ORDER BY 1;
SELECT lakehouse.create_share('rt_share', 'FACTS');
SELECT lakehouse.create_share('rt_share', 'FACTS', if_not_exists => true) = s.id AS kept FROM lakehouse.shares s WHERE s.name = 'facts';
SELECT lakehouse.create_share('rt_share', 'no blanks');
SELECT lakehouse.create_share('rt_share', NULL);
SELECT lakehouse.create_share('rt_nobody', 'facts');

-- hashes: NULL stays NULL, spellings of one value are one hash, live rows alone
INSERT INTO rt_share.contacts (id, last_name, email, phone, deleted_at) VALUES
    (md5('h1')::uuid, 'h1', 'Ann@Example.test', '+49 (30) 12-34', NULL), (md5('h2')::uuid, 'h2', 'ann@example.test', '(+49) 301234', NULL),
    (md5('h3')::uuid, 'h3', NULL, '49301234', NULL), (md5('h4')::uuid, 'h4', NULL, 'none', NULL), (md5('h5')::uuid, 'h5', NULL, NULL, now());
SELECT last_name, email_hash = encode(sha256('ann@example.test'), 'hex') AS email, phone_hash = encode(sha256('+49301234'), 'hex') AS with_plus,
       phone_hash = encode(sha256('49301234'), 'hex') AS without
FROM rt_share.published_contacts WHERE last_name ~ '^h[0-9]$' ORDER BY 1;
SELECT lakehouse.set_share_salt('rt_share', 'pepper');
SELECT email_hash = encode(sha256('pepperann@example.test'), 'hex') AS is_salted FROM rt_share.published_contacts WHERE last_name = 'h1';
RESET ROLE;
SELECT p.source, c.key IS NULL AS all_rows, count(*) FROM lakehouse.captured_changes c JOIN lakehouse.published_tables p ON p.id = c.table_id
GROUP BY 1, 2 ORDER BY 1, 2;
SET ROLE rt_share_boss;

-- what can't be published
CREATE VIEW rt_share.bad_names AS SELECT id, name AS "a b" FROM rt_share.accounts;
CREATE VIEW rt_share.bad_case AS SELECT id, name AS "Name", name FROM rt_share.accounts;
CREATE VIEW rt_share.bad_type AS SELECT id, search FROM rt_share.accounts;
CREATE VIEW rt_share.reserved AS SELECT id, name AS _commit_version FROM rt_share.accounts;
CREATE VIEW rt_share.owners AS SELECT a.id, u.full_name AS owner FROM rt_share.accounts a JOIN rt_share.users u ON u.id = a.owner_id;
CREATE TABLE rt_share.no_key (a integer);
CREATE TABLE rt_share.odd_key (a integer UNIQUE, b numeric PRIMARY KEY, c text NOT NULL, d integer NOT NULL UNIQUE DEFERRABLE);
CREATE UNIQUE INDEX ON rt_share.odd_key (c) WHERE c > '';
CREATE UNLOGGED TABLE rt_share.fleeting (a integer PRIMARY KEY);
CREATE TABLE rt_share.parent (a integer PRIMARY KEY);
CREATE TABLE rt_share.child () INHERITS (rt_share.parent);
CREATE TABLE rt_share.secret (a integer PRIMARY KEY);
ALTER TABLE rt_share.secret ENABLE ROW LEVEL SECURITY;
CREATE SEQUENCE rt_share.counter;
CREATE TEMP TABLE passing (a integer PRIMARY KEY);
\set add 'SELECT lakehouse.add_table_to_share(''rt_share'', ''facts'', '
\set VERBOSITY default
\set SHOW_CONTEXT never
:add 'rt_share.bad_names', key => '{id}');
:add 'rt_share.bad_case', key => '{id}');
:add 'rt_share.bad_type', key => '{id}');
:add 'rt_share.reserved', key => '{id}');
:add 'rt_share.no_key');
:add 'rt_share.no_key', key => '{a}');
:add 'rt_share.odd_key');
:add 'rt_share.odd_key', key => '{a}');
:add 'rt_share.odd_key', key => '{c}');
:add 'rt_share.odd_key', key => '{d}');
:add 'rt_share.odd_key', key => '{nowhere}');
:add 'rt_share.odd_key', key => '{c,c}');
:add 'rt_share.odd_key', key => '{}');
:add 'rt_share.owners');
:add 'rt_share.owners', key => '{owner}', changes_of => 'rt_share.accounts');
:add 'rt_share.owners', key => '{id}', changes_of => 'rt_share.leads');
:add 'rt_share.owners', key => '{id}', changes_of => 'rt_share.published_accounts');
:add 'rt_share.fleeting');
:add 'rt_share.parent');
:add 'rt_share.secret');
:add 'rt_share.counter');
:add 'passing');
:add 'pg_catalog.pg_class', key => '{relname}');
:add 'lakehouse.tenants', key => '{id}');
:add 'rt_share.warehouse_connections', key => '{id}');
:add NULL);
:add 'rt_share.pipelines', table_name => 'a.b');
:add 'rt_share.pipelines', table_name => 'Accounts');
:add 'rt_share.published_accounts', table_name => 'again');
:add 'rt_share.published_accounts', key => '{name}', schema_name => 'other', if_not_exists => false);
SELECT lakehouse.add_table_to_share('rt_share', 'nowhere', 'rt_share.pipelines');
RESET ROLE;
SELECT lakehouse.create_share('rt_share', 'second', default_tables => false) IS NOT NULL AS created;
SELECT lakehouse.add_table_to_share('rt_share', 'second', 'rt_share.published_accounts', key => '{name}');
CREATE FOREIGN DATA WRAPPER rt_share_wrapper;
CREATE SERVER rt_share_server FOREIGN DATA WRAPPER rt_share_wrapper;
CREATE FOREIGN TABLE rt_share.remote (id integer) SERVER rt_share_server;
CREATE VIEW rt_share.over_remote AS SELECT r.id FROM rt_share.remote r JOIN rt_share.no_key k ON k.a = r.id;
CREATE VIEW rt_share.over_over AS SELECT id FROM rt_share.over_remote;
:add 'rt_share.remote', key => '{id}');
:add 'rt_share.over_over', key => '{id}');
DROP FOREIGN DATA WRAPPER rt_share_wrapper CASCADE;

-- what can: a table, a view with a notice, a view compared as a whole, a materialized view, hostile names
SET ROLE rt_share_boss;
CREATE MATERIALIZED VIEW rt_share.summary AS SELECT stage, count(*) FROM rt_share.opportunities GROUP BY stage;
CREATE TABLE rt_share."Odd ""name" ("Key" text, "sécond" smallint, value integer, PRIMARY KEY ("sécond", "Key"));
:add 'rt_share.pipelines', description => 'Sales processes') IS NOT NULL AS added;
:add 'rt_share.owners', key => '{id}', changes_of => 'rt_share.accounts') IS NOT NULL AS added;
:add 'rt_share.summary', key => '{stage}', with_history => false) IS NOT NULL AS added;
:add 'rt_share."Odd ""name"', table_name => 'odd') IS NOT NULL AS added;
:add 'rt_share.pipelines', if_not_exists => true) IS NOT NULL AS kept;
SELECT t.name, p.source, p.key_columns, p.changes_of, t.with_history, t.description FROM lakehouse.share_tables t
JOIN lakehouse.published_tables p ON p.id = t.table_id WHERE t.name IN ('pipelines', 'owners', 'summary', 'odd') ORDER BY 1;

-- types and how they are read
CREATE TYPE rt_share.mood AS ENUM ('good', 'bad');
CREATE DOMAIN rt_share.percent AS numeric(5,2);
CREATE DOMAIN rt_share.codes AS varchar(3)[];
CREATE VIEW rt_share.types AS SELECT 1 AS id, true AS b, 1::smallint AS i2, 1::bigint AS i8, 1::real AS f4, 1::float AS f8, 1::numeric AS n,
    1::numeric(38,38) AS n38, 1::numeric(39,0) AS n39, 1::numeric(3,-2) AS n_neg, 1::numeric(2,4) AS n_wide, ''::varchar(3) AS v, ''::char(3) AS c,
    ''::name AS name, '{}'::json AS j, '{}'::jsonb AS jb, 'good'::rt_share.mood AS mood, 1::rt_share.percent AS pct, '{}'::rt_share.codes AS codes,
    '::1'::inet AS ip, '::/0'::cidr AS net, '0:0:0:0:0:0'::macaddr AS mac, time '1:00' AS t, interval '1h' AS iv, date '2026-01-01' AS d,
    timestamptz 'epoch' AS tz, timestamp 'epoch' AS ts, ''::bytea AS raw, '{}'::int[] AS ia, '{}'::text[] AS ta, '{}'::numeric(9,2)[] AS na,
    '{}'::numeric[] AS na_any, '{}'::uuid[] AS ua, '{}'::rt_share.mood[] AS ma, '{}'::rt_share.percent[] AS pa, '{}'::char(2)[] AS ca;
SELECT name, delta_type, select_expression FROM lakehouse.published_columns('rt_share.types');
SELECT t.type, lakehouse.publishable_type(t.type, -1) FROM (VALUES ('xml'::regtype), ('money'), ('bit'), ('int4range'), ('tsvector'), ('point'),
    ('rt_share.accounts'), ('oid'), ('int2vector'), ('"char"'), ('text[]'), ('timetz')) AS t (type);

-- publishing is asked for; a job that waits is not doubled
BEGIN;
SELECT lakehouse.publish('rt_share') = lakehouse.publish('rt_share') AS is_one_job;
SELECT state, requested_by = session_user AS is_mine, error FROM lakehouse.publish_jobs;
ROLLBACK;
SELECT lakehouse.publish('rt_nobody');
SELECT source, version, stored_version, files, pending_changes, last_error FROM lakehouse.stat_publish WHERE tenant = 'rt_share' ORDER BY source::text;

-- what a source has become since is said at the next publish
SELECT name, delta_type, select_expression, nullable, comment FROM lakehouse.published_columns('rt_share."Odd ""name"');
CREATE TABLE rt_share.changing (id integer PRIMARY KEY, email text);
COMMENT ON COLUMN rt_share.changing.email IS 'Where to write';
:add 'rt_share.changing') IS NOT NULL AS added;
ALTER TABLE rt_share.changing ADD place point;
SELECT * FROM lakehouse.published_columns('rt_share.changing');
ALTER TABLE rt_share.changing DROP place, ADD "a=b" integer;
SELECT * FROM lakehouse.published_columns('rt_share.changing');
ALTER TABLE rt_share.changing DROP "a=b";
ALTER TABLE rt_share.changing ENABLE ROW LEVEL SECURITY;
SELECT * FROM lakehouse.published_columns('rt_share.changing');
ALTER TABLE rt_share.changing DISABLE ROW LEVEL SECURITY;
SELECT * FROM lakehouse.published_columns('rt_share.changing');
DROP TABLE rt_share.changing;
SELECT c.name FROM lakehouse.published_tables p CROSS JOIN LATERAL lakehouse.published_columns(p.source) c
WHERE p.tenant_id = lakehouse.find_tenant('rt_share') AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.source);
SELECT lakehouse.remove_table_from_share('rt_share', 'facts', 'changing');

-- a table in no share any more is published no more
SELECT lakehouse.remove_table_from_share('rt_share', 'facts', 'odd');
SELECT lakehouse.remove_table_from_share('rt_share', 'facts', 'odd');
SELECT lakehouse.remove_table_from_share('rt_share', 'facts', 'odd', if_exists => true);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'rt_share."Odd ""name"'::regclass;
SELECT lakehouse.restart_publishing('rt_share', 'rt_share.published_leads') <> (SELECT p.id FROM lakehouse.published_tables p
    WHERE p.source = 'rt_share.published_leads'::regclass) AS is_another;
SELECT t.name, p.version FROM lakehouse.share_tables t JOIN lakehouse.published_tables p ON p.id = t.table_id
WHERE p.source = 'rt_share.published_leads'::regclass;
SELECT lakehouse.restart_publishing('rt_share', 'rt_share.no_key');

-- grants
RESET ROLE;
INSERT INTO lakehouse.recipients (tenant_id, name) SELECT id, 'partner' FROM lakehouse.tenants WHERE slug = 'rt_share';
SET ROLE rt_share_boss;
SELECT lakehouse.grant_share('rt_share', 'facts', 'Partner'), lakehouse.grant_share('rt_share', 'facts', 'partner');
SELECT s.name, r.name FROM lakehouse.share_grants g JOIN lakehouse.shares s ON s.id = g.share_id JOIN lakehouse.recipients r ON r.id = g.recipient_id;
SELECT lakehouse.revoke_share('rt_share', 'facts', 'partner'), lakehouse.revoke_share('rt_share', 'facts', 'partner');
SELECT count(*) FROM lakehouse.share_grants;
SELECT lakehouse.grant_share('rt_share', 'facts', 'nobody');
SELECT lakehouse.grant_share('rt_share', 'nothing', 'partner');

SELECT lakehouse.drop_share('rt_share', 'facts');
SELECT lakehouse.drop_share('rt_share', 'facts');
SELECT lakehouse.drop_share('rt_share', 'facts', if_exists => true);
RESET ROLE;
SELECT s.name, p.source FROM lakehouse.shares s LEFT JOIN lakehouse.share_tables t ON t.share_id = s.id
LEFT JOIN lakehouse.published_tables p ON p.id = t.table_id WHERE s.tenant_id = lakehouse.find_tenant('rt_share');
SELECT lakehouse.publish('rt_share');
SELECT tgname FROM pg_trigger WHERE tgname LIKE 'lakehouse\_%' AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'rt_share'::regnamespace);

-- another tenant's admin reaches none of it
SET client_min_messages = warning;
SELECT lakehouse.create_tenant('rt_other') IS NOT NULL AS created;
SET ROLE rt_other_admin;
SELECT count(*) FROM lakehouse.shares;
SELECT lakehouse.create_share('rt_share', 'mine');
SELECT lakehouse.publish('rt_share');
SELECT lakehouse.create_share('rt_other', 'mine', default_tables => false) IS NOT NULL AS created;
SELECT lakehouse.add_table_to_share('rt_other', 'mine', (SELECT oid FROM pg_class WHERE relname = 'no_key'));
INSERT INTO lakehouse.shares (tenant_id, name) SELECT tenant_id, 'theirs' FROM lakehouse.published_tables;
RESET ROLE;
INSERT INTO lakehouse.shares (tenant_id, name) VALUES (lakehouse.find_tenant('rt_share'), 'theirs');
SET ROLE rt_other_admin;
SELECT name FROM lakehouse.shares;
DELETE FROM lakehouse.shares;
RESET ROLE;
SELECT name FROM lakehouse.shares WHERE name IN ('mine', 'theirs', 'second') ORDER BY 1;

SELECT lakehouse.drop_tenant('rt_share'), lakehouse.drop_tenant('rt_other');
DROP TABLE passing;
DROP ROLE rt_share_boss;
