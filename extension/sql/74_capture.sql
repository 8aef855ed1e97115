-- SPDX-License-Identifier: PostgreSQL
-- Capture of changes: triggers on the tables behind published tables note the keys of rows that are written. They come
-- and go with the rows of published_tables. What no row trigger sees is noted by event triggers as "every row".

-- No SECURITY DEFINER and no search_path: each would cost as much as the capture. It needs neither: it writes the one
-- table below the executor, names nothing that a path could bend, and nobody but start_capture may make a trigger of it.
CREATE FUNCTION lakehouse.capture_change()
RETURNS trigger LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'lakehouse_capture_change';
COMMENT ON FUNCTION lakehouse.capture_change() IS
'Trigger: notes the key of a row that is written, of an UPDATE that changes the key both; as a statement''s trigger, that every row may have changed. Arguments: id of the published table, names of the key columns.';

CREATE FUNCTION lakehouse.capture_trigger_name(published_table uuid, kind text)
RETURNS name LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN format('lakehouse_%s_%s', kind, replace(published_table::text, '-', ''))::name;
COMMENT ON FUNCTION lakehouse.capture_trigger_name(uuid, text) IS
'What a published table''s triggers are called: kind capture is on rows, truncate and settings on statements.';

-- ALWAYS: what a subscription applies counts as well.
CREATE FUNCTION lakehouse.create_capture_trigger(published_table uuid, kind text, base regclass, events text, arguments text[])
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trigger_name CONSTANT name := lakehouse.capture_trigger_name(published_table, kind);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = base AND g.tgname = trigger_name) THEN
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s FOR EACH %s EXECUTE FUNCTION lakehouse.capture_change(%s)',
                       trigger_name, events, base, CASE kind WHEN 'capture' THEN 'ROW' ELSE 'STATEMENT' END,
                       (SELECT string_agg(quote_literal(a), ', ') FROM unnest(published_table::text || arguments) AS a));
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', base, trigger_name);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.create_capture_trigger(uuid, text, regclass, text, text[]) IS
'Part of start_capture: makes one trigger, unless it is there.';

-- Row triggers reach partitions by themselves, those of TRUNCATE do not.
CREATE FUNCTION lakehouse.create_truncate_triggers(published_table uuid, base regclass)
RETURNS void LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT lakehouse.create_capture_trigger(published_table, 'truncate', r, 'TRUNCATE', '{}')
    FROM (SELECT base UNION ALL SELECT lakehouse.relations_below(base)) AS t (r)
$$;
COMMENT ON FUNCTION lakehouse.create_truncate_triggers(uuid, regclass) IS
'Part of start_capture: triggers of TRUNCATE on a table and its partitions.';

CREATE FUNCTION lakehouse.create_settings_trigger(published_table uuid, slug text, source regclass)
RETURNS void LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT lakehouse.create_capture_trigger(published_table, 'settings', r, 'INSERT OR UPDATE OR DELETE', '{}')
    FROM lakehouse.relations_below(source) AS r WHERE r = to_regclass(format('%I.share_options', slug))
$$;
COMMENT ON FUNCTION lakehouse.create_settings_trigger(uuid, text, regclass) IS
'Part of start_capture: a view that reads the salt is published anew when that changes.';

-- SECURITY DEFINER: makes triggers on tables of the CRM, which no role of a tenant may; all it does follows from the row.
-- The grants are for reading: a publish has the rights of the tenant's admins, see read_as_tenant().
CREATE FUNCTION lakehouse.start_capture()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    slug CONSTANT text := (SELECT t.slug FROM lakehouse.tenants t WHERE t.id = NEW.tenant_id);
BEGIN
    INSERT INTO lakehouse.publishers AS p (tenant_id) VALUES (NEW.tenant_id) ON CONFLICT ON CONSTRAINT publishers_pkey DO NOTHING;
    IF NEW.changes_of IS NOT NULL THEN
        PERFORM lakehouse.create_capture_trigger(NEW.id, 'capture', NEW.changes_of, 'INSERT OR UPDATE OR DELETE', NEW.key_columns);
        PERFORM lakehouse.create_truncate_triggers(NEW.id, NEW.changes_of);
    END IF;
    PERFORM lakehouse.create_settings_trigger(NEW.id, slug, NEW.source);
    EXECUTE format('GRANT SELECT ON TABLE %s TO %I', NEW.source, slug || '_admin');
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                                                      WHERE c.oid = NEW.source), slug || '_admin');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.start_capture() IS
'Trigger, security definer: makes the triggers that capture a new published table''s changes, and lets it be read.';
CREATE TRIGGER start_capture AFTER INSERT ON lakehouse.published_tables
    FOR EACH ROW WHEN (NEW.created_at = now()) EXECUTE FUNCTION lakehouse.start_capture();

