-- SPDX-License-Identifier: PostgreSQL
-- What of a table or view can be a Delta table: its columns, their types there, and what it reads.

CREATE FUNCTION lakehouse.publishable_type(type regtype, modifier integer, OUT delta_type text, OUT cast_to text)
RETURNS record LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found record;
    digits CONSTANT integer := (modifier - 4) >> 16;
    -- The lower 11 bits, with sign: src/backend/utils/adt/numeric.c, numeric_typmod_scale().
    decimals CONSTANT integer := (((modifier - 4) & 2047) # 1024) - 1024;
BEGIN
    SELECT t.typtype, t.typbasetype, t.typtypmod, e.oid AS element INTO found
    FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid WHERE t.oid = type;
    IF found.typtype = 'd' THEN
        SELECT * INTO delta_type, cast_to FROM lakehouse.publishable_type(found.typbasetype, found.typtypmod);
    ELSIF found.element IS NOT NULL THEN
        SELECT format('array<%s>', p.delta_type), p.cast_to || '[]' INTO delta_type, cast_to
        FROM lakehouse.publishable_type(found.element, modifier) p WHERE p.delta_type NOT LIKE 'array%';
    ELSIF found.typtype = 'e' THEN
        delta_type := 'string';
        cast_to := 'text';
    ELSIF type = 'numeric'::regtype AND modifier >= 4 AND digits <= 38 AND decimals BETWEEN 0 AND digits THEN
        delta_type := format('decimal(%s,%s)', digits, decimals);
    ELSE
        SELECT m.written, m.by_cast INTO delta_type, cast_to
        FROM (VALUES
            ('boolean'::regtype, 'boolean', NULL), ('smallint', 'short', NULL), ('integer', 'integer', NULL), ('bigint', 'long', NULL),
            ('real', 'float', NULL), ('double precision', 'double', NULL), ('numeric', 'string', 'text'),
            ('text', 'string', NULL), ('uuid', 'string', NULL), ('varchar', 'string', 'text'), ('bpchar', 'string', 'text'),
            ('name', 'string', 'text'), ('json', 'string', 'text'), ('jsonb', 'string', 'text'), ('inet', 'string', 'text'),
            ('cidr', 'string', 'text'), ('macaddr', 'string', 'text'), ('macaddr8', 'string', 'text'), ('time', 'string', 'text'),
            ('timetz', 'string', 'text'), ('interval', 'string', 'text'), ('date', 'date', NULL), ('timestamptz', 'timestamp', NULL),
            ('timestamp', 'timestamp', NULL), ('bytea', 'binary', NULL)) AS m (source, written, by_cast)
        WHERE m.source = type;
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.publishable_type(regtype, integer) IS
'The type of a Delta table that holds values of this type, as Delta spells it, and the type to cast them to first (NULL: none). modifier: as in pg_attribute.atttypmod. delta_type is NULL where none fits: composite types, ranges, tsvector and their like.';

CREATE FUNCTION lakehouse.relations_below(source regclass)
RETURNS SETOF regclass LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE below (relation) AS (
        SELECT source::oid
        UNION
        SELECT lower_one.relation FROM below b CROSS JOIN LATERAL (
            SELECT d.refobjid FROM pg_rewrite r
            JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
            JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
            WHERE r.ev_class = b.relation
            UNION ALL
            SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = b.relation) AS lower_one (relation)
    )
    SELECT c.oid::regclass FROM below b JOIN pg_class c ON c.oid = b.relation WHERE c.oid <> source AND c.relkind <> 'S'
$$;
COMMENT ON FUNCTION lakehouse.relations_below(regclass) IS
'The tables and views that reading this one reads: below views, and partitions and children. A materialized view ends the walk: reading it reads only what it holds.';

CREATE FUNCTION lakehouse.check_readable(source regclass)
RETURNS void LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found CONSTANT pg_class := (SELECT c FROM pg_class c WHERE c.oid = source);
    remote CONSTANT regclass := (SELECT r FROM lakehouse.relations_below(source) AS r JOIN pg_class c ON c.oid = r WHERE c.relkind = 'f' LIMIT 1);
BEGIN
    IF found.relkind IS NULL THEN
        RAISE EXCEPTION 'the published table or view no longer exists'
            USING ERRCODE = 'undefined_table', HINT = 'Take it out of its shares with lakehouse.remove_table_from_share().';
    ELSIF found.relkind NOT IN ('r', 'p', 'v', 'm') OR remote IS NOT NULL THEN
        RAISE EXCEPTION '%', CASE WHEN found.relkind = 'f' THEN format('"%s" is a foreign table', source)
                                  WHEN remote IS NOT NULL THEN format('"%s" reads foreign table "%s"', source, remote)
                                  ELSE format('"%s" is no table or view', source) END
            USING ERRCODE = 'wrong_object_type',
                  HINT = 'Publish a table, view or materialized view of this database. What lies in a warehouse is shared from there.';
    ELSIF found.relrowsecurity THEN
        RAISE EXCEPTION '"%" has row security', source
            USING ERRCODE = 'feature_not_supported', DETAIL = 'Who reads a share is no role of this database, so no policy can tell what to show.',
                  HINT = 'Publish a view that says which rows.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_readable(regclass) IS
'Part of published_columns: raises why the rows of a table or view can''t be published by anybody. 42P01, 42809, 0A000.';

CREATE FUNCTION lakehouse.published_columns(source regclass)
RETURNS TABLE (name text, delta_type text, select_expression text, nullable boolean, comment text, number integer)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found record;
    names text[] := '{}';
BEGIN
    -- Checked at each publish: views are replaced.
    PERFORM lakehouse.check_readable(source);
    FOR found IN
        SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type, p.delta_type, p.cast_to,
               a.attnotnull AND c.relkind IN ('r', 'p') AS is_filled, coalesce(col_description(c.oid, a.attnum), '') AS comment, a.attnum
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN LATERAL lakehouse.publishable_type(a.atttypid, a.atttypmod) p
        WHERE c.oid = source ORDER BY a.attnum
    LOOP
        PERFORM lakehouse.check_published_column(source, found.name, found.type, found.delta_type, names);
        names := names || lower(found.name);
        name := found.name;
        delta_type := found.delta_type;
        select_expression := quote_ident(found.name) || coalesce('::pg_catalog.' || found.cast_to, '');
        nullable := NOT found.is_filled;
        comment := found.comment;
        number := found.attnum;
        RETURN NEXT;
    END LOOP;
    IF names = '{}' THEN
        RAISE EXCEPTION '"%" has no columns', source USING ERRCODE = 'undefined_column';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.published_columns(regclass) IS
'The columns of a table or view as a Delta table has them: type, SQL expression to read it by, whether it may be NULL, comment, and its number in the table, which no other column ever has. An expression has one of the types boolean, smallint, integer, bigint, real, double precision, numeric, text, uuid, date, timestamp, timestamptz, bytea, a domain over one, or an array. Raises 42602 for a name that a Delta table can''t have, 42701 for two names that differ only in case, 0A000 for a type that none of Delta''s holds or for row security, 42809 for a foreign table, also below a view, 42P01 and 42703 when there is nothing.';

CREATE FUNCTION lakehouse.check_published_column(source regclass, name text, type text, delta_type text, others text[])
RETURNS void LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Delta protocol: without column mapping a name is one in the data files. The rest are those of change data.
    IF name ~ '[ ,;{}()\n\t=]' OR lower(name) IN ('_change_type', '_commit_version', '_commit_timestamp') THEN
        RAISE EXCEPTION 'a Delta table can''t have a column "%"', name
            USING ERRCODE = 'invalid_name', DETAIL = format('Column of "%s".', source),
                  HINT = 'Publish a view that gives it another name. Not allowed are blanks, tabs, line ends and , ; { } ( ) =.';
    ELSIF lower(name) = ANY (others) THEN
        RAISE EXCEPTION 'two columns differ only in case: "%"', name
            USING ERRCODE = 'duplicate_column', DETAIL = format('Columns of "%s".', source),
                  HINT = 'Publish a view that gives one of them another name: to a Delta table they are the same.';
    ELSIF delta_type IS NULL THEN
        RAISE EXCEPTION 'no type of a Delta table holds type "%" of column "%"', type, name
            USING ERRCODE = 'feature_not_supported', DETAIL = format('Column of "%s".', source),
                  HINT = 'Publish a view that leaves the column out or casts it to text.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_published_column(regclass, text, text, text, text[]) IS
'Part of published_columns: raises what speaks against a column; others: lower-case names of those before it.';

REVOKE ALL ON FUNCTION
    lakehouse.publishable_type(regtype, integer),
    lakehouse.published_columns(regclass),
    lakehouse.check_published_column(regclass, text, text, text, text[]),
    lakehouse.relations_below(regclass),
    lakehouse.check_readable(regclass)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.publishable_type(regtype, integer),
    lakehouse.published_columns(regclass),
    lakehouse.check_published_column(regclass, text, text, text, text[]),
    lakehouse.relations_below(regclass),
    lakehouse.check_readable(regclass)
TO lakehouse_worker;
