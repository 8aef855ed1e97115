-- SPDX-License-Identifier: PostgreSQL
-- Object stores that tenants publish into: where the bucket is, and the key. The secret is an envelope that only the
-- worker's master key opens, bound to the endpoint; no role but the worker's can even read it.

CREATE TABLE lakehouse.stores (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL REFERENCES lakehouse.tenants ON DELETE CASCADE,
    url text NOT NULL,
    endpoint text NOT NULL CHECK (endpoint ~ '^https?://[]a-z0-9.:[-]+$'),
    region text NOT NULL CHECK (region ~ '^[a-z0-9_-]{1,63}$'),
    path_style boolean NOT NULL,
    access_key_id text NOT NULL CHECK (access_key_id ~ '^[!-~]{3,128}$' AND access_key_id !~ '[/,]'),
    secret bytea,
    secret_version bigint NOT NULL DEFAULT 0,
    role_arn text CHECK (length(role_arn) <= 2000 AND role_arn ~ '^arn:[!-~]{10,}$'),
    is_revoked boolean NOT NULL GENERATED ALWAYS AS (secret IS NULL) STORED,
    is_current boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, url),
    -- Of names that mean something to a URL, a file system or a policy, none.
    CONSTRAINT stores_url_check CHECK (
        length(url) <= 500 AND url ~ '^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*$'),
    CHECK (secret IS NOT NULL OR NOT is_current)
);
CREATE UNIQUE INDEX stores_current_key ON lakehouse.stores (tenant_id) WHERE is_current;
COMMENT ON TABLE lakehouse.stores IS 'Buckets of S3-compatible services that tenants publish into, made by lakehouse.use_s3()';
COMMENT ON COLUMN lakehouse.stores.id IS 'Store id';
COMMENT ON COLUMN lakehouse.stores.tenant_id IS 'The tenant it belongs to';
COMMENT ON COLUMN lakehouse.stores.url IS 'Bucket and folder: s3://<bucket>/<folder>';
COMMENT ON COLUMN lakehouse.stores.endpoint IS 'The service: scheme, host, perhaps a port';
COMMENT ON COLUMN lakehouse.stores.region IS 'Region that signatures name';
COMMENT ON COLUMN lakehouse.stores.path_style IS 'Whether requests name the bucket in the path instead of the host';
COMMENT ON COLUMN lakehouse.stores.access_key_id IS 'Access key id';
COMMENT ON COLUMN lakehouse.stores.secret IS 'Secret access key, encrypted by the worker; NULL: revoked';
COMMENT ON COLUMN lakehouse.stores.secret_version IS 'Counts the secret''s changes; part of what the encryption authenticates';
COMMENT ON COLUMN lakehouse.stores.role_arn IS 'Role that recipients'' temporary credentials are of; NULL: none are given';
COMMENT ON COLUMN lakehouse.stores.is_revoked IS 'Whether it has no secret, and serves nobody until it is given one';
COMMENT ON COLUMN lakehouse.stores.is_current IS 'Whether tables that are published from now on lie here';
COMMENT ON COLUMN lakehouse.stores.created_at IS 'When it was set up';
COMMENT ON COLUMN lakehouse.stores.updated_at IS 'When the row last changed';

SELECT pg_catalog.pg_extension_config_dump('lakehouse.stores', '');

REVOKE ALL ON lakehouse.stores FROM PUBLIC;
GRANT SELECT, UPDATE (secret) ON lakehouse.stores TO lakehouse_worker;
ALTER TABLE lakehouse.stores ENABLE ROW LEVEL SECURITY;
CREATE POLICY stores_admin ON lakehouse.stores USING (
    EXISTS (SELECT FROM lakehouse.tenants t WHERE t.id = tenant_id AND pg_has_role(t.slug || '_admin', 'USAGE')));
COMMENT ON POLICY stores_admin ON lakehouse.stores IS 'An admin sees and makes the stores of the own tenant';
CREATE POLICY stores_worker ON lakehouse.stores TO lakehouse_worker USING (true);
COMMENT ON POLICY stores_worker ON lakehouse.stores IS 'The worker serves every tenant';

