-- SPDX-License-Identifier: PostgreSQL
-- What the MCP server keeps between two requests of a client of the legacy era (before 2026-07-28): its handshake, and
-- messages that one worker received and another waits for. Unlogged: after a crash of the server clients shake hands anew.

CREATE UNLOGGED TABLE lakehouse.mcp_sessions (
    id_hash bytea PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    client_id text NOT NULL,
    protocol_version text NOT NULL,
    capabilities jsonb NOT NULL,
    log_level text NOT NULL DEFAULT '',
    subscriptions text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mcp_sessions_used_idx ON lakehouse.mcp_sessions (used_at);
COMMENT ON TABLE lakehouse.mcp_sessions IS 'MCP sessions of clients that begin with a handshake; good for their own user and client alone';
COMMENT ON COLUMN lakehouse.mcp_sessions.id_hash IS 'SHA-256 of the session''s id';
COMMENT ON COLUMN lakehouse.mcp_sessions.tenant_id IS 'The user''s tenant';
COMMENT ON COLUMN lakehouse.mcp_sessions.user_id IS 'The user, of <tenant>.users';
COMMENT ON COLUMN lakehouse.mcp_sessions.client_id IS 'The OAuth client';
COMMENT ON COLUMN lakehouse.mcp_sessions.protocol_version IS 'Revision of MCP that was agreed on';
COMMENT ON COLUMN lakehouse.mcp_sessions.capabilities IS 'What the client said it can do';
COMMENT ON COLUMN lakehouse.mcp_sessions.log_level IS 'Least severe log message it wants; empty: none';
COMMENT ON COLUMN lakehouse.mcp_sessions.subscriptions IS 'Resources whose changes it wants to know';
COMMENT ON COLUMN lakehouse.mcp_sessions.created_at IS 'When it began';
COMMENT ON COLUMN lakehouse.mcp_sessions.used_at IS 'When it was last used, to the minute; a day later it ends';
REVOKE ALL ON lakehouse.mcp_sessions FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON lakehouse.mcp_sessions TO lakehouse_worker;

CREATE UNLOGGED TABLE lakehouse.mcp_messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_hash bytea NOT NULL REFERENCES lakehouse.mcp_sessions ON DELETE CASCADE,
    message jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mcp_messages_session_idx ON lakehouse.mcp_messages (session_hash);
COMMENT ON TABLE lakehouse.mcp_messages IS 'What a client sent to one worker and another waits for: cancellations and answers';
COMMENT ON COLUMN lakehouse.mcp_messages.id IS 'Order';
COMMENT ON COLUMN lakehouse.mcp_messages.session_hash IS 'The session';
COMMENT ON COLUMN lakehouse.mcp_messages.message IS 'The message';
COMMENT ON COLUMN lakehouse.mcp_messages.created_at IS 'When it came; after a minute nobody waits for it';
REVOKE ALL ON lakehouse.mcp_messages FROM PUBLIC;
GRANT SELECT, INSERT, DELETE ON lakehouse.mcp_messages TO lakehouse_worker;

-- Progress and log messages of a tool that takes its time: the worker passes them on to the client, others see an INFO.
CREATE FUNCTION lakehouse.report_progress(progress float8, total float8 DEFAULT NULL, message text DEFAULT '')
RETURNS void LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE INFO USING ERRCODE = 'LHPRG', MESSAGE = coalesce(message, ''),
        DETAIL = json_build_object('progress', progress, 'total', total)::text;
END
$$;
COMMENT ON FUNCTION lakehouse.report_progress(float8, float8, text) IS
'Tells the client of a tool how far it is. progress: grows with each call; total: what it grows to, NULL if that is unknown; message: for people. SQLSTATE of the INFO: LHPRG.';

CREATE FUNCTION lakehouse.report_log(level text, data jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF level NOT IN ('debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency') THEN
        RAISE EXCEPTION 'log level "%" does not exist', level
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Levels are those of RFC 5424: debug, info, notice, warning, error, critical, alert, emergency.';
    END IF;
    RAISE INFO USING ERRCODE = 'LHLOG', MESSAGE = level, DETAIL = data::text;
END
$$;
COMMENT ON FUNCTION lakehouse.report_log(text, jsonb) IS
'Sends a log message to the client of a tool, if it wants messages of this level. SQLSTATE of the INFO: LHLOG.';

-- Clients that listen learn that a list has changed and ask again; what changed is not said here.
CREATE FUNCTION lakehouse.announce_catalog()
RETURNS trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('lakehouse_catalog', TG_ARGV[0]);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lakehouse.announce_catalog() IS
'Trigger: tells the workers which list has changed: tools, prompts or resources; or which resource of which tenant.';

REVOKE ALL ON FUNCTION
    lakehouse.report_progress(float8, float8, text),
    lakehouse.report_log(text, jsonb),
    lakehouse.announce_catalog()
FROM PUBLIC;
-- Tools run as their callers.
GRANT EXECUTE ON FUNCTION lakehouse.report_progress(float8, float8, text), lakehouse.report_log(text, jsonb) TO lakehouse_user;

CREATE TRIGGER announce_tools AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON lakehouse.tools
    FOR EACH STATEMENT EXECUTE FUNCTION lakehouse.announce_catalog('tools');
CREATE TRIGGER announce_prompts AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON lakehouse.prompts
    FOR EACH STATEMENT EXECUTE FUNCTION lakehouse.announce_catalog('prompts');
CREATE TRIGGER announce_resources AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON lakehouse.resources
    FOR EACH STATEMENT EXECUTE FUNCTION lakehouse.announce_catalog('resources');
-- An exposed table has tools of its own.
CREATE TRIGGER announce_table_tools AFTER INSERT OR UPDATE OR DELETE ON lakehouse.data_sources
    FOR EACH ROW EXECUTE FUNCTION lakehouse.announce_catalog('tools');

-- Those tools are named after their table, and a new version of the extension may write all of them differently.
CREATE FUNCTION lakehouse.announce_renamed_tables()
RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() c
               WHERE c.object_type IN ('foreign table', 'schema', 'extension')) THEN
        PERFORM pg_notify('lakehouse_catalog', 'tools');
    END IF;
END
$$;
COMMENT ON FUNCTION lakehouse.announce_renamed_tables() IS
'Tells the workers that tools may have changed with the name of a foreign table, a schema, or the extension''s version.';
REVOKE ALL ON FUNCTION lakehouse.announce_renamed_tables() FROM PUBLIC;
CREATE EVENT TRIGGER lakehouse_announce_renamed_tables ON ddl_command_end
    WHEN TAG IN ('ALTER FOREIGN TABLE', 'ALTER TABLE', 'ALTER SCHEMA', 'ALTER EXTENSION')
    EXECUTE FUNCTION lakehouse.announce_renamed_tables();
COMMENT ON EVENT TRIGGER lakehouse_announce_renamed_tables IS 'The tools of an exposed table are named after it';

CREATE FUNCTION lakehouse.create_announcements(tenant_id uuid, slug text)
RETURNS void LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['pipelines', 'pipeline_stages'] LOOP
        EXECUTE format('CREATE TRIGGER announce_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION lakehouse.announce_catalog(%L)',
                       slug, table_name, format('resource %s crm://pipelines', tenant_id));
    END LOOP;
END
$$;
COMMENT ON FUNCTION lakehouse.create_announcements(uuid, text) IS
'Part of create_tenant: clients that subscribed to crm://pipelines hear of its changes.';
REVOKE ALL ON FUNCTION lakehouse.create_announcements(uuid, text) FROM PUBLIC;

CREATE FUNCTION lakehouse.is_live_token(token_id bigint)
RETURNS boolean LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM lakehouse.oauth_access_tokens t
        JOIN lakehouse.oauth_grants g ON g.id = t.grant_id
        JOIN lakehouse.oauth_clients c ON c.client_id = g.client_id
        WHERE t.id = is_live_token.token_id AND t.expires_at > now()
              AND t.revoked_at IS NULL AND g.revoked_at IS NULL AND c.revoked_at IS NULL);
END
$$;
COMMENT ON FUNCTION lakehouse.is_live_token(bigint) IS
'For the worker: whether what was begun with this access token may go on. Whether its user is still active is asked at the next request.';
REVOKE ALL ON FUNCTION lakehouse.is_live_token(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lakehouse.is_live_token(bigint) TO lakehouse_worker;
