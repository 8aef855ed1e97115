-- SPDX-License-Identifier: PostgreSQL
-- The writing tools. Each is one expression: the answer kept for the call's idempotency key, else the work and its answer.

CREATE FUNCTION lakehouse.change_record(tenant text, kind_name text, id uuid, given jsonb, expected_version bigint, extra jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind(kind_name);
    before jsonb;
BEGIN
    IF NOT kind.is_writable THEN
        RAISE EXCEPTION 'records of kind "%" can''t be changed by tools', kind_name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'whoami lists what can.';
    END IF;
    PERFORM lakehouse.lock_record(tenant, kind, id, expected_version);
    before := (lakehouse.read_image(tenant, kind, id, lakehouse.record_fields(tenant, kind), NULL)).image;
    PERFORM lakehouse.write_update(tenant, kind, id, given);
    RETURN lakehouse.tell_change(tenant, kind, id, before, extra);
END
$$;
COMMENT ON FUNCTION lakehouse.change_record(text, text, uuid, jsonb, bigint, jsonb) IS 'Changes a record: what it was and what it is.';

CREATE FUNCTION lakehouse.create_record(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'create_record', arguments),
    lakehouse.keep_answer(current_schema(), 'create_record', arguments,
        lakehouse.insert_record(current_schema(), arguments ->> 'kind', arguments -> 'values')));
COMMENT ON FUNCTION lakehouse.create_record(jsonb) IS 'Tool create_record.';

CREATE FUNCTION lakehouse.create_account(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'create_account', arguments),
    lakehouse.keep_answer(current_schema(), 'create_account', arguments,
        lakehouse.insert_record(current_schema(), 'account', lakehouse.check_arguments('create_account', arguments))));
COMMENT ON FUNCTION lakehouse.create_account(jsonb) IS 'Tool create_account.';

CREATE FUNCTION lakehouse.create_contact(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'create_contact', arguments),
    lakehouse.keep_answer(current_schema(), 'create_contact', arguments,
        lakehouse.insert_record(current_schema(), 'contact', lakehouse.check_arguments('create_contact', arguments))));
COMMENT ON FUNCTION lakehouse.create_contact(jsonb) IS 'Tool create_contact.';

CREATE FUNCTION lakehouse.create_lead(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'create_lead', arguments),
    lakehouse.keep_answer(current_schema(), 'create_lead', arguments,
        lakehouse.insert_record(current_schema(), 'lead', lakehouse.check_arguments('create_lead', arguments))));
COMMENT ON FUNCTION lakehouse.create_lead(jsonb) IS 'Tool create_lead.';

CREATE FUNCTION lakehouse.create_opportunity(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'create_opportunity', arguments),
    lakehouse.keep_answer(current_schema(), 'create_opportunity', arguments,
        lakehouse.insert_record(current_schema(), 'opportunity', lakehouse.check_arguments('create_opportunity', arguments))));
COMMENT ON FUNCTION lakehouse.create_opportunity(jsonb) IS 'Tool create_opportunity.';

CREATE FUNCTION lakehouse.create_activity(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'create_activity', arguments),
    lakehouse.keep_answer(current_schema(), 'create_activity', arguments,
        lakehouse.insert_record(current_schema(), 'activity', lakehouse.check_arguments('create_activity', arguments))));
COMMENT ON FUNCTION lakehouse.create_activity(jsonb) IS 'Tool create_activity.';

CREATE FUNCTION lakehouse.create_case(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'create_case', arguments),
    lakehouse.keep_answer(current_schema(), 'create_case', arguments,
        lakehouse.insert_record(current_schema(), 'case', lakehouse.check_arguments('create_case', arguments))));
COMMENT ON FUNCTION lakehouse.create_case(jsonb) IS 'Tool create_case.';

CREATE FUNCTION lakehouse.update_record(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'update_record', arguments),
    lakehouse.keep_answer(current_schema(), 'update_record', arguments,
        lakehouse.change_record(current_schema(), arguments ->> 'kind', (arguments ->> 'id')::uuid, arguments -> 'values',
                            (arguments ->> 'expected_version')::bigint)));
COMMENT ON FUNCTION lakehouse.update_record(jsonb) IS 'Tool update_record.';

