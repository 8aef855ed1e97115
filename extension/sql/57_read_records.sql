-- SPDX-License-Identifier: PostgreSQL
-- What the reading tools do, for any kind: one record with what belongs to it, search, description, counts.

CREATE FUNCTION lakehouse.refuse_missing(kind text, what text)
RETURNS void LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% "%" does not exist', kind, left(what, 100)
        USING ERRCODE = 'no_data_found',
              HINT = 'It may have been deleted. search_crm finds records by words in them, list_records by their fields.';
END
$$;
COMMENT ON FUNCTION lakehouse.refuse_missing(text, text) IS 'Raises P0002 for a record that is not there.';

CREATE FUNCTION lakehouse.read_image(
    tenant text, kind lakehouse.record_kinds, id uuid, fields jsonb, wanted text[], OUT title text, OUT image jsonb)
RETURNS record LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('SELECT %s, (SELECT jsonb_strip_nulls(to_jsonb(f)) FROM (SELECT %s) f) FROM %s', kind.title,
                   lakehouse.select_fields(fields, coalesce(wanted, ARRAY(SELECT e.key FROM jsonb_each(fields) e)), false),
                   lakehouse.live_rows(tenant, kind, 't.id = $1'))
        INTO title, image USING id;
    IF image IS NULL THEN
        PERFORM lakehouse.refuse_missing(kind.kind, id::text);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.read_image(text, lakehouse.record_kinds, uuid, jsonb, text[]) IS
'What a record is called, and its wanted fields, all by default; those without a value are left out. Raises P0002.';

CREATE FUNCTION lakehouse.read_related(tenant text, relation lakehouse.record_relations, parent uuid, page_size integer)
RETURNS jsonb LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind(relation.related_kind);
    found_rows jsonb;
BEGIN
    EXECUTE format('SELECT coalesce(jsonb_agg(p.item), ''[]'') FROM (SELECT (SELECT jsonb_strip_nulls(to_jsonb(f)) FROM (SELECT %s%s) f) AS item '
                   'FROM %s ORDER BY %s LIMIT %s) p',
                   lakehouse.select_defaults(tenant, kind),
                   CASE WHEN relation.extra IS NULL THEN '' ELSE format(', %s AS %I', format(relation.extra, tenant), relation.extra_field) END,
                   lakehouse.live_rows(tenant, kind, format(relation.condition, tenant)), relation.sort, page_size + 1)
        INTO found_rows USING NULL::jsonb, parent;
    RETURN found_rows;
END
$$;
COMMENT ON FUNCTION lakehouse.read_related(text, lakehouse.record_relations, uuid, integer) IS
'Records of a relation, up to one more than page_size.';

CREATE FUNCTION lakehouse.read_record(tenant text, kind_name text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    page_size CONSTANT integer := 10;
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind(kind_name);
    fields CONSTANT jsonb := lakehouse.record_fields(tenant, kind);
    record_id CONSTANT uuid := lakehouse.find_record(tenant, kind, fields, arguments);
    wanted CONSTANT text[] := (SELECT array_agg(e.value) FROM jsonb_array_elements_text(arguments -> 'fields') e);
    shown CONSTANT record := lakehouse.read_image(tenant, kind, record_id, fields, wanted);
    relation lakehouse.record_relations;
    found_rows jsonb;
    related jsonb := '{}';
    more text[] := '{}';
BEGIN
    PERFORM lakehouse.check_relations(kind_name, arguments -> 'related');
    FOR relation IN SELECT * FROM lakehouse.record_relations r
                    WHERE r.kind = kind_name AND (arguments -> 'related' IS NULL OR arguments -> 'related' ? r.name) ORDER BY r.position LOOP
        found_rows := lakehouse.read_related(tenant, relation, record_id, page_size);
        IF jsonb_array_length(found_rows) > page_size THEN
            more := more || relation.name;
            found_rows := found_rows - page_size;
        END IF;
        related := related || jsonb_build_object(relation.name, found_rows);
    END LOOP;
    RETURN lakehouse.sign_result(jsonb_build_object(
        'kind', kind_name, 'title', shown.title, 'url', lakehouse.record_url(tenant, kind_name, record_id),
        'record', shown.image, 'related', related, 'truncated', cardinality(more) > 0)
        || CASE WHEN cardinality(more) > 0 THEN jsonb_build_object('more', to_jsonb(more)) ELSE '{}' END);
END
$$;
COMMENT ON FUNCTION lakehouse.read_record(text, text, jsonb) IS
'A record, and ten of each list that belongs to it. arguments: id or external_id, fields, related. Raises P0002.';

CREATE FUNCTION lakehouse.check_relations(kind_name text, names jsonb)
RETURNS void LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown CONSTANT text := (SELECT n.value FROM jsonb_array_elements_text(names) n
                              WHERE NOT EXISTS (SELECT FROM lakehouse.record_relations r WHERE r.kind = kind_name AND r.name = n.value) LIMIT 1);
BEGIN
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION '% has no related list "%"', kind_name, left(unknown, 100)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Its lists: %s.', coalesce((SELECT string_agg(r.name, ', ' ORDER BY r.position) FROM lakehouse.record_relations r
                                                            WHERE r.kind = kind_name), 'none'));
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_relations(text, jsonb) IS 'Raises 22023 for a related list that the kind doesn''t have.';

