-- SPDX-License-Identifier: PostgreSQL
-- Tools are rows: what an agent may call, by what name and arguments, and the function that does it. One catalog for
-- MCP, REST and psql. The rows are in 58_tool_rows_*.sql; functions of tools are SECURITY INVOKER: the caller's role decides.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'lakehouse_user') THEN
        CREATE ROLE lakehouse_user NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    END IF;
    COMMENT ON ROLE lakehouse_user IS 'Lakehouse: every tenant''s roles are members; may call tools and has no right on any record';
END
$$;

CREATE TABLE lakehouse.tools (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,48}$'),
    title text NOT NULL CHECK (title <> ''),
    description text NOT NULL CHECK (description <> ''),
    scope text NOT NULL CHECK (scope IN ('crm:read', 'crm:write', 'erp:read', 'warehouse:query')),
    kind text NOT NULL DEFAULT 'function'
        CHECK (kind IN ('function', 'warehouse_query', 'warehouse_start', 'warehouse_poll', 'warehouse_cancel')),
    function text CHECK (function ~ '^lakehouse\.[a-z0-9_]+$'),
    input_schema jsonb NOT NULL CHECK (input_schema ->> 'type' = 'object'),
    output_schema jsonb CHECK (output_schema ->> 'type' = 'object'),
    read_only boolean NOT NULL,
    destructive boolean NOT NULL,
    idempotent boolean NOT NULL,
    open_world boolean NOT NULL,
    CHECK ((kind = 'function') = (function IS NOT NULL)),
    CHECK (NOT (read_only AND destructive))
);
COMMENT ON TABLE lakehouse.tools IS 'What agents may call. Those of single warehouse tables come from lakehouse.table_tools';
COMMENT ON COLUMN lakehouse.tools.name IS 'Name to call it by';
COMMENT ON COLUMN lakehouse.tools.title IS 'Name for people';
COMMENT ON COLUMN lakehouse.tools.description IS 'What it does, for a language model';
COMMENT ON COLUMN lakehouse.tools.scope IS 'OAuth scope that a token needs';
COMMENT ON COLUMN lakehouse.tools.kind IS 'How it is run: function, or by the worker: warehouse_query, warehouse_start, warehouse_poll, warehouse_cancel';
COMMENT ON COLUMN lakehouse.tools.function IS
'Function (arguments jsonb [, input jsonb]) RETURNS jsonb that does the work, called as the user. Text: pg_upgrade refuses regprocedure columns';
COMMENT ON COLUMN lakehouse.tools.input_schema IS 'JSON Schema 2020-12 of the arguments; the function checks them by it';
COMMENT ON COLUMN lakehouse.tools.output_schema IS 'JSON Schema 2020-12 of the result; NULL: the function returns an MCP CallToolResult itself';
COMMENT ON COLUMN lakehouse.tools.read_only IS 'Hint: changes nothing';
COMMENT ON COLUMN lakehouse.tools.destructive IS 'Hint: may overwrite what is there';
COMMENT ON COLUMN lakehouse.tools.idempotent IS 'Hint: the same call again changes nothing more';
COMMENT ON COLUMN lakehouse.tools.open_world IS 'Hint: reaches beyond this database';
REVOKE ALL ON lakehouse.tools FROM PUBLIC;

CREATE FUNCTION lakehouse.tool_object(tool lakehouse.tools)
RETURNS jsonb LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN jsonb_build_object('name', tool.name, 'title', tool.title, 'description', tool.description,
    'inputSchema', tool.input_schema,
    'annotations', jsonb_build_object('title', tool.title, 'readOnlyHint', tool.read_only,
        'destructiveHint', tool.destructive, 'idempotentHint', tool.idempotent, 'openWorldHint', tool.open_world))
    || CASE WHEN tool.output_schema IS NULL THEN '{}' ELSE jsonb_build_object('outputSchema', tool.output_schema) END;
COMMENT ON FUNCTION lakehouse.tool_object(lakehouse.tools) IS 'A tool as MCP shows it.';

CREATE FUNCTION lakehouse.list_tools(tenant_id uuid, scopes text[])
RETURNS jsonb LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(lakehouse.tool_object(t) ORDER BY t.name COLLATE "C"), '[]')
            FROM (SELECT * FROM lakehouse.tools
                  UNION ALL
                  SELECT (d.tool).* FROM lakehouse.table_tools(list_tools.tenant_id) d) t
            WHERE t.scope = ANY (list_tools.scopes));
END
$$;
COMMENT ON FUNCTION lakehouse.list_tools(uuid, text[]) IS
'The tools that these scopes open to a tenant, those of its warehouse tables included, as a JSON array of MCP tools, in order of their names.';

