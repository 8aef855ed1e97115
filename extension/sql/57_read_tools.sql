-- SPDX-License-Identifier: PostgreSQL
-- The reading tools. The tenant is the first schema of the caller's search path: a body of one expression is bound when it is
-- created and pins no path of its own, so it can see it.

CREATE FUNCTION lakehouse.describe_caller(tenant text)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    caller jsonb;
BEGIN
    PERFORM lakehouse.find_table(tenant, lakehouse.find_kind('user'));
    EXECUTE format('SELECT jsonb_build_object(''id'', u.id, ''full_name'', u.full_name, ''email'', u.email, ''role'', u.role) '
                   'FROM %I.users u WHERE u.pg_role = $1', tenant) INTO caller USING current_user;
    RETURN lakehouse.sign_result(jsonb_build_object(
        'tenant', tenant, 'user', caller, 'database_role', current_user,
        'access', (SELECT jsonb_object_agg(k.kind, lakehouse.access_to(tenant, k)) FROM lakehouse.record_kinds k),
        'limits', jsonb_build_object('page', 200, 'filter_conditions', 50, 'filter_levels', 8),
        'version', (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'lakehouse')));
END
$$;
COMMENT ON FUNCTION lakehouse.describe_caller(text) IS 'Who calls, in which tenant, and what they may do with each kind.';