CREATE FUNCTION lakehouse.find_record(tenant text, kind lakehouse.record_kinds, fields jsonb, arguments jsonb)
RETURNS uuid LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    foreign_system CONSTANT text := split_part(arguments ->> 'external_id', ':', 1);
    foreign_id CONSTANT text := substr(arguments ->> 'external_id', length(foreign_system) + 2);
    found_id uuid := (arguments ->> 'id')::uuid;
BEGIN
    IF found_id IS NOT NULL THEN
        RETURN found_id;
    ELSIF arguments -> 'external_id' IS NULL OR foreign_id = '' OR NOT fields ? 'external_ids' THEN
        RAISE EXCEPTION 'no record is named'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give id, or external_id as "<system>:<id>" for kinds with external_ids.';
    END IF;
    EXECUTE format('SELECT t.id FROM %s LIMIT 1', lakehouse.live_rows(tenant, kind, 't.external_ids ->> $1 = $2'))
        INTO found_id USING foreign_system, foreign_id;
    IF found_id IS NULL THEN
        PERFORM lakehouse.refuse_missing(kind.kind, arguments ->> 'external_id');
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION lakehouse.find_record(text, lakehouse.record_kinds, jsonb, jsonb) IS
'The id that the arguments name, directly or by an id of another system. Raises P0002, or 22023 if they name none.';

CREATE FUNCTION lakehouse.parse_search(query text)
RETURNS tsquery LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
    words CONSTANT tsquery := websearch_to_tsquery('english', query) || websearch_to_tsquery('simple', query);
    plain CONSTANT text := plainto_tsquery('simple', query)::text;
BEGIN
    -- The last of plain words may be the beginning of one.
    RETURN CASE WHEN plain <> '' AND query ~ '^[[:alnum:][:space:]]+$' THEN words || (plain || ':*')::tsquery ELSE words END;
END
$$;
COMMENT ON FUNCTION lakehouse.parse_search(text) IS
'Words as people type them into a search field: "quoted phrases", or, -without; the last word may be cut short.';

CREATE FUNCTION lakehouse.search_records(tenant text, query text, kinds jsonb, page_size integer, first_row integer)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    words CONSTANT tsquery := lakehouse.parse_search(query);
    -- Ranking reads every match: a common word is ranked among its first 1000.
    most CONSTANT integer := 1000;
    hits_sql CONSTANT text := (
        SELECT string_agg(format('(SELECT %L::text AS kind, t.id, (%s)::text AS title, (%s)::text AS body, ts_rank_cd(t.search, $1) AS score '
                                 'FROM %s LIMIT %s)', k.kind, k.title, k.snippet, lakehouse.live_rows(tenant, k, 't.search @@ $1'), most),
                          ' UNION ALL ' ORDER BY k.position)
        FROM lakehouse.record_kinds k WHERE k.snippet IS NOT NULL AND (kinds IS NULL OR kinds ? k.kind));
    found_hits jsonb;