CREATE FUNCTION lakehouse.find_store(tenant text, url text)
RETURNS uuid LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner CONSTANT uuid := lakehouse.find_tenant(tenant);
    store uuid := (SELECT s.id FROM lakehouse.stores s WHERE s.tenant_id = owner AND s.url = rtrim(find_store.url, '/'));
BEGIN
    IF store IS NULL THEN
        RAISE EXCEPTION 'store "%" of tenant "%" does not exist', url, tenant
            USING ERRCODE = 'undefined_object', HINT = 'SELECT url FROM lakehouse.stores lists them; lakehouse.use_s3() makes one.';
    END IF;
    RETURN store;
END
$$;
COMMENT ON FUNCTION lakehouse.find_store(text, text) IS
'The id of a tenant''s store. Raises undefined_object when there is none.';

CREATE FUNCTION lakehouse.seal_store_secret(store_id uuid, version bigint, secret text)
RETURNS bytea LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    -- The endpoint is part of the place: whoever redirects the row can't have requests signed for another host.
    SELECT lakehouse.seal_secret(s.tenant_id, 'stores', s.id, 'secret for ' || s.endpoint, seal_store_secret.version,
                                 seal_store_secret.secret)
    FROM lakehouse.stores s WHERE s.id = seal_store_secret.store_id
$$;
COMMENT ON FUNCTION lakehouse.seal_store_secret(uuid, bigint, text) IS
'Part of use_s3 and set_s3_key: has the worker encrypt a secret access key for this store''s row alone. Raises 08001 when no worker runs.';

CREATE FUNCTION lakehouse.use_s3(
    tenant text, url text, region text, access_key_id text, secret_access_key text, endpoint text DEFAULT NULL,
    role_arn text DEFAULT NULL, path_style boolean DEFAULT NULL, if_not_exists boolean DEFAULT false)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner uuid;
    place CONSTANT text := rtrim(url, '/');
    service CONSTANT text := coalesce(rtrim(lower(endpoint), '/'), format('https://s3.%s.amazonaws.com%s', region,
                                      CASE WHEN region LIKE 'cn-%' THEN '.cn' ELSE '' END));
    -- A certificate for *.s3.… covers no name with a dot in it.
    in_path CONSTANT boolean := coalesce(path_style, endpoint IS NOT NULL OR place LIKE '%.%');
    store uuid;
BEGIN
    PERFORM lakehouse.hide_statement('SELECT lakehouse.use_s3(…)');
    owner := lakehouse.find_tenant(tenant);
    store := (SELECT s.id FROM lakehouse.stores s WHERE s.tenant_id = owner AND s.url = place);
    IF store IS NOT NULL AND NOT if_not_exists THEN
        RAISE EXCEPTION 'store "%" of tenant "%" already exists', place, tenant
            USING ERRCODE = 'duplicate_object',
                  HINT = 'lakehouse.set_s3_key() gives it another key; if_not_exists => true publishes there again, with the key it has.';
    ELSIF coalesce(secret_access_key, '') = '' THEN
        RAISE EXCEPTION 'secret_access_key is missing' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM lakehouse.stores s WHERE s.id = store AND s.is_revoked) THEN
        RAISE EXCEPTION 'store "%" of tenant "%" was revoked', place, tenant
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Give it a key with lakehouse.set_s3_key() first.';
    END IF;
    PERFORM lakehouse.use_directory(tenant);
    IF store IS NULL THEN
        INSERT INTO lakehouse.stores AS s (tenant_id, url, endpoint, region, path_style, access_key_id, role_arn, is_current)
        VALUES (owner, place, service, use_s3.region, in_path, use_s3.access_key_id, use_s3.role_arn, false)
        RETURNING s.id INTO store;
        UPDATE lakehouse.stores s SET secret = lakehouse.seal_store_secret(store, 1, secret_access_key), secret_version = 1
        WHERE s.id = store;
    END IF;
    UPDATE lakehouse.stores s SET is_current = true, updated_at = now() WHERE s.id = store;
    RETURN store;
