-- SPDX-License-Identifier: PostgreSQL
-- Tenants: the registry, the worker's cluster role, and how a tenant comes and goes.
-- A tenant is a row here, a schema of its own and four group roles. Nobody has USAGE on another
-- tenant's schema, so reading across tenants is a missing privilege, not a policy question.

-- The worker's own role exists once per cluster. NOINHERIT: it may become a tenant's user where
-- that is granted, and has none of that user's rights before it does.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'lakehouse_worker') THEN
        CREATE ROLE lakehouse_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS;
        COMMENT ON ROLE lakehouse_worker IS 'Lakehouse worker: the sidecar program signs in with it';
    ELSIF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'lakehouse_worker' AND rolsuper) THEN
        RAISE EXCEPTION 'role "lakehouse_worker" is a superuser'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Run ALTER ROLE lakehouse_worker NOSUPERUSER first.';
    END IF;
END
$$;

GRANT USAGE ON SCHEMA lakehouse TO lakehouse_worker;

CREATE TABLE lakehouse.tenants (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    slug text NOT NULL UNIQUE,
    plan text NOT NULL DEFAULT 'standard' CHECK (plan ~ '^[a-z][a-z0-9_]{0,30}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z][a-z0-9_]{0,30}$'),
    -- "pg" is out because of its roles: PostgreSQL keeps pg_admin and every other pg_ name for itself.
    CONSTRAINT tenants_slug_not_reserved_check
        CHECK (slug !~ '^pg(_|$)' AND slug NOT IN ('public', 'information_schema', 'lakehouse'))
);
COMMENT ON TABLE lakehouse.tenants IS 'The customers of this database: one row, one schema and four group roles each';
COMMENT ON COLUMN lakehouse.tenants.id IS 'The tenant''s id; its CRM tables show it as organization_id';
COMMENT ON COLUMN lakehouse.tenants.slug IS 'Short name: also the schema''s name and the prefix of the tenant''s roles';
COMMENT ON COLUMN lakehouse.tenants.plan IS 'Name of the plan the tenant is on';
COMMENT ON COLUMN lakehouse.tenants.created_at IS 'When the tenant was created';
REVOKE ALL ON lakehouse.tenants FROM PUBLIC;
GRANT SELECT ON lakehouse.tenants TO lakehouse_worker;

-- Who may enter a tenant's schema may know that it exists; nobody else learns which customers there are.
ALTER TABLE lakehouse.tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenants_own ON lakehouse.tenants FOR SELECT USING (has_schema_privilege(slug, 'USAGE'));
COMMENT ON POLICY tenants_own ON lakehouse.tenants IS 'A role sees the tenants whose schema it may use';
CREATE POLICY tenants_worker ON lakehouse.tenants FOR SELECT TO lakehouse_worker USING (true);
COMMENT ON POLICY tenants_worker ON lakehouse.tenants IS 'The worker serves every tenant';

-- The rows are the user's data: pg_dump keeps them.
SELECT pg_catalog.pg_extension_config_dump('lakehouse.tenants', '');

CREATE FUNCTION lakehouse.create_tenant(slug text, plan text DEFAULT 'standard', if_not_exists boolean DEFAULT false)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant_id uuid;
BEGIN
    -- One at a time: what follows locks shared tables in an order of its own.
    LOCK TABLE lakehouse.tenants IN SHARE ROW EXCLUSIVE MODE;
    tenant_id := (SELECT t.id FROM lakehouse.tenants t WHERE t.slug = create_tenant.slug);
    IF tenant_id IS NOT NULL AND if_not_exists THEN
        RETURN tenant_id;
    ELSIF tenant_id IS NOT NULL THEN
        RAISE EXCEPTION 'tenant "%" already exists', slug
            USING ERRCODE = 'duplicate_object', HINT = 'Pass if_not_exists => true to keep it as it is.';
    END IF;

    -- The row comes first: its checks refuse a bad name before anything is made of it.
    INSERT INTO lakehouse.tenants AS t (slug, plan) VALUES (create_tenant.slug, create_tenant.plan)
    RETURNING t.id INTO tenant_id;

    PERFORM lakehouse.create_tenant_roles(slug);
    EXECUTE format('CREATE SCHEMA %I', slug);
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', slug, 'CRM and integrations of tenant ' || slug);
    PERFORM lakehouse.create_crm_tables(tenant_id, slug);
    PERFORM lakehouse.grant_crm_privileges(slug);
    PERFORM lakehouse.create_integration_tables(tenant_id, slug);
    PERFORM lakehouse.create_governance_tables(tenant_id, slug);
    PERFORM lakehouse.create_audit_chain(tenant_id, slug);
    PERFORM lakehouse.grant_oauth_privileges(slug);
    PERFORM lakehouse.create_tool_tables(slug);
    PERFORM lakehouse.create_announcements(tenant_id, slug);
    PERFORM lakehouse.grant_snippets(slug);
    PERFORM lakehouse.create_share_options(slug);
    PERFORM lakehouse.grant_store_privileges(slug);
    PERFORM lakehouse.grant_publish_privileges(slug);
    PERFORM lakehouse.grant_recipient_privileges(slug);
    RETURN tenant_id;