CREATE FUNCTION lakehouse.update_opportunity_stage(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'update_opportunity_stage', arguments),
    lakehouse.keep_answer(current_schema(), 'update_opportunity_stage', arguments,
        lakehouse.change_record(current_schema(), 'opportunity', (arguments ->> 'id')::uuid,
            jsonb_strip_nulls(arguments - '{id,expected_version,idempotency_key}'::text[]), (arguments ->> 'expected_version')::bigint)));
COMMENT ON FUNCTION lakehouse.update_opportunity_stage(jsonb) IS 'Tool update_opportunity_stage.';

CREATE FUNCTION lakehouse.finish_activity(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind('activity');
    id CONSTANT uuid := arguments ->> 'id';
    body text;
BEGIN
    PERFORM lakehouse.lock_record(tenant, kind, id, (arguments ->> 'expected_version')::bigint);
    body := (lakehouse.read_image(tenant, kind, id, lakehouse.record_fields(tenant, kind), '{body}')).image ->> 'body';
    RETURN lakehouse.change_record(tenant, 'activity', id, jsonb_strip_nulls(jsonb_build_object(
        'status', 'completed', 'completed_at', arguments -> 'completed_at',
        'body', CASE WHEN arguments ? 'outcome' THEN concat_ws(E'\n\n', nullif(body, ''), 'Outcome: ' || (arguments ->> 'outcome')) END)), NULL);
END
$$;
COMMENT ON FUNCTION lakehouse.finish_activity(text, jsonb) IS 'Completes an activity, and adds the outcome to its body.';

CREATE FUNCTION lakehouse.complete_activity(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'complete_activity', arguments),
    lakehouse.keep_answer(current_schema(), 'complete_activity', arguments,
        lakehouse.finish_activity(current_schema(), lakehouse.check_arguments('complete_activity', arguments))));
COMMENT ON FUNCTION lakehouse.complete_activity(jsonb) IS 'Tool complete_activity.';

CREATE FUNCTION lakehouse.lead_contact(tenant text, lead jsonb, account uuid, given uuid)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF given IS NOT NULL THEN
        PERFORM lakehouse.read_image(tenant, k, given, lakehouse.record_fields(tenant, k), '{id}') FROM lakehouse.find_kind('contact') k;
        RETURN given;
    END IF;
    RETURN lakehouse.write_insert(tenant, lakehouse.find_kind('contact'), jsonb_strip_nulls(jsonb_build_object(
        'account_id', account, 'first_name', lead -> 'first_name', 'last_name', lead -> 'last_name', 'title', lead -> 'title',
        'email', lead -> 'email', 'phone', lead -> 'phone', 'owner_id', lead -> 'owner_id')));
END
$$;
COMMENT ON FUNCTION lakehouse.lead_contact(text, jsonb, uuid, uuid) IS 'Part of convert_lead: the contact it becomes.';

CREATE FUNCTION lakehouse.lead_account(tenant text, lead jsonb, given uuid)
RETURNS uuid LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF given IS NOT NULL THEN
        PERFORM lakehouse.read_image(tenant, k, given, lakehouse.record_fields(tenant, k), '{id}') FROM lakehouse.find_kind('account') k;
        RETURN given;
    END IF;
    RETURN lakehouse.write_insert(tenant, lakehouse.find_kind('account'), jsonb_strip_nulls(jsonb_build_object(
        'name', lead -> 'company', 'country', lead -> 'country', 'type', 'prospect', 'owner_id', lead -> 'owner_id')));
END
$$;
COMMENT ON FUNCTION lakehouse.lead_account(text, jsonb, uuid) IS 'Part of convert_lead: the account it becomes.';

CREATE FUNCTION lakehouse.turn_lead(tenant text, arguments jsonb)
RETURNS jsonb LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kind CONSTANT lakehouse.record_kinds := lakehouse.find_kind('lead');
    lead_id CONSTANT uuid := arguments ->> 'id';
    lead jsonb;
    account uuid;
    contact uuid;
    opportunity uuid;
