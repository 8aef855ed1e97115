-- SPDX-License-Identifier: PostgreSQL
-- Filters, sorting and cursors of tools, compiled to SQL. Identifiers come from the catalog, operators from
-- lakehouse.filter_operators; what the caller wrote is bound: it is read from $1, a JSON array, and cast to the field's type.

CREATE FUNCTION lakehouse.check_filter(filter jsonb)
RETURNS void LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF length(filter::text) > 20000 OR (SELECT count(*) FROM jsonb_path_query(filter, '$.**.op')) > 50 THEN
        RAISE EXCEPTION 'filter is too large'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'A filter has at most 50 conditions, 8 levels and 20000 characters.';
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_filter(jsonb) IS 'Bounds a filter before it is compiled. Raises 22023.';

CREATE FUNCTION lakehouse.compile_filter(filter jsonb, fields jsonb, depth integer, INOUT bound jsonb, OUT condition text)
RETURNS record LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    word CONSTANT text := (SELECT k.key FROM jsonb_object_keys(filter) AS k (key) WHERE k.key IN ('and', 'or', 'not', 'field')
                           ORDER BY k.key LIMIT 1);
    parts text[] := '{}';
    part jsonb;
BEGIN
    IF depth > 8 OR word IS NULL
       OR (word <> 'field' AND (SELECT count(*) FROM jsonb_object_keys(filter)) > 1)
       OR (word IN ('and', 'or') AND jsonb_typeof(filter -> word) <> 'array')
       OR (word = 'not' AND jsonb_typeof(filter -> word) <> 'object') THEN
        RAISE EXCEPTION 'filter is %', CASE WHEN depth > 8 THEN 'nested too deep' ELSE 'malformed' END
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = format('The part is %s.', left(filter::text, 200)),
                  HINT = 'A filter is {"field", "op", "value"}, {"and": [filters]}, {"or": [filters]} or {"not": filter}, up to 8 levels.';
    ELSIF word = 'field' THEN
        SELECT c.condition, c.bound INTO condition, bound FROM lakehouse.compile_condition(filter, fields, bound) c;
        RETURN;
    ELSIF word = 'not' THEN
        SELECT c.condition, c.bound INTO condition, bound FROM lakehouse.compile_filter(filter -> 'not', fields, depth + 1, bound) c;
        condition := format('(%s) IS NOT TRUE', condition);
        RETURN;
    END IF;
    FOR part IN SELECT e.value FROM jsonb_array_elements(filter -> word) e LOOP
        SELECT c.condition, c.bound INTO condition, bound
        FROM lakehouse.compile_filter(CASE jsonb_typeof(part) WHEN 'object' THEN part ELSE '{}' END, fields, depth + 1, bound) c;
        parts := parts || format('(%s)', condition);
    END LOOP;
    -- No condition at all: "and" of nothing holds, "or" of nothing doesn't.
    condition := coalesce(nullif(array_to_string(parts, format(' %s ', word)), ''), CASE word WHEN 'and' THEN 'true' ELSE 'false' END);
END
$$;
COMMENT ON FUNCTION lakehouse.compile_filter(jsonb, jsonb, integer, jsonb) IS
'SQL condition of a filter; its values are appended to bound, which the statement gets as $1. With bound NULL they are literals. Raises 22023.';

CREATE FUNCTION lakehouse.compile_condition(filter jsonb, fields jsonb, INOUT bound jsonb, OUT condition text)
RETURNS record LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name CONSTANT text := filter ->> 'field';
    field jsonb := lakehouse.find_field(fields, name);
    operator lakehouse.filter_operators;
    given jsonb := filter -> 'value';
    operands text[] := '{}';
    operand jsonb;
    written text;
