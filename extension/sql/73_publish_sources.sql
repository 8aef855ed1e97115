-- SPDX-License-Identifier: PostgreSQL
-- What may be published. A trigger checks each new row of published_tables with the caller's own rights, so that the
-- functions on top need no rights that the caller lacks. What is below it raises what speaks against a source.

CREATE FUNCTION lakehouse.check_source(tenant text, source regclass)
RETURNS void LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relation record;
BEGIN
    SELECT c.relpersistence, c.relowner, n.nspname INTO relation
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = source;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the table or view to publish does not exist' USING ERRCODE = 'undefined_table';
    END IF;
    IF relation.relpersistence = 't' OR relation.nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'lakehouse')
       OR EXISTS (SELECT FROM lakehouse.tenants t WHERE t.slug = relation.nspname AND t.slug <> tenant) THEN
        RAISE EXCEPTION '"%" can''t be published', source
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = 'Temporary tables, those of the system and those of another tenant are never published.';
    ELSIF NOT (pg_has_role(relation.relowner, 'USAGE') OR relation.nspname = tenant AND has_table_privilege(source, 'SELECT')) THEN
        RAISE EXCEPTION 'permission denied to publish "%"', source
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Be its owner, or have SELECT on it while it lies in the tenant''s schema.';
    END IF;
    PERFORM lakehouse.check_readable(source);
END
$$;
COMMENT ON FUNCTION lakehouse.check_source(text, regclass) IS
'Part of check_published_table: raises what speaks against publishing the table or view for the caller. 42P01, 42809, 42501, 0A000.';

CREATE FUNCTION lakehouse.primary_key_of(source regclass)
RETURNS text[] LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_agg(a.attname::text ORDER BY k.place) FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attribute, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attribute
    WHERE i.indrelid = source AND i.indisprimary AND k.place <= i.indnkeyatts
$$;
COMMENT ON FUNCTION lakehouse.primary_key_of(regclass) IS 'The columns of a table''s primary key, in its order; NULL: it has none.';

CREATE FUNCTION lakehouse.has_unique_key(source regclass, key text[])
RETURNS boolean LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_index i CROSS JOIN LATERAL (
            SELECT array_agg(a.attname::text) AS names FROM unnest(i.indkey) WITH ORDINALITY AS k (attribute, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attribute WHERE k.place <= i.indnkeyatts) AS c
        WHERE i.indrelid = source AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
              AND i.indexprs IS NULL AND c.names <@ key)
$$;
COMMENT ON FUNCTION lakehouse.has_unique_key(regclass, text[]) IS
'Whether an index proves that no two rows of the table agree in these columns.';

CREATE FUNCTION lakehouse.check_key(source regclass, key text[])
RETURNS void LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_table CONSTANT boolean := (SELECT c.relkind IN ('r', 'p') FROM pg_class c WHERE c.oid = source);
    bad record;
