-- SPDX-License-Identifier: PostgreSQL
-- Lists of records: one page, how many there are, where it goes on.

CREATE FUNCTION lakehouse.select_fields(fields jsonb, wanted text[], is_list boolean)
RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg(format(CASE WHEN is_list AND (f.field ->> 'long')::boolean
                                          THEN 'CASE WHEN length(%1$s) > 500 THEN left(%1$s, 500) || ''…'' ELSE %1$s END AS %2$I'
                                          WHEN f.field ->> 'type' = 'json' THEN 'nullif(%s, ''{}'') AS %I' ELSE '%s AS %I' END,
                                     coalesce(f.field ->> 'json', f.field ->> 'sql'), f.name), ', ' ORDER BY f.n)
            FROM (SELECT min(w.n) AS n, w.name, lakehouse.find_field(fields, w.name) AS field
                  FROM unnest(ARRAY['id'] || wanted) WITH ORDINALITY w (name, n) GROUP BY w.name) f);
END
$$;
COMMENT ON FUNCTION lakehouse.select_fields(jsonb, text[], boolean) IS
'Select list of these fields of t, the id first; a list shows 500 characters of long ones.';

-- The default fields are this extension's own, so the catalog need not be asked: related lists are many.
CREATE FUNCTION lakehouse.select_defaults(tenant text, kind lakehouse.record_kinds)
RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg(CASE WHEN kind.computed ? f.name THEN format('%s AS %I',
                                       format(coalesce(kind.computed #>> ARRAY[f.name, 'sql'], kind.computed ->> f.name), tenant), f.name)
                                   WHEN f.name = ANY (kind.long_fields)
                                       THEN format('CASE WHEN length(t.%1$I) > 500 THEN left(t.%1$I, 500) || ''…'' ELSE t.%1$I END AS %1$I', f.name)
                                   ELSE format('t.%I', f.name) END, ', ' ORDER BY f.n)
            FROM unnest(kind.default_fields) WITH ORDINALITY f (name, n));
END
$$;
COMMENT ON FUNCTION lakehouse.select_defaults(text, lakehouse.record_kinds) IS 'Select list of a kind''s default fields, as a list shows them.';

CREATE FUNCTION lakehouse.is_cut(fields jsonb, wanted text[])
RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT string_agg(format('coalesce(length(%s) > 500, false)', f.value ->> 'sql'), ' OR ' ORDER BY f.key)
                     FROM jsonb_each(fields) f WHERE f.key = ANY (wanted) AND (f.value ->> 'long')::boolean), 'false');
END
$$;
COMMENT ON FUNCTION lakehouse.is_cut(jsonb, text[]) IS 'SQL condition: a list shows t shortened.';

CREATE FUNCTION lakehouse.live_rows(tenant text, kind lakehouse.record_kinds, condition text)
RETURNS text LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN format('%I.%I t WHERE %s(%s)', tenant, kind.table_name, CASE WHEN kind.keeps_deleted THEN 't.deleted_at IS NULL AND ' ELSE '' END, condition);
COMMENT ON FUNCTION lakehouse.live_rows(text, lakehouse.record_kinds, text) IS
'FROM and WHERE of the records of a kind that live and meet the condition.';