END
$$;
COMMENT ON FUNCTION lakehouse.create_tenant(text, text, boolean) IS
'Creates a tenant: its row, schema, roles, CRM tables and integration tables. slug: 1 to 31 of a-z, 0-9 and _, starting with a letter. Returns the tenant''s id. Raises duplicate_object, or check_violation for a bad name.';

CREATE FUNCTION lakehouse.drop_tenant(slug text, if_exists boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
-- DROP SCHEMA CASCADE would list every table as a notice.
SET client_min_messages = warning
AS $$
DECLARE
    tenant_id uuid;
    login_roles name[];
BEGIN
    LOCK TABLE lakehouse.tenants IN SHARE ROW EXCLUSIVE MODE;
    IF if_exists AND NOT EXISTS (SELECT FROM lakehouse.tenants t WHERE t.slug = drop_tenant.slug) THEN
        RETURN;
    END IF;
    tenant_id := lakehouse.find_tenant(slug);
    EXECUTE format('SELECT coalesce(array_agg(pg_role ORDER BY pg_role), ''{}'') FROM %I.users WHERE pg_role IS NOT NULL',
                   slug) INTO login_roles;

    PERFORM lakehouse.drop_publishing(tenant_id);
    -- As in drop_integration: the parent before its partition.
    LOCK TABLE ONLY lakehouse.data_sources IN ACCESS EXCLUSIVE MODE;
    PERFORM lakehouse.drop_integration(tenant_id, slug);
    EXECUTE format('DROP SCHEMA %I CASCADE', slug);
    PERFORM lakehouse.drop_tenant_roles(slug, login_roles);
    PERFORM lakehouse.drop_audit_chain(tenant_id);
    DELETE FROM lakehouse.tenants t WHERE t.id = tenant_id;
END
$$;
COMMENT ON FUNCTION lakehouse.drop_tenant(text, boolean) IS
'Removes a tenant for good: foreign servers, schema with all rows, roles, audit log and registry row. A role that something else depends on stays, with a warning. Raises undefined_object for an unknown tenant.';

CREATE FUNCTION lakehouse.find_tenant(slug text)
RETURNS uuid LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant_id uuid := (SELECT t.id FROM lakehouse.tenants t WHERE t.slug = find_tenant.slug);
BEGIN
    IF tenant_id IS NULL THEN
        RAISE EXCEPTION 'tenant "%" does not exist', slug
            USING ERRCODE = 'undefined_object',
                  HINT = 'SELECT slug FROM lakehouse.tenants lists the tenants; lakehouse.create_tenant() makes one.';
    END IF;
    RETURN tenant_id;
END
$$;
COMMENT ON FUNCTION lakehouse.find_tenant(text) IS
'The id of the tenant with this slug. Raises undefined_object when there is none.';

-- Roles live in the cluster, tenants in a database. A comment marks the roles that are ours: one
-- that another database's tenant of the same name left here is shared, any other is refused.
CREATE FUNCTION lakehouse.create_tenant_roles(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mark CONSTANT text := 'Lakehouse group role of tenant ' || slug;
    role_name text;
    found_role record;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[slug || '_admin', slug || '_member', slug || '_readonly', slug || '_agent'] LOOP
        SELECT r.rolcanlogin, r.rolsuper, shobj_description(r.oid, 'pg_authid') AS mark
        INTO found_role FROM pg_roles r WHERE r.rolname = role_name;
        IF NOT FOUND THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
                           role_name);
            EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, mark);
        ELSIF found_role.mark IS DISTINCT FROM mark OR found_role.rolcanlogin OR found_role.rolsuper THEN
            RAISE EXCEPTION 'role "%" already exists', role_name
                USING ERRCODE = 'duplicate_object',
                      DETAIL = format('Tenant "%s" needs this name for one of its group roles.', slug),
                      HINT = 'Choose another slug, or rename that role.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.create_tenant_roles(text) IS
'Part of create_tenant: makes the four group roles. Raises duplicate_object when a foreign role has the name.';

CREATE FUNCTION lakehouse.drop_tenant_roles(slug text, login_roles name[])
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    role_name name;
BEGIN
    -- The mark decides, not the name alone: a row of users could name any role of the cluster.
    FOR role_name IN
        SELECT r.rolname FROM pg_roles r
        WHERE shobj_description(r.oid, 'pg_authid') = 'Lakehouse login role of tenant ' || slug
              AND r.rolname = ANY (login_roles)
           OR shobj_description(r.oid, 'pg_authid') = 'Lakehouse group role of tenant ' || slug
        ORDER BY r.rolcanlogin DESC, r.rolname
    LOOP
        -- What the extension granted on its own objects is no reason to keep the role.
        EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA lakehouse FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA lakehouse FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON SCHEMA lakehouse FROM %I', role_name);
        BEGIN
            EXECUTE format('DROP ROLE %I', role_name);
        EXCEPTION WHEN dependent_objects_still_exist OR object_in_use THEN
            RAISE WARNING 'role "%" is kept because other objects depend on it', role_name;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.drop_tenant_roles(text, name[]) IS
'Part of drop_tenant: drops those of the tenant''s roles that nothing else depends on.';

REVOKE ALL ON FUNCTION
    lakehouse.create_tenant(text, text, boolean),
    lakehouse.drop_tenant(text, boolean),
    lakehouse.find_tenant(text),
    lakehouse.create_tenant_roles(text),
    lakehouse.drop_tenant_roles(text, name[])
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.find_tenant(text) TO lakehouse_worker;