CREATE FUNCTION lakehouse.find_tool(
    tenant_id uuid, INOUT name text, OUT scope text, OUT kind text, OUT function text, OUT is_read_only boolean,
    OUT data_source uuid, OUT bound jsonb)
RETURNS SETOF record LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT t.name, t.scope, t.kind, t.function, t.read_only, NULL::uuid, '{}'::jsonb
                 FROM lakehouse.tools t WHERE t.name = find_tool.name;
    IF NOT FOUND THEN
        RETURN QUERY SELECT (d.tool).name, (d.tool).scope, (d.tool).kind, (d.tool).function, (d.tool).read_only,
                            d.data_source, jsonb_build_object('table', d.data_source)
                     FROM lakehouse.table_tools(find_tool.tenant_id) d WHERE (d.tool).name = find_tool.name;
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.find_tool(uuid, text) IS
'How to run a tool of a tenant: one row, or none for an unknown name. bound: what the call adds to the arguments.';

-- An argument is checked against the tool's own schema, so that what is published is what is enforced. Of JSON Schema the
-- checks know the keywords that the catalog uses; a test holds the catalog to them.
CREATE FUNCTION lakehouse.check_arguments(tool text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    root CONSTANT jsonb := (SELECT t.input_schema FROM lakehouse.tools t WHERE t.name = tool);
BEGIN
    RETURN lakehouse.check_by_schema(root, arguments);
END
$$;
COMMENT ON FUNCTION lakehouse.check_arguments(text, jsonb) IS
'The arguments of a tool, checked by its input schema, with defaults filled in; an argument that is null counts as left out. Raises 22023.';

CREATE FUNCTION lakehouse.check_by_schema(root jsonb, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given jsonb := coalesce(arguments, '{}');
BEGIN
    IF jsonb_typeof(given) <> 'object' THEN
        PERFORM lakehouse.refuse_argument('arguments', 'must be an object', root);
    END IF;
    given := (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(given) e
              WHERE jsonb_typeof(e.value) <> 'null');
    PERFORM lakehouse.check_object(root, root, given, '', 1);
    RETURN (SELECT coalesce(jsonb_object_agg(p.key, p.value -> 'default'), '{}')
            FROM jsonb_each(root -> 'properties') p WHERE p.value ? 'default') || given;
END
$$;
COMMENT ON FUNCTION lakehouse.check_by_schema(jsonb, jsonb) IS 'Part of check_arguments: the same by a given schema.';

CREATE FUNCTION lakehouse.refuse_argument(path text, problem text, root jsonb)
RETURNS void LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% %', CASE path WHEN 'arguments' THEN path ELSE format('argument "%s"', left(path, 100)) END, problem
        USING ERRCODE = 'invalid_parameter_value',
              HINT = format('Arguments: %s.', coalesce((
                  SELECT string_agg(p.key || CASE WHEN root -> 'required' ? p.key THEN ' (required)' ELSE '' END, ', '
                                    ORDER BY root -> 'required' ? p.key DESC, p.key COLLATE "C")
                  FROM jsonb_each(root -> 'properties') p), 'none'));
END
$$;
COMMENT ON FUNCTION lakehouse.refuse_argument(text, text, jsonb) IS
'Part of check_arguments: raises 22023 for an argument, with the arguments there are as a hint.';

CREATE FUNCTION lakehouse.check_object(root jsonb, part jsonb, value jsonb, path text, depth integer)
RETURNS void LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    prefix CONSTANT text := CASE path WHEN '' THEN '' ELSE path || '.' END;
    missing CONSTANT text := (SELECT r.name FROM jsonb_array_elements_text(part -> 'required') WITH ORDINALITY r (name, n)
                              WHERE NOT value ? r.name ORDER BY r.n LIMIT 1);
    member record;
BEGIN
    IF missing IS NOT NULL THEN
        PERFORM lakehouse.refuse_argument(prefix || missing, 'is missing', root);
    END IF;
    FOR member IN SELECT e.key, e.value, part -> 'properties' -> e.key AS schema FROM jsonb_each(value) e LOOP
        IF member.schema IS NOT NULL THEN
            PERFORM lakehouse.check_value(root, member.schema, member.value, prefix || member.key, depth + 1);
        ELSIF part -> 'additionalProperties' = 'false' THEN
            PERFORM lakehouse.refuse_argument(prefix || member.key, 'is unknown', root);
        END IF;
    END LOOP;
    IF (SELECT count(*) FROM jsonb_object_keys(value)) < (part ->> 'minProperties')::integer THEN
        PERFORM lakehouse.refuse_argument(path, 'must not be empty', root);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_object(jsonb, jsonb, jsonb, text, integer) IS
'Part of check_arguments: required, properties, additionalProperties, minProperties.';

CREATE FUNCTION lakehouse.check_value(root jsonb, part jsonb, value jsonb, path text, depth integer)
RETURNS void LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema CONSTANT jsonb := CASE WHEN part ? '$ref' THEN root #> string_to_array(ltrim(part ->> '$ref', '#/'), '/') ELSE part END;
    found_type CONSTANT text := CASE WHEN jsonb_typeof(value) = 'number' AND schema ->> 'type' = 'integer'
                                          AND value::numeric = trunc(value::numeric) THEN 'integer' ELSE jsonb_typeof(value) END;
    problem text;
BEGIN
    problem := CASE
        WHEN depth > 20 THEN 'is nested too deep'
        WHEN schema ->> 'type' <> found_type THEN format('must be %s %s', CASE WHEN schema ->> 'type' ~ '^[aeio]' THEN 'an' ELSE 'a' END,
                                                         schema ->> 'type')
        WHEN NOT schema -> 'enum' @> value
            THEN 'must be one of ' || (SELECT string_agg(e.value, ', ' ORDER BY e.n) FROM jsonb_array_elements_text(schema -> 'enum')
                                       WITH ORDINALITY e (value, n))
        WHEN found_type = 'string' THEN lakehouse.check_string(schema, value #>> '{}')
        WHEN found_type IN ('integer', 'number') AND value::numeric < (schema ->> 'minimum')::numeric
            THEN 'must be at least ' || (schema ->> 'minimum')
        WHEN found_type IN ('integer', 'number') AND value::numeric > (schema ->> 'maximum')::numeric
            THEN 'must be at most ' || (schema ->> 'maximum')
        WHEN found_type = 'array' AND jsonb_array_length(value) < (schema ->> 'minItems')::integer
            THEN format('must have at least %s items', schema ->> 'minItems')
        WHEN found_type = 'array' AND jsonb_array_length(value) > (schema ->> 'maxItems')::integer
            THEN format('must have at most %s items', schema ->> 'maxItems')
    END;
    IF problem IS NOT NULL THEN
        PERFORM lakehouse.refuse_argument(path, problem, root);
    ELSIF found_type = 'object' THEN
        PERFORM lakehouse.check_object(root, schema, value, path, depth);
    ELSIF found_type = 'array' AND schema ? 'items' THEN
        PERFORM lakehouse.check_value(root, schema -> 'items', e.value, format('%s[%s]', path, e.n - 1), depth + 1)
        FROM jsonb_array_elements(value) WITH ORDINALITY e (value, n);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_value(jsonb, jsonb, jsonb, text, integer) IS
'Part of check_arguments: $ref, type, enum, minimum, maximum, minItems, maxItems, items.';

CREATE FUNCTION lakehouse.check_string(schema jsonb, value text)
RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN length(value) < (schema ->> 'minLength')::integer THEN 'must not be empty'
        WHEN length(value) > coalesce((schema ->> 'maxLength')::integer, 20000)
            THEN format('must have at most %s characters', coalesce(schema ->> 'maxLength', '20000'))
        WHEN schema ->> 'format' = 'uuid' AND value !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
            THEN 'must be a UUID, such as the id of a record that a tool returned'
        WHEN schema ->> 'format' = 'date' AND value !~ '^\d{4}-\d\d-\d\d$' THEN 'must be a date as YYYY-MM-DD'
        WHEN schema ->> 'format' = 'date-time' AND value !~ '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?$'
            THEN 'must be a time as YYYY-MM-DDThh:mm:ssZ'
    END;
END
$$;
COMMENT ON FUNCTION lakehouse.check_string(jsonb, text) IS
'Part of check_arguments: minLength, maxLength (20000 unless given), format uuid, date and date-time. What is wrong, or NULL.';

REVOKE ALL ON FUNCTION
    lakehouse.tool_object(lakehouse.tools), lakehouse.list_tools(uuid, text[]), lakehouse.find_tool(uuid, text),
    lakehouse.check_arguments(text, jsonb), lakehouse.check_by_schema(jsonb, jsonb),
    lakehouse.refuse_argument(text, text, jsonb), lakehouse.check_object(jsonb, jsonb, jsonb, text, integer),
    lakehouse.check_value(jsonb, jsonb, jsonb, text, integer), lakehouse.check_string(jsonb, text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.check_arguments(text, jsonb), lakehouse.check_by_schema(jsonb, jsonb),
    lakehouse.refuse_argument(text, text, jsonb), lakehouse.check_object(jsonb, jsonb, jsonb, text, integer),
    lakehouse.check_value(jsonb, jsonb, jsonb, text, integer), lakehouse.check_string(jsonb, text)
TO lakehouse_user;
GRANT EXECUTE ON FUNCTION
    lakehouse.tool_object(lakehouse.tools), lakehouse.list_tools(uuid, text[]), lakehouse.find_tool(uuid, text)
TO lakehouse_worker;