CREATE FUNCTION lakehouse.whoami(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN CASE WHEN lakehouse.check_arguments('whoami', arguments) IS NOT NULL THEN lakehouse.describe_caller(current_schema()) END;
COMMENT ON FUNCTION lakehouse.whoami(jsonb) IS 'Tool whoami.';

CREATE FUNCTION lakehouse.list_kinds(tenant text)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lakehouse.sign_result(jsonb_build_object('objects', (
        SELECT jsonb_agg(jsonb_build_object('kind', k.kind, 'label', k.label,
                   'description', obj_description(lakehouse.find_table(tenant, k), 'pg_class')) || lakehouse.count_kind(tenant, k) ORDER BY k.position)
        FROM lakehouse.record_kinds k)));
END
$$;
COMMENT ON FUNCTION lakehouse.list_kinds(text) IS 'Kinds of records and how many there are of each.';

CREATE FUNCTION lakehouse.list_objects(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN CASE WHEN lakehouse.check_arguments('list_objects', arguments) IS NOT NULL THEN lakehouse.list_kinds(current_schema()) END;
COMMENT ON FUNCTION lakehouse.list_objects(jsonb) IS 'Tool list_objects.';

CREATE FUNCTION lakehouse.describe_object(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.sign_result(lakehouse.describe_kind(current_schema(), lakehouse.check_arguments('describe_object', arguments) ->> 'kind'));
COMMENT ON FUNCTION lakehouse.describe_object(jsonb) IS 'Tool describe_object.';

CREATE FUNCTION lakehouse.list_records(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN lakehouse.list_page(current_schema(), arguments ->> 'kind', lakehouse.check_arguments('list_records', arguments));
COMMENT ON FUNCTION lakehouse.list_records(jsonb) IS 'Tool list_records.';

CREATE FUNCTION lakehouse.count_records(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.count_matching(current_schema(), lakehouse.check_arguments('count_records', arguments));
COMMENT ON FUNCTION lakehouse.count_records(jsonb) IS 'Tool count_records.';

CREATE FUNCTION lakehouse.get_record(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.read_record(current_schema(), arguments ->> 'kind', lakehouse.check_arguments('get_record', arguments));
COMMENT ON FUNCTION lakehouse.get_record(jsonb) IS 'Tool get_record.';

CREATE FUNCTION lakehouse.get_account(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.read_record(current_schema(), 'account', lakehouse.check_arguments('get_account', arguments));
COMMENT ON FUNCTION lakehouse.get_account(jsonb) IS 'Tool get_account.';

CREATE FUNCTION lakehouse.get_contact(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.read_record(current_schema(), 'contact', lakehouse.check_arguments('get_contact', arguments));
COMMENT ON FUNCTION lakehouse.get_contact(jsonb) IS 'Tool get_contact.';

CREATE FUNCTION lakehouse.get_lead(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.read_record(current_schema(), 'lead', lakehouse.check_arguments('get_lead', arguments));
COMMENT ON FUNCTION lakehouse.get_lead(jsonb) IS 'Tool get_lead.';

CREATE FUNCTION lakehouse.get_opportunity(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.read_record(current_schema(), 'opportunity', lakehouse.check_arguments('get_opportunity', arguments));
COMMENT ON FUNCTION lakehouse.get_opportunity(jsonb) IS 'Tool get_opportunity.';

CREATE FUNCTION lakehouse.get_case(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.read_record(current_schema(), 'case', lakehouse.check_arguments('get_case', arguments));
COMMENT ON FUNCTION lakehouse.get_case(jsonb) IS 'Tool get_case.';

-- Conditions that a tool's plain arguments stand for, as the filter that list_records takes.
CREATE FUNCTION lakehouse.all_of(conditions jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN jsonb_build_object('and', (SELECT coalesce(jsonb_agg(c.value), '[]') FROM jsonb_array_elements(conditions) c
                                      WHERE NOT c.value ? 'op' OR jsonb_typeof(c.value -> 'value') <> 'null'));
END
$$;
COMMENT ON FUNCTION lakehouse.all_of(jsonb) IS 'A filter of all conditions that have a value.';

CREATE FUNCTION lakehouse.page_of(arguments jsonb, conditions jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN jsonb_strip_nulls(jsonb_build_object('limit', arguments -> 'limit', 'cursor', arguments -> 'cursor'))
       || jsonb_build_object('filter', lakehouse.all_of(conditions));
COMMENT ON FUNCTION lakehouse.page_of(jsonb, jsonb) IS 'Arguments of list_page for these conditions.';

CREATE FUNCTION lakehouse.find_activities(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    record_kind CONSTANT text := arguments ->> 'record_kind';
    record_id CONSTANT uuid := arguments ->> 'record_id';
    page jsonb := lakehouse.page_of(arguments, jsonb_build_array(
        jsonb_build_object('field', 'type', 'op', 'eq', 'value', arguments -> 'type'),
        jsonb_build_object('field', 'status', 'op', 'eq', 'value', arguments -> 'status'),
        jsonb_build_object('field', 'owner_id', 'op', 'eq', 'value', arguments -> 'owner_id'),
        jsonb_build_object('field', 'happens_at', 'op', 'ge', 'value', arguments -> 'since'),
        jsonb_build_object('field', 'happens_at', 'op', 'lt', 'value', arguments -> 'until')));
BEGIN
    IF (record_kind IS NULL) <> (record_id IS NULL) THEN
        RAISE EXCEPTION 'record_kind and record_id go together' USING ERRCODE = 'invalid_parameter_value', HINT = 'Give both or neither.';
    ELSIF record_id IS NULL THEN
        RETURN lakehouse.list_page(tenant, 'activity', page);
    END IF;
    PERFORM lakehouse.read_image(tenant, k, record_id, lakehouse.record_fields(tenant, k), '{id}') FROM lakehouse.find_kind(record_kind) k;
    RETURN (SELECT lakehouse.list_page(tenant, 'activity', page || '{"sort": ["-happens_at"]}', r.condition, record_id)
            FROM lakehouse.record_relations r WHERE r.kind = record_kind AND r.name = 'activities');
END
$$;
COMMENT ON FUNCTION lakehouse.find_activities(text, jsonb) IS 'Activities, or those of one record, latest first.';

CREATE FUNCTION lakehouse.list_activities(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN lakehouse.find_activities(current_schema(), lakehouse.check_arguments('list_activities', arguments));
COMMENT ON FUNCTION lakehouse.list_activities(jsonb) IS 'Tool list_activities.';

CREATE FUNCTION lakehouse.find_users(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lakehouse.list_page(tenant, 'user', lakehouse.page_of(arguments, jsonb_build_array(
        jsonb_build_object('field', 'role', 'op', 'eq', 'value', arguments -> 'role'),
        jsonb_build_object('field', 'is_active', 'op', 'eq', 'value', arguments -> 'is_active'),
        jsonb_build_object('or', CASE WHEN arguments ? 'query' THEN jsonb_build_array(
            jsonb_build_object('field', 'full_name', 'op', 'contains', 'value', arguments -> 'query'),
            jsonb_build_object('field', 'email', 'op', 'contains', 'value', arguments -> 'query'))
            ELSE '[{"and": []}]' END))));
END
$$;
COMMENT ON FUNCTION lakehouse.find_users(text, jsonb) IS 'Users by a part of name or address.';

CREATE FUNCTION lakehouse.list_users(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN lakehouse.find_users(current_schema(), lakehouse.check_arguments('list_users', arguments));
COMMENT ON FUNCTION lakehouse.list_users(jsonb) IS 'Tool list_users.';

CREATE FUNCTION lakehouse.find_products(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lakehouse.list_page(tenant, 'product', lakehouse.page_of(arguments, jsonb_build_array(
        jsonb_build_object('field', 'family', 'op', 'eq', 'value', arguments -> 'family'),
        jsonb_build_object('field', 'is_active', 'op', 'eq', 'value', arguments -> 'is_active'),
        jsonb_build_object('or', CASE WHEN arguments ? 'query' THEN jsonb_build_array(
            jsonb_build_object('field', 'name', 'op', 'contains', 'value', arguments -> 'query'),
            jsonb_build_object('field', 'sku', 'op', 'contains', 'value', arguments -> 'query'))
            ELSE '[{"and": []}]' END))));
END
$$;
COMMENT ON FUNCTION lakehouse.find_products(text, jsonb) IS 'Products with their prices, by a part of name or article number.';

CREATE FUNCTION lakehouse.list_products(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN lakehouse.find_products(current_schema(), lakehouse.check_arguments('list_products', arguments));
COMMENT ON FUNCTION lakehouse.list_products(jsonb) IS 'Tool list_products.';

CREATE FUNCTION lakehouse.find_pipelines(tenant text)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    pipelines jsonb;
BEGIN
    PERFORM lakehouse.find_table(tenant, lakehouse.find_kind('pipeline'));
    EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''id'', p.id, ''name'', p.name, ''is_default'', p.is_default, ''is_active'', p.is_active, '
                   '''stages'', (SELECT coalesce(jsonb_agg(jsonb_build_object(''id'', s.id, ''name'', s.name, ''probability'', s.default_probability, '
                   '''forecast_category'', s.forecast_category, ''is_closed'', s.is_closed, ''is_won'', s.is_won, ''is_active'', s.is_active) '
                   'ORDER BY s.sort_order), ''[]'') FROM %1$I.pipeline_stages s WHERE s.pipeline_id = p.id)) ORDER BY p.sort_order, p.name), ''[]'') '
                   'FROM %1$I.pipelines p', tenant) INTO pipelines;
    RETURN lakehouse.sign_result(jsonb_build_object('pipelines', pipelines));
END
$$;
COMMENT ON FUNCTION lakehouse.find_pipelines(text) IS 'Pipelines with their stages in order.';

CREATE FUNCTION lakehouse.list_pipelines(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN CASE WHEN lakehouse.check_arguments('list_pipelines', arguments) IS NOT NULL THEN lakehouse.find_pipelines(current_schema()) END;
COMMENT ON FUNCTION lakehouse.list_pipelines(jsonb) IS 'Tool list_pipelines.';

CREATE FUNCTION lakehouse.sum_pipeline(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind('opportunity');
    fields CONSTANT jsonb := lakehouse.record_fields(tenant, kind);
    status CONSTANT text := arguments ->> 'status';
    group_name CONSTANT text := arguments ->> 'group_by';
    group_sql CONSTANT text := CASE group_name WHEN 'month' THEN 'to_char(t.close_date, ''YYYY-MM'')'
                                   ELSE lakehouse.find_field(fields, CASE WHEN group_name IN ('owner', 'account', 'pipeline') THEN group_name || '_name'
                                                                     ELSE group_name END) ->> 'sql' END;
    selected record;
    sums jsonb;
BEGIN
    SELECT * INTO selected FROM lakehouse.compile_filter(lakehouse.all_of(jsonb_build_array(
        jsonb_build_object('field', 'is_closed', 'op', 'eq', 'value', CASE WHEN status <> 'all' THEN status <> 'open' END),
        jsonb_build_object('field', 'is_won', 'op', 'eq', 'value', CASE WHEN status IN ('won', 'lost') THEN status = 'won' END),
        jsonb_build_object('field', 'pipeline_id', 'op', 'eq', 'value', arguments -> 'pipeline_id'),
        jsonb_build_object('field', 'owner_id', 'op', 'eq', 'value', arguments -> 'owner_id'),
        jsonb_build_object('field', 'account_id', 'op', 'eq', 'value', arguments -> 'account_id'),
        jsonb_build_object('field', 'close_date', 'op', 'ge', 'value', arguments -> 'close_from'),
        jsonb_build_object('field', 'close_date', 'op', 'le', 'value', arguments -> 'close_to'))), fields, 1, '[]');
    EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''group'', g.name, ''currency'', g.currency, ''count'', g.n, '
                   '''amount'', g.amount, ''weighted'', g.weighted, ''is_total'', g.is_total) ORDER BY g.is_total, g.currency, g.name), ''[]'') '
                   'FROM (SELECT (%s)::text AS name, t.currency, count(*) AS n, coalesce(sum(t.amount), 0) AS amount, '
                   'coalesce(sum(t.expected_revenue), 0) AS weighted, grouping((%1$s)::text) = 1 AS is_total '
                   'FROM %s GROUP BY GROUPING SETS ((1, 2), (2)) ORDER BY 6 DESC, 3 DESC, 1 LIMIT 201) g',
                   group_sql, lakehouse.live_rows(tenant, kind, selected.condition)) INTO sums USING selected.bound;
    RETURN lakehouse.sign_result(jsonb_build_object(
        'groups', jsonb_path_query_array(sums, '$[*] ? (@.is_total == false)'),
        'totals', jsonb_path_query_array(sums, '$[*] ? (@.is_total == true)'),
        'truncated', jsonb_array_length(sums) > 200));
END
$$;
COMMENT ON FUNCTION lakehouse.sum_pipeline(text, jsonb) IS
'Count, amount and weighted amount of opportunities by group and currency.';

CREATE FUNCTION lakehouse.summarize_pipeline(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.sum_pipeline(current_schema(), lakehouse.check_arguments('summarize_pipeline', arguments));
COMMENT ON FUNCTION lakehouse.summarize_pipeline(jsonb) IS 'Tool summarize_pipeline.';

REVOKE ALL ON FUNCTION
    lakehouse.describe_caller(text), lakehouse.whoami(jsonb), lakehouse.list_kinds(text),
    lakehouse.list_objects(jsonb), lakehouse.describe_object(jsonb), lakehouse.list_records(jsonb),
    lakehouse.count_records(jsonb), lakehouse.get_record(jsonb), lakehouse.get_account(jsonb),
    lakehouse.get_contact(jsonb), lakehouse.get_lead(jsonb), lakehouse.get_opportunity(jsonb),
    lakehouse.get_case(jsonb), lakehouse.all_of(jsonb), lakehouse.page_of(jsonb, jsonb),
    lakehouse.find_activities(text, jsonb), lakehouse.list_activities(jsonb), lakehouse.find_users(text, jsonb),
    lakehouse.list_users(jsonb), lakehouse.find_products(text, jsonb), lakehouse.list_products(jsonb),
    lakehouse.find_pipelines(text), lakehouse.list_pipelines(jsonb), lakehouse.sum_pipeline(text, jsonb),
    lakehouse.summarize_pipeline(jsonb)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.describe_caller(text), lakehouse.whoami(jsonb), lakehouse.list_kinds(text),
    lakehouse.list_objects(jsonb), lakehouse.describe_object(jsonb), lakehouse.list_records(jsonb),
    lakehouse.count_records(jsonb), lakehouse.get_record(jsonb), lakehouse.get_account(jsonb),
    lakehouse.get_contact(jsonb), lakehouse.get_lead(jsonb), lakehouse.get_opportunity(jsonb),
    lakehouse.get_case(jsonb), lakehouse.all_of(jsonb), lakehouse.page_of(jsonb, jsonb),
    lakehouse.find_activities(text, jsonb), lakehouse.list_activities(jsonb), lakehouse.find_users(text, jsonb),
    lakehouse.list_users(jsonb), lakehouse.find_products(text, jsonb), lakehouse.list_products(jsonb),
    lakehouse.find_pipelines(text), lakehouse.list_pipelines(jsonb), lakehouse.sum_pipeline(text, jsonb),
    lakehouse.summarize_pipeline(jsonb)
TO lakehouse_user;