-- SECURITY DEFINER: as start_capture.
CREATE FUNCTION lakehouse.stop_capture()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT g.tgname, g.tgrelid::regclass AS base FROM pg_trigger g WHERE g.tgparentid = 0 AND g.tgname IN (
        SELECT lakehouse.capture_trigger_name(OLD.id, k) FROM unnest(ARRAY['capture', 'truncate', 'settings']) AS k)
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', made.tgname, made.base);
    END LOOP;
    DELETE FROM lakehouse.captured_changes c WHERE c.table_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.stop_capture() IS
'Trigger, security definer: drops what start_capture made, and what was captured.';
CREATE TRIGGER stop_capture AFTER DELETE ON lakehouse.published_tables
    FOR EACH ROW EXECUTE FUNCTION lakehouse.stop_capture();

-- SECURITY DEFINER: an admin may take a table out of a share, but not write published_tables. The lock waits for a
-- publish under way, which holds it; without, the two could wait for each other's locks of tables.
CREATE FUNCTION lakehouse.drop_unshared_tables()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM lakehouse.publishers p WHERE p.tenant_id IN (
        SELECT t.tenant_id FROM lakehouse.published_tables t JOIN gone g ON g.table_id = t.id) ORDER BY p.tenant_id FOR UPDATE;
    DELETE FROM lakehouse.published_tables t USING (SELECT DISTINCT table_id FROM gone) g
    WHERE t.id = g.table_id AND NOT EXISTS (SELECT FROM lakehouse.share_tables s WHERE s.table_id = t.id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.drop_unshared_tables() IS
'Trigger, security definer: a published table that is in no share any more goes, with its versions. Waits for a publish under way.';
CREATE TRIGGER drop_unshared_tables AFTER DELETE ON lakehouse.share_tables REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION lakehouse.drop_unshared_tables();

-- SECURITY DEFINER: whoever changes a table or view need not be an admin of the tenant.
-- A view that is replaced may show other rows; a partition that comes or goes brings or takes rows; DISABLE TRIGGER ALL and
-- ENABLE TRIGGER ALL, as pg_restore does, have rows between them. None of that fires a row's trigger.
CREATE FUNCTION lakehouse.capture_definition()
RETURNS event_trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- What pg_dump writes brings the triggers itself, and rows as they were captured.
    is_restore CONSTANT boolean := NOT current_setting('check_function_bodies')::boolean;
    changed record;
BEGIN
    FOR changed IN
        SELECT DISTINCT p.id, p.source, t.slug, p.changes_of AS base, c.object_type, b.relkind = 'p' AS is_partitioned, g.tgname, g.tgenabled
        FROM pg_event_trigger_ddl_commands() c JOIN lakehouse.published_tables p
        ON CASE c.object_type WHEN 'view' THEN c.objid = p.source OR c.objid IN (SELECT lakehouse.relations_below(p.source))
                              WHEN 'table' THEN p.changes_of = c.objid OR p.changes_of IN (SELECT pg_partition_ancestors(c.objid)) END
        JOIN lakehouse.tenants t ON t.id = p.tenant_id
        LEFT JOIN pg_class b ON b.oid = p.changes_of
        LEFT JOIN pg_trigger g ON g.tgrelid = p.changes_of AND g.tgname = lakehouse.capture_trigger_name(p.id, 'capture')
        WHERE c.classid = 'pg_class'::regclass
    LOOP
        CONTINUE WHEN coalesce(changed.tgenabled, 'A') = 'A' AND (is_restore OR changed.object_type = 'table' AND NOT changed.is_partitioned);
        INSERT INTO lakehouse.captured_changes (table_id) VALUES (changed.id);
        IF changed.tgenabled IN ('O', 'R') THEN
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', changed.base, changed.tgname);
        END IF;
        IF changed.object_type = 'view' THEN
            PERFORM lakehouse.create_settings_trigger(changed.id, changed.slug, changed.source);
        ELSIF changed.is_partitioned AND NOT is_restore THEN
            PERFORM lakehouse.create_truncate_triggers(changed.id, changed.base);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.capture_definition() IS
'Event trigger, security definer: a published view that is replaced, partitions that come, go or change, and triggers of capture that are switched, count as a change of every row.';
CREATE EVENT TRIGGER lakehouse_capture_definition ON ddl_command_end
    WHEN TAG IN ('CREATE VIEW', 'ALTER VIEW', 'CREATE TABLE', 'ALTER TABLE')
    EXECUTE FUNCTION lakehouse.capture_definition();
COMMENT ON EVENT TRIGGER lakehouse_capture_definition IS 'What a changed definition changes in published tables is published';

-- SECURITY DEFINER: as capture_definition.
CREATE FUNCTION lakehouse.capture_rewrite()
RETURNS event_trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO lakehouse.captured_changes (table_id) SELECT p.id FROM lakehouse.published_tables p
    WHERE p.changes_of = pg_event_trigger_table_rewrite_oid()
       OR p.changes_of IN (SELECT pg_partition_ancestors(pg_event_trigger_table_rewrite_oid()));
END
$$;
COMMENT ON FUNCTION lakehouse.capture_rewrite() IS
'Event trigger, security definer: ALTER TABLE that writes a published table anew counts as a change of every row.';
CREATE EVENT TRIGGER lakehouse_capture_rewrite ON table_rewrite EXECUTE FUNCTION lakehouse.capture_rewrite();
COMMENT ON EVENT TRIGGER lakehouse_capture_rewrite IS 'What ALTER TABLE changes in published tables is published';

-- SECURITY DEFINER: as capture_definition. A partition that is dropped takes its copy of the trigger along.
CREATE FUNCTION lakehouse.capture_drop()
RETURNS event_trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dropped record;
BEGIN
    FOR dropped IN SELECT DISTINCT p.id, p.source, o.original FROM lakehouse.published_tables p JOIN pg_event_trigger_dropped_objects() o
                   ON o.address_names[cardinality(o.address_names)] = lakehouse.capture_trigger_name(p.id, 'capture')
                   WHERE o.object_type = 'trigger'
    LOOP
        IF TG_TAG = 'DROP TRIGGER' AND dropped.original THEN
            RAISE EXCEPTION 'the changes of "%" are captured by this trigger', dropped.source
                USING ERRCODE = 'dependent_objects_still_exist',
                      HINT = 'lakehouse.remove_table_from_share() drops it when no share needs it any more.';
        END IF;
        INSERT INTO lakehouse.captured_changes (table_id) VALUES (dropped.id);
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.capture_drop() IS
'Event trigger, security definer: a dropped partition counts as a change of every row. Refuses to drop a trigger of capture alone: 2BP01.';
CREATE EVENT TRIGGER lakehouse_capture_drop ON sql_drop
    WHEN TAG IN ('DROP TABLE', 'ALTER TABLE', 'DROP TRIGGER', 'DROP SCHEMA', 'DROP OWNED')
    EXECUTE FUNCTION lakehouse.capture_drop();
COMMENT ON EVENT TRIGGER lakehouse_capture_drop IS 'What a dropped partition takes from published tables is published';

REVOKE ALL ON FUNCTION
    lakehouse.capture_change(),
    lakehouse.capture_trigger_name(uuid, text),
    lakehouse.create_capture_trigger(uuid, text, regclass, text, text[]),
    lakehouse.create_truncate_triggers(uuid, regclass),
    lakehouse.create_settings_trigger(uuid, text, regclass),
    lakehouse.start_capture(),
    lakehouse.stop_capture(),
    lakehouse.drop_unshared_tables(),
    lakehouse.capture_definition(),
    lakehouse.capture_rewrite(),
    lakehouse.capture_drop()
FROM PUBLIC;