BEGIN
    PERFORM lakehouse.lock_record(tenant, kind, lead_id, (arguments ->> 'expected_version')::bigint);
    lead := (lakehouse.read_image(tenant, kind, lead_id, lakehouse.record_fields(tenant, kind), NULL)).image;
    IF lead ? 'converted_at' THEN
        RAISE EXCEPTION 'lead "%" is converted already', lead_id
            USING ERRCODE = 'unique_violation',
                  DETAIL = format('It became account %s, contact %s and opportunity %s.', lead ->> 'converted_account_id',
                                  lead ->> 'converted_contact_id', lead ->> 'converted_opportunity_id'),
                  HINT = 'Go on with that opportunity.';
    END IF;
    account := lakehouse.lead_account(tenant, lead, (arguments ->> 'account_id')::uuid);
    contact := lakehouse.lead_contact(tenant, lead, account, (arguments ->> 'contact_id')::uuid);
    opportunity := lakehouse.write_insert(tenant, lakehouse.find_kind('opportunity'), jsonb_strip_nulls(jsonb_build_object(
        'account_id', account, 'name', coalesce(arguments ->> 'opportunity_name', lead ->> 'company'), 'close_date', arguments -> 'close_date',
        'amount', arguments -> 'amount', 'currency', arguments -> 'currency', 'stage', arguments -> 'stage', 'pipeline_id', arguments -> 'pipeline_id',
        'lead_source', lead -> 'source', 'description', lead -> 'description', 'owner_id', lead -> 'owner_id')));
    PERFORM lakehouse.add_primary_contact(tenant, opportunity, contact);
    EXECUTE format('UPDATE %I.leads SET status = ''qualified'', converted_at = now(), converted_account_id = $2, converted_contact_id = $3, '
                   'converted_opportunity_id = $4 WHERE id = $1', tenant) USING lead_id, account, contact, opportunity;
    RETURN lakehouse.tell_change(tenant, kind, lead_id, lead, jsonb_build_object(
        'account_id', account, 'contact_id', contact, 'opportunity_id', opportunity));
END
$$;
COMMENT ON FUNCTION lakehouse.turn_lead(text, jsonb) IS
'Turns a lead into account, contact and opportunity, new or given. Raises 23505 for a lead that was turned before.';

CREATE FUNCTION lakehouse.convert_lead(arguments jsonb)
RETURNS jsonb LANGUAGE sql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN coalesce(
    lakehouse.find_answer(current_schema(), 'convert_lead', arguments),
    lakehouse.keep_answer(current_schema(), 'convert_lead', arguments,
        lakehouse.turn_lead(current_schema(), lakehouse.check_arguments('convert_lead', arguments))));
COMMENT ON FUNCTION lakehouse.convert_lead(jsonb) IS 'Tool convert_lead.';

REVOKE ALL ON FUNCTION
    lakehouse.change_record(text, text, uuid, jsonb, bigint, jsonb), lakehouse.create_record(jsonb),
    lakehouse.create_account(jsonb), lakehouse.create_contact(jsonb), lakehouse.create_lead(jsonb),
    lakehouse.create_opportunity(jsonb), lakehouse.create_activity(jsonb), lakehouse.create_case(jsonb),
    lakehouse.update_record(jsonb), lakehouse.update_opportunity_stage(jsonb),
    lakehouse.finish_activity(text, jsonb), lakehouse.complete_activity(jsonb),
    lakehouse.lead_contact(text, jsonb, uuid, uuid), lakehouse.lead_account(text, jsonb, uuid),
    lakehouse.turn_lead(text, jsonb), lakehouse.convert_lead(jsonb)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lakehouse.change_record(text, text, uuid, jsonb, bigint, jsonb), lakehouse.create_record(jsonb),
    lakehouse.create_account(jsonb), lakehouse.create_contact(jsonb), lakehouse.create_lead(jsonb),
    lakehouse.create_opportunity(jsonb), lakehouse.create_activity(jsonb), lakehouse.create_case(jsonb),
    lakehouse.update_record(jsonb), lakehouse.update_opportunity_stage(jsonb),
    lakehouse.finish_activity(text, jsonb), lakehouse.complete_activity(jsonb),
    lakehouse.lead_contact(text, jsonb, uuid, uuid), lakehouse.lead_account(text, jsonb, uuid),
    lakehouse.turn_lead(text, jsonb), lakehouse.convert_lead(jsonb)
TO lakehouse_user;
