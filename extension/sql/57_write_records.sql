-- SPDX-License-Identifier: PostgreSQL
-- Writing by tools: values checked by the catalog, one answer per idempotency key, versions, before and after. The rules of
-- the CRM are in its triggers; nothing here repeats them.

CREATE FUNCTION lakehouse.create_tool_tables(slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
-- A role that drop_tenant kept may be a member already.
SET client_min_messages = warning
AS $$
DECLARE
    writers CONSTANT text := format('%I, %I, %I', slug || '_admin', slug || '_member', slug || '_agent');
    readers CONSTANT text := format('%s, %I', writers, slug || '_readonly');
BEGIN
    PERFORM set_config('search_path', quote_ident(slug) || ', pg_temp', true);
    CREATE TABLE tool_answers (
        role_name name DEFAULT current_user,
        key text CHECK (length(key) BETWEEN 1 AND 200),
        tool text NOT NULL,
        arguments_hash bytea NOT NULL,
        answer jsonb NOT NULL,
        answered_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (role_name, key)
    );
    CREATE INDEX tool_answers_time_idx ON tool_answers (role_name, answered_at);
    COMMENT ON TABLE tool_answers IS 'Answers of writing tools by idempotency key, kept for seven days; each role sees its own';
    COMMENT ON COLUMN tool_answers.role_name IS 'PostgreSQL role that called';
    COMMENT ON COLUMN tool_answers.key IS 'Idempotency key that the caller chose';
    COMMENT ON COLUMN tool_answers.tool IS 'Tool that was called';
    COMMENT ON COLUMN tool_answers.arguments_hash IS 'SHA-256 of the arguments: the same key with others is refused';
    COMMENT ON COLUMN tool_answers.answer IS 'What the first call returned';
    COMMENT ON COLUMN tool_answers.answered_at IS 'When it was called';
    ALTER TABLE tool_answers ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tool_answers_own ON tool_answers USING (role_name = current_user);
    COMMENT ON POLICY tool_answers_own ON tool_answers IS 'A role sees and keeps its own answers only';
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON tool_answers TO %s', writers);
    EXECUTE format('GRANT SELECT ON tool_answers TO %I', slug || '_readonly');
    -- What a table of the tenant holds for the catalog of warehouse tools: no row filter.
    EXECUTE format('GRANT SELECT (tenant_id, id, relation, columns, max_rows, max_bytes, description, created_at) ON data_sources TO %s', readers);
    EXECUTE format('GRANT lakehouse_user TO %s', readers);
END
$$;
COMMENT ON FUNCTION lakehouse.create_tool_tables(text) IS
'Part of create_tenant: makes the table of tool answers and lets the tenant''s roles call tools.';

CREATE FUNCTION lakehouse.hash_arguments(tool text, arguments jsonb)
RETURNS bytea LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN sha256(convert_to(tool || arguments::text, 'UTF8'));
COMMENT ON FUNCTION lakehouse.hash_arguments(text, jsonb) IS 'What tells whether two calls are the same.';

CREATE FUNCTION lakehouse.find_answer(tenant text, tool text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key CONSTANT text := lakehouse.check_arguments(tool, arguments) ->> 'idempotency_key';
    kept record;
BEGIN
    PERFORM lakehouse.find_table(tenant, lakehouse.find_kind('account'));
    IF key IS NULL THEN
        RETURN NULL;
    END IF;
    -- The second of two calls at once waits for the first, and then finds its answer.
    PERFORM pg_advisory_xact_lock(hashtextextended(concat_ws('/', tenant, current_user, key), 0));
    EXECUTE format('SELECT a.answer, a.arguments_hash = $3 AS is_same FROM %I.tool_answers a WHERE a.role_name = $1 AND a.key = $2', tenant)
        INTO kept USING current_user, key, lakehouse.hash_arguments(tool, arguments);
    IF NOT kept.is_same THEN
        RAISE EXCEPTION 'idempotency key "%" was used for another call', key
            USING ERRCODE = 'unique_violation', HINT = 'Use a new key for a new call; repeat a call with exactly its arguments.';
    END IF;
    RETURN kept.answer;
END
$$;
COMMENT ON FUNCTION lakehouse.find_answer(text, text, jsonb) IS
'Checks the arguments of a writing tool, and returns the answer kept for its idempotency key, or NULL. Raises 23505 for a key used otherwise.';

CREATE FUNCTION lakehouse.keep_answer(tenant text, tool text, arguments jsonb, answer jsonb)
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF arguments ->> 'idempotency_key' IS NOT NULL THEN
        EXECUTE format('DELETE FROM %I.tool_answers a WHERE a.role_name = $1 AND a.answered_at < now() - interval ''7 days''', tenant)
            USING current_user;
        EXECUTE format('INSERT INTO %I.tool_answers (role_name, key, tool, arguments_hash, answer) VALUES ($1, $2, $3, $4, $5)', tenant)
            USING current_user, arguments ->> 'idempotency_key', tool, lakehouse.hash_arguments(tool, arguments), answer;
    END IF;
    RETURN answer;
END
$$;
COMMENT ON FUNCTION lakehouse.keep_answer(text, text, jsonb, jsonb) IS
'The answer, kept for its idempotency key in the transaction that made it.';

CREATE FUNCTION lakehouse.check_values(tenant text, kind lakehouse.record_kinds, given jsonb)
RETURNS void LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    field record;
    lives boolean;
BEGIN
    FOR field IN SELECT e.key, e.value, d.* FROM jsonb_each(given) e
                 LEFT JOIN lakehouse.describe_fields(tenant, kind) d ON d.name = e.key AND d.is_writable LOOP
        IF field.name IS NULL THEN
            RAISE EXCEPTION 'field "%" of % can''t be set', left(field.key, 100), kind.kind
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = format('Fields that can: %s.', coalesce((SELECT string_agg(d.name, ', ') FROM lakehouse.describe_fields(tenant, kind) d
                                                                      WHERE d.is_writable), 'none'));
        END IF;
        CONTINUE WHEN jsonb_typeof(field.value) = 'null';
        PERFORM lakehouse.check_scalar(field.name, field.type, field.value);
        IF NOT field.choices @> field.value THEN
            RAISE EXCEPTION 'field "%" can''t be %', field.name, left(field.value::text, 100)
                USING ERRCODE = 'invalid_parameter_value', HINT = format('Choices: %s.', (
                    SELECT string_agg(c.value, ', ') FROM jsonb_array_elements_text(field.choices) c));
        END IF;
        IF field.refers_to IS NOT NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', lakehouse.live_rows(tenant, lakehouse.find_kind(field.refers_to), 't.id = $1'))
                INTO lives USING (field.value #>> '{}')::uuid;
            IF NOT lives THEN
                PERFORM lakehouse.refuse_missing(field.refers_to, field.value #>> '{}');
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.check_values(text, lakehouse.record_kinds, jsonb) IS
'Whether these fields can be set to these values. Raises 22023 for a field or value, P0002 for a record that is referred to and not there.';

CREATE FUNCTION lakehouse.value_sql(column_name text, cast_type text)
RETURNS text LANGUAGE sql IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN CASE WHEN cast_type IN ('jsonb', 'json') THEN format('($1 -> %L)', column_name)
            ELSE format('($1 ->> %L)::%s', column_name, cast_type) END;
COMMENT ON FUNCTION lakehouse.value_sql(text, text) IS 'SQL of the value that $1, a JSON object, has for a column.';

CREATE FUNCTION lakehouse.write_insert(tenant text, kind lakehouse.record_kinds, given jsonb)
RETURNS uuid LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    names text;
    selected text;
    new_id uuid;
BEGIN
    PERFORM lakehouse.check_values(tenant, kind, given);
    SELECT string_agg(quote_ident(d.name), ', '), string_agg(lakehouse.value_sql(d.name, d.cast_type), ', ') INTO names, selected
    FROM lakehouse.describe_fields(tenant, kind) d WHERE given ? d.name;
    IF names IS NULL THEN
        RAISE EXCEPTION 'no value is given' USING ERRCODE = 'invalid_parameter_value', HINT = 'describe_object lists the fields of a kind.';
    END IF;
    EXECUTE format('INSERT INTO %I.%I (%s) VALUES (%s) RETURNING id', tenant, kind.table_name, names, selected) INTO new_id USING given;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION lakehouse.write_insert(text, lakehouse.record_kinds, jsonb) IS 'Inserts a record with checked values; its id.';

CREATE FUNCTION lakehouse.write_update(tenant text, kind lakehouse.record_kinds, id uuid, given jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    assignments text;
BEGIN
    PERFORM lakehouse.check_values(tenant, kind, given);
    -- An object of the tenant's own fields is merged: what isn't named stays, null removes.
    SELECT string_agg(format(CASE WHEN d.type = 'json' THEN '%1$I = jsonb_strip_nulls(coalesce(t.%1$I, ''{}'') || coalesce(nullif(%2$s, ''null''), ''{}''))'
                             ELSE '%1$I = %2$s' END, d.name, lakehouse.value_sql(d.name, d.cast_type)), ', ')
    INTO assignments FROM lakehouse.describe_fields(tenant, kind) d WHERE given ? d.name;
    EXECUTE format('UPDATE %I.%I t SET %s WHERE t.id = $2', tenant, kind.table_name, assignments) USING given, id;
END
$$;
COMMENT ON FUNCTION lakehouse.write_update(text, lakehouse.record_kinds, uuid, jsonb) IS 'Updates a record with checked values.';

CREATE FUNCTION lakehouse.lock_record(tenant text, kind lakehouse.record_kinds, id uuid, expected_version bigint)
RETURNS void LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_version bigint;
BEGIN
    EXECUTE format('SELECT t.row_version FROM %s FOR NO KEY UPDATE', lakehouse.live_rows(tenant, kind, 't.id = $1')) INTO found_version USING id;
    IF found_version IS NULL THEN
        PERFORM lakehouse.refuse_missing(kind.kind, id::text);
    ELSIF found_version <> expected_version THEN
        RAISE EXCEPTION '% "%" was changed since version %', kind.kind, id, expected_version
            USING ERRCODE = 'serialization_failure', DETAIL = format('Its version is now %s.', found_version),
                  HINT = format('Read the record again, then repeat the call with expected_version %s if it still fits.', found_version);
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.lock_record(text, lakehouse.record_kinds, uuid, bigint) IS
'Keeps a record from being changed by others until the end of the transaction. Raises P0002, or 40001 for another version than expected.';

CREATE FUNCTION lakehouse.tell_change(tenant text, kind lakehouse.record_kinds, id uuid, before jsonb, extra jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    after CONSTANT record := lakehouse.read_image(tenant, kind, id, lakehouse.record_fields(tenant, kind), NULL);
BEGIN
    RETURN lakehouse.sign_result(jsonb_build_object(
        'kind', kind.kind, 'id', id, 'title', after.title, 'url', lakehouse.record_url(tenant, kind.kind, id),
        'version', after.image -> 'row_version', 'before', before, 'after', after.image) || extra);
END
$$;
COMMENT ON FUNCTION lakehouse.tell_change(text, lakehouse.record_kinds, uuid, jsonb, jsonb) IS
'What a writing tool answers: the record before and after; before is null for a new one.';

CREATE FUNCTION lakehouse.insert_record(tenant text, kind_name text, given jsonb)
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind(kind_name);
    -- A value left out and a null mean the same: what the table says for a new row.
    wanted CONSTANT jsonb := (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}')
                              FROM jsonb_each(given - '{idempotency_key,primary_contact_id}'::text[]) e WHERE jsonb_typeof(e.value) <> 'null');
    new_id uuid;
BEGIN
    PERFORM lakehouse.refuse_twin(tenant, kind, wanted);
    new_id := lakehouse.write_insert(tenant, kind, wanted);
    IF kind_name = 'opportunity' AND given ? 'primary_contact_id' THEN
        PERFORM lakehouse.add_primary_contact(tenant, new_id, (given ->> 'primary_contact_id')::uuid);
    END IF;
    RETURN lakehouse.tell_change(tenant, kind, new_id, NULL, lakehouse.find_likes(tenant, kind_name, new_id));
END
$$;
COMMENT ON FUNCTION lakehouse.insert_record(text, text, jsonb) IS
'Creates a record of these values. Raises 23505 with the record that is there when a value must be unique.';

CREATE FUNCTION lakehouse.add_primary_contact(tenant text, opportunity uuid, contact uuid)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lakehouse.read_image(tenant, k, contact, lakehouse.record_fields(tenant, k), '{id}') FROM lakehouse.find_kind('contact') k;
    EXECUTE format('INSERT INTO %I.opportunity_contacts (opportunity_id, contact_id, is_primary) VALUES ($1, $2, true)', tenant)
        USING opportunity, contact;
END
$$;
COMMENT ON FUNCTION lakehouse.add_primary_contact(text, uuid, uuid) IS 'Makes a contact the person to talk to about a new deal.';

-- The server names the key; a caller that is to go on needs the record that has it.
CREATE FUNCTION lakehouse.refuse_twin(tenant text, kind lakehouse.record_kinds, given jsonb)
RETURNS void LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    field text;
    twin uuid;
BEGIN
    FOREACH field IN ARRAY CASE kind.kind WHEN 'account' THEN '{domain,account_number}' WHEN 'product' THEN '{sku}' ELSE '{}' END::text[] LOOP
        CONTINUE WHEN given ->> field IS NULL;
        EXECUTE format('SELECT t.id FROM %s', lakehouse.live_rows(tenant, kind, CASE field WHEN 'account_number' THEN 't.account_number = $1::bigint'
                           WHEN 'domain' THEN 'lower(t.domain) = lower($1)' ELSE 't.sku = $1' END)) INTO twin USING given ->> field;
        IF twin IS NOT NULL THEN
            RAISE EXCEPTION '% "%" is taken', field, left(given ->> field, 100)
                USING ERRCODE = 'unique_violation', DETAIL = format('%s %s has it.', initcap(kind.kind), twin),
                      HINT = 'Use that record, with update_record if something is to change.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.refuse_twin(text, lakehouse.record_kinds, jsonb) IS
'Raises 23505, with the id of the record that has it, for a value that must be unique.';

CREATE FUNCTION lakehouse.find_likes(tenant text, kind_name text, id uuid)
RETURNS jsonb LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    likes jsonb;
BEGIN
    IF kind_name NOT IN ('lead', 'contact') THEN
        RETURN '{}';
    END IF;
    EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''kind'', m.kind, ''id'', m.id, ''title'', m.title) ORDER BY m.kind, m.title, m.id), ''[]'') '
                   'FROM (SELECT ''contact'' AS kind, c.id, concat_ws('' '', c.first_name, c.last_name) AS title, c.email FROM %1$I.contacts c '
                   'WHERE c.deleted_at IS NULL UNION ALL SELECT ''lead'', l.id, concat_ws('' '', l.first_name, l.last_name), l.email FROM %1$I.leads l '
                   'WHERE l.deleted_at IS NULL) m WHERE m.id <> $1 AND lower(m.email) = (SELECT lower(n.email) FROM %1$I.%2$I n WHERE n.id = $1)',
                   tenant, kind_name || 's') INTO likes USING id;
    RETURN jsonb_build_object('possible_duplicates', likes);
END
$$;
COMMENT ON FUNCTION lakehouse.find_likes(text, text, uuid) IS 'Leads and contacts with the same e-mail address as this one.';

REVOKE ALL ON FUNCTION
    lakehouse.create_tool_tables(text), lakehouse.hash_arguments(text, jsonb),
    lakehouse.find_answer(text, text, jsonb), lakehouse.keep_answer(text, text, jsonb, jsonb),
    lakehouse.check_values(text, lakehouse.record_kinds, jsonb), lakehouse.value_sql(text, text),
    lakehouse.write_insert(text, lakehouse.record_kinds, jsonb), lakehouse.write_update(text,
    lakehouse.record_kinds, uuid, jsonb), lakehouse.lock_record(text, lakehouse.record_kinds, uuid, bigint),
    lakehouse.tell_change(text, lakehouse.record_kinds, uuid, jsonb, jsonb),
    lakehouse.insert_record(text, text, jsonb), lakehouse.add_primary_contact(text, uuid, uuid),
    lakehouse.refuse_twin(text, lakehouse.record_kinds, jsonb), lakehouse.find_likes(text, text, uuid)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.hash_arguments(text, jsonb), lakehouse.find_answer(text, text, jsonb),
    lakehouse.keep_answer(text, text, jsonb, jsonb), lakehouse.check_values(text, lakehouse.record_kinds, jsonb),
    lakehouse.value_sql(text, text), lakehouse.write_insert(text, lakehouse.record_kinds, jsonb),
    lakehouse.write_update(text, lakehouse.record_kinds, uuid, jsonb), lakehouse.lock_record(text,
    lakehouse.record_kinds, uuid, bigint), lakehouse.tell_change(text, lakehouse.record_kinds, uuid, jsonb, jsonb),
    lakehouse.insert_record(text, text, jsonb), lakehouse.add_primary_contact(text, uuid, uuid),
    lakehouse.refuse_twin(text, lakehouse.record_kinds, jsonb), lakehouse.find_likes(text, text, uuid)
TO lakehouse_user;
