-- SPDX-License-Identifier: PostgreSQL
-- What the MCP conformance suite expects a server to offer: its tools, prompts and resources as rows of the catalog, as
-- an administrator would add some. The names and texts are the suite's.

CREATE FUNCTION lakehouse.conformance_text(said text) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('content', jsonb_build_array(jsonb_build_object('type', 'text', 'text', said)));

-- A red pixel, and a silent instant.
CREATE FUNCTION lakehouse.conformance_pixel() RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('type', 'image', 'mimeType', 'image/png', 'data',
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==');

CREATE FUNCTION lakehouse.test_simple_text(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_text('This is a simple text response for testing.');

CREATE FUNCTION lakehouse.test_image_content(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('content', jsonb_build_array(lakehouse.conformance_pixel()));

CREATE FUNCTION lakehouse.test_audio_content(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('content', jsonb_build_array(jsonb_build_object('type', 'audio', 'mimeType', 'audio/wav',
    'data', 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=')));

CREATE FUNCTION lakehouse.test_embedded_resource(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('content', jsonb_build_array(jsonb_build_object('type', 'resource', 'resource', jsonb_build_object(
    'uri', 'test://embedded-resource', 'mimeType', 'text/plain', 'text', 'This is an embedded resource content.'))));

CREATE FUNCTION lakehouse.test_multiple_content_types(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_object('content', jsonb_build_array(
    jsonb_build_object('type', 'text', 'text', 'Multiple content types test:'), lakehouse.conformance_pixel(),
    jsonb_build_object('type', 'resource', 'resource', jsonb_build_object('uri', 'test://mixed-content-resource',
        'mimeType', 'application/json', 'text', '{"test":"data","value":123}'))));

CREATE FUNCTION lakehouse.test_error_handling(arguments jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'This tool intentionally returns an error for testing' USING ERRCODE = 'invalid_parameter_value';
END
$$;

CREATE FUNCTION lakehouse.test_tool_with_logging(arguments jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lakehouse.report_log('info', '"Tool execution started"');
    PERFORM pg_sleep(0.05);
    PERFORM lakehouse.report_log('info', '"Tool processing data"');
    PERFORM pg_sleep(0.05);
    PERFORM lakehouse.report_log('info', '"Tool execution completed"');
    RETURN lakehouse.conformance_text('Tool with logging executed successfully');
END
$$;

CREATE FUNCTION lakehouse.test_logging_tool(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.test_tool_with_logging(arguments);

CREATE FUNCTION lakehouse.test_tool_with_progress(arguments jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    FOR percent IN 0 .. 100 BY 50 LOOP
        PERFORM lakehouse.report_progress(percent, 100);
        PERFORM pg_sleep(0.05);
    END LOOP;
    RETURN lakehouse.conformance_text('Tool with progress executed successfully');
END
$$;

-- What a tool asks its client, by the suite's own words.
CREATE FUNCTION lakehouse.conformance_ask(requests jsonb, state jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_strip_nulls(jsonb_build_object('resultType', 'input_required', 'inputRequests', requests, 'requestState', state));

CREATE FUNCTION lakehouse.conformance_form(key text, message text, properties jsonb, required text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(key, jsonb_build_object('method', 'elicitation/create', 'params', jsonb_build_object('message', message,
    'requestedSchema', jsonb_build_object('type', 'object', 'properties', properties, 'required', to_jsonb(required)))));

CREATE FUNCTION lakehouse.conformance_sample(key text, said text, tokens integer) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object(key, jsonb_build_object('method', 'sampling/createMessage', 'params', jsonb_build_object('maxTokens', tokens,
    'messages', jsonb_build_array(jsonb_build_object('role', 'user', 'content', jsonb_build_object('type', 'text', 'text', said))))));

CREATE FUNCTION lakehouse.test_sampling(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input IS NULL THEN lakehouse.conformance_ask(lakehouse.conformance_sample('answer', arguments ->> 'prompt', 100))
    ELSE lakehouse.conformance_text('LLM response: ' || (input #>> '{inputResponses,answer,content,text}')) END;

CREATE FUNCTION lakehouse.conformance_said(said text, response jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_text(format('%s: action=%s, content=%s', said, response ->> 'action', coalesce(response -> 'content', '{}')));

CREATE FUNCTION lakehouse.test_elicitation(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input IS NULL THEN lakehouse.conformance_ask(lakehouse.conformance_form('user', arguments ->> 'message',
        '{"username": {"type": "string", "description": "User''s response"}, "email": {"type": "string", "description": "User''s email address"}}',
        '{username,email}'))
    ELSE lakehouse.conformance_said('User response', input #> '{inputResponses,user}') END;

CREATE FUNCTION lakehouse.test_elicitation_sep1034_defaults(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input IS NULL THEN lakehouse.conformance_ask(lakehouse.conformance_form('user', 'Please review and update the form fields with defaults',
        '{"name": {"type": "string", "default": "John Doe"}, "age": {"type": "integer", "default": 30},
          "score": {"type": "number", "default": 95.5}, "verified": {"type": "boolean", "default": true},
          "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"}}', '{}'))
    ELSE lakehouse.conformance_said('Elicitation completed', input #> '{inputResponses,user}') END;

CREATE FUNCTION lakehouse.test_elicitation_sep1330_enums(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input IS NULL THEN lakehouse.conformance_ask(lakehouse.conformance_form('user', 'Please select options',
        '{"untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
          "titledSingle": {"type": "string", "oneOf": [{"const": "value1", "title": "First Option"}, {"const": "value2", "title": "Second Option"},
                                                       {"const": "value3", "title": "Third Option"}]},
          "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
          "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
          "titledMulti": {"type": "array", "items": {"anyOf": [{"const": "value1", "title": "First Choice"}, {"const": "value2", "title": "Second Choice"},
                                                               {"const": "value3", "title": "Third Choice"}]}}}', '{}'))
    ELSE lakehouse.conformance_said('Elicitation completed', input #> '{inputResponses,user}') END;

CREATE FUNCTION lakehouse.conformance_name(key text, message text, field text) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN lakehouse.conformance_form(key, message, jsonb_build_object(field, '{"type": "string"}'::jsonb), ARRAY[field]);

CREATE FUNCTION lakehouse.test_input_required_result_elicitation(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input #>> '{inputResponses,user_name,content,name}' IS NULL
    THEN lakehouse.conformance_ask(lakehouse.conformance_name('user_name', 'What is your name?', 'name'))
    ELSE lakehouse.conformance_text(format('Hello, %s!', input #>> '{inputResponses,user_name,content,name}')) END;

CREATE FUNCTION lakehouse.test_streaming_elicitation(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.test_input_required_result_elicitation(arguments, input);

CREATE FUNCTION lakehouse.test_input_required_result_sampling(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input #> '{inputResponses,capital_question}' IS NULL
    THEN lakehouse.conformance_ask(lakehouse.conformance_sample('capital_question', 'What is the capital of France?', 100))
    ELSE lakehouse.conformance_text(input #>> '{inputResponses,capital_question,content,text}') END;

CREATE FUNCTION lakehouse.test_missing_capability(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.test_input_required_result_sampling(arguments, input);

CREATE FUNCTION lakehouse.conformance_roots() RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN '{"client_roots": {"method": "roots/list", "params": {}}}'::jsonb;

CREATE FUNCTION lakehouse.test_input_required_result_list_roots(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input #> '{inputResponses,client_roots}' IS NULL THEN lakehouse.conformance_ask(lakehouse.conformance_roots())
    ELSE lakehouse.conformance_text('Roots: ' || (input #>> '{inputResponses,client_roots,roots}')) END;

CREATE FUNCTION lakehouse.conformance_confirm() RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN lakehouse.conformance_form('confirm', 'Please confirm', '{"ok": {"type": "boolean"}}', '{ok}');

CREATE FUNCTION lakehouse.test_input_required_result_request_state(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input -> 'requestState' IS DISTINCT FROM '"asked"' THEN lakehouse.conformance_ask(lakehouse.conformance_confirm(), '"asked"')
    ELSE lakehouse.conformance_text('state-ok') END;

CREATE FUNCTION lakehouse.test_input_required_result_tampered_state(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.test_input_required_result_request_state(arguments, input);

CREATE FUNCTION lakehouse.test_input_required_result_capabilities(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.test_input_required_result_sampling(arguments, input);

CREATE FUNCTION lakehouse.test_input_required_result_multiple_inputs(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input #> '{inputResponses,user_name}' IS NULL OR input #> '{inputResponses,greeting}' IS NULL
                 OR input #> '{inputResponses,client_roots}' IS NULL
    THEN lakehouse.conformance_ask(lakehouse.conformance_name('user_name', 'What is your name?', 'name')
        || lakehouse.conformance_sample('greeting', 'Generate a greeting', 50) || lakehouse.conformance_roots(), '"three"')
    ELSE lakehouse.conformance_text('All inputs received') END;

CREATE FUNCTION lakehouse.test_input_required_result_multi_round(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE
    WHEN input #>> '{requestState,round}' = '2' AND input #> '{inputResponses,step2}' IS NOT NULL
        THEN lakehouse.conformance_text(format('%s likes %s', input #>> '{requestState,name}', input #>> '{inputResponses,step2,content,color}'))
    WHEN input #>> '{requestState,round}' = '1' AND input #> '{inputResponses,step1}' IS NOT NULL
        THEN lakehouse.conformance_ask(lakehouse.conformance_name('step2', 'Step 2: What is your favorite color?', 'color'),
            jsonb_build_object('round', 2, 'name', input #>> '{inputResponses,step1,content,name}'))
    ELSE lakehouse.conformance_ask(lakehouse.conformance_name('step1', 'Step 1: What is your name?', 'name'), '{"round": 1}') END;

-- The lists stay as they are; who listens hears that they may have changed.
CREATE FUNCTION lakehouse.conformance_announce(list text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('lakehouse_catalog', list);
    RETURN lakehouse.conformance_text('announced');
END
$$;
CREATE FUNCTION lakehouse.test_trigger_tool_change(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_announce('tools');
CREATE FUNCTION lakehouse.test_trigger_prompt_change(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_announce('prompts');

CREATE FUNCTION lakehouse.json_schema_2020_12_tool(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_text(arguments::text);
CREATE FUNCTION lakehouse.test_custom_headers(arguments jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_text(arguments::text);

INSERT INTO lakehouse.tools (name, title, description, scope, function, input_schema, read_only, destructive, idempotent, open_world)
SELECT f.proname, f.proname, 'Of the conformance suite', 'crm:read', 'lakehouse.' || f.proname, '{"type": "object"}', false, false, true, false
FROM pg_proc f WHERE f.pronamespace = 'lakehouse'::regnamespace AND f.proname ~ '^test_|^json_schema_2020' AND f.prorettype = 'jsonb'::regtype;
UPDATE lakehouse.tools SET input_schema = '{"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}'
WHERE name = 'test_sampling';
UPDATE lakehouse.tools SET input_schema = '{"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}'
WHERE name = 'test_elicitation';
UPDATE lakehouse.tools SET input_schema =
'{"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}, "count": {"type": "integer", "x-mcp-header": "Count"},
  "query": {"type": "string"}}}' WHERE name = 'test_custom_headers';
UPDATE lakehouse.tools SET input_schema =
'{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
  "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}, "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                 "phone": {"type": "string"}, "email": {"type": "string"}},
  "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
  "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]}, "then": {"required": ["phone"]},
  "else": {"required": ["email"]}, "additionalProperties": false}' WHERE name = 'json_schema_2020_12_tool';

CREATE FUNCTION lakehouse.conformance_prompt(variadic contents jsonb[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('messages', (SELECT jsonb_agg(jsonb_build_object('role', 'user', 'content', c)) FROM unnest(contents) c));
CREATE FUNCTION lakehouse.conformance_words(said text) RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN jsonb_build_object('type', 'text', 'text', said);

CREATE FUNCTION lakehouse.prompt_simple(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_prompt(lakehouse.conformance_words('This is a simple prompt for testing.'));
CREATE FUNCTION lakehouse.prompt_with_arguments(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_prompt(lakehouse.conformance_words(
    format('Prompt with arguments: arg1=''%s'', arg2=''%s''', arguments ->> 'arg1', arguments ->> 'arg2')));
CREATE FUNCTION lakehouse.prompt_with_resource(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_prompt(
    jsonb_build_object('type', 'resource', 'resource', jsonb_build_object('uri', arguments ->> 'resourceUri', 'mimeType', 'text/plain',
        'text', 'Embedded resource content for testing.')),
    lakehouse.conformance_words('Please process the embedded resource above.'));
CREATE FUNCTION lakehouse.prompt_with_image(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN lakehouse.conformance_prompt(lakehouse.conformance_pixel(), lakehouse.conformance_words('Please analyze the image above.'));
CREATE FUNCTION lakehouse.prompt_with_input(arguments jsonb, input jsonb) RETURNS jsonb LANGUAGE sql
RETURN CASE WHEN input #> '{inputResponses,user_context}' IS NULL
    THEN lakehouse.conformance_ask(lakehouse.conformance_name('user_context', 'What context should the prompt use?', 'context'))
    ELSE lakehouse.conformance_prompt(lakehouse.conformance_words('Use the context: ' || (input #>> '{inputResponses,user_context,content,context}'))) END;

INSERT INTO lakehouse.prompts (name, title, description, scope, arguments, function) VALUES
    ('test_simple_prompt', 'Simple', 'Of the conformance suite', 'crm:read', '[]', 'lakehouse.prompt_simple'),
    ('test_prompt_with_arguments', 'Arguments', 'Of the conformance suite', 'crm:read',
     '[{"name": "arg1", "description": "First", "required": true}, {"name": "arg2", "description": "Second", "required": true}]',
     'lakehouse.prompt_with_arguments'),
    ('test_prompt_with_embedded_resource', 'Resource', 'Of the conformance suite', 'crm:read',
     '[{"name": "resourceUri", "description": "URI of the resource", "required": true}]', 'lakehouse.prompt_with_resource'),
    ('test_prompt_with_image', 'Image', 'Of the conformance suite', 'crm:read', '[]', 'lakehouse.prompt_with_image'),
    ('test_input_required_result_prompt', 'Input', 'Of the conformance suite', 'crm:read', '[]', 'lakehouse.prompt_with_input');

CREATE FUNCTION lakehouse.resource_text(tenant text, uri text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_array(jsonb_build_object('uri', uri, 'mimeType', 'text/plain', 'text', 'This is the content of the static text resource.'));
CREATE FUNCTION lakehouse.resource_binary(tenant text, uri text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_array(jsonb_build_object('uri', uri, 'mimeType', 'image/png', 'blob', lakehouse.conformance_pixel() -> 'data'));
CREATE FUNCTION lakehouse.resource_template(tenant text, uri text) RETURNS jsonb LANGUAGE sql
RETURN jsonb_build_array(jsonb_build_object('uri', uri, 'mimeType', 'application/json', 'text', jsonb_build_object(
    'id', split_part(uri, '/', 4), 'templateTest', true, 'data', 'Data for ID: ' || split_part(uri, '/', 4))::text));

INSERT INTO lakehouse.resources (uri, name, title, description, mime_type, scope, function) VALUES
    ('test://static-text', 'static-text', 'Text', 'Of the conformance suite', 'text/plain', 'crm:read', 'lakehouse.resource_text'),
    ('test://static-binary', 'static-binary', 'Binary', 'Of the conformance suite', 'image/png', 'crm:read', 'lakehouse.resource_binary'),
    ('test://watched-resource', 'watched-resource', 'Watched', 'Of the conformance suite', 'text/plain', 'crm:read', 'lakehouse.resource_text'),
    ('test://template/{id}/data', 'template', 'Template', 'Of the conformance suite', 'application/json', 'crm:read', 'lakehouse.resource_template');

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT f.oid FROM pg_proc f WHERE f.pronamespace = 'lakehouse'::regnamespace
                AND f.proname ~ '^(test|conformance|prompt|resource|json_schema)_' LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO lakehouse_user', made);
    END LOOP;
END
$$;
