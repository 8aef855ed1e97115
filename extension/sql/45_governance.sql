-- SPDX-License-Identifier: PostgreSQL
-- Governance: what of a warehouse table may be seen. A data source is a row here; the guard reads it for every query.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['lakehouse_agent', 'lakehouse_bypass_guard'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', role_name);
        END IF;
    END LOOP;
    COMMENT ON ROLE lakehouse_agent IS 'Lakehouse: sessions of its members are an agent''s; the guard lets them send one SELECT at a time';
    COMMENT ON ROLE lakehouse_bypass_guard IS 'Lakehouse: its members see governed tables whole';
END
$$;

-- For the transaction in which it runs SQL that a language model wrote.
GRANT SET ON PARAMETER lakehouse.agent_session, lakehouse.agent_statement_timeout, lakehouse.max_bytes TO lakehouse_worker;

CREATE TABLE lakehouse.data_sources (
    tenant_id uuid NOT NULL,  -- no foreign key: pg_dump loads partitions before the registry
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    relation regclass NOT NULL,
    columns text[] NOT NULL CHECK (cardinality(columns) > 0 AND array_position(columns, NULL) IS NULL),
    column_numbers smallint[] NOT NULL,
    row_filter text,
    filter_column_numbers smallint[] NOT NULL,
    max_rows bigint CHECK (max_rows > 0),
    max_bytes bigint CHECK (max_bytes > 0),
    description text NOT NULL DEFAULT '',
    epoch bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY LIST (tenant_id);  -- keys are each partition's own, as those of warehouse_connections

COMMENT ON TABLE lakehouse.data_sources IS 'What of a warehouse table may be seen, made by lakehouse.expose()';
COMMENT ON COLUMN lakehouse.data_sources.tenant_id IS 'The tenant it belongs to';
COMMENT ON COLUMN lakehouse.data_sources.id IS 'Id, stable as long as the table is exposed';
COMMENT ON COLUMN lakehouse.data_sources.relation IS 'The foreign table';
COMMENT ON COLUMN lakehouse.data_sources.columns IS 'Names of the exposed columns';
COMMENT ON COLUMN lakehouse.data_sources.column_numbers IS 'Their numbers, set by trigger; a column counts only while name and number agree';
COMMENT ON COLUMN lakehouse.data_sources.row_filter IS 'Condition that a row must meet to be seen; NULL: every row';
COMMENT ON COLUMN lakehouse.data_sources.filter_column_numbers IS 'Numbers of the columns that the row filter names, set by trigger; the table is closed when they no longer agree';
COMMENT ON COLUMN lakehouse.data_sources.max_rows IS 'Most rows an agent''s query gets; NULL: lakehouse.max_rows';
COMMENT ON COLUMN lakehouse.data_sources.max_bytes IS 'Most bytes one query may return; NULL: 1 GiB';
COMMENT ON COLUMN lakehouse.data_sources.description IS 'What the table holds, for people and agents';
COMMENT ON COLUMN lakehouse.data_sources.epoch IS 'Grows with each change of any policy; plans made before are not run';
COMMENT ON COLUMN lakehouse.data_sources.created_at IS 'When the table was exposed';
COMMENT ON COLUMN lakehouse.data_sources.updated_at IS 'When the row last changed';

CREATE SEQUENCE lakehouse.policy_epoch;
COMMENT ON SEQUENCE lakehouse.policy_epoch IS 'Numbers the changes of data sources';
SELECT pg_catalog.pg_extension_config_dump('lakehouse.policy_epoch', '');

REVOKE ALL ON lakehouse.data_sources FROM PUBLIC;
GRANT SELECT ON lakehouse.data_sources TO lakehouse_worker;
ALTER TABLE lakehouse.data_sources ENABLE ROW LEVEL SECURITY;
CREATE POLICY data_sources_own ON lakehouse.data_sources FOR SELECT
    USING (tenant_id IN (SELECT t.id FROM lakehouse.tenants t));
COMMENT ON POLICY data_sources_own ON lakehouse.data_sources IS 'A role sees the data sources of tenants whose schema it may use';
CREATE POLICY data_sources_worker ON lakehouse.data_sources FOR SELECT TO lakehouse_worker USING (true);
COMMENT ON POLICY data_sources_worker ON lakehouse.data_sources IS 'The worker serves every tenant';

CREATE FUNCTION lakehouse.check_data_source()
RETURNS trigger LANGUAGE c
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_check_data_source';
COMMENT ON FUNCTION lakehouse.check_data_source() IS
'Refuses a data source whose columns or row filter do not fit its table, whose filter the warehouse can''t evaluate, or whose table is not the caller''s; numbers columns and change.';

CREATE FUNCTION lakehouse.announce_data_source()
RETURNS trigger LANGUAGE c
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_announce_data_source';
COMMENT ON FUNCTION lakehouse.announce_data_source() IS
'Makes every session plan anew what reads the table, and forgets the table''s statistics, which may show hidden values.';

CREATE TRIGGER check_data_source BEFORE INSERT OR UPDATE ON lakehouse.data_sources
    FOR EACH ROW EXECUTE FUNCTION lakehouse.check_data_source();
CREATE TRIGGER announce_data_source AFTER INSERT OR UPDATE OR DELETE ON lakehouse.data_sources
    FOR EACH ROW EXECUTE FUNCTION lakehouse.announce_data_source();

-- SECURITY DEFINER: whoever may drop a table need not be allowed to change policies.
CREATE FUNCTION lakehouse.forget_dropped_tables()
RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM lakehouse.data_sources d USING pg_event_trigger_dropped_objects() o
    WHERE o.classid = 'pg_class'::regclass AND o.objsubid = 0 AND o.object_type = 'foreign table' AND d.relation = o.objid;
END
$$;
COMMENT ON FUNCTION lakehouse.forget_dropped_tables() IS 'Deletes the data sources of foreign tables that are dropped.';
CREATE EVENT TRIGGER lakehouse_forget_dropped_tables ON sql_drop
    WHEN TAG IN ('DROP FOREIGN TABLE', 'DROP SCHEMA', 'DROP SERVER', 'DROP OWNED', 'DROP EXTENSION')
    EXECUTE FUNCTION lakehouse.forget_dropped_tables();
COMMENT ON EVENT TRIGGER lakehouse_forget_dropped_tables IS 'A dropped table takes its data source with it';

CREATE FUNCTION lakehouse.create_governance_tables(tenant_id uuid, slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parent CONSTANT regclass := 'lakehouse.data_sources';
    admin CONSTANT text := slug || '_admin';
    described record;
BEGIN
    EXECUTE format('CREATE TABLE %I.data_sources PARTITION OF lakehouse.data_sources '
                   '(PRIMARY KEY (id), UNIQUE (relation)) FOR VALUES IN (%L)', slug, tenant_id);
    EXECUTE format('COMMENT ON TABLE %I.data_sources IS %L', slug, obj_description(parent, 'pg_class'));
    FOR described IN SELECT a.attname, col_description(parent, a.attnum) AS remark
                     FROM pg_attribute a WHERE a.attrelid = parent AND a.attnum > 0 AND NOT a.attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.data_sources.%I IS %L', slug, described.attname, described.remark);
    END LOOP;
    EXECUTE format('REVOKE ALL ON %I.data_sources FROM %I, %I, %I, %I',
                   slug, admin, slug || '_member', slug || '_readonly', slug || '_agent');
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I.data_sources TO %I', slug, admin);
    EXECUTE format('GRANT SELECT ON lakehouse.data_sources TO %I', admin);  -- its own rows: see the policy
    EXECUTE format('GRANT EXECUTE ON FUNCTION lakehouse.expose(text, regclass, text[], text, bigint, bigint, text), '
                   'lakehouse.unexpose(uuid), lakehouse.explain_guard(text) TO %I', admin);
    EXECUTE format('GRANT lakehouse_agent TO %I', slug || '_agent');
END
$$;
COMMENT ON FUNCTION lakehouse.create_governance_tables(uuid, text) IS
'Part of create_tenant: makes the tenant''s partition of the data sources and binds its agents to the guard.';

CREATE FUNCTION lakehouse.expose(
    tenant text, foreign_table regclass, columns text[] DEFAULT NULL, row_filter text DEFAULT NULL,
    max_rows bigint DEFAULT NULL, max_bytes bigint DEFAULT NULL, description text DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner_id uuid := lakehouse.find_tenant(tenant);
    exposed text[] := coalesce(columns, (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                               WHERE a.attrelid = foreign_table AND a.attnum > 0 AND NOT a.attisdropped));
    column_list text := (SELECT string_agg(quote_ident(c), ', ') FROM unnest(exposed) AS c);
    readers text := format('%I, %I, %I, %I', tenant || '_admin', tenant || '_member', tenant || '_readonly', tenant || '_agent');
    data_source uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
                   JOIN lakehouse.warehouse_connections c ON s.srvoptions @> ARRAY['connection=' || c.id]
                   WHERE f.ftrelid = foreign_table AND c.tenant_id = owner_id) THEN
        RAISE EXCEPTION 'table "%" is no warehouse table of tenant "%"', foreign_table, tenant
            USING ERRCODE = 'wrong_object_type',
                  HINT = format('Import it with IMPORT FOREIGN SCHEMA from a server of tenant "%s" first.', tenant);
    END IF;
    EXECUTE format('SELECT id FROM %I.data_sources WHERE relation = $1', tenant) INTO data_source USING foreign_table;
    IF data_source IS NULL THEN
        EXECUTE format('INSERT INTO %I.data_sources (tenant_id, relation, columns, row_filter, max_rows, max_bytes, description) '
                       'VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, obj_description($2, ''pg_class''), '''')) RETURNING id', tenant)
        INTO data_source USING owner_id, foreign_table, exposed, row_filter, max_rows, max_bytes, description;
    ELSE
        EXECUTE format('UPDATE %I.data_sources SET columns = $2, row_filter = $3, max_rows = $4, max_bytes = $5, '
                       'description = coalesce($6, description) WHERE id = $1', tenant)
        USING data_source, exposed, row_filter, max_rows, max_bytes, description;
    END IF;
    EXECUTE format('REVOKE ALL ON TABLE %s FROM %s', foreign_table, readers);
    EXECUTE format('GRANT SELECT (%s) ON TABLE %s TO %s', column_list, foreign_table, readers);
    RETURN data_source;
END
$$;
COMMENT ON FUNCTION lakehouse.expose(text, regclass, text[], text, bigint, bigint, text) IS
'Opens a warehouse table to the tenant''s roles: these columns (default: all), rows that meet row_filter (SQL condition; default: all), at most max_rows rows for an agent and max_bytes bytes for anybody. Called again for the same table it replaces the policy. Takes effect with every session''s next statement. Returns the data source''s id. Raises 42809 for a table that is not the tenant''s, 42703 for an unknown column, 42601 or 0A000 for a row filter that is no condition or that the warehouse can''t evaluate.';

CREATE FUNCTION lakehouse.unexpose(id uuid)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    exposed record;
BEGIN
    SELECT d.relation, t.slug INTO exposed
    FROM lakehouse.data_sources d JOIN lakehouse.tenants t ON t.id = d.tenant_id WHERE d.id = unexpose.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'data source "%" does not exist', id
            USING ERRCODE = 'undefined_object', HINT = 'SELECT id, relation FROM <tenant>.data_sources lists them.';
    END IF;
    EXECUTE format('DELETE FROM %I.data_sources d WHERE d.id = $1', exposed.slug) USING id;
    EXECUTE format('REVOKE ALL ON TABLE %s FROM %I, %I, %I, %I', exposed.relation, exposed.slug || '_admin',
                   exposed.slug || '_member', exposed.slug || '_readonly', exposed.slug || '_agent');
END
$$;
COMMENT ON FUNCTION lakehouse.unexpose(uuid) IS
'Closes a warehouse table: from each session''s next statement on only the tenant''s admin reads it. Raises 42704 for an unknown data source.';

CREATE FUNCTION lakehouse.explain_guard(
    sql text, OUT verdict text, OUT code text, OUT sqlstate text, OUT message text, OUT detail text, OUT hint text)
RETURNS record LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_explain_guard';
COMMENT ON FUNCTION lakehouse.explain_guard(text) IS
'What the guard would say if an agent with the caller''s rights sent this text: verdict pass or refused, and why. Runs nothing.';

CREATE FUNCTION lakehouse.guard_counters(OUT code text, OUT count bigint)
RETURNS SETOF record LANGUAGE c VOLATILE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lakehouse_guard_counters';
COMMENT ON FUNCTION lakehouse.guard_counters() IS 'One row for each verdict of the guard: how often since the server''s start.';

CREATE VIEW lakehouse.stat_guard AS SELECT code, count FROM lakehouse.guard_counters();
COMMENT ON VIEW lakehouse.stat_guard IS 'The guard''s verdicts since the server''s start';
COMMENT ON COLUMN lakehouse.stat_guard.code IS 'PASSED, or the code of a refusal';
COMMENT ON COLUMN lakehouse.stat_guard.count IS 'How often';

REVOKE ALL ON lakehouse.stat_guard FROM PUBLIC;
REVOKE ALL ON FUNCTION
    lakehouse.check_data_source(), lakehouse.announce_data_source(), lakehouse.forget_dropped_tables(),
    lakehouse.create_governance_tables(uuid, text),
    lakehouse.expose(text, regclass, text[], text, bigint, bigint, text),
    lakehouse.unexpose(uuid), lakehouse.explain_guard(text), lakehouse.guard_counters()
FROM PUBLIC;
