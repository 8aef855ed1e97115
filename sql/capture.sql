-- SPDX-License-Identifier: PostgreSQL
-- What is captured of changes to published tables: each way in which a row can come, go or change, and what no row tells.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
SELECT lakehouse.create_tenant('rt_capture') IS NOT NULL AS created;
SELECT lakehouse.create_share('rt_capture', 'all', default_tables => false) IS NOT NULL AS created;
SET search_path = rt_capture, public;
-- What was captured since the last call, by key; NULL: every row.
CREATE FUNCTION pg_temp.captured(OUT source regclass, OUT key text[]) RETURNS SETOF record LANGUAGE sql AS $$
    WITH seen AS (DELETE FROM lakehouse.captured_changes c USING lakehouse.published_tables p
                  WHERE p.id = c.table_id AND p.tenant_id = lakehouse.find_tenant('rt_capture') RETURNING p.source, c.key)
    SELECT source, key FROM seen ORDER BY source::text, key
$$;
CREATE TABLE item (id integer PRIMARY KEY, word text, parent integer REFERENCES item ON DELETE CASCADE ON UPDATE CASCADE);
SELECT lakehouse.add_table_to_share('rt_capture', 'all', 'item') IS NOT NULL AS added;

-- rows come
INSERT INTO item VALUES (1, 'a'), (2, 'b');
SELECT * FROM pg_temp.captured();
COPY item (id, word) FROM stdin;
3	c
4	d
\.
SELECT * FROM pg_temp.captured();
INSERT INTO item VALUES (4, 'dd'), (5, 'e') ON CONFLICT (id) DO UPDATE SET word = excluded.word;
SELECT * FROM pg_temp.captured();
INSERT INTO item VALUES (4, 'ddd') ON CONFLICT DO NOTHING;
SELECT count(*) FROM pg_temp.captured();
-- rows change; with their key both keys
UPDATE item SET word = upper(word) WHERE id <= 2;
SELECT * FROM pg_temp.captured();
UPDATE item SET id = id + 10 WHERE id = 3;
SELECT * FROM pg_temp.captured();
MERGE INTO item USING (VALUES (13, 'm'), (14, 'n')) AS v (id, word) ON item.id = v.id
WHEN MATCHED THEN UPDATE SET word = v.word WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.word);
SELECT * FROM pg_temp.captured();
-- rows go, and take others along
INSERT INTO item VALUES (21, 'x', 1), (22, 'y', 21);
SELECT count(*) FROM pg_temp.captured();
UPDATE item SET id = 31 WHERE id = 21;
SELECT * FROM pg_temp.captured();
DELETE FROM item WHERE id = 1;
SELECT * FROM pg_temp.captured();
-- what is rolled back was never captured
BEGIN;
INSERT INTO item VALUES (41);
SAVEPOINT s;
INSERT INTO item VALUES (42);
ROLLBACK TO s;
COMMIT;
SELECT * FROM pg_temp.captured();
-- as a subscription applies it
SET session_replication_role = replica;
INSERT INTO item VALUES (51);
TRUNCATE item;
RESET session_replication_role;
SELECT * FROM pg_temp.captured();
-- a session's plan survives changes to the table it writes
ALTER TABLE lakehouse.captured_changes ADD COLUMN rt_extra integer;
INSERT INTO item VALUES (61);
ALTER TABLE lakehouse.captured_changes DROP COLUMN rt_extra;
INSERT INTO item VALUES (62);
SELECT * FROM pg_temp.captured();

-- definitions
ALTER TABLE item ADD COLUMN more integer;
SELECT count(*) FROM pg_temp.captured();
ALTER TABLE item ALTER word TYPE varchar(5) USING word || '!';
SELECT * FROM pg_temp.captured();
-- a key column that is renamed fails no write
ALTER TABLE item RENAME id TO number;
INSERT INTO item VALUES (71);
SELECT * FROM pg_temp.captured();
ALTER TABLE item RENAME number TO id;
CREATE VIEW shown AS SELECT id, word FROM item WHERE id > 0;
SELECT lakehouse.add_table_to_share('rt_capture', 'all', 'shown', key => '{id}', changes_of => 'item') IS NOT NULL AS added;
CREATE VIEW over_shown AS SELECT id, word FROM shown;
SELECT lakehouse.add_table_to_share('rt_capture', 'all', 'over_shown', key => '{id}', changes_of => 'item') IS NOT NULL AS added;
SELECT count(*) FROM pg_temp.captured();
CREATE OR REPLACE VIEW shown AS SELECT id, word FROM item WHERE id > 62;
SELECT * FROM pg_temp.captured();
UPDATE item SET word = 'z' WHERE id = 71;
SELECT * FROM pg_temp.captured();
-- its triggers can't be dropped alone; switched off and on, every row counts as changed
DO $$ BEGIN
    EXECUTE format('DROP TRIGGER %I ON item', (SELECT tgname FROM pg_trigger WHERE tgrelid = 'item'::regclass AND tgname LIKE 'lakehouse_capture_%'
        AND tgargs LIKE (SELECT id::text FROM lakehouse.published_tables WHERE source = 'item'::regclass)::bytea || '%'));
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE WARNING '%', SQLERRM;
END $$;
ALTER TABLE item DISABLE TRIGGER ALL;
INSERT INTO item VALUES (81);
SELECT source, key FROM pg_temp.captured() GROUP BY 1, 2 ORDER BY source::text;
ALTER TABLE item ENABLE TRIGGER ALL;
SELECT source, key FROM pg_temp.captured() GROUP BY 1, 2 ORDER BY source::text;
SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgrelid = 'item'::regclass AND tgname LIKE 'lakehouse_capture_%';
SELECT lakehouse.remove_table_from_share('rt_capture', 'all', name) FROM (VALUES ('shown'), ('over_shown'), ('item')) AS t (name);

