-- SPDX-License-Identifier: PostgreSQL
-- Connections to warehouses. One partitioned table, one partition a tenant: the tenant sees its own as
-- <tenant>.warehouse_connections, the worker reads the whole by id. The secret is an envelope that only the worker's
-- master key opens; no role but the worker's can even read it.
-- Keys are each partition's own. Those of the parent would make them again in a restore, where a partition is attached
-- before the dump's own ALTER TABLE ... ADD PRIMARY KEY comes.

CREATE TABLE lakehouse.warehouse_connections (
    tenant_id uuid NOT NULL,  -- no foreign key: pg_dump loads partitions before the registry
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,30}$'),
    engine text NOT NULL CHECK (engine = 'databricks'),
    endpoint text NOT NULL CHECK (endpoint ~ '^https?://[^/@?#[:space:]]+/?$'),
    warehouse text NOT NULL,
    catalog text,
    schema text,
    auth text NOT NULL CHECK (auth IN ('token', 'client_credentials')),
    username text,
    secret bytea,
    secret_version bigint NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'untested' CHECK (status IN ('untested', 'active', 'error', 'revoked')),
    last_tested_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((auth = 'client_credentials') = (username IS NOT NULL)),
    CHECK (status <> 'revoked' OR secret IS NULL)
) PARTITION BY LIST (tenant_id);

COMMENT ON TABLE lakehouse.warehouse_connections IS 'Connections to Databricks SQL warehouses, made by lakehouse.connect_databricks()';
COMMENT ON COLUMN lakehouse.warehouse_connections.tenant_id IS 'The tenant it belongs to';
COMMENT ON COLUMN lakehouse.warehouse_connections.id IS 'Id; option "connection" of the foreign server';
COMMENT ON COLUMN lakehouse.warehouse_connections.name IS 'Name within the tenant; the foreign server is <tenant>_<name>';
COMMENT ON COLUMN lakehouse.warehouse_connections.engine IS 'Kind of warehouse: databricks';
COMMENT ON COLUMN lakehouse.warehouse_connections.endpoint IS 'URL of the Databricks workspace';
COMMENT ON COLUMN lakehouse.warehouse_connections.warehouse IS 'Id of the SQL warehouse';
COMMENT ON COLUMN lakehouse.warehouse_connections.catalog IS 'Default catalog; NULL: the warehouse''s own';
COMMENT ON COLUMN lakehouse.warehouse_connections.schema IS 'Default schema; NULL: the warehouse''s own';
COMMENT ON COLUMN lakehouse.warehouse_connections.auth IS 'How the worker signs in: token or client_credentials (OAuth M2M)';
COMMENT ON COLUMN lakehouse.warehouse_connections.username IS 'OAuth client id; NULL with a token';
COMMENT ON COLUMN lakehouse.warehouse_connections.secret IS 'Token or client secret, encrypted by the worker; NULL: not given yet, or revoked';
COMMENT ON COLUMN lakehouse.warehouse_connections.secret_version IS 'Counts the secret''s changes; part of what the encryption authenticates';
COMMENT ON COLUMN lakehouse.warehouse_connections.status IS 'Result of the last test: untested, active or error; or revoked: has no secret and serves nobody until it is given one';
COMMENT ON COLUMN lakehouse.warehouse_connections.last_tested_at IS 'When lakehouse.test_connection() last ran';
COMMENT ON COLUMN lakehouse.warehouse_connections.created_at IS 'When the connection was made';
COMMENT ON COLUMN lakehouse.warehouse_connections.updated_at IS 'When the row last changed';

REVOKE ALL ON lakehouse.warehouse_connections FROM PUBLIC;
GRANT SELECT ON lakehouse.warehouse_connections TO lakehouse_worker;
GRANT UPDATE (secret, secret_version, status, updated_at) ON lakehouse.warehouse_connections TO lakehouse_worker;

