-- SPDX-License-Identifier: PostgreSQL
-- Where a tenant publishes to: what use_s3 refuses, whose the stores are, keys that change and go, where new tables lie.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS lakehouse;
RESET client_min_messages;
\set SHOW_CONTEXT never
SELECT lakehouse.create_tenant('rt_store') IS NOT NULL AND lakehouse.create_tenant('rt_store2') IS NOT NULL AS created;

-- refused before anything is made
SELECT lakehouse.use_s3('rt_nobody', 's3://lake', 'eu-west-1', 'AKID', 's3cret');
SELECT lakehouse.use_s3('rt_store', 's3://lake', 'eu-west-1', 'AKID', '');
\set VERBOSITY terse
SELECT lakehouse.use_s3('rt_store', 'https://lake', 'eu-west-1', 'AKID', 's3cret');
SELECT lakehouse.use_s3('rt_store', 's3://Lake', 'eu-west-1', 'AKID', 's3cret');
SELECT lakehouse.use_s3('rt_store', 's3://lake/../x', 'eu-west-1', 'AKID', 's3cret');
SELECT lakehouse.use_s3('rt_store', 's3://lake/*', 'eu-west-1', 'AKID', 's3cret');
SELECT lakehouse.use_s3('rt_store', 's3://lake', 'eu west', 'AKID', 's3cret', 'https://s3.example.com');
SELECT lakehouse.use_s3('rt_store', 's3://lake', 'eu-west-1', 'A/B', 's3cret');
SELECT lakehouse.use_s3('rt_store', 's3://lake', 'eu-west-1', 'AKID', 's3cret', 'https://user@s3.example.com');
SELECT lakehouse.use_s3('rt_store', 's3://lake', 'eu-west-1', 'AKID', 's3cret', role_arn => 'role');
\set VERBOSITY default
SELECT count(*) FROM lakehouse.stores;

-- an admin makes one, and it isn't shown the secret
SET ROLE rt_store_admin;
SELECT lakehouse.use_s3('rt_store', 's3://lake/crm/', 'eu-west-1', 'AKID', 's3cret') IS NOT NULL AS made;
SELECT lakehouse.use_s3('rt_store', 's3://lake/crm', 'eu-west-1', 'AKID', 's3cret');
SELECT lakehouse.use_s3('rt_store', 's3://with.dot', 'cn-north-1', 'AKID', 's3cret', role_arn => 'arn:aws-cn:iam::123456789012:role/r') IS NOT NULL AS made;
SELECT lakehouse.use_s3('rt_store', 's3://minio', 'us-east-1', 'AKID', 's3cret', 'HTTPS://Minio.example.com:9000/') IS NOT NULL AS made;
SELECT url, endpoint, region, path_style, role_arn, secret_version, is_revoked, is_current FROM lakehouse.stores ORDER BY url;
SELECT secret FROM lakehouse.stores;
UPDATE lakehouse.stores SET endpoint = 'https://elsewhere.example.com';
DELETE FROM lakehouse.stores;
SELECT lakehouse.use_s3('rt_store2', 's3://lake', 'eu-west-1', 'AKID', 's3cret');
SET ROLE rt_store2_admin;
SELECT count(*) FROM lakehouse.stores;
SELECT lakehouse.set_s3_key('rt_store2', 's3://minio', 'AKID', 's3cret');
SET ROLE rt_store_member;
SELECT lakehouse.use_s3('rt_store', 's3://lake', 'eu-west-1', 'AKID', 's3cret');
RESET ROLE;
SELECT count(*) AS plaintexts FROM lakehouse.stores WHERE position(convert_to('s3cret', 'UTF8') IN secret) > 0;
SELECT sum(secrets) >= 3 AS counted FROM lakehouse.master_keys;

-- a table that is published from now on lies in the current store; others stay where they are
SET ROLE rt_store_admin;
SELECT lakehouse.use_s3('rt_store', 's3://lake/crm', 'eu-west-1', 'AKID', 's3cret', if_not_exists => true) IS NOT NULL AS used_again;
CREATE TABLE rt_store.one (id integer PRIMARY KEY);
CREATE TABLE rt_store.two (id integer PRIMARY KEY);
SELECT lakehouse.create_share('rt_store', 's', default_tables => false) IS NOT NULL AS shared;
SELECT lakehouse.add_table_to_share('rt_store', 's', 'rt_store.one') IS NOT NULL AS added;
SELECT lakehouse.use_directory('rt_store');
SELECT lakehouse.add_table_to_share('rt_store', 's', 'rt_store.two') IS NOT NULL AS added;
SELECT p.source, s.url FROM lakehouse.published_tables p LEFT JOIN lakehouse.stores s ON s.id = p.store_id ORDER BY p.source::text;
SELECT lakehouse.restart_publishing('rt_store', 'rt_store.one') IS NOT NULL AS restarted;
SELECT p.source, s.url FROM lakehouse.published_tables p LEFT JOIN lakehouse.stores s ON s.id = p.store_id ORDER BY p.source::text;

-- keys change and go
SELECT lakehouse.set_s3_key('rt_store', 's3://lake/crm', 'AKID2', 'other');
SELECT lakehouse.set_s3_key('rt_store', 's3://nowhere', 'AKID2', 'other');
SELECT lakehouse.revoke_store('rt_store', 's3://minio');
SELECT url, access_key_id, secret_version, is_revoked, is_current FROM lakehouse.stores ORDER BY url;
SELECT lakehouse.use_s3('rt_store', 's3://minio', 'us-east-1', 'AKID', 's3cret', if_not_exists => true);
RESET ROLE;

SELECT lakehouse.drop_tenant('rt_store');
SELECT count(*) FROM lakehouse.stores;
SELECT lakehouse.drop_tenant('rt_store2');
