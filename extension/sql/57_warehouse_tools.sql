-- SPDX-License-Identifier: PostgreSQL
-- Tools of warehouse tables: two for each data source. What they run is a model's SELECT, so the worker runs it, under the
-- guard; here is its text, made of a structured form or taken as it is.

CREATE FUNCTION lakehouse.name_table_tools(
    source regclass, tenant_id uuid, OUT id uuid, OUT relation oid, OUT sql_name text, OUT columns text[], OUT max_rows bigint,
    OUT max_bytes bigint, OUT description text, OUT query_tool text, OUT describe_tool text)
RETURNS SETOF record LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The first table that would have a name gets it plain; one that comes later, or has too long a name, gets a hash.
    RETURN QUERY EXECUTE format('WITH named AS (SELECT d.*, format(''%%I.%%I'', n.nspname, c.relname) AS sql_name, '
        '''describe_'' || regexp_replace(lower(c.relname), ''[^a-z0-9_]+'', ''_'', ''g'') AS plain '
        'FROM (SELECT id, relation, columns, max_rows, max_bytes, description, created_at FROM %s WHERE tenant_id = coalesce($1, tenant_id)) d '
        'JOIN pg_class c ON c.oid = d.relation JOIN pg_namespace n ON n.oid = c.relnamespace) '
        'SELECT m.id, m.relation::oid, m.sql_name, m.columns, m.max_rows, m.max_bytes, m.description, '
        '''warehouse_table__'' || replace(m.id::text, ''-'', ''''), '
        'CASE WHEN length(m.plain) > 40 OR row_number() OVER (PARTITION BY m.plain ORDER BY m.created_at, m.id) > 1 '
        'OR EXISTS (SELECT FROM lakehouse.tools t WHERE t.name = m.plain) '
        'THEN left(m.plain, 33) || ''_'' || left(md5(m.id::text), 6) ELSE m.plain END FROM named m ORDER BY m.sql_name, m.id', source)
    USING tenant_id;
END
$$;
COMMENT ON FUNCTION lakehouse.name_table_tools(regclass, uuid) IS
'Data sources with the names of their tools: warehouse_table__ and the id, describe_ and the table''s name in at most 40 characters.';

CREATE FUNCTION lakehouse.table_tools(tenant_id uuid, OUT data_source uuid, OUT tool lakehouse.tools)
RETURNS SETOF record LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH named AS MATERIALIZED (SELECT * FROM lakehouse.name_table_tools('lakehouse.data_sources', table_tools.tenant_id))
    SELECT n.id, ROW(n.query_tool, 'Query ' || n.sql_name,
               format('SELECT from %s%s. Columns: %s.', n.sql_name, coalesce(': ' || nullif(rtrim(left(n.description, 200), '. '), ''), ''), n.describe_tool),
               'warehouse:query', 'warehouse_query', NULL, lakehouse.query_schema(), lakehouse.rows_schema(),
               true, false, true, true)::lakehouse.tools
    FROM named n
    UNION ALL
    SELECT n.id, ROW(n.describe_tool, 'Describe ' || n.sql_name, format('Columns, types, limits and an example for %s.', n.query_tool),
               'warehouse:query', 'function', 'lakehouse.describe_warehouse_table', '{"type": "object", "properties": {}, "additionalProperties": false}',
               '{"type": "object", "properties": {"sql_name": {"type": "string"}, "columns": {"type": "array", "items": {"type": "object"}}}, "required": ["sql_name", "columns"]}',
               true, false, true, false)::lakehouse.tools
    FROM named n;
END
$$;
COMMENT ON FUNCTION lakehouse.table_tools(uuid) IS 'The tools of a tenant''s warehouse tables, two for each data source.';

CREATE FUNCTION lakehouse.query_schema()
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb '{"type": "object", "properties": {
    "sql": {"type": "string", "minLength": 1, "description": "One SELECT; or leave out and use the rest"},
    "select": {"type": "array", "items": {"type": "string"}, "maxItems": 100},
    "aggregates": {"type": "array", "items": {"type": "object", "properties": {
        "fn": {"enum": ["count", "sum", "avg", "min", "max"]}, "column": {"type": "string"}},
        "required": ["fn"], "additionalProperties": false}, "maxItems": 20},
    "where": {"type": "object", "description": "Filter as in list_records"},
    "group_by": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
    "order_by": {"type": "array", "items": {"type": "string"}, "maxItems": 5, "description": "Columns or sum_x; -x descends"},
    "limit": {"type": "integer", "minimum": 1, "maximum": 10000}}, "additionalProperties": false}';
COMMENT ON FUNCTION lakehouse.query_schema() IS 'Input schema of the tool of a warehouse table.';

CREATE FUNCTION lakehouse.rows_schema()
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb '{"type": "object", "properties": {
    "columns": {"type": "array", "items": {"type": "object"}}, "rows": {"type": "array", "items": {"type": "array"}},
    "row_count": {"type": "integer"}, "truncated": {"type": "boolean"}}, "required": ["columns", "rows", "truncated"]}';
COMMENT ON FUNCTION lakehouse.rows_schema() IS 'Output schema of the tool of a warehouse table.';

CREATE FUNCTION lakehouse.find_data_source(tenant text, arguments jsonb, OUT sql_name text, OUT relation oid, OUT columns text[],
    OUT max_rows bigint, OUT max_bytes bigint, OUT description text, OUT query_tool text)
RETURNS record LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT n.sql_name, n.relation, n.columns, n.max_rows, n.max_bytes, n.description, n.query_tool
    INTO sql_name, relation, columns, max_rows, max_bytes, description, query_tool
    FROM lakehouse.name_table_tools(format('%I.data_sources', tenant)::regclass, NULL) n WHERE n.id = (arguments ->> 'table')::uuid;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'this warehouse table is not open any more'
            USING ERRCODE = 'no_data_found', HINT = 'list_warehouse_tables lists those that are.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.find_data_source(text, jsonb) IS 'The data source whose id is the argument "table". Raises P0002.';

CREATE FUNCTION lakehouse.exposed_columns(
    relation oid, columns text[], OUT name text, OUT sql text, OUT cast_type text, OUT description text, OUT place smallint)
RETURNS SETOF record LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.attname::text, format('t.%I', a.attname), format_type(a.atttypid, -1), col_description(relation, a.attnum), a.attnum
    FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = ANY (columns) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum;
END;
COMMENT ON FUNCTION lakehouse.exposed_columns(oid, text[]) IS 'Columns of a warehouse table that are open.';

CREATE FUNCTION lakehouse.describe_table(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source CONSTANT record := lakehouse.find_data_source(tenant, arguments);
    first_column CONSTANT text := (SELECT c.name FROM lakehouse.exposed_columns(source.relation, source.columns) c ORDER BY c.place LIMIT 1);
BEGIN
    PERFORM lakehouse.check_by_schema('{"properties": {}, "additionalProperties": false}', arguments - 'table');
    RETURN lakehouse.sign_result(jsonb_strip_nulls(jsonb_build_object(
        'sql_name', source.sql_name, 'description', source.description, 'query_tool', source.query_tool,
        'columns', (SELECT jsonb_agg(jsonb_build_object('name', c.name, 'type', c.cast_type, 'description', c.description) ORDER BY c.place)
                    FROM lakehouse.exposed_columns(source.relation, source.columns) c),
        'row_estimate', (SELECT nullif(c.reltuples, -1)::bigint FROM pg_class c WHERE c.oid = source.relation),
        'max_rows', source.max_rows, 'max_bytes', source.max_bytes,
        'example', format('SELECT %I, count(*) FROM %s GROUP BY 1 ORDER BY 2 DESC LIMIT 10', first_column, source.sql_name))));
END
$$;
COMMENT ON FUNCTION lakehouse.describe_table(text, jsonb) IS 'Columns, limits and an example query of a warehouse table.';

CREATE FUNCTION lakehouse.describe_warehouse_table(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.describe_table(current_schema(), arguments);
COMMENT ON FUNCTION lakehouse.describe_warehouse_table(jsonb) IS 'Tools describe_…: the argument "table" is the data source''s id.';

CREATE FUNCTION lakehouse.find_tables(tenant text)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lakehouse.find_table(tenant, lakehouse.find_kind('account'));
    RETURN lakehouse.sign_result(jsonb_build_object('tables', (
        SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'sql_name', n.sql_name, 'description', nullif(n.description, ''), 'columns', to_jsonb(n.columns),
                   'row_estimate', (SELECT nullif(c.reltuples, -1)::bigint FROM pg_class c WHERE c.oid = n.relation),
                   'query_tool', n.query_tool, 'describe_tool', n.describe_tool)) ORDER BY n.sql_name), '[]')
        FROM lakehouse.name_table_tools(format('%I.data_sources', tenant)::regclass, NULL) n)));
END
$$;
COMMENT ON FUNCTION lakehouse.find_tables(text) IS 'Warehouse tables that are open to the tenant''s roles.';

CREATE FUNCTION lakehouse.list_warehouse_tables(arguments jsonb)
RETURNS jsonb LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN CASE WHEN lakehouse.check_arguments('list_warehouse_tables', arguments) IS NOT NULL THEN lakehouse.find_tables(current_schema()) END;
COMMENT ON FUNCTION lakehouse.list_warehouse_tables(jsonb) IS 'Tool list_warehouse_tables.';

CREATE FUNCTION lakehouse.write_output(aggregate jsonb, fields jsonb, OUT sql text, OUT name text)
RETURNS record LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    column_name CONSTANT text := aggregate ->> 'column';
    function_name CONSTANT text := aggregate ->> 'fn';
BEGIN
    IF column_name IS NULL AND function_name <> 'count' THEN
        RAISE EXCEPTION 'aggregate "%" needs a column', function_name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Only count goes without.';
    END IF;
    sql := format('%I(%s)', function_name, CASE WHEN column_name IS NULL THEN '*' ELSE lakehouse.find_field(fields, column_name) ->> 'sql' END);
    name := concat_ws('_', function_name, column_name);
END
$$;
COMMENT ON FUNCTION lakehouse.write_output(jsonb, jsonb) IS 'Part of warehouse_statement: an aggregate, and the name of its column.';

CREATE FUNCTION lakehouse.write_statement(tenant text, data_source jsonb, form jsonb)
RETURNS text LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    source CONSTANT record := lakehouse.find_data_source(tenant, jsonb_build_object('table', data_source));
    fields CONSTANT jsonb := (SELECT jsonb_object_agg(c.name, jsonb_build_object(
                                  'sql', c.sql, 'type', lakehouse.type_word(c.cast_type::regtype), 'cast', c.cast_type, 'position', c.place))
                              FROM lakehouse.exposed_columns(source.relation, source.columns) c);
    grouped CONSTANT jsonb := coalesce(form -> 'group_by', '[]');
    shown CONSTANT jsonb := CASE WHEN form ? 'select' THEN form -> 'select' WHEN form ? 'aggregates' OR form ? 'group_by' THEN grouped
                                 ELSE to_jsonb(source.columns) END;
    outputs CONSTANT jsonb := (
        SELECT coalesce(jsonb_agg(jsonb_build_object('sql', o.sql, 'name', o.name) ORDER BY o.n), '[]')
        FROM (SELECT s.n, lakehouse.find_field(fields, s.value) ->> 'sql' AS sql, s.value AS name
              FROM jsonb_array_elements_text(shown) WITH ORDINALITY s (value, n)
              UNION ALL
              SELECT 1000 + a.n, w.sql, w.name FROM jsonb_array_elements(form -> 'aggregates') WITH ORDINALITY a (value, n),
                     lakehouse.write_output(a.value, fields) w) o);
BEGIN
    IF form ? 'sql' AND (SELECT count(*) FROM jsonb_object_keys(form)) > 1 OR form = '{}' THEN
        RAISE EXCEPTION 'give sql, or the structured form'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The structured form is select, aggregates, where, group_by, order_by and limit.';
    ELSIF form ? 'sql' THEN
        RETURN form ->> 'sql';
    END IF;
    RETURN concat_ws(' ',
        'SELECT', (SELECT string_agg(format('%s AS %I', o.value ->> 'sql', o.value ->> 'name'), ', ' ORDER BY o.n)
                   FROM jsonb_array_elements(outputs) WITH ORDINALITY o (value, n)),
        'FROM', source.sql_name, 't',
        'WHERE ' || lakehouse.write_condition(form -> 'where', fields),
        'GROUP BY ' || (SELECT string_agg(lakehouse.find_field(fields, g.value) ->> 'sql', ', ' ORDER BY g.n)
                        FROM jsonb_array_elements_text(grouped) WITH ORDINALITY g (value, n)),
        'ORDER BY ' || lakehouse.write_order(form -> 'order_by', outputs, fields),
        'LIMIT ' || (form ->> 'limit'));
END
$$;
COMMENT ON FUNCTION lakehouse.write_statement(text, jsonb, jsonb) IS
'Part of warehouse_statement: the SELECT of checked arguments. Identifiers come from the data source, values are quoted.';

CREATE FUNCTION lakehouse.write_condition(filter jsonb, fields jsonb)
RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lakehouse.check_filter(filter);
    RETURN (SELECT c.condition FROM lakehouse.compile_filter(filter, fields, 1, NULL) c);
END
$$;
COMMENT ON FUNCTION lakehouse.write_condition(jsonb, jsonb) IS 'Part of warehouse_statement: a filter with its values as literals.';

CREATE FUNCTION lakehouse.write_order(items jsonb, outputs jsonb, fields jsonb)
RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg(coalesce((SELECT o.value ->> 'sql' FROM jsonb_array_elements(outputs) o WHERE o.value ->> 'name' = ltrim(i.value, '-') LIMIT 1),
                                       lakehouse.find_field(fields, ltrim(i.value, '-')) ->> 'sql')
                              || CASE WHEN i.value LIKE '-%' THEN ' DESC NULLS LAST' ELSE '' END, ', ' ORDER BY i.n)
            FROM jsonb_array_elements_text(items) WITH ORDINALITY i (value, n));
END
$$;
COMMENT ON FUNCTION lakehouse.write_order(jsonb, jsonb, jsonb) IS 'Part of warehouse_statement: ORDER BY of columns and aggregates.';

CREATE FUNCTION lakehouse.warehouse_statement(arguments jsonb)
RETURNS text LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN lakehouse.write_statement(current_schema(), arguments -> 'table', lakehouse.check_by_schema(lakehouse.query_schema(), arguments - 'table'));
COMMENT ON FUNCTION lakehouse.warehouse_statement(jsonb) IS
'Text of the one SELECT that a call of warehouse_table__… asks for: its sql, or what its structured form says. The guard has the last word on it. Raises 22023, P0002.';

REVOKE ALL ON FUNCTION
    lakehouse.name_table_tools(regclass, uuid), lakehouse.table_tools(uuid), lakehouse.query_schema(),
    lakehouse.rows_schema(), lakehouse.find_data_source(text, jsonb), lakehouse.exposed_columns(oid, text[]),
    lakehouse.describe_table(text, jsonb), lakehouse.describe_warehouse_table(jsonb), lakehouse.find_tables(text),
    lakehouse.list_warehouse_tables(jsonb), lakehouse.write_output(jsonb, jsonb),
    lakehouse.write_statement(text, jsonb, jsonb), lakehouse.write_condition(jsonb, jsonb),
    lakehouse.write_order(jsonb, jsonb, jsonb), lakehouse.warehouse_statement(jsonb)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.name_table_tools(regclass, uuid), lakehouse.query_schema(), lakehouse.rows_schema(),
    lakehouse.find_data_source(text, jsonb), lakehouse.exposed_columns(oid, text[]),
    lakehouse.describe_table(text, jsonb), lakehouse.describe_warehouse_table(jsonb), lakehouse.find_tables(text),
    lakehouse.list_warehouse_tables(jsonb), lakehouse.write_output(jsonb, jsonb),
    lakehouse.write_statement(text, jsonb, jsonb), lakehouse.write_condition(jsonb, jsonb),
    lakehouse.write_order(jsonb, jsonb, jsonb), lakehouse.warehouse_statement(jsonb)
TO lakehouse_user;
GRANT EXECUTE ON FUNCTION
    lakehouse.name_table_tools(regclass, uuid), lakehouse.table_tools(uuid), lakehouse.query_schema(),
    lakehouse.rows_schema()
TO lakehouse_worker;