-- Through the parent a role sees the connections of tenants that it sees: see the policy on lakehouse.tenants.
ALTER TABLE lakehouse.warehouse_connections ENABLE ROW LEVEL SECURITY;
CREATE POLICY connections_own ON lakehouse.warehouse_connections FOR SELECT
    USING (tenant_id IN (SELECT t.id FROM lakehouse.tenants t));
COMMENT ON POLICY connections_own ON lakehouse.warehouse_connections IS 'A role sees the connections of tenants whose schema it may use';
CREATE POLICY connections_worker ON lakehouse.warehouse_connections TO lakehouse_worker USING (true);
COMMENT ON POLICY connections_worker ON lakehouse.warehouse_connections IS 'The worker serves every tenant';

CREATE FUNCTION lakehouse.create_integration_tables(tenant_id uuid, slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent CONSTANT regclass := 'lakehouse.warehouse_connections';
    admin CONSTANT text := slug || '_admin';
    described record;
BEGIN
    EXECUTE format('CREATE TABLE %I.warehouse_connections PARTITION OF lakehouse.warehouse_connections '
                   '(PRIMARY KEY (id), UNIQUE (name)) FOR VALUES IN (%L)', slug, tenant_id);
    EXECUTE format('COMMENT ON TABLE %I.warehouse_connections IS %L', slug, obj_description(parent, 'pg_class'));
    FOR described IN SELECT a.attname, col_description(parent, a.attnum) AS remark
                     FROM pg_attribute a WHERE a.attrelid = parent AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.warehouse_connections.%I IS %L', slug, described.attname, described.remark);
    END LOOP;

    -- The endpoint can't be changed afterwards: the secret must never follow to another host.
    EXECUTE format('REVOKE ALL ON %I.warehouse_connections FROM %I, %I, %I, %I',
                   slug, admin, slug || '_member', slug || '_readonly', slug || '_agent');
    EXECUTE format('GRANT SELECT (tenant_id, id, name, engine, endpoint, warehouse, catalog, schema, auth, username, '
                   'secret_version, status, last_tested_at, created_at, updated_at), '
                   'INSERT, UPDATE (status, last_tested_at, updated_at), DELETE '
                   'ON %I.warehouse_connections TO %I', slug, admin);
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.find_tenant(text), '
                   'lakehouse.connect_databricks(text, text, text, text, text, text, text, text, text, boolean), '
                   'lakehouse.test_connection(text, text), lakehouse.revoke_connection(text, text), '
                   'lakehouse.hide_statement(text), '
                   'lakehouse.seal_secret(uuid, text, uuid, text, bigint, text), '
                   'lakehouse.probe_connection(uuid), lakehouse.create_connection_server(uuid) TO %I', admin);
    EXECUTE format('GRANT USAGE ON SCHEMA lakehouse TO %I', admin);
    EXECUTE format('GRANT CREATE ON SCHEMA %I TO %I', slug, admin);  -- a place to import foreign tables into
    EXECUTE format('GRANT SELECT (tenant_id, id) ON lakehouse.warehouse_connections TO %I', admin);
    EXECUTE format('GRANT SELECT ON lakehouse.tenants TO %I', admin);  -- its own row: see the policy
END
$$;
COMMENT ON FUNCTION lakehouse.create_integration_tables(uuid, text) IS
'Part of create_tenant: makes the tenant''s partitions of the integration tables and grants them to its admin.';