-- several columns, and types that write themselves in one way whatever the settings
CREATE TABLE pair (a uuid, b bigint, c varchar(9), d smallint, e text, PRIMARY KEY (e, d, c, b, a));
SELECT lakehouse.add_table_to_share('rt_capture', 'all', 'pair') IS NOT NULL AS added;
INSERT INTO pair VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', -9223372036854775808, ' c"\{}', 7, 'NULL');
SELECT * FROM pg_temp.captured();

-- partitions: those that are, come, move and go
CREATE TABLE part (id integer, region text, word text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('eu');
SELECT lakehouse.add_table_to_share('rt_capture', 'all', 'part', key => '{id,region}') IS NOT NULL AS added;
SELECT count(*) > 0 AS starts_whole FROM pg_temp.captured();
CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us');
SELECT key, count(*) > 0 AS captured FROM pg_temp.captured() GROUP BY 1;
INSERT INTO part VALUES (1, 'eu'), (2, 'us');
INSERT INTO part_us VALUES (3, 'us');
SELECT * FROM pg_temp.captured();
UPDATE part SET region = 'us' WHERE id = 1;
SELECT * FROM pg_temp.captured();
TRUNCATE part_us;
SELECT DISTINCT * FROM pg_temp.captured();
TRUNCATE part;
SELECT DISTINCT * FROM pg_temp.captured();
CREATE TABLE part_asia (word text, region text NOT NULL, id integer NOT NULL);
INSERT INTO part_asia VALUES ('w', 'asia', 9);
ALTER TABLE part ATTACH PARTITION part_asia FOR VALUES IN ('asia');
SELECT DISTINCT * FROM pg_temp.captured();
UPDATE part_asia SET word = 'v';
SELECT * FROM pg_temp.captured();
SET session_replication_role = replica;
UPDATE part_asia SET word = 'replica';
INSERT INTO part_us VALUES (10, 'us');
RESET session_replication_role;
SELECT * FROM pg_temp.captured();
ALTER TABLE part DETACH PARTITION part_asia;
SELECT DISTINCT * FROM pg_temp.captured();
UPDATE part_asia SET word = 'u';
SELECT count(*) FROM pg_temp.captured();
DROP TABLE part_us;
SELECT DISTINCT * FROM pg_temp.captured();

-- who writes need not know of it
CREATE VIEW live AS SELECT id, name FROM accounts WHERE deleted_at IS NULL;
SELECT lakehouse.add_table_to_share('rt_capture', 'all', 'live', key => '{id}', changes_of => 'accounts') IS NOT NULL AS added;
INSERT INTO users (id, email, full_name) VALUES (md5('u')::uuid, 'u@example.test', 'U');
SELECT count(*) FROM pg_temp.captured();
SET ROLE rt_capture_member;
INSERT INTO accounts (id, name, owner_id) VALUES (md5('n')::uuid, 'n', md5('u')::uuid);
SELECT count(*) FROM lakehouse.captured_changes;
RESET ROLE;
SELECT * FROM pg_temp.captured();
CREATE TABLE mine (id integer PRIMARY KEY);
GRANT ALL ON mine TO rt_capture_admin;
SET ROLE rt_capture_admin;
CREATE TRIGGER forged AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION lakehouse.capture_change('0', 'id');
RESET ROLE;

-- a source that goes is the next publish's matter
DROP TABLE pair;
SELECT count(*) FROM lakehouse.published_tables WHERE tenant_id = lakehouse.find_tenant('rt_capture');
SELECT lakehouse.remove_table_from_share('rt_capture', 'all', 'pair');
SELECT source FROM lakehouse.published_tables WHERE tenant_id = lakehouse.find_tenant('rt_capture') ORDER BY source::text;
RESET search_path;
SELECT lakehouse.drop_tenant('rt_capture');
SELECT count(*) FROM lakehouse.captured_changes c WHERE NOT EXISTS (SELECT FROM lakehouse.published_tables p WHERE p.id = c.table_id);