BEGIN
    EXECUTE format('SELECT jsonb_build_object(''total'', coalesce(max(p.total), 0), ''hits'', coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('
                   '''kind'', p.kind, ''id'', p.id, ''title'', p.title, ''score'', round(p.score::numeric, 3), ''url'', lakehouse.record_url($2, p.kind, p.id), '
                   '''snippet'', nullif(ts_headline(''english'', p.body, $1, ''MaxWords=25, MinWords=10, StartSel="", StopSel=""''), ''''))) '
                   'ORDER BY p.score DESC, p.kind, p.title, p.id), ''[]'')) '
                   'FROM (SELECT h.*, count(*) OVER () AS total FROM (%s) h ORDER BY h.score DESC, h.kind, h.title, h.id OFFSET %s LIMIT %s) p',
                   hits_sql, first_row, page_size)
        INTO found_hits USING words, tenant;
    RETURN found_hits;
END
$$;
COMMENT ON FUNCTION lakehouse.search_records(text, text, jsonb, integer, integer) IS
'Records whose text has the words, best first: {total, hits: [{kind, id, title, score, url, snippet}]}.';

CREATE FUNCTION lakehouse.access_to(tenant text, kind lakehouse.record_kinds)
RETURNS jsonb LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relation CONSTANT regclass := lakehouse.find_table(tenant, kind);
BEGIN
    RETURN jsonb_build_object('read', has_table_privilege(relation, 'SELECT'),
                              'create', kind.is_writable AND has_table_privilege(relation, 'INSERT'),
                              'update', kind.is_writable AND has_table_privilege(relation, 'UPDATE'));
END
$$;
COMMENT ON FUNCTION lakehouse.access_to(text, lakehouse.record_kinds) IS 'What the caller may do with records of a kind by tools.';

CREATE FUNCTION lakehouse.describe_kind(tenant text, kind_name text)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind(kind_name);
    fields CONSTANT jsonb := lakehouse.record_fields(tenant, kind);
    custom_names jsonb := '[]';
BEGIN
    -- A tenant keeps no list of its own fields: those of the records written last tell.
    IF fields ? 'custom' THEN
        EXECUTE format('SELECT coalesce(jsonb_agg(DISTINCT ''custom.'' || k.key), ''[]'') FROM (SELECT t.custom FROM %s '
                       'ORDER BY t.updated_at DESC LIMIT 1000) r, jsonb_object_keys(r.custom) AS k (key)', lakehouse.live_rows(tenant, kind, 'true'))
            INTO custom_names;
    END IF;
    RETURN jsonb_build_object(
        'kind', kind_name, 'label', kind.label, 'description', obj_description(lakehouse.find_table(tenant, kind), 'pg_class'),
        'fields', (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                       'name', f.name, 'type', f.type, 'description', f.description, 'required', nullif(f.is_required AND f.is_writable, false),
                       'writable', nullif(f.is_writable, false), 'choices', f.choices, 'refers_to', f.refers_to)))
                   FROM lakehouse.describe_fields(tenant, kind) f),
        'computed', (SELECT coalesce(jsonb_agg(c.key ORDER BY c.key COLLATE "C"), '[]') FROM jsonb_object_keys(kind.computed) AS c (key)),
        'custom', custom_names,
        'related', (SELECT coalesce(jsonb_agg(r.name ORDER BY r.position), '[]') FROM lakehouse.record_relations r WHERE r.kind = kind_name),
        'access', lakehouse.access_to(tenant, kind));
END
$$;
COMMENT ON FUNCTION lakehouse.describe_kind(text, text) IS
'Fields, types, choices, references, custom fields and related lists of a kind, and what the caller may do with it.';

CREATE FUNCTION lakehouse.count_kind(tenant text, kind lakehouse.record_kinds)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lakehouse.count_rows(lakehouse.live_rows(tenant, kind, 'true'), NULL, NULL);
END
$$;
COMMENT ON FUNCTION lakehouse.count_kind(text, lakehouse.record_kinds) IS 'How many records of a kind live: {total, total_is_estimate}.';

CREATE FUNCTION lakehouse.count_matching(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind(arguments ->> 'kind');
    fields CONSTANT jsonb := lakehouse.record_fields(tenant, kind);
    bound jsonb := '[]';
    filter text := 'true';
    total bigint;
    counted_groups jsonb;
BEGIN
    IF arguments ? 'filter' THEN
        PERFORM lakehouse.check_filter(arguments -> 'filter');
        SELECT c.condition, c.bound INTO filter, bound FROM lakehouse.compile_filter(arguments -> 'filter', fields, 1, bound) c;
    END IF;
    EXECUTE format('SELECT count(*) FROM %s', lakehouse.live_rows(tenant, kind, filter)) INTO total USING bound;
    IF arguments ? 'group_by' THEN
        EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''value'', g.value, ''count'', g.count) ORDER BY g.count DESC, g.value), ''[]'') '
                       'FROM (SELECT (%s)::text AS value, count(*) FROM %s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 101) g',
                       lakehouse.find_field(fields, arguments ->> 'group_by') ->> 'sql', lakehouse.live_rows(tenant, kind, filter))
            INTO counted_groups USING bound;
    END IF;
    RETURN lakehouse.sign_result(jsonb_strip_nulls(jsonb_build_object('total', total, 'groups', counted_groups - 100)) || jsonb_build_object(
        'truncated', coalesce(jsonb_array_length(counted_groups) > 100, false)));
END
$$;
COMMENT ON FUNCTION lakehouse.count_matching(text, jsonb) IS
'How many records meet the filter, exactly; with group_by also for each value of a field, the 100 most frequent.';

REVOKE ALL ON FUNCTION
    lakehouse.refuse_missing(text, text), lakehouse.read_image(text, lakehouse.record_kinds, uuid, jsonb, text[]),
    lakehouse.read_related(text, lakehouse.record_relations, uuid, integer),
    lakehouse.read_record(text, text, jsonb), lakehouse.check_relations(text, jsonb), lakehouse.find_record(text,
    lakehouse.record_kinds, jsonb, jsonb), lakehouse.parse_search(text),
    lakehouse.search_records(text, text, jsonb, integer, integer), lakehouse.access_to(text,
    lakehouse.record_kinds), lakehouse.describe_kind(text, text), lakehouse.count_kind(text,
    lakehouse.record_kinds), lakehouse.count_matching(text, jsonb)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.refuse_missing(text, text), lakehouse.read_image(text, lakehouse.record_kinds, uuid, jsonb, text[]),
    lakehouse.read_related(text, lakehouse.record_relations, uuid, integer),
    lakehouse.read_record(text, text, jsonb), lakehouse.check_relations(text, jsonb), lakehouse.find_record(text,
    lakehouse.record_kinds, jsonb, jsonb), lakehouse.parse_search(text),
    lakehouse.search_records(text, text, jsonb, integer, integer), lakehouse.access_to(text,
    lakehouse.record_kinds), lakehouse.describe_kind(text, text), lakehouse.count_kind(text,
    lakehouse.record_kinds), lakehouse.count_matching(text, jsonb)
TO lakehouse_user;