CREATE FUNCTION lakehouse.drop_integration(tenant_id uuid, slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    server_name name;
BEGIN
    -- The parent before its partition, as readers lock them: the other way round, any scan that starts now deadlocks.
    LOCK TABLE ONLY lakehouse.warehouse_connections IN ACCESS EXCLUSIVE MODE;
    FOR server_name IN
        SELECT s.srvname FROM pg_foreign_server s
        JOIN lakehouse.warehouse_connections c ON s.srvoptions @> ARRAY['connection=' || c.id]
        WHERE c.tenant_id = drop_integration.tenant_id
    LOOP
        EXECUTE format('DROP SERVER %I CASCADE', server_name);
    END LOOP;
    DELETE FROM lakehouse.warehouse_connections c WHERE c.tenant_id = drop_integration.tenant_id;
END
$$;
COMMENT ON FUNCTION lakehouse.drop_integration(uuid, text) IS
'Part of drop_tenant: drops the tenant''s foreign servers, their tables, and its connections.';

CREATE FUNCTION lakehouse.hide_statement(shown_instead text)
RETURNS void LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_hide_statement';
COMMENT ON FUNCTION lakehouse.hide_statement(text) IS
'Shows the given text instead of the current statement in pg_stat_activity, and keeps the statement out of the log from here on.';

CREATE FUNCTION lakehouse.seal_secret(
    tenant_id uuid, purpose text, row_id uuid, column_name text, version bigint, secret text)
RETURNS bytea LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_seal_secret';
COMMENT ON FUNCTION lakehouse.seal_secret(uuid, text, uuid, text, bigint, text) IS
'Has the worker encrypt a secret for one column of one row, in one version. What comes back opens nowhere else, and only in the worker. Raises 08001 when no worker runs.';

CREATE FUNCTION lakehouse.probe_connection(
    connection_id uuid, OUT step text, OUT ok boolean, OUT duration_ms double precision, OUT detail text)
RETURNS SETOF record LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_probe_connection';
COMMENT ON FUNCTION lakehouse.probe_connection(uuid) IS
'Part of test_connection: has the worker try the connection, step by step up to the first that fails. Raises 42704 for a connection that the caller may not see.';

-- SECURITY DEFINER: a server's option "connection" is for superusers, since naming a connection is using its secret.
-- Here nothing is the caller's choice: server, owner and grantee follow from the row.
CREATE FUNCTION lakehouse.create_connection_server(connection_id uuid)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    server_name text;
    tenant_slug text;
    remark text;
BEGIN
    SELECT t.slug || '_' || c.name, t.slug, format('%s warehouse "%s" of tenant "%s"', initcap(c.engine), c.name, t.slug)
    INTO server_name, tenant_slug, remark
    FROM lakehouse.warehouse_connections c JOIN lakehouse.tenants t ON t.id = c.tenant_id
    WHERE c.id = connection_id;
    IF server_name IS NULL THEN
        RAISE EXCEPTION 'connection does not exist' USING ERRCODE = 'undefined_object';
    END IF;
    EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER databricks OPTIONS (connection %L)', server_name, connection_id);
    EXECUTE format('COMMENT ON SERVER %I IS %L', server_name, remark);
    EXECUTE format('GRANT USAGE ON FOREIGN SERVER %I TO %I', server_name, tenant_slug || '_admin');
END
$$;
COMMENT ON FUNCTION lakehouse.create_connection_server(uuid) IS
'Part of connect_databricks: makes the foreign server <tenant>_<name> of a connection and lets the tenant''s admin use it.';

CREATE FUNCTION lakehouse.connect_databricks(
    tenant text, name text, workspace_url text, warehouse_id text, catalog text DEFAULT NULL, schema text DEFAULT NULL,
    token text DEFAULT NULL, client_id text DEFAULT NULL, client_secret text DEFAULT NULL,
    if_not_exists boolean DEFAULT false)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant_id uuid;
    connection_id uuid;
    secret text := coalesce(token, client_secret);
    envelope bytea;
BEGIN
    PERFORM lakehouse.hide_statement('SELECT lakehouse.connect_databricks(…)');
    tenant_id := lakehouse.find_tenant(tenant);
    IF token IS NOT NULL AND (client_id IS NOT NULL OR client_secret IS NOT NULL) THEN
        RAISE EXCEPTION 'token and client_id given together'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a token, or client_id and client_secret.';
    ELSIF client_secret IS NOT NULL AND client_id IS NULL THEN
        RAISE EXCEPTION 'client_secret given without client_id'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give client_id with client_secret.';
    END IF;
    EXECUTE format('SELECT id FROM %I.warehouse_connections WHERE name = $1', tenant) INTO connection_id USING name;
    IF connection_id IS NOT NULL AND if_not_exists THEN
        RETURN connection_id;
    ELSIF connection_id IS NOT NULL THEN
        RAISE EXCEPTION 'connection "%" of tenant "%" already exists', name, tenant
            USING ERRCODE = 'duplicate_object', HINT = 'Pass if_not_exists => true to keep it as it is.';
    END IF;

    connection_id := gen_random_uuid();
    IF secret IS NOT NULL THEN
        -- The endpoint is part of the place: whoever redirects the row can't have the secret sent there.
        envelope := lakehouse.seal_secret(tenant_id, 'warehouse_connections', connection_id,
                                          'secret for ' || rtrim(workspace_url, '/'), 1, secret);
    END IF;
    EXECUTE format('INSERT INTO %I.warehouse_connections (tenant_id, id, name, engine, endpoint, warehouse, catalog, '
                   'schema, auth, username, secret, secret_version) '
                   'VALUES ($1, $2, $3, ''databricks'', $4, $5, $6, $7, $8, $9, $10, $11)', tenant)
    USING tenant_id, connection_id, name, rtrim(workspace_url, '/'), warehouse_id, catalog, schema,
          CASE WHEN client_id IS NULL THEN 'token' ELSE 'client_credentials' END, client_id, envelope,
          CASE WHEN envelope IS NULL THEN 0 ELSE 1 END;
    PERFORM lakehouse.create_connection_server(connection_id);
    IF secret IS NULL THEN
        RAISE NOTICE 'connection "%" has no secret yet', name
            USING HINT = format('As the server''s system user, run: lakehouse-worker secret set --socket-directory "$PGDATA/lakehouse" --tenant %s --connection %s', tenant, name);
    END IF;
    RETURN connection_id;
END
$$;
COMMENT ON FUNCTION lakehouse.connect_databricks(text, text, text, text, text, text, text, text, text, boolean) IS
'Connects a tenant to a Databricks SQL warehouse: a row in <tenant>.warehouse_connections and the foreign server <tenant>_<name>. Secret: a token, or client_id and client_secret (OAuth M2M), or neither: then "lakehouse-worker secret set" takes it from standard input, and it never reaches a statement log. Returns the connection''s id. Raises 42710 if the name is taken, 08001 if no worker runs.';

CREATE FUNCTION lakehouse.test_connection(tenant text, name text)
RETURNS TABLE (step text, ok boolean, duration_ms double precision, detail text)
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    connection_id uuid;
    is_active boolean := true;
    probe record;
BEGIN
    PERFORM lakehouse.find_tenant(tenant);
    EXECUTE format('SELECT id FROM %I.warehouse_connections WHERE name = $1', tenant) INTO connection_id USING name;
    IF connection_id IS NULL THEN
        RAISE EXCEPTION 'connection "%" of tenant "%" does not exist', name, tenant
            USING ERRCODE = 'undefined_object',
                  HINT = format('SELECT name FROM %I.warehouse_connections lists them.', tenant);
    END IF;
    FOR probe IN SELECT p.* FROM lakehouse.probe_connection(connection_id) p LOOP
        is_active := is_active AND probe.ok;
        step := probe.step;
        ok := probe.ok;
        duration_ms := probe.duration_ms;
        detail := probe.detail;
        RETURN NEXT;
    END LOOP;
    EXECUTE format('UPDATE %I.warehouse_connections SET status = $2, last_tested_at = now(), updated_at = now() '
                   'WHERE id = $1', tenant)
    USING connection_id, CASE WHEN is_active THEN 'active' ELSE 'error' END;
END
$$;
COMMENT ON FUNCTION lakehouse.test_connection(text, text) IS
'Tries a connection step by step: connect, authenticate, warehouse, query; stops at the first that fails and says why. Sets status and last_tested_at of the connection''s row.';

CREATE FUNCTION lakehouse.revoke_connection(tenant text, name text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    connection_id uuid;
BEGIN
    PERFORM lakehouse.find_tenant(tenant);
    EXECUTE format('UPDATE %I.warehouse_connections SET status = ''revoked'', updated_at = now() WHERE name = $1 RETURNING id',
                   tenant) INTO connection_id USING name;
    IF connection_id IS NULL THEN
        RAISE EXCEPTION 'connection "%" of tenant "%" does not exist', name, tenant
            USING ERRCODE = 'undefined_object',
                  HINT = format('SELECT name FROM %I.warehouse_connections lists them.', tenant);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.revoke_connection(text, text) IS
'Takes a connection out of use: its secret is erased, and within a second of COMMIT its running scans end with 28000, their remote statements are cancelled and its tokens are forgotten. A secret given again puts it back into use. Revoke the secret in Databricks as well. Raises 42704 for an unknown tenant or connection.';

-- The rule of the column status, whoever sets it; the caller needs no right on the secret. The version counts on, so
-- that no copy of the erased envelope ever opens again.
CREATE FUNCTION lakehouse.erase_revoked_secret()
RETURNS trigger LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.secret IS NOT NULL THEN
        NEW.secret := NULL;
        NEW.secret_version := NEW.secret_version + 1;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.erase_revoked_secret() IS 'Trigger: a connection that becomes revoked loses its secret';
CREATE TRIGGER erase_revoked_secret BEFORE INSERT OR UPDATE ON lakehouse.warehouse_connections
    FOR EACH ROW WHEN (NEW.status = 'revoked') EXECUTE FUNCTION lakehouse.erase_revoked_secret();

-- An id is one across tenants, which no constraint of a partitioned table can say: a foreign server names nothing else,
-- so a row of the same id would have another tenant's statements sent to its own endpoint.
-- SECURITY DEFINER: the other tenants' rows are not the caller's to see.
CREATE FUNCTION lakehouse.refuse_taken_id()
RETURNS trigger LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM lakehouse.warehouse_connections c WHERE c.id = NEW.id AND c.tenant_id <> NEW.tenant_id) THEN
        RAISE EXCEPTION 'connection id is taken'
            USING ERRCODE = 'unique_violation', HINT = 'Leave the id to lakehouse.connect_databricks().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.refuse_taken_id() IS 'Trigger: no connection has the id of another tenant''s. Raises 23505.';
CREATE TRIGGER refuse_taken_id BEFORE INSERT OR UPDATE OF id ON lakehouse.warehouse_connections
    FOR EACH ROW EXECUTE FUNCTION lakehouse.refuse_taken_id();

CREATE FUNCTION lakehouse.notify_workers()
RETURNS trigger LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('lakehouse_connections', '');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.notify_workers() IS
'Trigger: tells every worker to look which of the connections it uses are gone or revoked; a notification names none';
CREATE TRIGGER notify_revoked AFTER UPDATE ON lakehouse.warehouse_connections
    FOR EACH ROW WHEN (NEW.status = 'revoked') EXECUTE FUNCTION lakehouse.notify_workers();
CREATE TRIGGER notify_dropped AFTER DELETE ON lakehouse.warehouse_connections
    FOR EACH ROW EXECUTE FUNCTION lakehouse.notify_workers();

REVOKE ALL ON FUNCTION
    lakehouse.create_integration_tables(uuid, text),
    lakehouse.drop_integration(uuid, text),
    lakehouse.hide_statement(text),
    lakehouse.seal_secret(uuid, text, uuid, text, bigint, text),
    lakehouse.probe_connection(uuid),
    lakehouse.create_connection_server(uuid),
    lakehouse.connect_databricks(text, text, text, text, text, text, text, text, text, boolean),
    lakehouse.test_connection(text, text),
    lakehouse.revoke_connection(text, text),
    lakehouse.erase_revoked_secret(),
    lakehouse.refuse_taken_id(),
    lakehouse.notify_workers()
FROM PUBLIC;
