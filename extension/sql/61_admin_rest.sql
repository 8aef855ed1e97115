-- SPDX-License-Identifier: PostgreSQL
-- What the admin REST of the worker asks: who is an admin, and what the catalog of a tenant holds.

CREATE FUNCTION lakehouse.is_tenant_admin(tenant_id uuid, role name)
RETURNS boolean LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM lakehouse.tenants t JOIN pg_roles r ON r.rolname = is_tenant_admin.role
                   WHERE t.id = is_tenant_admin.tenant_id AND pg_has_role(r.oid, t.slug || '_admin', 'USAGE'));
END
$$;
COMMENT ON FUNCTION lakehouse.is_tenant_admin(uuid, name) IS
'For the worker: whether a login role has the rights of the tenant''s admins, as create_user gives them.';

CREATE FUNCTION lakehouse.tool_catalog(tenant_id uuid)
RETURNS jsonb LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(lakehouse.tool_object(t) || jsonb_build_object('scope', t.scope, 'kind', t.kind)
                                      ORDER BY t.name COLLATE "C"), '[]')
            FROM (SELECT * FROM lakehouse.tools
                  UNION ALL
                  SELECT (d.tool).* FROM lakehouse.table_tools(tool_catalog.tenant_id) d) t);
END
$$;
COMMENT ON FUNCTION lakehouse.tool_catalog(uuid) IS
'For the worker: every tool of a tenant, as list_tools shows it, with scope and kind, in order of their names.';

REVOKE ALL ON FUNCTION lakehouse.is_tenant_admin(uuid, name), lakehouse.tool_catalog(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.is_tenant_admin(uuid, name), lakehouse.tool_catalog(uuid) TO lakehouse_worker;