END
$$;
COMMENT ON FUNCTION lakehouse.use_s3(text, text, text, text, text, text, text, boolean, boolean) IS
'Publishes into a bucket: tables that come into a tenant''s shares from now on lie there; lakehouse.restart_publishing() moves one that lies elsewhere. url: s3://<bucket>/<folder>. endpoint: the service''s https URL, by default that of AWS in the region. role_arn: lets recipients get temporary credentials of this role, limited to a table''s folder. path_style: by default where an endpoint is given or the bucket has a dot. Returns the store''s id. Raises 42710 if the tenant has the store already, 55000 if it was revoked, 23514 for what can''t be a URL, region or key, 08001 if no worker runs.';

CREATE FUNCTION lakehouse.set_s3_key(tenant text, url text, access_key_id text, secret_access_key text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    store uuid;
    version bigint;
BEGIN
    PERFORM lakehouse.hide_statement('SELECT lakehouse.set_s3_key(…)');
    store := lakehouse.find_store(tenant, url);
    IF secret_access_key = '' THEN
        RAISE EXCEPTION 'secret_access_key is empty' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT s.secret_version + 1 INTO version FROM lakehouse.stores s WHERE s.id = store FOR UPDATE;
    UPDATE lakehouse.stores s
    SET access_key_id = set_s3_key.access_key_id, secret = lakehouse.seal_store_secret(store, version, secret_access_key),
        secret_version = version, updated_at = now()
    WHERE s.id = store;
END
$$;
COMMENT ON FUNCTION lakehouse.set_s3_key(text, text, text, text) IS
'Gives a store another access key, at once for all tables that lie there; also one that was revoked. Raises 42704 for an unknown tenant or store, 08001 if no worker runs.';

CREATE FUNCTION lakehouse.revoke_store(tenant text, url text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    store CONSTANT uuid := lakehouse.find_store(tenant, url);
BEGIN
    UPDATE lakehouse.stores s
    SET secret = NULL, secret_version = s.secret_version + 1, is_current = false, updated_at = now() WHERE s.id = store;
END
$$;
COMMENT ON FUNCTION lakehouse.revoke_store(text, text) IS
'Erases a store''s secret: nothing is published there, read from there or handed out from there until lakehouse.set_s3_key(). URLs and temporary credentials that recipients have go on until they expire, an hour at most: delete the key at the service as well. Raises 42704.';

CREATE FUNCTION lakehouse.use_directory(tenant text)
RETURNS void LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE lakehouse.stores s SET is_current = false, updated_at = now()
    WHERE s.tenant_id = lakehouse.find_tenant(tenant) AND s.is_current
$$;
COMMENT ON FUNCTION lakehouse.use_directory(text) IS
'Undoes use_s3: tables that come into a tenant''s shares from now on lie in lakehouse.delta_directory; others stay where they are.';

CREATE FUNCTION lakehouse.grant_store_privileges(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The place can't be changed afterwards: the secret must never be used for another host.
    EXECUTE format('GRANT SELECT (id, tenant_id, url, endpoint, region, path_style, access_key_id, secret_version, role_arn, is_revoked, '
                   'is_current, created_at, updated_at), '
                   'INSERT (tenant_id, url, endpoint, region, path_style, access_key_id, role_arn, is_current), '
                   'UPDATE (access_key_id, secret, secret_version, is_current, updated_at) ON lakehouse.stores TO %I', slug || '_admin');
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.find_store(text, text), lakehouse.seal_store_secret(uuid, bigint, text), '
                   'lakehouse.use_s3(text, text, text, text, text, text, text, boolean, boolean), '
                   'lakehouse.set_s3_key(text, text, text, text), lakehouse.revoke_store(text, text), '
                   'lakehouse.use_directory(text) TO %I', slug || '_admin');
END
$$;
COMMENT ON FUNCTION lakehouse.grant_store_privileges(text) IS
'Part of create_tenant: lets the admin say where the tenant''s tables are published to.';

REVOKE ALL ON FUNCTION
    lakehouse.find_store(text, text),
    lakehouse.seal_store_secret(uuid, bigint, text),
    lakehouse.use_s3(text, text, text, text, text, text, text, boolean, boolean),
    lakehouse.set_s3_key(text, text, text, text),
    lakehouse.revoke_store(text, text),
    lakehouse.use_directory(text),
    lakehouse.grant_store_privileges(text)
FROM PUBLIC;