BEGIN
    SELECT * INTO operator FROM lakehouse.filter_operators o WHERE o.op = coalesce(filter ->> 'op', 'eq');
    IF operator.takes = 'flag' THEN
        given := coalesce(given, 'true');
    END IF;
    field := lakehouse.type_member(field, operator.takes, given);
    IF operator.op IS NULL OR NOT field ->> 'type' = ANY (operator.types) THEN
        RAISE EXCEPTION 'operator "%" does not fit field "%", which is of type %', left(filter ->> 'op', 50), name, field ->> 'type'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('Operators for it: %s.', (SELECT string_agg(o.op, ', ' ORDER BY o.op) FROM lakehouse.filter_operators o
                                                          WHERE field ->> 'type' = ANY (o.types)));
    ELSIF given IS NULL OR (operator.takes IN ('list', 'pair')) <> (jsonb_typeof(given) = 'array')
          OR (operator.takes = 'pair' AND jsonb_array_length(given) <> 2)
          OR (operator.takes = 'list' AND NOT jsonb_array_length(given) BETWEEN 1 AND 200) THEN
        RAISE EXCEPTION 'operator "%" on field "%" has a wrong value', operator.op, name
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = format('It takes %s.', CASE operator.takes WHEN 'pair' THEN 'a list of two values' WHEN 'list' THEN 'a list of 1 to 200 values'
                                                ELSE 'one value that is not null; is_null asks for records without one' END);
    END IF;
    IF operator.takes = 'flag' THEN
        field := field || '{"type": "boolean", "cast": "boolean", "folded": false}';
    END IF;
    FOR operand IN SELECT e.value FROM jsonb_array_elements(CASE jsonb_typeof(given) WHEN 'array' THEN given ELSE jsonb_build_array(given) END) e LOOP
        PERFORM lakehouse.check_scalar(name, field ->> 'type', operand);
        -- Nothing bound: a statement for the warehouse, which gets its values as literals.
        written := CASE WHEN bound IS NULL THEN format('%L::%s', operand #>> '{}', field ->> 'cast')
                        ELSE format('($1->>%s)::%s', jsonb_array_length(bound), field ->> 'cast') END;
        operands := operands || format(CASE WHEN (field ->> 'folded')::boolean THEN 'lower(%s)' ELSE '%s' END, written);
        bound := bound || jsonb_build_array(operand);
    END LOOP;
    condition := format(operator.condition, format(CASE WHEN (field ->> 'folded')::boolean THEN 'lower(%s)' ELSE '%s' END, field ->> 'sql'),
                        CASE operator.takes WHEN 'list' THEN array_to_string(operands, ', ') ELSE operands[1] END, operands[2]);
END
$$;
COMMENT ON FUNCTION lakehouse.compile_condition(jsonb, jsonb, jsonb) IS
'Part of compile_filter: one condition. Raises 22023 for a field, operator or value that doesn''t fit.';

CREATE FUNCTION lakehouse.type_member(field jsonb, takes text, given jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sample CONSTANT jsonb := CASE jsonb_typeof(given) WHEN 'array' THEN given -> 0 ELSE given END;
BEGIN
    RETURN CASE
        WHEN NOT field ? 'json' OR takes = 'flag' THEN field
        WHEN jsonb_typeof(sample) = 'number' THEN field || jsonb_build_object('type', 'number', 'cast', 'numeric', 'sql',
            format('CASE jsonb_typeof(%1$s) WHEN ''number'' THEN (%1$s)::numeric END', field ->> 'json'))
        WHEN jsonb_typeof(sample) = 'boolean' THEN field || jsonb_build_object('type', 'boolean', 'cast', 'boolean', 'sql',
            format('CASE jsonb_typeof(%1$s) WHEN ''boolean'' THEN (%1$s)::boolean END', field ->> 'json'))
        ELSE field END;
END
$$;
COMMENT ON FUNCTION lakehouse.type_member(jsonb, text, jsonb) IS
'Part of compile_filter: a member of a JSON field has the type of the value it is compared with.';

CREATE FUNCTION lakehouse.check_scalar(name text, type text, value jsonb)
RETURNS void LANGUAGE plpgsql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT text := jsonb_typeof(value);
    written CONSTANT text := value #>> '{}';
    expected text;
BEGIN
    expected := CASE type
        WHEN 'number' THEN CASE WHEN kind <> 'number' AND NOT (kind = 'string' AND written ~ '^-?[0-9]{1,30}(\.[0-9]{1,30})?$') THEN 'a number' END
        WHEN 'boolean' THEN CASE WHEN kind <> 'boolean' THEN 'true or false' END
        WHEN 'uuid' THEN CASE WHEN written !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN 'a UUID' END
        WHEN 'date' THEN CASE WHEN written !~ '^\d{4}-\d\d-\d\d([T ].*)?$' THEN 'a date as YYYY-MM-DD' END
        WHEN 'timestamp' THEN CASE WHEN written !~ '^\d{4}-\d\d-\d\d([T ].*)?$' THEN 'a time as YYYY-MM-DDThh:mm:ssZ' END
        WHEN 'json' THEN CASE WHEN kind <> 'object' THEN 'an object' END
        ELSE CASE WHEN kind NOT IN ('string', 'number') THEN 'a text' END
    END;
    IF expected IS NOT NULL OR kind = 'null' THEN
        RAISE EXCEPTION 'field "%" takes %', name, coalesce(expected, 'a value')
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It was given %s.', left(value::text, 200));
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.check_scalar(text, text, jsonb) IS 'Whether a value fits a field of this type. Raises 22023 if not.';

CREATE FUNCTION lakehouse.compile_sort(sort jsonb, fields jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys jsonb := '[]';
    item text;
    field jsonb;
    descends boolean := false;
BEGIN
    FOR item IN SELECT e.value FROM jsonb_array_elements_text(sort) e LOOP
        descends := item LIKE '-%';
        field := lakehouse.find_field(fields, ltrim(item, '-'));
        IF field ->> 'type' = 'json' THEN
            RAISE EXCEPTION 'field "%" has no order', item USING ERRCODE = 'invalid_parameter_value';
        END IF;
        keys := keys || jsonb_build_object('sql', field -> 'sql', 'cast', field -> 'cast', 'nullable', field -> 'nullable', 'descends', descends);
    END LOOP;
    -- Two rows that are alike are told apart by id, in the direction that an index on both can be read in.
    RETURN keys || jsonb_build_object('sql', 't.id', 'cast', 'uuid', 'nullable', false, 'descends', descends);
END
$$;
COMMENT ON FUNCTION lakehouse.compile_sort(jsonb, jsonb) IS 'Sort keys: [{sql, cast, nullable, descends}], the record''s id last.';

CREATE FUNCTION lakehouse.order_by(keys jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg((k.value ->> 'sql') || CASE WHEN (k.value ->> 'descends')::boolean THEN ' DESC' ELSE '' END
                              || CASE WHEN (k.value ->> 'nullable')::boolean THEN ' NULLS LAST' ELSE '' END, ', ' ORDER BY k.n)
            FROM jsonb_array_elements(keys) WITH ORDINALITY k (value, n));
END
$$;
COMMENT ON FUNCTION lakehouse.order_by(jsonb) IS 'ORDER BY list of sort keys; records without a value come last either way.';

-- "Later than the last row seen". Where all keys grow alike and none can be null, one row comparison that an index answers.
CREATE FUNCTION lakehouse.after_keys(keys jsonb, last_seen jsonb, first_bound integer)
RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    condition text;
    later text;
    value text;
    key jsonb;
BEGIN
    IF (SELECT bool_and(NOT (k.value ->> 'nullable')::boolean AND k.value -> 'descends' = keys #> '{0,descends}') FROM jsonb_array_elements(keys) k) THEN
        RETURN (SELECT format('(%s) %s (%s)', string_agg(k.value ->> 'sql', ', ' ORDER BY k.n),
                              CASE WHEN (keys #>> '{0,descends}')::boolean THEN '<' ELSE '>' END,
                              string_agg(format('($1->>%s)::%s', first_bound + k.n - 1, k.value ->> 'cast'), ', ' ORDER BY k.n))
                FROM jsonb_array_elements(keys) WITH ORDINALITY k (value, n));
    END IF;
    FOR n IN REVERSE jsonb_array_length(keys) - 1 .. 0 LOOP
        key := keys -> n;
        value := format('($1->>%s)::%s', first_bound + n, key ->> 'cast');
        later := CASE WHEN jsonb_typeof(last_seen -> n) = 'null' THEN 'false'
                      ELSE format('(%s %s %s OR %1$s IS NULL)', key ->> 'sql', CASE WHEN (key ->> 'descends')::boolean THEN '<' ELSE '>' END, value) END;
        condition := concat(later, ' OR (' || CASE WHEN jsonb_typeof(last_seen -> n) = 'null' THEN format('%s IS NULL', key ->> 'sql')
                                                   ELSE format('%s = %s', key ->> 'sql', value) END || ' AND (' || condition || '))');
    END LOOP;
    RETURN condition;
END
$$;
COMMENT ON FUNCTION lakehouse.after_keys(jsonb, jsonb, integer) IS
'SQL condition: a record that comes after the one with these sort values, which are bound from first_bound on.';

-- A cursor says where a list goes on. It is bound to the list by a digest, so that one for another filter or order is
-- refused; it is no secret: whoever makes one up only chooses where in its own list to start.
CREATE FUNCTION lakehouse.write_cursor(list text, state jsonb)
RETURNS text LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN translate(encode(substr(sha256(convert_to(list || state::text, 'UTF8')), 1, 12) || convert_to(state::text, 'UTF8'), 'base64'),
                 E'+/=\n', '-_');
COMMENT ON FUNCTION lakehouse.write_cursor(text, jsonb) IS 'The state of a list as an opaque text.';

CREATE FUNCTION lakehouse.read_cursor(list text, cursor text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    packed bytea;
BEGIN
    IF cursor ~ '^[A-Za-z0-9_-]+$' AND length(cursor) % 4 <> 1 THEN
        packed := decode(translate(cursor, '-_', '+/') || repeat('=', (4 - length(cursor) % 4) % 4), 'base64');
    END IF;
    IF packed IS NULL OR length(packed) < 12
       OR substr(sha256(convert_to(list, 'UTF8') || substr(packed, 13)), 1, 12) <> substr(packed, 1, 12) THEN
        RAISE EXCEPTION 'cursor is not of this list'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Pass next_cursor as it was returned, with the same kind, filter and sort; or leave it out to start again.';
    END IF;
    RETURN convert_from(substr(packed, 13), 'UTF8')::jsonb;
END
$$;
COMMENT ON FUNCTION lakehouse.read_cursor(text, text) IS 'The state in a cursor of this list. Raises 22023 for any other text.';

REVOKE ALL ON FUNCTION
    lakehouse.check_filter(jsonb), lakehouse.compile_filter(jsonb, jsonb, integer, jsonb),
    lakehouse.compile_condition(jsonb, jsonb, jsonb), lakehouse.type_member(jsonb, text, jsonb),
    lakehouse.check_scalar(text, text, jsonb), lakehouse.compile_sort(jsonb, jsonb), lakehouse.order_by(jsonb),
    lakehouse.after_keys(jsonb, jsonb, integer), lakehouse.write_cursor(text, jsonb),
    lakehouse.read_cursor(text, text)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.check_filter(jsonb), lakehouse.compile_filter(jsonb, jsonb, integer, jsonb),
    lakehouse.compile_condition(jsonb, jsonb, jsonb), lakehouse.type_member(jsonb, text, jsonb),
    lakehouse.check_scalar(text, text, jsonb), lakehouse.compile_sort(jsonb, jsonb), lakehouse.order_by(jsonb),
    lakehouse.after_keys(jsonb, jsonb, integer), lakehouse.write_cursor(text, jsonb),
    lakehouse.read_cursor(text, text)
TO lakehouse_user;