CREATE FUNCTION lakehouse.list_page(
    tenant text, kind_name text, arguments jsonb, condition text DEFAULT 'true', parent uuid DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind(kind_name);
    fields CONSTANT jsonb := lakehouse.record_fields(tenant, kind);
    wanted CONSTANT text[] := coalesce((SELECT array_agg(e.value) FROM jsonb_array_elements_text(arguments -> 'fields') e), kind.default_fields);
    page_size CONSTANT integer := coalesce((arguments ->> 'limit')::integer, 50);
    keys CONSTANT jsonb := lakehouse.compile_sort(coalesce(arguments -> 'sort', to_jsonb(kind.default_sort)), fields);
    list CONSTANT text := concat_ws(' ', tenant, kind_name, arguments ->> 'filter', keys, condition, parent);
    state jsonb := lakehouse.read_cursor(list, arguments ->> 'cursor');
    bound jsonb := '[]';
    filter text := 'true';
    rows_sql text;
    page jsonb;
BEGIN
    IF arguments ? 'filter' THEN
        PERFORM lakehouse.check_filter(arguments -> 'filter');
        SELECT c.condition, c.bound INTO filter, bound FROM lakehouse.compile_filter(arguments -> 'filter', fields, 1, bound) c;
    END IF;
    rows_sql := lakehouse.live_rows(tenant, kind, format('%s) AND (%s', format(condition, tenant), filter));
    IF state IS NULL THEN
        state := lakehouse.count_rows(rows_sql, bound, parent);
    ELSE
        rows_sql := format('%s AND (%s)', rows_sql, lakehouse.after_keys(keys, state -> 'after', jsonb_array_length(bound)));
        bound := bound || (state -> 'after');
    END IF;
    page := lakehouse.read_page(rows_sql, lakehouse.select_fields(fields, wanted, true), lakehouse.is_cut(fields, wanted), keys,
                                page_size, bound, parent);
    RETURN lakehouse.sign_result(jsonb_build_object(
        'records', (SELECT coalesce(jsonb_agg(r.value -> 'record' || jsonb_build_object(
                               'url', lakehouse.record_url(tenant, kind_name, (r.value #>> '{record,id}')::uuid)) ORDER BY r.n), '[]')
                    FROM jsonb_array_elements(page) WITH ORDINALITY r (value, n) WHERE r.n <= page_size),
        'total', state -> 'total', 'total_is_estimate', state -> 'total_is_estimate',
        'has_more', jsonb_array_length(page) > page_size,
        'truncated', jsonb_path_exists(page, '$[*].cut ? (@ == true)'))
        || CASE WHEN jsonb_array_length(page) > page_size THEN jsonb_build_object('next_cursor', lakehouse.write_cursor(list,
               state || jsonb_build_object('after', page #> ARRAY[(page_size - 1)::text, 'keys']))) ELSE '{}' END);
END
$$;
COMMENT ON FUNCTION lakehouse.list_page(text, text, jsonb, text, uuid) IS
'A page of the records of a kind. arguments: filter, fields, sort, limit, cursor. condition: further SQL of ours, in which $2 is parent.';

CREATE FUNCTION lakehouse.read_page(
    rows_sql text, select_list text, cut_sql text, keys jsonb, page_size integer, bound jsonb, parent uuid)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    page jsonb;
BEGIN
    -- One row more than asked for tells whether there are more.
    EXECUTE format('SELECT coalesce(jsonb_agg(p.item), ''[]'') FROM (SELECT jsonb_build_object('
                   '''record'', (SELECT jsonb_strip_nulls(to_jsonb(f)) FROM (SELECT %s) f), ''cut'', %s, ''keys'', jsonb_build_array(%s)) AS item '
                   'FROM %s ORDER BY %s LIMIT %s) p',
                   select_list, cut_sql, (SELECT string_agg(k.value ->> 'sql', ', ' ORDER BY k.n) FROM jsonb_array_elements(keys) WITH ORDINALITY k (value, n)),
                   rows_sql, lakehouse.order_by(keys), page_size + 1)
        INTO page USING bound, parent;
    RETURN page;
END
$$;
COMMENT ON FUNCTION lakehouse.read_page(text, text, text, jsonb, integer, jsonb, uuid) IS
'Part of list_page: up to one row more than the page has, as [{record, cut, keys}].';

-- VOLATILE for its EXPLAIN, which other functions may not run.
CREATE FUNCTION lakehouse.count_rows(rows_sql text, bound jsonb, parent uuid)
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 10000;
    counted bigint;
    plan json;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT %s) c', rows_sql, most + 1) INTO counted USING bound, parent;
    IF counted > most THEN
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM %s', rows_sql) INTO plan USING bound, parent;
        counted := greatest(counted, (plan #>> '{0,Plan,Plan Rows}')::numeric::bigint);
    END IF;
    RETURN jsonb_build_object('total', counted, 'total_is_estimate', counted > most);
END
$$;
COMMENT ON FUNCTION lakehouse.count_rows(text, jsonb, uuid) IS
'How many rows: exact up to 10000, above that the planner''s estimate.';

REVOKE ALL ON FUNCTION
    lakehouse.select_fields(jsonb, text[], boolean), lakehouse.select_defaults(text, lakehouse.record_kinds),
    lakehouse.is_cut(jsonb, text[]), lakehouse.live_rows(text, lakehouse.record_kinds, text),
    lakehouse.list_page(text, text, jsonb, text, uuid),
    lakehouse.read_page(text, text, text, jsonb, integer, jsonb, uuid), lakehouse.count_rows(text, jsonb, uuid)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.select_fields(jsonb, text[], boolean), lakehouse.select_defaults(text, lakehouse.record_kinds),
    lakehouse.is_cut(jsonb, text[]), lakehouse.live_rows(text, lakehouse.record_kinds, text),
    lakehouse.list_page(text, text, jsonb, text, uuid),
    lakehouse.read_page(text, text, text, jsonb, integer, jsonb, uuid), lakehouse.count_rows(text, jsonb, uuid)
TO lakehouse_user;