BEGIN
    IF key IS NULL OR cardinality(key) NOT BETWEEN 1 AND 8 OR cardinality(key) > (SELECT count(DISTINCT k) FROM unnest(key) AS k) THEN
        RAISE EXCEPTION '%', CASE WHEN key IS NULL THEN format('"%s" has no primary key', source)
                                  ELSE 'a key has one to eight different columns' END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass key => ARRAY[...]: the columns that tell the rows apart.';
    END IF;
    SELECT k.name, format_type(a.atttypid, NULL) AS type, a.attnotnull OR NOT is_table AS is_filled,
           a.atttypid IN ('uuid'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'text'::regtype, 'varchar'::regtype) AS is_fit
    INTO bad FROM unnest(key) WITH ORDINALITY AS k (name, place)
    LEFT JOIN pg_attribute a ON a.attrelid = source AND a.attname = k.name AND a.attnum > 0 AND NOT a.attisdropped
    WHERE a.attnum IS NULL OR NOT a.attnotnull AND is_table OR a.atttypid NOT IN
          ('uuid'::regtype, 'smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'text'::regtype, 'varchar'::regtype)
    ORDER BY k.place LIMIT 1;
    IF FOUND AND bad.type IS NULL THEN
        RAISE EXCEPTION 'key column "%" of "%" does not exist', bad.name, source USING ERRCODE = 'undefined_column';
    ELSIF FOUND AND NOT bad.is_fit THEN
        RAISE EXCEPTION 'key column "%" has type %', bad.name, bad.type
            USING ERRCODE = 'datatype_mismatch', HINT = 'Columns of a key are uuid, smallint, integer, bigint, text or varchar.';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'key column "%" may be null', bad.name
            USING ERRCODE = 'invalid_parameter_value', HINT = format('ALTER TABLE %s ALTER %I SET NOT NULL.', source, bad.name);
    ELSIF is_table AND NOT lakehouse.has_unique_key(source, key) THEN
        RAISE EXCEPTION 'no unique index proves that (%) tells the rows of "%" apart', array_to_string(key, ', '), source
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name the primary key or the columns of a unique index that is neither partial nor deferrable.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_key(regclass, text[]) IS
'Part of check_published_table: raises what speaks against the key. 22023, 42703, 42804.';

CREATE FUNCTION lakehouse.check_changes_of(tenant text, source regclass, key text[], changes_of regclass)
RETURNS void LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    base record;
    misfit text;
BEGIN
    PERFORM lakehouse.check_source(tenant, changes_of);
    SELECT c.relkind, c.relpersistence,
           c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS has_children
    INTO base FROM pg_class c WHERE c.oid = changes_of;
    IF base.relkind NOT IN ('r', 'p') OR base.relpersistence <> 'p' OR base.has_children THEN
        RAISE EXCEPTION '%', CASE WHEN base.relkind NOT IN ('r', 'p') THEN format('"%s" is no table', changes_of)
                                  WHEN base.has_children THEN format('other tables inherit from "%s"', changes_of)
                                  ELSE format('table "%s" is unlogged', changes_of) END
            USING ERRCODE = 'wrong_object_type', DETAIL = 'Its changes can''t be captured.',
                  HINT = 'Publish a view over it without changes_of: it is compared as a whole at each publish.';
    ELSIF source <> changes_of AND changes_of NOT IN (SELECT lakehouse.relations_below(source)) THEN
        RAISE EXCEPTION '"%" does not read "%"', source, changes_of
            USING ERRCODE = 'invalid_parameter_value', HINT = 'changes_of is the table whose rows the view shows.';
    END IF;
    misfit := (SELECT k FROM unnest(key) AS k WHERE NOT EXISTS (
        SELECT FROM pg_attribute s JOIN pg_attribute b ON b.attname = s.attname AND b.atttypid = s.atttypid
        WHERE s.attrelid = source AND b.attrelid = changes_of AND s.attname = k AND b.attnum > 0) LIMIT 1);
    IF misfit IS NOT NULL OR source <> changes_of AND NOT (coalesce(lakehouse.primary_key_of(changes_of), '{}') @> key
                                                           AND key @> coalesce(lakehouse.primary_key_of(changes_of), '{}')) THEN
        RAISE EXCEPTION 'the key of "%" is not the primary key of "%"', source, changes_of
            USING ERRCODE = 'invalid_parameter_value', DETAIL = 'Names and types of the columns must be the same in both.',
                  HINT = 'Leave changes_of out: the view is then compared as a whole at each publish.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_changes_of(text, regclass, text[], regclass) IS
'Part of check_published_table: raises what speaks against capturing the changes of this table. 42809, 22023, and what check_source raises.';

CREATE FUNCTION lakehouse.notice_other_tables(tenant text, source regclass, changes_of regclass)
RETURNS void LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- What the captured table is made of is captured; the salt has a trigger of its own.
    others CONSTANT text := (SELECT string_agg(r::text, ', ' ORDER BY r::text) FROM lakehouse.relations_below(source) AS r
                             JOIN pg_class c ON c.oid = r
                             WHERE c.relkind <> 'v' AND r <> changes_of AND r NOT IN (SELECT lakehouse.relations_below(changes_of))
                                   AND r IS DISTINCT FROM to_regclass(format('%I.share_options', tenant)));
BEGIN
    IF others IS NOT NULL THEN
        RAISE NOTICE '"%" also reads %', source, others
            USING DETAIL = format('A row that changes by a change there is published when its row of %s is written.', changes_of),
                  HINT = 'Leave changes_of out if that is not enough: the view is then compared as a whole at each publish.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.notice_other_tables(text, regclass, regclass) IS
'Part of check_published_table: a notice about tables that a view reads and whose changes are not captured.';

CREATE FUNCTION lakehouse.check_published_table()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    slug CONSTANT text := (SELECT t.slug FROM lakehouse.tenants t WHERE t.id = NEW.tenant_id);
BEGIN
    PERFORM lakehouse.check_source(slug, NEW.source);
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = NEW.source AND c.relkind IN ('r', 'p')) THEN
        NEW.changes_of := coalesce(NEW.changes_of, NEW.source);
    END IF;
    NEW.key_columns := coalesce(NEW.key_columns, lakehouse.primary_key_of(coalesce(NEW.changes_of, NEW.source)));
    PERFORM lakehouse.check_key(NEW.source, NEW.key_columns);
    IF NEW.changes_of IS NOT NULL THEN
        PERFORM lakehouse.check_changes_of(slug, NEW.source, NEW.key_columns, NEW.changes_of);
        PERFORM lakehouse.notice_other_tables(slug, NEW.source, NEW.changes_of);
    END IF;
    PERFORM FROM lakehouse.published_columns(NEW.source);
    -- A folder's name is never used twice: what a dropped table left there is none of this one's.
    NEW.store_id := (SELECT s.id FROM lakehouse.stores s WHERE s.tenant_id = NEW.tenant_id AND s.is_current);
    NEW.location := format('%s/%s', NEW.tenant_id, NEW.id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lakehouse.check_published_table() IS
'Trigger: refuses a table or view that the caller may not publish or that no Delta table can hold; fills in key, captured table, store and location.';

-- A row that pg_dump brings back is older than the transaction that does.
CREATE TRIGGER check_published_table BEFORE INSERT ON lakehouse.published_tables
    FOR EACH ROW WHEN (NEW.created_at = now()) EXECUTE FUNCTION lakehouse.check_published_table();

REVOKE ALL ON FUNCTION
    lakehouse.check_source(text, regclass),
    lakehouse.primary_key_of(regclass),
    lakehouse.has_unique_key(regclass, text[]),
    lakehouse.check_key(regclass, text[]),
    lakehouse.check_changes_of(text, regclass, text[], regclass),
    lakehouse.notice_other_tables(text, regclass, regclass),
    lakehouse.check_published_table()
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.has_unique_key(regclass, text[]) TO lakehouse_worker;
